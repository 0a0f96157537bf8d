/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Starting a command, and holding processes for the moment in which their probes are placed.
 *
 * Exactness from the first instruction needs a hold: a new program must not run before its
 * allocator has probes, and the allocator is known only when the dynamic linker has mapped it. The
 * hold is ptrace (PTRACE_SEIZE): the kernel ends it by itself when the tracer dies, nothing is
 * written into the process, and nothing but its start, its forks and its execs is stopped. The main
 * thread only: ptrace belongs to a thread.
 */
#ifndef USER_LAUNCH_H
#define USER_LAUNCH_H

#include <stdbool.h>
#include <sys/types.h>
#include "tracker.h"

struct launch;

struct launch *launch_new(struct tracker *tracker, bool follow);
/* Whoever is still held or watched goes on by itself. */
void launch_free(struct launch *l);

/*
 * Starts argv as `user` (NULL: the invoking user under sudo) and holds it at its exec. Returns 0,
 * or -errno after a message.
 */
int launch_command(struct launch *l, char *const *argv, const char *user);
/* Lets the command run on from its exec, with probes placed as its libraries are mapped. */
void launch_go(struct launch *l);
/* -f: watches all threads of a running process, so that its children are held. False: cannot
 * (said). */
bool launch_watch(struct launch *l, pid_t pid);
/* Handles all that wait() has, without waiting. Call after SIGCHLD. */
void launch_handle(struct launch *l);
pid_t launch_pid(const struct launch *l);
/* One line on stderr: how the command has ended, or that it runs on. */
void launch_say_status(const struct launch *l, const struct tracked *command);

#endif /* USER_LAUNCH_H */
