/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One run of the tracer: owns everything, from the first check to the summary. */
#ifndef USER_SESSION_H
#define USER_SESSION_H

#include "options.h"

/* Exit status of the program: 0 done, 1 failure (said). */
int session_run(const struct options *options);
#endif /* USER_SESSION_H */
