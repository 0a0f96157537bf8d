/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why a process cannot be traced, in words, each with what to do about it. Any thread. */
#ifndef USER_REFUSAL_H
#define USER_REFUSAL_H

#include <stdbool.h>
#include <sys/types.h>

/* One line; comm may be "". Always false. */
bool refusal_say(pid_t pid, const char *comm, const char *why);
/* From the -errno of discover_process() or of an attachment. */
bool refusal_say_errno(pid_t pid, const char *comm, int err);
/* The same, with the name that the process has now. */
void refusal_of(pid_t pid, int err);
/* Checks that the process can be traced at all. False after a message. */
bool refusal_check(pid_t pid);

#endif /* USER_REFUSAL_H */
