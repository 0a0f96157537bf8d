/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The processes that are traced from the start. The main thread only. */
#ifndef USER_BEGIN_TARGETS_H
#define USER_BEGIN_TARGETS_H

#include <stdbool.h>
#include "launch.h"
#include "options.h"
#include "tracker.h"

/* Attaches to all that the options name, or starts the command and holds it before its first instruction. False after a message. */
bool begin_targets(const struct options *options, struct tracker *tracker, struct launch *launch);

#endif /* USER_BEGIN_TARGETS_H */
