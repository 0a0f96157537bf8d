/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Unit tests of user/heap/batch.c: random event lists, of all types, over several processes that fork and exec, some of the
 * records not in order, give the same heap one by one and in batches of any size.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "../../user/heap/heap.h"

#define PAGE	   4096ull
#define PROCESSES  6u
#define RECORD_MAX 96u

struct list {
	uint8_t (*records)[RECORD_MAX];
	const struct event_header **events;
	size_t count;
	uint64_t random, now_ns;
	uint32_t addresses, stacks; /* how many different ones */
};

static uint64_t draw(struct list *l, uint64_t below)
{
	l->random ^= l->random << 13;
	l->random ^= l->random >> 7;
	l->random ^= l->random << 17;
	return (l->random >> 16) % below;
}

static uint8_t draw_type(struct list *l)
{
	static const uint8_t usual[] = {EVENT_ALLOC, EVENT_ALLOC, EVENT_ALLOC,	EVENT_FREE,
					EVENT_FREE,  EVENT_FREE,  EVENT_REALLOC};

	return draw(l, 20) ? usual[draw(l, sizeof(usual))] : (uint8_t)draw(l, EVENT_COLLECTED + 2);
}

static uint8_t draw_call(struct list *l, uint8_t type)
{
	if (!draw(l, 200))
		return (uint8_t)draw(l, CALL_ID_COUNT + 1);
	return type >= EVENT_MMAP && type <= EVENT_MREMAP ? CALL_ID_MMAP : CALL_ID_MALLOC;
}

static uint64_t draw_address(struct list *l, uint8_t type)
{
	uint64_t step = type >= EVENT_MMAP && type <= EVENT_MREMAP ? PAGE : 16;

	return draw(l, l->addresses) * step; /* 0 is not in order for most */
}

/* All types at once: what a type does not have is not read. */
static void fill(struct list *l, uint8_t *record)
{
	uint64_t words[RECORD_MAX / 8];
	struct event_header h = {.type = draw_type(l)};

	l->now_ns += draw(l, 3000000);
	h.time_ns = l->now_ns - (draw(l, 30) ? 0 : draw(l, l->now_ns));
	h.process = 1 + (uint32_t)draw(l, draw(l, 100) ? 2 : PROCESSES);
	h.tid = (uint32_t)draw(l, 5);
	h.size = draw(l, 300) ? RECORD_MAX : (uint16_t)draw(l, RECORD_MAX);
	h.call = draw_call(l, h.type);
	h.flags = (uint32_t)draw(l, 2);
	for (size_t i = 0; i < RECORD_MAX / 8; i++)
		words[i] = draw_address(l, h.type);
	memcpy(words, &h, sizeof(h));
	words[4] = draw(l, 300) ? draw(l, 100000) : UINT64_MAX; /* bytes */
	words[5] = draw(l, l->stacks);
	if (h.type == EVENT_REALLOC)
		words[7] = h.time_ns - draw(l, 1000000);
	if (h.type == EVENT_STACK) {
		words[3] = draw(l, l->stacks);
		words[4] = 1 + draw(l, 3);
	}
	if (h.type == EVENT_FORK || h.type == EVENT_STRANGER)
		words[3] = 1 + draw(l, PROCESSES);
	memcpy(record, words, sizeof(words));
}

static void list_make(struct list *l, size_t count, uint64_t seed)
{
	*l = (struct list){.count = count, .random = seed * 0x9e3779b97f4a7c15ull + 1};
	l->now_ns = 1000000000;
	l->addresses = seed % 2 ? 300 : 30000;
	l->stacks = seed % 3 ? 20 : 2000;
	l->records = calloc(count, sizeof(*l->records));
	l->events = calloc(count, sizeof(*l->events));
	for (size_t i = 0; i < count; i++) {
		fill(l, l->records[i]);
		l->events[i] = (const void *)l->records[i];
	}
}

static void list_done(struct list *l)
{
	free(l->records);
	free(l->events);
}

