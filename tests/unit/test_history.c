/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unit tests of user/analyse/history.c: against all values of all samples, kept in the simplest way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "../../user/analyse/history.h"

#define S	 1000000000ull
#define CAPACITY 5
#define SITES	 40
#define SAMPLES	 60

struct value {
	uint64_t bytes, count, allocs;
	bool seen;
};

struct world {
	struct heap *heap;
	struct history history;
	uint64_t now_ns, next;
	struct value kept[SAMPLES][SITES + 1]; /* by heap index */
};

static void open_world(struct world *w)
{
	struct heap_options options = {.generation_ns = S};

	memset(w, 0, sizeof(*w));
	w->heap = heap_new(&options);
	w->next = 16;
	heap_add_process(w->heap, 1, 100, "one", 0);
	assert_int_equal(history_init(&w->history, CAPACITY), 0);
}

static void close_world(struct world *w)
{
	assert_null(heap_check(w->heap));
	history_done(&w->history);
	heap_free(w->heap);
}

static void allocate(struct world *w, uint64_t stack)
{
	struct event_alloc e = {
		.h = {.time_ns = w->now_ns,
		      .process = 1,
		      .size = sizeof(e),
		      .type = EVENT_ALLOC,
		      .call = CALL_ID_MALLOC},
		.address = w->next,
		.bytes = stack,
		.stack = stack,
	};

	w->next += 64;
	heap_apply(w->heap, &e.h);
}

static void sample(struct world *w)
{
	struct value *kept = w->kept[w->history.samples];

	for (uint32_t i = 1; i <= heap_site_count(w->heap); i++) {
		const struct totals *t = &heap_site(w->heap, i)->totals;

		kept[i] = (struct value){t->outstanding_bytes, t->outstanding_count, t->alloc_count,
					 true};
	}
	assert_int_equal(
		history_sample(&w->history, w->heap, &(struct coverage_figures){0}, w->now_ns), 0);
	w->now_ns += S;
}

static void check_value(struct world *w, uint32_t site, uint32_t at)
{
	const struct history_point *p = history_find(&w->history, site, at);
	const struct value *kept = &w->kept[at][site];

	assert_int_equal(p != NULL, kept->seen);
	assert_int_equal(history_allocs(&w->history, site, at), kept->allocs);
	if (!p)
		return;
	assert_int_equal(p->site, site);
	assert_int_equal(p->bytes, kept->bytes);
	assert_int_equal(p->blocks, kept->count);
	assert_true(p->older <= p->blocks);
}

static void check_all(struct world *w)
{
	uint32_t first = history_first(&w->history);

	assert_true(w->history.samples - first <= CAPACITY);
	for (uint32_t at = first; at < w->history.samples; at++) {
		for (uint32_t i = 1; i <= SITES; i++)
			check_value(w, i, at);
		for (uint32_t i = SITES; i > 3; i -= 3)
			check_value(w, i, at);
	}
}

/* Some sites never change, some always, most now and then; new ones come all the time. */
static void history_find__any_order__as_kept(void **state)
{
	struct world w;

	(void)state;
	srand(5);
	open_world(&w);
	for (unsigned int n = 0; n < SAMPLES; n++) {
		for (uint64_t stack = 1; stack <= SITES && stack <= n + 1; stack++) {
			if (stack % 7 == 0 || (stack % 5 && rand() % 6 == 0) || stack == n + 1)
				allocate(&w, stack);
		}
		sample(&w);
		check_all(&w);
	}
	close_world(&w);
}

static void history_find__before_the_site__nothing(void **state)
{
	struct world w;

	(void)state;
	open_world(&w);
	sample(&w);
	allocate(&w, 1);
	sample(&w);
	assert_null(history_find(&w.history, 1, 0));
	assert_non_null(history_find(&w.history, 1, 1));
	assert_null(history_find(&w.history, 1000, 1));
	assert_int_equal(history_allocs(&w.history, 1, 0), 0);
	assert_int_equal(history_allocs(&w.history, 1000, 0), 0);
	close_world(&w);
}

static void history_watched__since_the_first_change(void **state)
{
	struct world w;

	(void)state;
	open_world(&w);
	sample(&w);
	allocate(&w, 1);
	assert_int_equal(history_watched(&w.history, 1), 0);
	for (unsigned int i = 1; i < 3 * CAPACITY; i++) {
		sample(&w);
		assert_int_equal(history_watched(&w.history, 1), i);
	}
	assert_int_equal(history_watched(&w.history, 1000), 0);
	close_world(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(history_find__any_order__as_kept),
		cmocka_unit_test(history_find__before_the_site__nothing),
		cmocka_unit_test(history_watched__since_the_first_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
