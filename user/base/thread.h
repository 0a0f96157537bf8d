/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What all threads beside the main one have in common. Any thread. */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>

/* Signals are the main thread's: all are blocked in this one. Without SIGPIPE a reader that has gone is an error of write(). 0 or an errno. */
int thread_start(pthread_t *thread, void *(*run)(void *argument), void *argument);

/* Its timed waits are by clock_monotonic_ns(). pthread_cond_destroy() ends it. */
void thread_init_condition(pthread_cond_t *condition);

#endif /* BASE_THREAD_H */