static void assert_same_generations(const struct generations *a, const struct generations *b)
{
	assert_int_equal(a->count, b->count);
	for (uint32_t i = 0; i < a->count; i++) {
		assert_int_equal(a->v[i].number, b->v[i].number);
		assert_int_equal(a->v[i].alive, b->v[i].alive);
	}
	assert_int_equal(a->newest, b->newest);
	assert_memory_equal(a->recent, b->recent, sizeof(a->recent));
}

static void assert_same_sites(struct heap *a, struct heap *b)
{
	assert_int_equal(heap_site_count(a), heap_site_count(b));
	for (uint32_t i = 1; i <= heap_site_count(a); i++) {
		struct site x = *heap_site(a, i), y = *heap_site(b, i);

		assert_same_generations(&x.generations, &y.generations);
		assert_memory_equal(&x.totals, &y.totals, sizeof(x.totals));
		assert_int_equal(x.process, y.process);
		assert_int_equal(x.stack, y.stack);
		assert_int_equal(x.call, y.call);
		assert_int_equal(x.inherited, y.inherited);
		assert_int_equal(x.first_ns, y.first_ns);
		assert_int_equal(x.last_ns, y.last_ns);
		assert_int_equal(x.version, y.version);
		assert_int_equal(x.stack_id, y.stack_id);
	}
}

static void assert_same_blocks(const struct heap_process *a, const struct heap_process *b)
{
	const struct block *block, *other;

	assert_int_equal(a->blocks.count, b->blocks.count);
	for (size_t it = 0; (block = blocks_next(&a->blocks, &it));) {
		other = blocks_find(&b->blocks, block->address);
		assert_non_null(other);
		assert_memory_equal(block, other, sizeof(*block));
	}
	assert_int_equal(a->ranges.count, b->ranges.count);
	for (size_t i = 0; i < a->ranges.count; i++)
		assert_memory_equal(&a->ranges.v[i], &b->ranges.v[i], sizeof(a->ranges.v[i]));
}

static void assert_same_processes(struct heap *a, struct heap *b)
{
	assert_int_equal(heap_process_count(a), heap_process_count(b));
	for (uint32_t i = 1; i <= heap_process_count(a); i++) {
		const struct heap_process *x = heap_process(a, i), *y = heap_process(b, i);

		assert_same_blocks(x, y);
		assert_int_equal(x->number, y->number);
		assert_int_equal(x->event_count, y->event_count);
		assert_int_equal(x->exec_count, y->exec_count);
		assert_int_equal(x->exited, y->exited);
		assert_memory_equal(&x->totals, &y->totals, sizeof(x->totals));
		assert_memory_equal(&x->ranges_totals, &y->ranges_totals, sizeof(x->totals));
		assert_memory_equal(x->counts, y->counts, sizeof(x->counts));
		assert_memory_equal(x->last, y->last, sizeof(x->last));
	}
}

static void assert_same(struct heap *a, struct heap *b)
{
	assert_int_equal(heap_version(a), heap_version(b));
	assert_int_equal(heap_now(a), heap_now(b));
	assert_int_equal(heap_stack_count(a), heap_stack_count(b));
	assert_same_sites(a, b);
	assert_same_processes(a, b);
	for (int id = 0; id < COUNTER_COUNT; id++)
		assert_int_equal(heap_counter(a, (enum counter_id)id),
				 heap_counter(b, (enum counter_id)id));
}

static struct heap *open_heap(uint64_t sample_bytes)
{
	const struct heap_options options = {.generation_ns = 100000000,
					     .sample_bytes = sample_bytes};
	struct heap *h = heap_new(&options);

	assert_non_null(h);
	assert_int_equal(heap_add_process(h, 1, 10, "one", 1000000000), 1);
	return h;
}

static void close_heap(struct heap *h)
{
	const char *wrong = heap_check(h);

	if (wrong)
		fail_msg("%s", wrong);
	heap_free(h);
}

