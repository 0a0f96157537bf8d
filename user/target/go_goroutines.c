/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Readings of runtime.allgs, the list of all goroutines that there have been at once: a place in it is used again when its goroutine has
 * ended, and none is ever given back. So what is known of each place is kept, and a place need not be looked at each time.
 *
 * A structure g is about 400 bytes, made 20 at a time: neighbours in the list are neighbours in memory, mostly, and are read in one
 * piece. The list moves when it grows: its place is read anew for each batch. Everything read may be anything; what makes no sense is as if
 * it had not been looked at.
 */
#include "go_goroutines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "../base/array.h"
#include "../base/clock.h"
#include "../base/xalloc.h"
#include "go_watch.h"
#include "link_map.h"

/* The first so many places of the list; 16 bytes each. */
#define SLOTS_MAX (1u << 20)
/* Places looked at in one reading, and in a second. */
#define READING_MOST  65536u
#define READING_LEAST 4096u
#define PER_SECOND    131072u
#define BATCH	      512u
/* From one to the next, where they are read in one piece. */
#define STEP_MAX	1024u
#define MEMBERS_MAX	512u
#define PROCESSORS_MAX	1024
#define UNREADABLE_MOST 64

/* ---- how many ---- */

static int32_t number_at(const struct go_runtime *r, uint64_t address, bool *good)
{
	int32_t v = 0;

	if (!link_map_read_memory(r->memory, address, &v, sizeof(v)))
		*good = false;
	return v;
}

/*
 * runtime.schedt has for free goroutines a lock and two lists, those with a stack and those without. How many they are stands behind
 * the lists, or, from Go 1.25 on, in each of them.
 */
static int32_t free_of_all(const struct go_runtime *r, bool *good)
{
	uint64_t lists = r->at[GO_SYMBOL_SCHED] + (uint64_t)r->layout->at[GO_SCHED_FREE] + 8;
	int32_t size = r->layout->at[GO_LIST_SIZE];

	if (size < 0)
		return number_at(r, lists + 16, good);
	return number_at(r, lists + (uint64_t)size, good) +
	       number_at(r, lists + 16 + (uint64_t)size, good);
}

/* A processor has one list, and behind it or in it how many they are. */
static int32_t free_of_processor(const struct go_runtime *r, uint64_t processor, bool *good)
{
	int32_t size = r->layout->at[GO_LIST_SIZE];

	return number_at(
		r, processor + (uint64_t)r->layout->at[GO_P_FREE] + (size < 0 ? 8 : (uint64_t)size),
		good);
}

/* gcount() of runtime/proc.go. */
int go_goroutines_count(const struct go_runtime *r, uint64_t *count)
{
	uint64_t all[2], slice[2], processors[PROCESSORS_MAX], sched = r->at[GO_SYMBOL_SCHED];
	bool good = true;
	int64_t n;
	size_t i;

	*count = 0;
	if (!go_slice_read(r, GO_SYMBOL_ALLGS, INT32_MAX, all) ||
	    !go_slice_read(r, GO_SYMBOL_ALLP, PROCESSORS_MAX, slice) ||
	    !link_map_read_memory(r->memory, slice[0], processors, slice[1] * 8))
		return -EBADMSG;
	n = (int64_t)all[1] - free_of_all(r, &good) -
	    number_at(r, sched + (uint64_t)r->layout->at[GO_NGSYS], &good);
	for (i = 0; i < slice[1]; i++)
		n -= free_of_processor(r, processors[i], &good);
	*count = n > 1 ? (uint64_t)n : 1;
	return good ? 0 : -EBADMSG;
}

/* ---- batches ---- */

struct reading {
	struct go_watch *w;
	const struct go_runtime *r;
	uint64_t now_ns, elder_ns;
	uint64_t first, bytes; /* of the members of a g that are read */
	uint64_t round_ns;
	uint64_t total, looked;	 /* places that there are; that were looked at */
	unsigned int unreadable; /* pieces */
};

/* Neighbours, in one piece. */
struct piece {
	uint32_t from, count;
};

static uint64_t member(const struct reading *x, const uint8_t *g, enum go_member m, size_t size)
{
	uint64_t v = 0;

	memcpy(&v, g + ((uint64_t)x->r->layout->at[m] - x->first), size);
	return v;
}

