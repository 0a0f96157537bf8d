/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Signals are read from a descriptor, so that no handler runs anywhere. */
#ifndef USER_SIGNALS_H
#define USER_SIGNALS_H

#include <stdbool.h>

/* Blocks those that the main loop handles; `screen`: also those that stop a job. -1 on failure. */
int signals_open(bool screen);

#endif /* USER_SIGNALS_H */
