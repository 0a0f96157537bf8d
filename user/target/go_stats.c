/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * runtime.ReadMemStats without the call. The runtime keeps three copies of its counts, of which the sum is the whole, and each
 * processor (P) has spans that it allocates from without counting: what was taken of these is added, as the call itself does by
 * flushing them. While the program runs all this changes, so it is read before and after, and must pass the comparison that the
 * runtime makes of its own two accounts (inuse and mapped memory in the collector's, and in the heap's).
 *
 * Everything read may be anything: sizes are bounded here, pointers are only read through.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "../base/xalloc.h"
#include "go_private.h"
#include "link_map.h"

#define PROCESSORS_MAX 1024
#define CACHE_MAX      (GO_CACHE_ALLOC_MAX + GO_SPAN_CLASSES * 8)
#define SPAN_BYTES     32
#define KIB(n)	       ((uint64_t)(n) << 10)

struct raw {
	uint8_t stats[GO_MSTATS_MAX];
	uint8_t controller[GO_CONTROLLER_MAX];
	uint64_t span_in_use, cache_in_use;
	uint32_t sweep; /* number of the sweep, twice the collections */
};

/* The sum of the heapStatsDelta. */
struct sums {
	uint32_t sweep;
	uint64_t committed, released, in_heap, in_stacks, in_work_bufs, in_ptr_scalar_bits;
	uint64_t tiny, large, large_count, large_free, large_free_count;
	uint64_t small[GO_SIZE_CLASSES], small_free[GO_SIZE_CLASSES];
	uint64_t unflushed[GO_SIZE_CLASSES]; /* taken from the processors' spans, not in `small` */
};

static uint64_t get(const uint8_t *from, size_t max, int64_t at)
{
	uint64_t v = 0;

	if (at >= 0 && (size_t)at + sizeof(v) <= max)
		memcpy(&v, from + at, sizeof(v));
	return v;
}

static uint64_t stat(const struct go_runtime *r, const struct raw *raw, enum go_member m)
{
	return get(raw->stats, GO_MSTATS_MAX, r->layout->at[m]);
}

static uint64_t control(const struct go_runtime *r, const struct raw *raw, enum go_member m)
{
	return get(raw->controller, GO_CONTROLLER_MAX, r->layout->at[m]);
}

static bool read_at(const struct go_runtime *r, uint64_t address, void *out, size_t size)
{
	return link_map_read_memory(r->memory, address, out, size);
}

static bool read_raw(const struct go_runtime *r, struct raw *raw)
{
	const int32_t *at = r->layout->at;
	uint64_t heap = r->at[GO_SYMBOL_MHEAP];

	return read_at(r, r->at[GO_SYMBOL_MEMSTATS], raw->stats,
		       (size_t)at[GO_GC_CPU_FRACTION] + 8) &&
	       read_at(r, r->at[GO_SYMBOL_GC_CONTROLLER], raw->controller,
		       (size_t)at[GO_MAPPED_READY] + 8) &&
	       read_at(r, heap + (uint64_t)at[GO_SPAN_IN_USE], &raw->span_in_use, 8) &&
	       read_at(r, heap + (uint64_t)at[GO_CACHE_IN_USE], &raw->cache_in_use, 8) &&
	       read_at(r, heap + (uint64_t)at[GO_HEAP_SWEEPGEN], &raw->sweep, 4);
}

/* ---- what the processors have not counted yet ---- */

/* Of the process as it is now: the caller reads by its descriptor afterwards, which fails when that is another program. */
static bool read_spans(const struct go_runtime *r, const uint64_t *spans, size_t count,
		       uint8_t (*out)[SPAN_BYTES])
{
	struct iovec local[GO_SPAN_CLASSES], remote[GO_SPAN_CLASSES];
	uint64_t first = (uint64_t)r->layout->at[GO_SPAN_SWEEPGEN];
	size_t i;

	for (i = 0; i < count; i++) {
		local[i] = (struct iovec){out[i], SPAN_BYTES};
		remote[i] = (struct iovec){(void *)(uintptr_t)(spans[i] + first), SPAN_BYTES};
	}
	return !count || process_vm_readv(r->pid, local, count, remote, count, 0) ==
				 (ssize_t)(count * SPAN_BYTES);
}

/*
 * While a processor exchanges a span, that is counted already but still in its place, which can take long when another must be swept
 * first. It is marked as not cached before that.
 */
