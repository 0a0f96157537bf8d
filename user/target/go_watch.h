/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What go_goroutines.c (memory) and go_origins.c (counts) share. */
#ifndef TARGET_GO_WATCH_H
#define TARGET_GO_WATCH_H

#include "go_goroutines.h"
#include "go_private.h"

/* Times are kept in these, of 67 ms, so that a goroutine takes 16 bytes. */
#define GO_TICK_SHIFT 26

/* A place in runtime.allgs: it stays one goroutine's until that ends, and is another's then. */
struct go_slot {
	uint32_t goid; /* its lower half */
	uint32_t group;
	uint32_t seen;	/* tick of the reading that saw it first */
	uint32_t since; /* tick from which on it waits; 0: it does not, or not known */
};

/* Groups that are none of an origin. */
enum { GO_GROUP_NONE, GO_GROUP_SYSTEM, GO_GROUP_LEFT_OUT, GO_GROUP_FIRST };

struct go_origin_entry {
	struct go_origin o;
	uint32_t next;	  /* of the same hash; 0: none */
	uint32_t groups;  /* the first of its groups; 0: none */
	uint32_t longest; /* ticks: the longest life of those that have ended */
};

struct go_group_entry {
	uint32_t origin, next;
	uint8_t state, reason;
	uint32_t since;
	uint64_t count;
};

#define GO_ORIGIN_HASH 4096u

struct go_watch {
	struct go_slot *slots;
	uint32_t capacity;
	uint32_t known;	 /* of the slots, those that were looked at: from the first on */
	uint32_t cursor; /* where the next part of them begins */
	bool whole;
	uint64_t read_ns, round_begun_ns, round_ns;
	/* [0] of both is none; groups from GO_GROUP_FIRST on */
	struct go_origin_entry *origins;
	struct go_group_entry *groups;
	uint32_t origin_count, group_count;
	uint32_t heads[GO_ORIGIN_HASH];
	char reasons[256][GO_REASON_MAX]; /* by the runtime's number; "": none, or not needed yet */
	uint8_t *batch;
};

/* What a goroutine is now. */
struct go_seen {
	uint32_t status, reason;
	uint64_t goid, creator, start, since_ns;
};

/* The slot's goroutine is this one now, or has ended. */
void go_origins_see(struct go_watch *w, const struct go_runtime *r, struct go_slot *slot,
		    const struct go_seen *g, uint64_t now_ns, uint64_t elder_ns);
/* Counts all slots, and says what there is. `total` are in runtime.allgs. */
void go_origins_count(struct go_watch *w, uint64_t now_ns, uint64_t elder_ns, uint64_t total,
		      struct go_goroutines *out);

/* go_read_goroutines() of a runtime. */
int go_watch_read(struct go_watch *w, const struct go_runtime *r, uint64_t now_ns,
		  uint64_t elder_ns, struct go_goroutines *out);

#endif /* TARGET_GO_WATCH_H */
