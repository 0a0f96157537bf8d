/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is the program of a process a debugger? Any thread. */
#ifndef TARGET_DEBUGGER_H
#define TARGET_DEBUGGER_H

#include <stdbool.h>
#include <sys/types.h>

/* Its executable calls ptrace(): whoever holds its children keeps it from doing so. */
bool debugger_is(pid_t pid);

#endif /* TARGET_DEBUGGER_H */
