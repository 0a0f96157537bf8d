/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Unit tests of what is taken of the heap in pieces: a snapshot in steps is the one that is taken at once at its end, whatever
 * happens in between; a sample in pieces judges as one at once does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "../../user/analyse/build.h"
#include "../../user/analyse/scale.h"

#define S	  1000000000ull
#define MS	  1000000ull
#define PROCESSES 3u
#define STACKS	  900u
#define BLOCKS	  5000u

struct world {
	struct heap *heap;
	struct growth *growth;
	uint64_t now_ns, random, stacks;
};

static void open_world(struct world *w, uint64_t sample_bytes)
{
	struct heap_options ho = {.generation_ns = S, .sample_bytes = sample_bytes};
	struct growth_options go = {.window_s = 6, .interval_s = 1, .threshold = 0.1};

	*w = (struct world){.heap = heap_new(&ho),
			    .growth = growth_new(&go),
			    .random = 88172645463325252ull,
			    .stacks = STACKS};
	for (uint32_t i = 1; i <= PROCESSES; i++)
		heap_add_process(w->heap, i, 100 + i, "one", 0);
	assert_int_equal(growth_sample(w->growth, w->heap, 0), 0);
}

static void close_world(struct world *w)
{
	assert_null(heap_check(w->heap));
	heap_free(w->heap);
	growth_free(w->growth);
}

static uint64_t draw(struct world *w, uint64_t below)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return w->random % below;
}

static void send(struct world *w, uint8_t type, uint32_t process, uint64_t address, uint64_t stack)
{
	struct event_alloc e = {
		.h = {.time_ns = w->now_ns,
		      .process = process,
		      .tid = 9,
		      .size = type == EVENT_FREE ? sizeof(struct event_free) : sizeof(e),
		      .type = type,
		      .call = type == EVENT_MMAP ? CALL_ID_MMAP : CALL_ID_MALLOC},
		.address = address,
		.bytes = type == EVENT_MMAP ? 4096 : 1 + address % 3001,
		.stack = stack,
	};

	heap_apply(w->heap, &e.h);
}

static void go_on(struct world *w, unsigned int events)
{
	for (; events; events--) {
		uint32_t process = 1 + (uint32_t)draw(w, PROCESSES);
		uint64_t block = 1 + draw(w, BLOCKS), stack = 1 + draw(w, w->stacks);

		w->now_ns += 20000;
		if (draw(w, 50) == 0)
			send(w, EVENT_MMAP, process, (1ull << 40) + block * 4096, stack);
		else
			send(w, draw(w, 2) ? EVENT_FREE : EVENT_ALLOC, process, block * 16, stack);
	}
}

static void expect_process(const struct snapshot_process *a, const struct snapshot_process *b)
{
	assert_int_equal(a->index, b->index);
	assert_int_equal(a->number, b->number);
	assert_memory_equal(&a->totals, &b->totals, sizeof(a->totals));
	assert_int_equal(a->ranges_bytes, b->ranges_bytes);
	assert_int_equal(a->heap_alloc_count, b->heap_alloc_count);
	assert_int_equal(a->event_count, b->event_count);
	assert_int_equal(a->site_count, b->site_count);
	assert_int_equal(a->leak_site_count, b->leak_site_count);
	assert_true(a->growth_bytes_per_s == b->growth_bytes_per_s);
	assert_true(a->allocs_per_s == b->allocs_per_s && a->frees_per_s == b->frees_per_s);
	assert_int_equal(!a->uncertain, !b->uncertain);
	if (a->uncertain)
		assert_memory_equal(&a->uncertain->errors, &b->uncertain->errors,
				    sizeof(a->uncertain->errors));
}

