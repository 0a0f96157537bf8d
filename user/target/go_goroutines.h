/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The goroutines of a Go program by reading memory alone: how many there are of each origin (the go statement that started them and the
 * function that it names), what they wait for, and for how long they have been there. One thread at a time.
 *
 * A reading looks at a bounded number of them. Where there are more, each reading looks at the new ones and at a part of the others,
 * one part after the other: then a figure is up to `round_ns` old. Goroutines that live shorter than it takes are not seen, and
 * of those that were there before the first reading it is not known how old they are.
 */
#ifndef TARGET_GO_GOROUTINES_H
#define TARGET_GO_GOROUTINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct go_process;
struct go_watch;

/* With its end; longer ones are cut. */
#define GO_REASON_MAX 32
/* The largest of each, in one reading. */
#define GO_ORIGINS_MAX 256u
#define GO_GROUPS_MAX  1024u

struct go_origin {
	uint64_t creator;     /* return address of the go statement; 0: none of the program's */
	uint64_t start;	      /* first instruction of its function */
	uint64_t count;	      /* goroutines that there are */
	uint64_t elders;      /* of them, those that were seen that long ago */
	uint64_t begun;	      /* since the first reading, with those that were there */
	uint64_t lives_ns;    /* sum, of those that have ended */
	uint64_t elder_ends;  /* those that have ended as elders, since the first reading */
	uint64_t outlived_ns; /* sum over all of what each is older than any that has ended */
};

/* Those of an origin that do the same. */
struct go_group {
	uint32_t origin; /* index */
	uint64_t count;
	uint64_t
		waiting_since_ns; /* CLOCK_MONOTONIC, of the longest; the collector notes it; 0: not known */
	char reason[GO_REASON_MAX]; /* Go's own words: "chan receive", "running" */
};

struct go_goroutines {
	bool known;
	bool whole;	    /* each has been looked at */
	uint64_t looked_at; /* in this reading, those that have ended included */
	uint64_t round_ns;  /* how long ago it may be that one was looked at; 0: all are of now */
	uint64_t
		left_out; /* goroutines of origins and groups that have no room, or were not looked at */
	uint64_t largest;	   /* how many are in the largest group */
	uint64_t all_groups;	   /* with those that have no room */
	struct go_origin *origins; /* most goroutines first */
	struct go_group *groups;   /* in the order of origins, then most goroutines first */
	uint32_t origin_count, group_count;
};

void go_goroutines_done(struct go_goroutines *g);

/* What is known of the goroutines of one process from one reading to the next. Never NULL. */
struct go_watch *go_watch_new(void);
void go_watch_free(struct go_watch *w);
/*
 * One reading, without the runtime's own goroutines; overwrites *out. now_ns is CLOCK_MONOTONIC, later than the one before; who is
 * older than elder_ns is an elder. 0 or -errno (then *out is empty).
 */
int go_read_goroutines(const struct go_process *go, struct go_watch *w, uint64_t now_ns,
		       uint64_t elder_ns, struct go_goroutines *out);

#endif /* TARGET_GO_GOROUTINES_H */