static bool is_cached(uint32_t span, uint32_t sweep)
{
	return span == sweep + 1 || span == sweep + 3;
}

static bool add_spans(const struct go_runtime *r, const uint8_t *cache, struct sums *sums)
{
	const int32_t *at = r->layout->at;
	size_t now_at = (size_t)(at[GO_SPAN_ALLOC_COUNT] - at[GO_SPAN_SWEEPGEN]);
	size_t then_at = (size_t)(at[GO_SPAN_COUNT_BEFORE] - at[GO_SPAN_SWEEPGEN]);
	uint64_t spans[GO_SPAN_CLASSES];
	uint8_t found[GO_SPAN_CLASSES][SPAN_BYTES];
	size_t classes[GO_SPAN_CLASSES], count = 0, i;

	for (i = 0; i < GO_SPAN_CLASSES; i++) {
		uint64_t span =
			get(cache, CACHE_MAX, r->layout->at[GO_CACHE_ALLOC] + (int64_t)i * 8);

		if (!span || span == r->at[GO_SYMBOL_EMPTY_SPAN])
			continue;
		classes[count] = i / 2;
		spans[count++] = span;
	}
	if (now_at > SPAN_BYTES - 2 || then_at > SPAN_BYTES - 2 ||
	    !read_spans(r, spans, count, found))
		return false;
	for (i = 0; i < count; i++) {
		uint16_t now, then;
		uint32_t sweep;

		memcpy(&sweep, found[i], 4);
		memcpy(&now, found[i] + now_at, 2);
		memcpy(&then, found[i] + then_at, 2);
		if (!is_cached(sweep, sums->sweep))
			continue;
		/* both move when a span is exchanged */
		sums->unflushed[classes[i]] += (uint16_t)(now - then);
	}
	return true;
}

static bool add_processor(const struct go_runtime *r, uint64_t processor, struct sums *sums)
{
	uint8_t cache[CACHE_MAX] = {0};
	uint64_t address;

	if (!read_at(r, processor + (uint64_t)r->layout->at[GO_P_MCACHE], &address, 8))
		return false;
	if (!address)
		return true;
	if (!read_at(r, address, cache,
		     (size_t)r->layout->at[GO_CACHE_ALLOC] + GO_SPAN_CLASSES * 8))
		return false;
	sums->tiny += get(cache, CACHE_MAX, r->layout->at[GO_TINY_ALLOCS]);
	return add_spans(r, cache, sums);
}

bool go_slice_read(const struct go_runtime *r, enum go_symbol symbol, uint64_t max,
		   uint64_t slice[2])
{
	return read_at(r, r->at[symbol], slice, 16) && slice[1] <= max;
}

static int add_processors(const struct go_runtime *r, struct sums *sums)
{
	uint64_t slice[2], processors[PROCESSORS_MAX];
	size_t i;

	if (!go_slice_read(r, GO_SYMBOL_ALLP, PROCESSORS_MAX, slice))
		return -EBADMSG;
	if (!slice[1])
		return -EAGAIN;
	if (!read_at(r, slice[0], processors, slice[1] * 8))
		return -EBADMSG;
	for (i = 0; i < slice[1]; i++) {
		if (!processors[i] || !add_processor(r, processors[i], sums))
			return -EBADMSG;
	}
	return 0;
}

/* ---- the sums ---- */

static void add_delta(const struct go_runtime *r, const struct raw *raw, int64_t base,
		      struct sums *s)
{
	const int32_t *at = r->layout->at;
	size_t i;

#define MEMBER(of, member)                                                                         \
	do {                                                                                       \
		if (at[of] >= 0)                                                                   \
			s->member += get(raw->stats, GO_MSTATS_MAX, base + at[of]);                \
	} while (0)
	MEMBER(GO_COMMITTED, committed);
	MEMBER(GO_RELEASED, released);
	MEMBER(GO_IN_HEAP, in_heap);
	MEMBER(GO_IN_STACKS, in_stacks);
	MEMBER(GO_IN_WORK_BUFS, in_work_bufs);
	MEMBER(GO_IN_PTR_SCALAR_BITS, in_ptr_scalar_bits);
	MEMBER(GO_TINY_ALLOC_COUNT, tiny);
	MEMBER(GO_LARGE_ALLOC, large);
	MEMBER(GO_LARGE_ALLOC_COUNT, large_count);
	MEMBER(GO_LARGE_FREE, large_free);
	MEMBER(GO_LARGE_FREE_COUNT, large_free_count);
#undef MEMBER
	for (i = 0; i < GO_SIZE_CLASSES; i++) {
		int64_t step = (int64_t)i * 8;

		s->small[i] +=
			get(raw->stats, GO_MSTATS_MAX, base + at[GO_SMALL_ALLOC_COUNT] + step);
		s->small_free[i] +=
			get(raw->stats, GO_MSTATS_MAX, base + at[GO_SMALL_FREE_COUNT] + step);
	}
}

