/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading mapped files that somebody else may truncate. Between guard_begin() and guard_end() a page
 * that is gone reads as zeros in this thread, where it would end the program by SIGBUS.
 */
#ifndef BASE_GUARD_H
#define BASE_GUARD_H

#include <signal.h>
#include <stdbool.h>

/* Once, before other handlers of SIGBUS are installed; those call guard_recover(). */
void guard_install(void);
/* Not nested. */
void guard_begin(void);
/* True when something was missing since guard_begin(): what was read is not to be believed. */
bool guard_end(void);
/* The same in between: a reason to stop early. */
bool guard_failed(void);
/* For handlers of SIGBUS: true when the access can be tried again. Async-signal-safe. */
bool guard_recover(const siginfo_t *info);

#endif /* BASE_GUARD_H */