static void expect_site(const struct snapshot_site *a, const struct snapshot_site *b)
{
	assert_int_equal(a->site, b->site);
	assert_int_equal(a->process, b->process);
	assert_int_equal(a->stack, b->stack);
	assert_int_equal(a->range, b->range);
	assert_int_equal(a->version, b->version);
	assert_int_equal(a->verdict, b->verdict);
	assert_memory_equal(&a->totals, &b->totals, sizeof(a->totals));
	assert_true(a->growth_bytes_per_s == b->growth_bytes_per_s);
	assert_true(a->allocs_per_s == b->allocs_per_s && a->score == b->score);
	assert_true(a->oldest_s == b->oldest_s);
	assert_int_equal(!a->uncertain, !b->uncertain);
	if (a->uncertain) {
		assert_memory_equal(&a->uncertain->errors, &b->uncertain->errors,
				    sizeof(a->uncertain->errors));
		assert_int_equal(a->uncertain->sizes_vary, b->uncertain->sizes_vary);
		assert_true(a->uncertain->growth_variance == b->uncertain->growth_variance);
	}
}

static void expect_equal(const struct snapshot *a, const struct snapshot *b)
{
	assert_int_equal(a->process_count, b->process_count);
	assert_int_equal(a->site_count, b->site_count);
	assert_memory_equal(a->counts, b->counts, sizeof(a->counts));
	for (size_t i = 0; i < a->process_count; i++)
		expect_process(&a->processes[i], &b->processes[i]);
	for (size_t i = 0; i < a->site_count; i++)
		expect_site(&a->sites[i], &b->sites[i]);
}

static void build_in_steps(struct world *w, struct snapshot *s, unsigned int events,
			   const struct coverage_figures *coverage)
{
	struct snapshot_builder b = {.heap = w->heap, .growth = w->growth, .coverage = coverage};

	assert_int_equal(snapshot_begin(&b, s, heap_site_count(w->heap),
					heap_process_count(w->heap), w->now_ns),
			 0);
	while (snapshot_some(&b))
		go_on(w, events);
	go_on(w, events);
	assert_int_equal(snapshot_settle(&b), 0);
	snapshot_end(&b);
}

static void build_and_compare(struct world *w, unsigned int events)
{
	struct snapshot steps, once;

	build_in_steps(w, &steps, events, NULL);
	assert_int_equal(snapshot_build(&once, w->heap, w->growth, steps.time_ns), 0);
	expect_equal(&steps, &once);
	snapshot_free(&steps);
	snapshot_free(&once);
}

static void compare_for_seconds(struct world *w)
{
	go_on(w, 20000);
	for (int i = 0; i < 12; i++) {
		assert_int_equal(growth_sample(w->growth, w->heap, w->now_ns), 0);
		go_on(w, i % 3 ? 10000 : 30);
		w->now_ns += S;
		build_and_compare(w, i % 2 ? 3000 : 10);
	}
}

static void snapshot_in_steps__events_between__as_at_once(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, 0);
	compare_for_seconds(&w);
	close_world(&w);
}

static void snapshot_in_steps__sampled__as_at_once(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, 4096);
	compare_for_seconds(&w);
	close_world(&w);
}

static void snapshot_in_steps__sites_without_number_between__as_at_once(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, 4096);
	go_on(&w, 3000);
	w.stacks = 100 * STACKS;
	build_and_compare(&w, 20000);
	close_world(&w);
}

static void snapshot_in_steps__covered_in_part__scaled_and_summed(void **state)
{
	const struct coverage_figures half = {
		.partial = true, .scale = 2, .scale_previous = 0.5, .scale_older = 0.25};
	struct snapshot steps, once;
	struct world w;

	(void)state;
	open_world(&w, 0);
	go_on(&w, 10000);
	heap_window_begin(w.heap, w.now_ns);
	w.now_ns += MS;
	go_on(&w, 5000);
	build_in_steps(&w, &steps, 500, &half);
	assert_int_equal(snapshot_build(&once, w.heap, NULL, steps.time_ns), 0);
	snapshot_scale(&once, w.heap, &half);
	assert_int_equal(steps.site_count, once.site_count);
	for (size_t i = 0; i < once.site_count; i++)
		assert_memory_equal(&steps.sites[i].totals, &once.sites[i].totals,
				    sizeof(struct totals));
	for (size_t i = 0; i < once.process_count; i++)
		assert_memory_equal(&steps.processes[i].totals, &once.processes[i].totals,
				    sizeof(struct totals));
	assert_true(steps.coverage.partial);
	snapshot_free(&steps);
	snapshot_free(&once);
	close_world(&w);
}