static void see(struct reading *x, uint32_t slot, const uint8_t *g)
{
	struct go_seen seen = {
		.status = (uint32_t)member(x, g, GO_G_STATUS, 4),
		.reason = (uint32_t)member(x, g, GO_G_WAIT_REASON, 1),
		.goid = member(x, g, GO_G_GOID, 8),
		.creator = member(x, g, GO_G_GOPC, 8),
		.start = member(x, g, GO_G_STARTPC, 8),
		.since_ns = member(x, g, GO_G_WAIT_SINCE, 8),
	};

	go_origins_see(x->w, x->r, &x->w->slots[slot], &seen, x->now_ns, x->elder_ns);
}

static uint32_t make_pieces(const uint64_t *g, uint32_t count, struct piece *pieces)
{
	uint32_t n = 0, i;

	for (i = 0; i < count; i++) {
		if (i && g[i] > g[i - 1] && g[i] - g[i - 1] <= STEP_MAX)
			pieces[n - 1].count++;
		else
			pieces[n++] = (struct piece){i, 1};
	}
	return n;
}

/* Of the process as it is now: who reads the list by the descriptor afterwards sees when that is another program. */
static uint32_t read_pieces(struct reading *x, const uint64_t *g, const struct piece *pieces,
			    uint32_t count)
{
	struct iovec local[BATCH], remote[BATCH];
	uint8_t *at = x->w->batch;
	ssize_t n;
	uint32_t i;

	for (i = 0; i < count; i++) {
		uint64_t from = g[pieces[i].from], to = from;

		to = g[pieces[i].from + pieces[i].count - 1];
		local[i] = (struct iovec){at, to - from + x->bytes};
		remote[i] = (struct iovec){(void *)(uintptr_t)(from + x->first), local[i].iov_len};
		at += local[i].iov_len;
	}
	n = process_vm_readv(x->r->pid, local, count, remote, count, 0);
	for (i = 0; i < count && n >= (ssize_t)local[i].iov_len; i++)
		n -= (ssize_t)local[i].iov_len;
	return i;
}

static void see_pieces(struct reading *x, uint32_t slot, const uint64_t *g,
		       const struct piece *pieces, uint32_t count)
{
	const uint8_t *at = x->w->batch;
	uint32_t i, k;

	for (i = 0; i < count; i++) {
		const struct piece *p = &pieces[i];

		for (k = p->from; k < p->from + p->count; k++)
			see(x, slot + k, at + (g[k] - g[p->from]));
		at += g[p->from + p->count - 1] - g[p->from] + x->bytes;
	}
}

/* So many places from this one on, at most BATCH. */
static int look_at_batch(struct reading *x, uint32_t slot, uint32_t count)
{
	uint64_t slice[2], g[BATCH];
	struct piece pieces[BATCH];
	uint32_t done = 0, n;

	if (!go_slice_read(x->r, GO_SYMBOL_ALLGS, INT32_MAX, slice) || slice[1] < slot + count ||
	    !link_map_read_memory(x->r->memory, slice[0] + slot * 8ull, g, count * 8ull))
		return -EBADMSG;
	n = make_pieces(g, count, pieces);
	while (done < n) {
		uint32_t read = read_pieces(x, g, pieces + done, n - done);

		see_pieces(x, slot, g, pieces + done, read);
		done += read;
		if (done < n && ++x->unreadable > UNREADABLE_MOST)
			return -EBADMSG;
		done += done < n;
	}
	x->looked += count;
	return 0;
}

static int look_at(struct reading *x, uint32_t slot, uint32_t end)
{
	int err = 0;

	for (; slot < end && !err; slot += BATCH)
		err = look_at_batch(x, slot, end - slot < BATCH ? end - slot : BATCH);
	return err;
}

/* ---- a reading ---- */