/* Returns the bytes that the processors have taken and the runtime has not counted. */
static uint64_t fill_objects(const struct sums *s, struct go_figures *f)
{
	uint64_t freed = s->large_free, unflushed = 0;
	size_t i;

	f->total_alloc = s->large;
	f->mallocs = s->large_count + s->tiny;
	f->frees = s->large_free_count + s->tiny;
	for (i = 0; i < GO_SIZE_CLASSES; i++) {
		uint64_t size = go_size_class(i);

		f->total_alloc += (s->small[i] + s->unflushed[i]) * size;
		f->mallocs += s->small[i] + s->unflushed[i];
		f->frees += s->small_free[i];
		freed += s->small_free[i] * size;
		unflushed += s->unflushed[i] * size;
	}
	f->alloc = f->heap_alloc = f->total_alloc - freed;
	f->heap_objects = f->mallocs - f->frees;
	return unflushed;
}

static void fill_sizes(const struct go_runtime *r, const struct raw *raw, const struct sums *s,
		       struct go_figures *f)
{
	uint64_t stacks = stat(r, raw, GO_STACKS_SYS), misc = stat(r, raw, GO_GC_MISC_SYS);

	f->heap_inuse = control(r, raw, GO_HEAP_IN_USE);
	f->heap_released = control(r, raw, GO_HEAP_RELEASED);
	f->heap_idle = control(r, raw, GO_HEAP_FREE) + f->heap_released;
	f->heap_sys = f->heap_inuse + f->heap_idle;
	f->stack_inuse = s->in_stacks;
	f->stack_sys = s->in_stacks + stacks;
	f->mspan_inuse = raw->span_in_use;
	f->mspan_sys = stat(r, raw, GO_MSPAN_SYS);
	f->mcache_inuse = raw->cache_in_use;
	f->mcache_sys = stat(r, raw, GO_MCACHE_SYS);
	f->buck_hash_sys = stat(r, raw, GO_BUCKHASH_SYS);
	f->gc_sys = misc + s->in_work_bufs + s->in_ptr_scalar_bits;
	f->other_sys = stat(r, raw, GO_OTHER_SYS);
	f->sys = f->heap_sys + f->stack_sys + f->mspan_sys + f->mcache_sys + f->buck_hash_sys +
		 f->gc_sys + f->other_sys;
}

/* ---- the collector ---- */

/* memoryLimitHeapGoal() of runtime/mgcpacer.go. */
static uint64_t limit_goal(const struct go_runtime *r, const struct raw *raw)
{
	uint64_t mapped = control(r, raw, GO_MAPPED_READY);
	uint64_t limit = control(r, raw, GO_MEMORY_LIMIT), marked = control(r, raw, GO_HEAP_MARKED);
	uint64_t others = mapped - control(r, raw, GO_HEAP_FREE) -
			  (control(r, raw, GO_TOTAL_ALLOC) - control(r, raw, GO_TOTAL_FREE));
	uint64_t over = mapped > limit ? mapped - limit : 0, goal, room = KIB(1024);

	if (others + over >= limit)
		return marked;
	goal = limit - (others + over);
	if (r->layout->minor > 20 && goal / 100 * 3 > room)
		room = goal / 100 * 3;
	goal = goal < room || goal - room < room ? room : goal - room;
	return goal < marked ? marked : goal;
}

/* heapGoalInternal() of the same. */
static uint64_t next_goal(const struct go_runtime *r, const struct raw *raw)
{
	uint64_t goal = control(r, raw, GO_GC_PERCENT_HEAP_GOAL), by_limit = limit_goal(r, raw);
	uint64_t least = control(r, raw, GO_SWEEP_DIST_MIN_TRIGGER);
	uint64_t triggered = control(r, raw, GO_TRIGGERED);

	if (by_limit < goal)
		return by_limit;
	if (goal < least)
		goal = least;
	if (triggered != UINT64_MAX && goal < triggered + KIB(64))
		goal = triggered + KIB(64);
	return goal;
}

