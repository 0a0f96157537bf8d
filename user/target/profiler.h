/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Does the allocator of a process keep a heap profile itself? All that its options may come from is
 * asked: the environment, at the start and as it is now, variables of the program, a link in /etc.
 * One thread at a time.
 */
#ifndef TARGET_PROFILER_H
#define TARGET_PROFILER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Of a process whose allocator can do so. True also when nothing tells. */
bool profiler_may_run(pid_t pid);

enum profiler_told { PROFILER_OFF, PROFILER_ON, PROFILER_NOT_TOLD };
/* Pure, from the text of /proc/PID/environ. Not told: something else is written there. */
enum profiler_told profiler_by_environment(const char *text, size_t size);
/* Pure, from options as jemalloc has them: `name:value,...`. */
bool profiler_by_options(const char *text, size_t size);

#endif /* TARGET_PROFILER_H */