static uint32_t smaller(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* How many places may be looked at, so that it takes a small part of the time. */
static uint32_t allowance(const struct go_watch *w, uint64_t now_ns)
{
	double seconds = (double)(now_ns - w->read_ns) / NS_PER_S;

	if (!w->read_ns || seconds > 1)
		return READING_MOST;
	return smaller(READING_MOST, READING_LEAST + (uint32_t)(seconds * PER_SECOND));
}

/* New places first, since there the new goroutines are. */
static int look_at_new(struct reading *x, uint32_t most)
{
	struct go_watch *w = x->w;
	uint32_t end = smaller((uint32_t)x->total, SLOTS_MAX), from = w->known;
	struct go_slot *slots;
	int err;

	end = smaller(end, from + most);
	if (from >= end)
		return 0;
	slots = array_reserve(w->slots, &w->capacity, end, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	w->slots = slots;
	err = look_at(x, from, end);
	if (!err)
		w->known = end;
	return err;
}

static int look_at_others(struct reading *x, uint32_t old, uint32_t most)
{
	struct go_watch *w = x->w;
	uint32_t left = smaller(old, most);
	int err = 0;

	while (left && !err) {
		uint32_t part = smaller(left, old - w->cursor);

		err = look_at(x, w->cursor, w->cursor + part);
		left -= part;
		w->cursor += part;
		if (w->cursor < old)
			continue;
		w->cursor = 0;
		w->round_ns = x->now_ns - w->round_begun_ns;
		w->round_begun_ns = x->now_ns;
	}
	return err;
}

static int look(struct reading *x)
{
	struct go_watch *w = x->w;
	uint32_t most = allowance(w, x->now_ns), old = w->known;
	int err = look_at_new(x, most);

	if (!err)
		err = look_at_others(x, old, most - smaller(most, w->known - old));
	if (x->looked >= w->known)
		w->round_ns = w->cursor = 0;
	if (x->looked >= w->known || !w->round_begun_ns)
		w->round_begun_ns = x->now_ns;
	x->round_ns = x->now_ns - w->round_begun_ns;
	if (w->round_ns > x->round_ns)
		x->round_ns = w->round_ns;
	w->whole |= w->known >= smaller((uint32_t)x->total, SLOTS_MAX);
	return err;
}

static bool find_members(struct reading *x)
{
	static const enum go_member members[] = {GO_G_STATUS, GO_G_WAIT_REASON, GO_G_GOID,
						 GO_G_GOPC,   GO_G_STARTPC,	GO_G_WAIT_SINCE};
	int32_t low = INT32_MAX, high = 0;
	size_t i;

	for (i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		int32_t at = x->r->layout->at[members[i]];

		low = at < low ? at : low;
		high = at > high ? at : high;
	}
	x->first = (uint64_t)low;
	x->bytes = (uint64_t)(high - low) + 8;
	return low >= 0 && x->bytes <= MEMBERS_MAX;
}

int go_watch_read(struct go_watch *w, const struct go_runtime *r, uint64_t now_ns,
		  uint64_t elder_ns, struct go_goroutines *out)
{
	struct reading x = {.w = w, .r = r, .now_ns = now_ns, .elder_ns = elder_ns};
	uint64_t slice[2];
	int err;

	*out = (struct go_goroutines){0};
	if (!find_members(&x) || !go_slice_read(r, GO_SYMBOL_ALLGS, INT32_MAX, slice))
		return -EBADMSG;
	if (!w->batch)
		w->batch = xcalloc(BATCH, STEP_MAX + MEMBERS_MAX);
	x.total = slice[1];
	err = look(&x);
	if (!err && !go_slice_read(r, GO_SYMBOL_ALLGS, INT32_MAX, slice))
		err = -ESRCH;
	w->read_ns = now_ns;
	if (err)
		return err;
	go_origins_count(w, now_ns, elder_ns, x.total, out);
	out->looked_at = x.looked;
	out->round_ns = x.round_ns;
	return 0;
}

struct go_watch *go_watch_new(void)
{
	return xcalloc(1, sizeof(struct go_watch));
}

void go_watch_free(struct go_watch *w)
{
	if (!w)
		return;
	free(w->slots);
	free(w->origins);
	free(w->groups);
	free(w->batch);
	free(w);
}

void go_goroutines_done(struct go_goroutines *g)
{
	free(g->origins);
	free(g->groups);
	*g = (struct go_goroutines){0};
}
