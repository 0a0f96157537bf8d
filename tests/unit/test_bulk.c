// SPDX-License-Identifier: GPL-2.0-or-later
/* Changes of sites of which only the sums are known: heap/bulk.c, and what analyse/ makes of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "../../user/analyse/build.h"
#include "../../user/totals_note.h"

#define S      1000000000ull
#define NUMBER 1u
#define STACK  77ull
#define OTHER  78ull

struct world {
	struct heap *heap;
	struct growth *growth;
	uint64_t now_ns;
};

static void open_world(struct world *w)
{
	const struct heap_options heap = {.generation_ns = S,
					  .elder_ns = (uint64_t)(growth_elder_s(30) * S)};
	const struct growth_options growth = {.window_s = 30, .interval_s = 1, .threshold = 0.1};

	*w = (struct world){.heap = heap_new(&heap), .growth = growth_new(&growth), .now_ns = S};
	assert_int_equal(heap_add_process(w->heap, NUMBER, 100, "go", S), 1);
}

static void close_world(struct world *w)
{
	assert_null(heap_check(w->heap));
	growth_free(w->growth);
	heap_free(w->heap);
}

static struct event_bulk bulk(uint64_t time_ns, uint64_t stack)
{
	return (struct event_bulk){.h = {.time_ns = time_ns,
					 .process = NUMBER,
					 .size = sizeof(struct event_bulk),
					 .type = EVENT_BULK,
					 .call = CALL_ID_GO},
				   .stack = stack};
}

/* Of objects of 100 bytes. */
static void change(struct world *w, uint64_t stack, uint64_t allocs, uint64_t frees, uint32_t flags)
{
	struct event_bulk e = bulk(w->now_ns, stack);

	e.h.flags = flags;
	e.alloc_count = allocs;
	e.alloc_bytes = allocs * 100;
	e.free_count = frees;
	e.free_bytes = frees * 100;
	heap_apply(w->heap, &e.h);
	assert_null(heap_check(w->heap));
}

static void tick(struct world *w)
{
	w->now_ns += S;
	growth_sample(w->growth, w->heap, w->now_ns);
}

static struct snapshot_site look(struct world *w, struct snapshot_process *process)
{
	struct snapshot_site site = {0};
	struct snapshot s;

	assert_int_equal(snapshot_build(&s, w->heap, w->growth, w->now_ns), 0);
	if (s.site_count)
		site = s.sites[0];
	if (process)
		*process = s.processes[0];
	snapshot_free(&s);
	return site;
}

static void bulk__births_and_deaths__are_sums(void **state)
{
	struct world w;
	const struct totals *t;

	(void)state;
	open_world(&w);
	change(&w, STACK, 1000, 400, 0);
	change(&w, STACK, 50, 100, 0);
	t = &heap_site(w.heap, 1)->totals;
	assert_int_equal(t->outstanding_count, 550);
	assert_int_equal(t->outstanding_bytes, 55000);
	assert_int_equal(t->alloc_count, 1050);
	assert_int_equal(t->free_count, 500);
	assert_int_equal(t->peak_bytes, 60000); /* not what there was in between */
	assert_int_equal(heap_process(w.heap, 1)->totals.outstanding_bytes, 55000);
	assert_int_equal(heap_process(w.heap, 1)->event_count, 0);
	close_world(&w);
}

static void bulk__more_frees_than_there_is__all_is_gone(void **state)
{
	struct event_bulk e = bulk(S, STACK);
	struct world w;

	(void)state;
	open_world(&w);
	change(&w, STACK, 3, 0, 0);
	e.free_count = 9;
	e.free_bytes = 1;
	heap_apply(w.heap, &e.h);
	assert_int_equal(heap_site(w.heap, 1)->totals.outstanding_count, 0);
	assert_int_equal(heap_site(w.heap, 1)->totals.outstanding_bytes, 0);
	close_world(&w);
}