static int compare_u64(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

static void fill_pauses(const struct go_runtime *r, const struct raw *raw, struct go_figures *f)
{
	size_t count = f->num_gc < GO_PAUSES ? f->num_gc : GO_PAUSES;
	uint64_t pauses[GO_PAUSES];
	size_t i;

	if (!count)
		return;
	for (i = 0; i < count; i++)
		pauses[i] =
			get(raw->stats, GO_MSTATS_MAX, r->layout->at[GO_PAUSE_NS] + (int64_t)i * 8);
	f->last_pause_ns = pauses[(f->num_gc + GO_PAUSES - 1) % GO_PAUSES];
	qsort(pauses, count, sizeof(*pauses), compare_u64);
	f->median_pause_ns = pauses[(count - 1) / 2];
	f->max_pause_ns = pauses[count - 1];
}

static void fill_collector(const struct go_runtime *r, const struct raw *raw, struct go_figures *f)
{
	uint64_t fraction = stat(r, raw, GO_GC_CPU_FRACTION);

	f->next_gc = next_goal(r, raw);
	f->last_gc = stat(r, raw, GO_LAST_GC_UNIX);
	f->pause_total_ns = stat(r, raw, GO_PAUSE_TOTAL_NS);
	f->num_gc = (uint32_t)stat(r, raw, GO_NUM_GC);
	f->num_forced_gc = (uint32_t)stat(r, raw, GO_NUM_FORCED_GC);
	memcpy(&f->gc_cpu_fraction, &fraction, sizeof(fraction));
	f->gogc = (int32_t)control(r, raw, GO_GC_PERCENT);
	f->memory_limit = (int64_t)control(r, raw, GO_MEMORY_LIMIT);
	f->heap_marked = control(r, raw, GO_HEAP_MARKED);
	fill_pauses(r, raw, f);
}

/* What readmemstats_m() of runtime/mstats.go compares before it believes its own figures. */
static bool is_sound(const struct go_runtime *r, const struct raw *raw, const struct sums *s,
		     const struct go_figures *f, uint64_t unflushed)
{
	return s->in_heap == f->heap_inuse && s->released == f->heap_released &&
	       s->committed - s->in_stacks - s->in_work_bufs - s->in_ptr_scalar_bits ==
		       f->heap_inuse + control(r, raw, GO_HEAP_FREE) &&
	       control(r, raw, GO_MAPPED_READY) == f->sys - f->heap_released &&
	       control(r, raw, GO_TOTAL_ALLOC) == f->total_alloc - unflushed &&
	       control(r, raw, GO_TOTAL_FREE) == f->total_alloc - f->alloc &&
	       f->gc_cpu_fraction >= 0 && f->gc_cpu_fraction <= 1;
}

int go_stats_read(const struct go_runtime *r, struct go_figures *f)
{
	static const struct sums none;
	struct sums *sums = xcalloc(1, sizeof(*sums));
	struct raw *raw = xcalloc(2, sizeof(*raw));
	int64_t base = r->layout->at[GO_HEAP_STATS], copy;
	int result = -ESRCH;
	uint64_t unflushed;

	*f = (struct go_figures){0};
	*sums = none;
	if (!read_raw(r, &raw[0]))
		goto out;
	sums->sweep = raw[0].sweep;
	result = add_processors(r, sums);
	if (!read_raw(r, &raw[1]))
		result = -ESRCH;
	if (result)
		goto out;
	for (copy = 0; copy < 3; copy++)
		add_delta(r, &raw[0], base + copy * r->layout->at[GO_DELTA_SIZE], sums);
	unflushed = fill_objects(sums, f);
	fill_sizes(r, &raw[0], sums, f);
	fill_collector(r, &raw[0], f);
	if (!f->heap_sys)
		result = -EAGAIN;
	else if (is_sound(r, &raw[0], sums, f, unflushed))
		result = memcmp(&raw[0], &raw[1], sizeof(*raw)) ? 1 : 2;
out:
	free(raw);
	free(sums);
	return result;
}
