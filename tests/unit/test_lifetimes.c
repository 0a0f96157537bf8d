/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unit tests of user/heap/lifetimes.c and of what the heap keeps of peaks: against simple counts of the same events. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "../../user/heap/heap.h"

#define S     1000000000ull
#define SITES 5
#define SLOTS 64

static void send(struct heap *h, uint8_t type, uint64_t time_ns, uint64_t address, uint64_t bytes,
		 uint64_t stack)
{
	struct event_alloc e = {
		.h = {.time_ns = time_ns,
		      .process = 1,
		      .tid = 9,
		      .size = type == EVENT_FREE ? sizeof(struct event_free) : sizeof(e),
		      .type = type,
		      .call = CALL_ID_MALLOC},
		.address = address,
		.bytes = bytes,
		.stack = stack,
	};

	heap_apply(h, &e.h);
}

static struct heap *open_heap(void)
{
	struct heap_options options = {.generation_ns = S, .elder_ns = 20 * S};
	struct heap *h = heap_new(&options);

	heap_add_process(h, 1, 100, "one", 0);
	return h;
}

static void close_heap(struct heap *h)
{
	assert_null(heap_check(h));
	heap_free(h);
}

static void histogram_bucket__values__powers_of_two(void **state)
{
	(void)state;
	assert_int_equal(histogram_bucket(0), 0);
	assert_int_equal(histogram_bucket(1), 0);
	assert_int_equal(histogram_bucket(2), 1);
	assert_int_equal(histogram_bucket(4095), 11);
	assert_int_equal(histogram_bucket(4096), 12);
	assert_int_equal(histogram_bucket(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
	assert_int_equal(lifetimes_age_bucket(2047), 0);
	assert_int_equal(lifetimes_age_bucket(2048), 1);
	for (uint32_t i = 1; i < HISTOGRAM_BUCKETS; i++)
		assert_int_equal(histogram_bucket((uint64_t)histogram_start(i)), i);
}

static void histogram_add__counter_full__shares_stay(void **state)
{
	struct histogram h = {{0}};

	(void)state;
	histogram_add(&h, 3, 3000000000u);
	histogram_add(&h, 5, 1000000000u);
	histogram_add(&h, 3, 3000000000u);
	assert_true(fabs(histogram_below(&h, 5) - 6.0 / 7) < 0.1);
	histogram_add(&h, 5, 1ull << 40);
	assert_true(histogram_below(&h, 5) < 0.01);
}

static void histogram_quantile__one_bucket__within_it(void **state)
{
	struct histogram h = {{0}};

	(void)state;
	assert_true(histogram_quantile(&h, 0.5) < 0);
	assert_true(histogram_fullest(&h) <= 0);
	histogram_add(&h, 10, 100);
	assert_true(histogram_fullest(&h) >= 1);
	assert_true(histogram_quantile(&h, 0.5) > 1024 && histogram_quantile(&h, 0.5) < 2048);
	assert_true(histogram_quantile(&h, 0) >= 1024 && histogram_quantile(&h, 1) <= 2048);
	histogram_add(&h, 12, 300);
	assert_true(fabs(histogram_fullest(&h) - 0.75) < 1e-9);
}

static void lifetimes__blocks_of_known_ages__median_and_share(void **state)
{
	struct heap *h = open_heap();
	const struct lifetimes *l;
	double median_s, young_share;

	(void)state;
	for (uint64_t i = 1; i <= 100; i++)
		send(h, EVENT_ALLOC, S, i * 64, 100, 5);
	for (uint64_t i = 1; i <= 30; i++)
		send(h, EVENT_FREE, S + 1000, i * 64, 0, 0);
	for (uint64_t i = 31; i <= 90; i++)
		send(h, EVENT_FREE, 4 * S, i * 64, 0, 0);
	l = heap_site_lifetimes(h, 1);
	assert_int_equal(histogram_total(&l->ages), 90);
	assert_int_equal(histogram_total(&l->sizes), 100);
	assert_int_equal(l->sizes.v[6], 100);
	lifetimes_read(l, &median_s, &young_share);
	assert_true(median_s > 2 && median_s < 4.5);
	assert_true(fabs(young_share - 1.0 / 3) < 1e-9);
	assert_int_equal(heap_site(h, 1)->elder_frees, 0);
	send(h, EVENT_FREE, 21 * S, 91 * 64, 0, 0);
	send(h, EVENT_FREE, 21 * S - 1, 92 * 64, 0, 0);
	assert_int_equal(heap_site(h, 1)->elder_frees, 1);
	assert_int_equal(heap_site(h, 1)->longest_ns, 20 * S);
	close_heap(h);
}

/* What a block is resized to in place is not another block. */
static void lifetimes__resize__neither_birth_nor_death(void **state)
{
	struct heap *h = open_heap();

	(void)state;
	send(h, EVENT_ALLOC, S, 64, 100, 5);
	send(h, EVENT_RESIZE, 2 * S, 64, 5000, 5);
	assert_int_equal(histogram_total(&heap_site_lifetimes(h, 1)->ages), 0);
	assert_int_equal(histogram_total(&heap_site_lifetimes(h, 1)->sizes), 1);
	close_heap(h);
}

/* Many sites with a block each take next to nothing; their lifetimes are there all the same. */
static void lifetimes__one_block__shared_until_the_second(void **state)
{
	struct heap *h = open_heap();
	const struct lifetimes *l;

	(void)state;
	send(h, EVENT_ALLOC, S, 64, 100, 5);
	send(h, EVENT_ALLOC, S, 128, 127, 6);
	send(h, EVENT_ALLOC, S, 192, 5000, 7);
	assert_ptr_equal(heap_site_lifetimes(h, 1), heap_site_lifetimes(h, 2));
	assert_int_equal(heap_site_lifetimes(h, 2)->sizes.v[6], 1);
	assert_int_equal(heap_site_lifetimes(h, 3)->sizes.v[12], 1);
	send(h, EVENT_ALLOC, 2 * S, 256, 5000, 5);
	send(h, EVENT_FREE, 2 * S, 192, 0, 0);
	l = heap_site_lifetimes(h, 1);
	assert_int_equal(histogram_total(&l->sizes), 2);
	assert_true(l->sizes.v[6] == 1 && l->sizes.v[12] == 1);
	l = heap_site_lifetimes(h, 3);
	assert_int_equal(histogram_total(&l->sizes), 1);
	assert_int_equal(histogram_total(&l->ages), 1);
	l = heap_site_lifetimes(h, 2);
	assert_int_equal(histogram_total(&l->sizes), 1);
	assert_int_equal(histogram_total(&l->ages), 0);
	close_heap(h);
}

/* A site that allocates once takes less than its pair of histograms would. */
static void lifetimes__many_sites__little_memory(void **state)
{
	struct heap *h = open_heap();
	size_t before = heap_memory(h);

	(void)state;
	for (uint64_t i = 1; i <= 100000; i++)
		send(h, EVENT_ALLOC, S, i * 64, 41, i);
	assert_int_equal(heap_site_count(h), 100000);
	assert_true(heap_memory(h) - before < 100000ull * (sizeof(struct site) + 160));
	close_heap(h);
}

struct peaks {
	uint64_t now[SITES + 1], at_peak[SITES + 1];
	uint64_t sum, most, time_ns;
	struct {
		uint64_t bytes;
		uint32_t site;
	} slots[SLOTS];
};

static void note(struct peaks *p, uint64_t time_ns)
{
	if (p->sum < p->most)
		return;
	p->most = p->sum;
	p->time_ns = time_ns;
	memcpy(p->at_peak, p->now, sizeof(p->now));
}

static void step(struct heap *h, struct peaks *p, uint64_t time_ns)
{
	uint32_t slot = (uint32_t)random() % SLOTS, site = 1 + (uint32_t)random() % SITES;
	uint64_t address = 64 * (slot + 1);

	if (p->slots[slot].bytes) {
		p->now[p->slots[slot].site] -= p->slots[slot].bytes;
		p->sum -= p->slots[slot].bytes;
		p->slots[slot].bytes = 0;
		send(h, EVENT_FREE, time_ns, address, 0, 0);
		return;
	}
	p->slots[slot].bytes = 1 + (uint64_t)random() % 5000;
	p->slots[slot].site = site;
	p->now[site] += p->slots[slot].bytes;
	p->sum += p->slots[slot].bytes;
	send(h, EVENT_ALLOC, time_ns, address, p->slots[slot].bytes, site);
	note(p, time_ns);
}

static void peak__random_events__sites_as_they_were(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 20; seed++) {
		struct heap *h = open_heap();
		struct peaks p = {.most = 0};

		srandom(seed);
		/* the sites are found in this order */
		for (uint32_t i = 1; i <= SITES; i++) {
			send(h, EVENT_ALLOC, i, 1 << 20, 0, i);
			send(h, EVENT_FREE, i, 1 << 20, 0, 0);
		}
		for (uint64_t n = 1; n <= 500; n++) {
			step(h, &p, S + n);
			assert_int_equal(heap_process(h, 1)->totals.peak_bytes, p.most);
			for (uint32_t i = 1; i <= SITES; i++)
				assert_int_equal(heap_site_at_peak(h, i), p.at_peak[i]);
		}
		assert_true(heap_peak_time(h, 1, false) >= p.time_ns);
		close_heap(h);
	}
}

static void peak__exec__that_of_before_stays(void **state)
{
	struct heap *h = open_heap();
	struct event_process e = {
		.h = {.time_ns = 9 * S, .process = 1, .size = sizeof(e), .type = EVENT_EXEC}};

	(void)state;
	send(h, EVENT_ALLOC, S, 64, 100, 5);
	send(h, EVENT_ALLOC, 2 * S, 128, 50, 6);
	heap_apply(h, &e.h);
	send(h, EVENT_ALLOC, 10 * S, 64, 30, 6);
	assert_int_equal(heap_site_at_peak(h, 1), 100);
	assert_int_equal(heap_site_at_peak(h, 2), 50);
	assert_true(heap_peak_time(h, 1, false) == 9 * S);
	close_heap(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(histogram_bucket__values__powers_of_two),
		cmocka_unit_test(histogram_add__counter_full__shares_stay),
		cmocka_unit_test(histogram_quantile__one_bucket__within_it),
		cmocka_unit_test(lifetimes__blocks_of_known_ages__median_and_share),
		cmocka_unit_test(lifetimes__resize__neither_birth_nor_death),
		cmocka_unit_test(lifetimes__one_block__shared_until_the_second),
		cmocka_unit_test(lifetimes__many_sites__little_memory),
		cmocka_unit_test(peak__random_events__sites_as_they_were),
		cmocka_unit_test(peak__exec__that_of_before_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