static void bulk__no_sense__is_counted(void **state)
{
	struct event_bulk e = bulk(S, 0);
	struct world w;

	(void)state;
	open_world(&w);
	heap_apply(w.heap, &e.h);
	e = bulk(S, STACK);
	e.alloc_bytes = UINT64_MAX;
	heap_apply(w.heap, &e.h);
	e = bulk(S, STACK);
	e.h.call = CALL_ID_MMAP;
	heap_apply(w.heap, &e.h);
	e = bulk(S, STACK);
	e.h.size = 40;
	heap_apply(w.heap, &e.h);
	assert_int_equal(heap_counter(w.heap, COUNTER_BAD_RECORD), 4);
	assert_int_equal(heap_site_count(w.heap), 0);
	close_world(&w);
}

static void bulk__beside_blocks_and_windows__adds_up(void **state)
{
	struct event_sample a = {.h = {.time_ns = S,
				       .process = NUMBER,
				       .size = sizeof(a),
				       .type = EVENT_SAMPLE,
				       .call = CALL_ID_GO},
				 .address = 4096,
				 .bytes = 10,
				 .stack = STACK,
				 .count = 1};
	struct event_process exec = {.h = {.time_ns = 3 * S,
					   .process = NUMBER,
					   .size = sizeof(exec),
					   .type = EVENT_EXEC}};
	struct world w;

	(void)state;
	open_world(&w);
	change(&w, STACK, 5, 0, 0);
	heap_apply(w.heap, &a.h);
	assert_null(heap_check(w.heap));
	heap_window_begin(w.heap, 2 * S);
	change(&w, STACK, 0, 2, 0);
	assert_int_equal(heap_site(w.heap, 1)->totals.outstanding_bytes, 310);
	heap_apply(w.heap, &exec.h);
	assert_int_equal(heap_site(w.heap, 1)->totals.outstanding_bytes, 0);
	change(&w, STACK, 1, 0, 0);
	close_world(&w);
}

static void bulk__fork_and_exec__inherited_and_given_back(void **state)
{
	struct event_fork fork = {.h = {.time_ns = 2 * S,
					.process = NUMBER,
					.size = sizeof(fork),
					.type = EVENT_FORK},
				  .child = 2,
				  .child_pid = 101};
	struct event_process exec = {
		.h = {.time_ns = 3 * S, .process = 2, .size = sizeof(exec), .type = EVENT_EXEC}};
	struct world w;

	(void)state;
	open_world(&w);
	change(&w, STACK, 5, 0, 0);
	heap_apply(w.heap, &fork.h);
	assert_null(heap_check(w.heap));
	assert_int_equal(heap_process(w.heap, 2)->totals.outstanding_bytes, 500);
	heap_apply(w.heap, &exec.h);
	assert_int_equal(heap_process(w.heap, 2)->totals.outstanding_bytes, 0);
	close_world(&w);
}

static void bulk__ages__are_not_known(void **state)
{
	struct snapshot_site site;
	struct world w;

	(void)state;
	open_world(&w);
	tick(&w);
	change(&w, STACK, 10, 0, 0);
	tick(&w);
	tick(&w);
	site = look(&w, NULL);
	assert_true(site.bulk);
	assert_true(site.oldest_s < 0 && site.median_age_s < 0 && site.lifetimes.median_s < 0);
	close_world(&w);
}

/* What existed before, and is heard of late, is in the history from its beginning. */
static void bulk__from_before__is_no_growth(void **state)
{
	struct snapshot_process process;
	struct snapshot_site site;
	struct world w;
	int i;

	(void)state;
	open_world(&w);
	change(&w, STACK, 1000, 0, EVENT_F_BEFORE);
	tick(&w);
	change(&w, STACK, 500, 0, EVENT_F_BEFORE);
	site = look(&w, &process); /* before a sample has seen it */
	assert_true(site.growth_bytes_per_s <= 0 && site.allocs_per_s <= 0);
	assert_true(process.growth_bytes_per_s <= 0 && process.alloc_bytes_per_s <= 0);
	for (i = 0; i < 40; i++) {
		tick(&w);
		site = look(&w, &process);
		assert_true(site.growth_bytes_per_s <= 0);
		assert_true(process.growth_bytes_per_s <= 0 && process.alloc_bytes_per_s <= 0);
		if (i == 5)
			change(&w, STACK, 250, 0, EVENT_F_BEFORE);
	}
	assert_int_equal(site.before.count, 1750);
	assert_int_equal(process.before.bytes, 175000);
	assert_int_equal(site.verdict, VERDICT_STEADY);
	change(&w, STACK, 250, 0, 0);
	tick(&w);
	assert_true(look(&w, &process).allocs_per_s > 0);
	assert_true(process.alloc_bytes_per_s > 0);
	close_world(&w);
}