/* Batches of `size`; 0: of random sizes. */
static void compare(uint64_t seed, size_t count, size_t size, uint64_t sample_bytes)
{
	struct heap *one = open_heap(sample_bytes), *many = open_heap(sample_bytes);
	struct list l;
	size_t i, n;

	list_make(&l, count, seed);
	for (i = 0; i < l.count; i++)
		heap_apply(one, l.events[i]);
	for (i = 0; i < l.count; i += n) {
		n = size ? size : 1 + draw(&l, 400);
		n = n < l.count - i ? n : l.count - i;
		heap_apply_batch(many, l.events + i, n);
	}
	assert_same(one, many);
	/* the list is worth something: most of it was applied, and some of everything happened */
	assert_true(heap_version(one) > count / 4);
	assert_true(heap_process_count(one) > 1);
	assert_true(heap_counter(one, COUNTER_BAD_RECORD) > 0);
	assert_true(heap_counter(one, COUNTER_UNKNOWN_FREE) > 0);
	assert_true(heap_process(one, 1)->totals.free_count > 0);
	close_heap(one);
	close_heap(many);
	list_done(&l);
}

static void heap_apply_batch__random_lists__as_one_by_one(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 24; seed++)
		compare(seed, 20000, 0, 0);
}

static void heap_apply_batch__sizes_around_a_group__as_one_by_one(void **state)
{
	static const size_t sizes[] = {1,  2,  31,  32,	 33,  63,  64,	65,
				       96, 97, 127, 128, 129, 160, 161, 256};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		compare(100 + i, 5000, sizes[i], 0);
}

static void heap_apply_batch__sampled__as_one_by_one(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 6; seed++)
		compare(seed, 20000, 0, 1000);
}

/* The table grows, splits and shrinks under what is known ahead. */
static void heap_apply_batch__grows_and_shrinks__as_one_by_one(void **state)
{
	struct heap *one = open_heap(0), *many = open_heap(0);
	const size_t blocks = 60000;
	struct event_alloc *events = calloc(2 * blocks, sizeof(*events));
	const struct event_header **list = calloc(2 * blocks, sizeof(*list));

	(void)state;
	for (size_t i = 0; i < 2 * blocks; i++) {
		bool alloc = i < blocks;

		events[i] = (struct event_alloc){
			.h = {.time_ns = 1000000000 + i * 10000,
			      .process = 1,
			      .tid = 1,
			      .size = sizeof(events[i]),
			      .type = alloc ? EVENT_ALLOC : EVENT_FREE,
			      .call = alloc ? CALL_ID_MALLOC : CALL_ID_FREE},
			.address = 0x1000 + (alloc ? i : (i * 7919) % blocks) * 48,
			.bytes = i,
			.stack = 1 + i % 50,
		};
		list[i] = &events[i].h;
		heap_apply(one, list[i]);
	}
	for (size_t i = 0; i < 2 * blocks; i += 200)
		heap_apply_batch(many, list + i, 200);
	assert_same(one, many);
	assert_int_equal(heap_process(many, 1)->totals.free_count, blocks);
	assert_int_equal(heap_process(many, 1)->totals.outstanding_count, 0);
	close_heap(one);
	close_heap(many);
	free(events);
	free(list);
}

/* Against plain division, at the edges of each generation. */
static void heap_generation__any_length__as_by_division(void **state)
{
	static const uint64_t lengths[] = {
		1, 2, 3, 7, 1000, 1u << 20, 999999937, 1000000000, 86400000000000};

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		const struct heap_options options = {.generation_ns = lengths[i]};
		struct heap *h = heap_new(&options);
		const uint64_t first = 12345;

		heap_add_process(h, 1, 1, "p", first);
		assert_int_equal(heap_generation(h, 0), 0);
		for (uint64_t n = 1; n < UINT32_MAX && n < UINT64_MAX / 2 / lengths[i];
		     n = n * 3 + 1) {
			assert_int_equal(heap_generation(h, first + n * lengths[i]), n);
			assert_int_equal(heap_generation(h, first + n * lengths[i] - 1), n - 1);
		}
		heap_free(h);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heap_apply_batch__random_lists__as_one_by_one),
		cmocka_unit_test(heap_apply_batch__sizes_around_a_group__as_one_by_one),
		cmocka_unit_test(heap_apply_batch__sampled__as_one_by_one),
		cmocka_unit_test(heap_apply_batch__grows_and_shrinks__as_one_by_one),
		cmocka_unit_test(heap_generation__any_length__as_by_division),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
