/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Alerts of a run: figures of each snapshot against the rules of --alert, a line for each firing, and the command of
 * --on-alert. The main thread only.
 */
#ifndef USER_WATCH_H
#define USER_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "analyse/alerts.h"
#include "analyse/snapshot.h"
#include "options.h"

/* Exit status of a run in which a rule fired. */
#define EXIT_ALERT 3

struct watch;

struct watch_firing {
	const struct alert_rule *rule;
	uint64_t realtime_ns;
	double value;
	uint32_t pid; /* 0: of no process in particular */
	char comm[16];
};

/* Before there are other threads. NULL after a message. The options are borrowed. */
struct watch *watch_open(const struct options *o);
/* Waits a moment for commands, and runs no more. */
void watch_finish(struct watch *w);
/* NULL is fine. */
void watch_close(struct watch *w);

/* Are there rules, and was the last look at them some time before `since_ns`? */
bool watch_due(const struct watch *w, uint64_t since_ns);
/*
 * Looks at a snapshot. `screen`: commands may not write to the terminal. Returns how many rules fired just now; their lines
 * are written.
 */
size_t watch_look(struct watch *w, const struct snapshot *s, bool screen);

/* The newest firings, oldest first, at most WATCH_FIRINGS; borrowed until the next look. */
#define WATCH_FIRINGS 32
size_t watch_firings(const struct watch *w, const struct watch_firing **firings);
/* "outstanding>500M: redis-server (1234) has 612M"; returns out. */
const char *watch_firing_text(const struct watch_firing *f, char *out, size_t size);
/* Rules that this process (its index in the heap) is over now, one bit each; 0: of the run as a whole. */
uint64_t watch_over(const struct watch *w, uint32_t index);
/* Did any rule fire since the beginning? */
bool watch_fired(const struct watch *w);

#endif /* USER_WATCH_H */
