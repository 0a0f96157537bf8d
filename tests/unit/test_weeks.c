/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A month of tracing in simulated time: what is kept of a program does not grow with time, only with the number of its call sites. Samples
 * are taken each two minutes, of a window of an hour, so that a month has as many of them as six hours by default.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include "../../user/analyse/build.h"

#define S	 1000000000ull
#define SAMPLE_S 120u
#define HOUR_S	 3600u
#define DAY_S	 86400u
#define DAYS	 30u

#define SITES	     200u
#define ACTIVE	     10u /* sites, in one hour */
#define EACH	     5u	 /* blocks of each of them, a sample */
#define LIVING	     32u /* blocks that a site has outstanding at the most */
#define BATCH_BLOCKS 20000u

struct world {
	struct heap *heap;
	struct growth *growth;
	uint64_t now_ns, random;
	/* what each site has outstanding: addresses, the oldest of them overwritten first */
	uint64_t living[SITES + 1][LIVING];
	uint64_t next[SITES + 1];
	uint64_t batch[BATCH_BLOCKS];
	/* addresses that are free: an allocator hands them out again */
	uint64_t *free;
	size_t free_count;
	uint64_t fresh;
};

/* What malloc has given to this whole program, under AddressSanitizer, too. */
extern size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static size_t allocated(void)
{
	struct mallinfo2 info;

	if (__sanitizer_get_current_allocated_bytes)
		return __sanitizer_get_current_allocated_bytes();
	info = mallinfo2();
	return info.uordblks + info.hblkhd;
}

/* Tables of the heap may be mapped: those come on top, the others are counted twice. */
static size_t memory(const struct world *w)
{
	return allocated() + heap_memory(w->heap);
}

static int set_up(void **state)
{
	struct growth_options options = {
		.window_s = 30 * SAMPLE_S, .interval_s = SAMPLE_S, .threshold = 0.1};
	struct heap_options heap_options = {
		.generation_ns = SAMPLE_S * S,
		.elder_ns = (uint64_t)(growth_elder_s(options.window_s) * S)};
	struct world *w = calloc(1, sizeof(*w));

	w->heap = heap_new(&heap_options);
	w->growth = growth_new(&options);
	w->free = calloc(BATCH_BLOCKS + (size_t)SITES * LIVING, sizeof(*w->free));
	w->random = 88172645463325252ull;
	heap_add_process(w->heap, 1, 100, "weeks", 0);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	assert_null(heap_check(w->heap));
	growth_free(w->growth);
	heap_free(w->heap);
	free(w->free);
	free(w);
	return 0;
}

/* xorshift64 (Marsaglia 2003) */
static uint64_t below(struct world *w, uint64_t n)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return w->random % n;
}

static uint64_t allocate(struct world *w, uint64_t stack)
{
	struct event_alloc e = {
		.h = {.time_ns = w->now_ns + S,
		      .process = 1,
		      .tid = 9,
		      .size = sizeof(e),
		      .type = EVENT_ALLOC,
		      .call = CALL_ID_MALLOC},
		.address = w->free_count ? w->free[--w->free_count] : (w->fresh += 4096),
		.bytes = 16 + below(w, 4000),
		.stack = stack,
	};

	heap_apply(w->heap, &e.h);
	return e.address;
}

static void release(struct world *w, uint64_t address)
{
	struct event_free e = {.h = {.time_ns = w->now_ns + S,
				     .process = 1,
				     .tid = 9,
				     .size = sizeof(e),
				     .type = EVENT_FREE},
			       .address = address};

	if (!address)
		return;
	heap_apply(w->heap, &e.h);
	w->free[w->free_count++] = address;
}

/* A block more at a site, in the place of one that is there, if any: of a random age. */
static void step_site(struct world *w, uint32_t site)
{
	uint64_t *slot = &w->living[site][below(w, LIVING)];

	release(w, *slot);
	*slot = below(w, 3) ? allocate(w, site) : 0;
}

/* Other sites each hour; each has its turn again after some hours. */
static void step(struct world *w, uint64_t second)
{
	uint32_t first = (uint32_t)(second / HOUR_S * 7 % SITES);

	w->now_ns = second * S;
	for (uint32_t i = 0; i < ACTIVE * EACH; i++)
		step_site(w, 1 + (first + i % ACTIVE) % SITES);
	assert_int_equal(growth_sample(w->growth, w->heap, w->now_ns + S), 0);
}

/* A peak that is given back. */
static void run_batch(struct world *w)
{
	for (uint32_t i = 0; i < BATCH_BLOCKS; i++)
		w->batch[i] = allocate(w, SITES + 1);
	for (uint32_t i = 0; i < BATCH_BLOCKS; i++)
		release(w, w->batch[i]);
}

/* As the screen, a report or a rule of --alert does it. */
static void look(struct world *w)
{
	struct snapshot s;

	assert_int_equal(snapshot_build(&s, w->heap, w->growth, w->now_ns + S), 0);
	assert_int_equal(s.process_count, 1);
	snapshot_free(&s);
}

static void pass_day(struct world *w, uint64_t day)
{
	for (uint64_t second = 0; second < DAY_S; second += SAMPLE_S) {
		step(w, day * DAY_S + second);
		if (second % HOUR_S == 0)
			look(w);
		if (second == 12 * HOUR_S)
			run_batch(w);
	}
}

/* After some days there is all that there will be: from then on nothing grows. */
static void memory__month_of_the_same_sites__does_not_grow(void **state)
{
	struct world *w = *state;
	size_t settled = 0, now;

	for (uint64_t day = 0; day < DAYS; day++) {
		pass_day(w, day);
		now = memory(w);
		if (day == 4)
			settled = now;
		if (day > 4)
			assert_in_range(now, 0, settled + settled / 50);
	}
	assert_int_equal(heap_site_count(w->heap), SITES + 1);
}

/* Code that is new each hour and is never seen again: each such site costs no more than that, for ever. */
#define SITE_BYTES 6000u
#define NEW_SITES  50u

static void memory__new_sites_each_hour__so_much_each(void **state)
{
	struct world *w = *state;
	uint64_t stack = SITES + 2, hours = 2 * 24;
	uint32_t sites;
	size_t before;

	pass_day(w, 0);
	before = memory(w);
	sites = heap_site_count(w->heap);
	for (uint64_t hour = 24; hour < 24 + hours; hour++, stack += NEW_SITES) {
		for (uint64_t second = 0; second < HOUR_S; second += SAMPLE_S) {
			w->now_ns = (hour * HOUR_S + second) * S;
			for (uint64_t i = 0; i < NEW_SITES; i++)
				release(w, allocate(w, stack + i));
			assert_int_equal(growth_sample(w->growth, w->heap, w->now_ns + S), 0);
		}
		look(w);
	}
	assert_int_equal(heap_site_count(w->heap), sites + hours * NEW_SITES);
	assert_in_range(memory(w) - before, 0, hours * NEW_SITES * SITE_BYTES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(memory__month_of_the_same_sites__does_not_grow,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(memory__new_sites_each_hour__so_much_each, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
