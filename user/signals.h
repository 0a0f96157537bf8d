/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Signals are read from a descriptor, so that no handler runs anywhere. */
#ifndef USER_SIGNALS_H
#define USER_SIGNALS_H

/* Blocks those that the main loop handles. -1 on failure. */
int signals_open(void);

#endif /* USER_SIGNALS_H */