/* A collection every two seconds: of what each publishes, a tenth stays. */
static enum verdict verdict_of(unsigned int kept, unsigned int seconds)
{
	enum verdict verdict;
	struct world w;
	unsigned int i;

	open_world(&w);
	change(&w, STACK, 10000, 0, EVENT_F_BEFORE);
	for (i = 0; i < seconds; i++) {
		if (i % 2)
			change(&w, STACK, 500, 500 - kept, 0);
		tick(&w);
	}
	verdict = look(&w, NULL).verdict;
	close_world(&w);
	return verdict;
}

static void bulk__some_of_each_collection_stays__is_a_leak(void **state)
{
	(void)state;
	assert_int_equal(verdict_of(500, 90), VERDICT_LEAK);
	assert_int_equal(verdict_of(100, 90), VERDICT_LEAK);
	assert_int_equal(verdict_of(0, 90), VERDICT_STEADY);
}

static void bulk__elders_are_freed__is_growing(void **state)
{
	enum verdict verdict;
	struct world w;
	unsigned int i;

	(void)state;
	open_world(&w);
	for (i = 0; i < 90; i++) {
		change(&w, STACK, i % 30 == 29 ? 0 : 1000, i % 30 == 29 ? 29000 : 0, 0);
		tick(&w);
	}
	verdict = look(&w, NULL).verdict;
	assert_true(verdict != VERDICT_LEAK);
	close_world(&w);
}

/* In the place of events, when a recording is full. */
static void bulk__totals_of_a_full_recording__are_the_same(void **state)
{
	struct buffer b = {0};
	struct world from, to;
	struct unpack u;

	(void)state;
	open_world(&from);
	open_world(&to);
	change(&from, STACK, 100, 20, EVENT_F_BEFORE);
	change(&from, OTHER, 7, 0, 0);
	change(&to, STACK, 1, 0, 0);
	totals_pack(from.heap, 0, &b);
	u = (struct unpack){(const uint8_t *)b.data, (const uint8_t *)b.data + b.length, false};
	assert_true(totals_unpack(to.heap, &u));
	assert_null(heap_check(to.heap));
	assert_int_equal(heap_process(to.heap, 1)->before.bytes, 10000);
	assert_int_equal(heap_bulk(to.heap, heap_site(to.heap, 1)->bulk)->alive.count, 80);
	from.now_ns = to.now_ns = 2 * S;
	change(&from, STACK, 0, 80, 0);
	change(&to, STACK, 0, 80, 0);
	assert_memory_equal(&heap_site(from.heap, 1)->totals, &heap_site(to.heap, 1)->totals,
			    sizeof(struct totals));
	buffer_done(&b);
	close_world(&from);
	close_world(&to);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bulk__births_and_deaths__are_sums),
		cmocka_unit_test(bulk__more_frees_than_there_is__all_is_gone),
		cmocka_unit_test(bulk__no_sense__is_counted),
		cmocka_unit_test(bulk__beside_blocks_and_windows__adds_up),
		cmocka_unit_test(bulk__fork_and_exec__inherited_and_given_back),
		cmocka_unit_test(bulk__ages__are_not_known),
		cmocka_unit_test(bulk__from_before__is_no_growth),
		cmocka_unit_test(bulk__some_of_each_collection_stays__is_a_leak),
		cmocka_unit_test(bulk__elders_are_freed__is_growing),
		cmocka_unit_test(bulk__totals_of_a_full_recording__are_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
