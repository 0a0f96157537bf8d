/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs the command of --on-alert. A small process, forked before the tracer has grown, starts the commands and waits for
 * them, so that the tracer itself never forks, waits or blocks for one.
 */
#ifndef USER_ALERT_RUNNER_H
#define USER_ALERT_RUNNER_H

#include <stdbool.h>
#include "base/buffer.h"

struct alert_runner;

/* Before there are other threads. NULL after a message. `command` is borrowed. */
struct alert_runner *alert_runner_start(const char *command);
/*
 * Runs it once, with these variables ("NAME=VALUE", each with a NUL behind it) beside those of the tracer; `quiet`: the
 * terminal is the screen's, and its output goes nowhere. False: it is not run, because too many still run (said).
 */
bool alert_runner_run(struct alert_runner *r, const struct buffer *variables, bool quiet);
/* Says how commands ended since the last call, if they failed. */
void alert_runner_collect(struct alert_runner *r);
/* Waits a moment for commands that still run, and leaves them alone then. NULL is fine. */
void alert_runner_stop(struct alert_runner *r);

#endif /* USER_ALERT_RUNNER_H */
