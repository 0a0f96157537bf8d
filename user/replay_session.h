/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tracer -r: the loop around the player. */
#ifndef USER_REPLAY_SESSION_H
#define USER_REPLAY_SESSION_H

#include "options.h"

/* Exit status. */
int replay_session_run(const struct options *options);

#endif /* USER_REPLAY_SESSION_H */
