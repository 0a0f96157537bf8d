/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Probes that go while everything else goes on: their descriptors are closed by a thread, which by perf events takes seconds. */
#ifndef USER_CLOSING_H
#define USER_CLOSING_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include "probe/detach.h"

/* Zeros: nothing is closing. */
struct closing {
	struct detach detach; /* filled in before; the lists are freed at the end */
	bool running, done;
	uint64_t begun_ns; /* 0: nothing is closing */
	pthread_t thread;
};

void closing_begin(struct closing *c);
/* It is under way, and not all are closed. */
bool closing_is_busy(const struct closing *c);
/* Waits until all are closed; nothing is closing then. */
void closing_end(struct closing *c);

#endif /* USER_CLOSING_H */
