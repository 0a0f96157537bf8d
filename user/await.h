/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Waiting for names and readers while signals, held children and notices go on. The main thread only. */
#ifndef USER_AWAIT_H
#define USER_AWAIT_H

#include <stdbool.h>
#include <stdint.h>

struct launch;
struct outputs;
struct tracker;

struct await {
	struct tracker *tracker;
	struct launch *launch;
	int signal_fd;
};

/* Until nothing is pending, until_ns, or SIGINT or SIGTERM: false then. */
bool await_names(const struct await *a, uint64_t until_ns);
/* One line for each reason for which names are missing in what is written last. */
void await_say_missing(const struct await *a, bool interrupted);
/* outputs_finish(), until SIGINT or SIGTERM. */
void await_readers(const struct await *a, struct outputs *o);

#endif /* USER_AWAIT_H */