/* Every site gets a block that stays, those of the second half of them while the sample is taken. */
static void leak_for_a_second(struct world *w, uint64_t *address)
{
	uint64_t stack = 1;

	w->now_ns += S - 2 * MS;
	for (; stack <= STACKS / 2; stack++)
		send(w, EVENT_ALLOC, 1, *address += 16, stack);
	assert_true(growth_sample_begin(w->growth, heap_site_count(w->heap),
					heap_process_count(w->heap), w->now_ns));
	w->now_ns += 2 * MS;
	while (growth_sample_some(w->growth, w->heap, w->now_ns)) {
		for (uint64_t n = 0; n < STACKS / 4; n++, stack++)
			send(w, EVENT_ALLOC, 1, *address += 16, stack);
	}
	assert_int_equal(growth_sample_end(w->growth), 0);
	for (; stack <= STACKS; stack++)
		send(w, EVENT_ALLOC, 1, *address += 16, stack);
}

static void growth_in_pieces__births_between__all_leaks(void **state)
{
	uint64_t address = 16;
	struct snapshot s;
	struct world w;

	(void)state;
	open_world(&w, 0);
	for (int i = 0; i < 12; i++)
		leak_for_a_second(&w, &address);
	w.now_ns += S / 2;
	assert_int_equal(snapshot_build(&s, w.heap, w.growth, w.now_ns), 0);
	assert_int_equal(s.site_count, STACKS);
	assert_int_equal(s.processes[0].leak_site_count, STACKS);
	for (size_t i = 0; i < s.site_count; i++)
		assert_true(s.sites[i].score >= 50);
	assert_true(s.processes[0].growth_bytes_per_s > 0);
	snapshot_free(&s);
	close_world(&w);
}

static void growth_in_pieces__nothing_between__as_at_once(void **state)
{
	const struct coverage_figures half = {
		.partial = true, .scale = 2, .scale_previous = 0.5, .scale_older = 0.25};
	struct snapshot pieces, once;
	struct world w[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		open_world(&w[i], 0);
		growth_cover(w[i].growth, &half);
	}
	for (int i = 0; i < 8; i++) {
		go_on(&w[0], 10000);
		go_on(&w[1], 10000);
		w[0].now_ns = w[1].now_ns += S;
		assert_int_equal(growth_sample(w[0].growth, w[0].heap, w[0].now_ns), 0);
		growth_sample_begin(w[1].growth, heap_site_count(w[1].heap), PROCESSES,
				    w[1].now_ns);
		while (growth_sample_some(w[1].growth, w[1].heap, w[1].now_ns))
			;
		assert_int_equal(growth_sample_end(w[1].growth), 0);
	}
	go_on(&w[0], 5000);
	go_on(&w[1], 5000);
	build_in_steps(&w[0], &once, 0, &half);
	build_in_steps(&w[1], &pieces, 0, &half);
	expect_equal(&once, &pieces);
	for (int i = 0; i < 2; i++)
		close_world(&w[i]);
	snapshot_free(&once);
	snapshot_free(&pieces);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(snapshot_in_steps__events_between__as_at_once),
		cmocka_unit_test(snapshot_in_steps__sampled__as_at_once),
		cmocka_unit_test(snapshot_in_steps__sites_without_number_between__as_at_once),
		cmocka_unit_test(snapshot_in_steps__covered_in_part__scaled_and_summed),
		cmocka_unit_test(growth_in_pieces__births_between__all_leaks),
		cmocka_unit_test(growth_in_pieces__nothing_between__as_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
