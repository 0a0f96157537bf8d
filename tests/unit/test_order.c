/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rings in ordinary memory, filled as the kernel fills them, and the merge over them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "../../include/calls.h"
#include "../../user/capture/order.h"

#define RINGS	  3
#define RING_SIZE 65536u
#define BUSY	  (1u << 31)
#define DISCARD	  (1u << 30)

struct world {
	struct ring rings[RINGS];
	unsigned long consumer[RINGS], producer[RINGS];
	/* twice, as the kernel maps it */
	uint64_t data[RINGS][2 * RING_SIZE / sizeof(uint64_t)];
	struct order order;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	if (!w)
		return -1;
	for (size_t i = 0; i < RINGS; i++)
		w->rings[i] = (struct ring){.consumer = &w->consumer[i],
					    .producer = &w->producer[i],
					    .data = (const uint8_t *)w->data[i],
					    .size = RING_SIZE};
	*state = w;
	return order_init(&w->order, w->rings, RINGS);
}

static int teardown(void **state)
{
	struct world *w = *state;

	order_done(&w->order);
	free(w);
	return 0;
}

static void write_at(struct world *w, size_t ring, unsigned long at, const void *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		size_t offset = (at + i) % RING_SIZE;

		((uint8_t *)w->data[ring])[offset] = ((const uint8_t *)bytes)[i];
		((uint8_t *)w->data[ring])[offset + RING_SIZE] = ((const uint8_t *)bytes)[i];
	}
}

/* Returns where the record's header is. */
static unsigned long put_flagged(struct world *w, size_t ring, uint64_t time_ns, uint32_t flags)
{
	struct event_free e = {
		.h = {.time_ns = time_ns, .process = 1, .size = sizeof(e), .type = EVENT_FREE}};
	unsigned long at = w->producer[ring];
	uint32_t header[2] = {(uint32_t)sizeof(e) | flags, 0};

	write_at(w, ring, at, header, sizeof(header));
	write_at(w, ring, at + 8, &e, sizeof(e));
	w->producer[ring] = at + 8 + sizeof(e);
	return at;
}

static unsigned long put(struct world *w, size_t ring, uint64_t time_ns)
{
	return put_flagged(w, ring, time_ns, 0);
}

static void expect(struct world *w, uint64_t now_ns, const uint64_t *times, size_t count)
{
	const struct event_header *events[64];
	size_t n;

	order_begin(&w->order, now_ns);
	n = order_next(&w->order, events, 64);
	assert_int_equal(n, count);
	assert_int_equal(w->order.buffer_count, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(events[i]->time_ns, times[i]);
	order_release(&w->order);
}

#define EXPECT(w, now, ...)                                                                        \
	do {                                                                                       \
		const uint64_t times_[] = {__VA_ARGS__};                                           \
		expect(w, now, times_, sizeof(times_) / sizeof(times_[0]));                        \
	} while (0)

static void order__three_rings__by_time(void **state)
{
	struct world *w = *state;

	put(w, 0, 1);
	put(w, 0, 5);
	put(w, 1, 2);
	put(w, 1, 6);
	put(w, 2, 3);
	put(w, 2, 4);
	EXPECT(w, 100, 1, 2, 3, 4, 5, 6);
	for (size_t i = 0; i < RINGS; i++)
		assert_int_equal(w->consumer[i], w->producer[i]);
	expect(w, 100, NULL, 0);
}

static void order__younger_than_the_watermark__next_sweep(void **state)
{
	struct world *w = *state;

	put(w, 0, 10);
	put(w, 1, 20);
	EXPECT(w, 15, 10);
	put(w, 0, 16);
	EXPECT(w, 30, 16, 20);
}

static void order__late_record__after_its_predecessor_and_counted(void **state)
{
	struct world *w = *state;

	put(w, 0, 10);
	put(w, 0, 7); /* its thread was preempted between the clock and the record */
	put(w, 1, 12);
	EXPECT(w, 100, 10, 7, 12);
	assert_int_equal(w->order.late_count, 1);
	expect(w, 200, NULL, 0);
	assert_int_equal(w->order.late_count, 1);
}

static void order__waiting_head__not_late_when_looked_at_again(void **state)
{
	struct world *w = *state;

	put(w, 0, 50);
	expect(w, 10, NULL, 0);
	expect(w, 20, NULL, 0);
	EXPECT(w, 60, 50);
	assert_int_equal(w->order.late_count, 0);
}

static void order__busy_record__holds_what_may_depend_on_it(void **state)
{
	struct world *w = *state;
	uint32_t done = sizeof(struct event_free);
	unsigned long at;

	put(w, 0, 10);
	at = put_flagged(w, 0, 11, BUSY);
	put(w, 0, 12);
	put(w, 1, 9);
	put(w, 1, 13);
	/* the free at 13 may be of a block behind the busy record */
	EXPECT(w, 100, 9, 10);
	write_at(w, 0, at, &done, sizeof(done));
	EXPECT(w, 200, 11, 12, 13);
}

static void order__discarded_record__skipped(void **state)
{
	struct world *w = *state;

	put(w, 0, 1);
	put_flagged(w, 0, 2, DISCARD);
	put(w, 0, 3);
	EXPECT(w, 100, 1, 3);
	assert_int_equal(w->order.bad_count, 0);
}

static void order__record_that_lies_about_its_size__counted_and_skipped(void **state)
{
	struct world *w = *state;
	struct event_header lie = {.time_ns = 2, .size = 4096, .type = EVENT_FREE};
	unsigned long at;

	put(w, 0, 1);
	at = put(w, 0, 2);
	write_at(w, 0, at + 8, &lie, sizeof(lie));
	put(w, 0, 3);
	EXPECT(w, 100, 1, 3);
	assert_int_equal(w->order.bad_count, 1);
}

static void order__ring_wraps__every_record_whole(void **state)
{
	struct world *w = *state;
	uint64_t time = 1;

	for (size_t round = 0; round < 400; round++) {
		uint64_t times[20];

		for (size_t i = 0; i < 20; i++) {
			put(w, i % RINGS, time);
			times[i] = time++;
		}
		expect(w, time, times, 20);
	}
	assert_true(w->producer[0] > RING_SIZE);
}

static void order__small_batches__same_order(void **state)
{
	struct world *w = *state;
	const struct event_header *events[2];
	uint64_t last = 0;
	size_t n, total = 0;

	for (uint64_t t = 1; t <= 31; t++)
		put(w, t % RINGS, t);
	order_begin(&w->order, 100);
	while ((n = order_next(&w->order, events, 2))) {
		for (size_t i = 0; i < n; i++) {
			assert_true(events[i]->time_ns > last);
			last = events[i]->time_ns;
		}
		total += n;
		order_release(&w->order);
	}
	assert_int_equal(total, 31);
}

/* ---- rings of slots ---- */

#define SLOTS 8u
#define CPUS  5u

struct slot_world {
	struct slot_ring shared[CPUS];
	struct event_slot slots[CPUS * SLOTS];
	struct event_alloc records[CPUS * RING_RECORDS];
	struct slot_rings all;
	struct ring rings[CPUS];
	struct order order;
};

static int setup_slots(void **state)
{
	struct slot_world *w = calloc(1, sizeof(*w));

	if (!w)
		return -1;
	w->all = (struct slot_rings){.rings = w->shared,
				     .slots = w->slots,
				     .records = w->records,
				     .cpus = CPUS,
				     .slot_count = SLOTS};
	for (size_t i = 0; i < CPUS; i++)
		ring_of_slots(&w->rings[i], &w->all, i);
	*state = w;
	return order_init(&w->order, w->rings, CPUS);
}

static int teardown_slots(void **state)
{
	struct slot_world *w = *state;

	order_done(&w->order);
	free(w);
	return 0;
}

/* As bpf/slot_ring.bpf.h does it; the slot that is to be completed by complete_slot(). */
static struct event_slot *take_slot(struct slot_world *w, size_t cpu, uint64_t time_ns)
{
	uint64_t at = w->shared[cpu].taken++;
	struct event_slot *slot = &w->slots[cpu * SLOTS + at % SLOTS];

	slot->when = time_ns | (uint64_t)CALL_ID_CALLOC << SLOT_TIME_BITS;
	slot->size = 12345 | 678ull << SLOT_BYTES_BITS;
	slot->stack = time_ns * 3;
	return slot;
}

static void complete_slot(struct slot_world *w, size_t cpu, struct event_slot *slot, uint64_t at,
			  uint64_t kind)
{
	(void)w;
	(void)cpu;
	slot->what = 0x7f1234567890ull | 9ull << SLOT_ADDRESS_BITS | kind |
		     (at / SLOTS + 1) << SLOT_LAP_SHIFT;
}

static void put_slot(struct slot_world *w, size_t cpu, uint64_t time_ns, uint64_t kind)
{
	uint64_t at = w->shared[cpu].taken;

	complete_slot(w, cpu, take_slot(w, cpu, time_ns), at, kind);
}

static size_t sweep_slots(struct slot_world *w, const struct event_header **events)
{
	size_t n;

	order_begin(&w->order, 1000000);
	n = order_next(&w->order, events, 64);
	assert_int_equal(w->order.buffer_count, 0);
	order_release(&w->order);
	return n;
}

static void order__slots__as_records(void **state)
{
	struct slot_world *w = *state;
	const struct event_header *events[64];
	const struct event_alloc *alloc;

	put_slot(w, 0, 5, 0);
	put_slot(w, 1, 4, SLOT_FREE);
	assert_int_equal(sweep_slots(w, events), 2);
	assert_int_equal(events[0]->type, EVENT_FREE);
	assert_int_equal(events[0]->size, sizeof(struct event_free));
	assert_int_equal(((const struct event_free *)(const void *)events[0])->address,
			 0x7f1234567890ull);
	alloc = (const void *)events[1];
	assert_int_equal(alloc->h.type, EVENT_ALLOC);
	assert_int_equal(alloc->h.size, sizeof(*alloc));
	assert_int_equal(alloc->h.time_ns, 5);
	assert_int_equal(alloc->h.process, 9);
	assert_int_equal(alloc->h.tid, 678);
	assert_int_equal(alloc->h.call, CALL_ID_CALLOC);
	assert_int_equal(alloc->address, 0x7f1234567890ull);
	assert_int_equal(alloc->bytes, 12345);
	assert_int_equal(alloc->stack, 15);
	assert_int_equal(w->shared[0].released, 1);
}

static void order__slot_taken_and_not_written__waited_for(void **state)
{
	struct slot_world *w = *state;
	const struct event_header *events[64];
	struct event_slot *slot;

	for (uint64_t lap = 0; lap < 9; lap++) {
		for (uint64_t i = 0; i < SLOTS - 1; i++)
			put_slot(w, 0, lap * 100 + i + 1, 0);
		slot = take_slot(w, 0, lap * 100 + 50);
		assert_int_equal(sweep_slots(w, events), SLOTS - 1);
		assert_int_equal(sweep_slots(w, events), 0);
		complete_slot(w, 0, slot, lap * SLOTS + SLOTS - 1, SLOT_FREE);
		assert_int_equal(sweep_slots(w, events), 1);
		assert_int_equal(events[0]->time_ns, lap * 100 + 50);
		assert_int_equal(w->shared[0].released, (lap + 1) * SLOTS);
	}
}

static void order__slots_of_two_cpus__by_time(void **state)
{
	struct slot_world *w = *state;
	const struct event_header *events[64];
	uint64_t time = 0;

	for (size_t round = 0; round < 100; round++) {
		for (size_t i = 0; i < 10; i++) {
			time++;
			put_slot(w, time * time % 7 % 2, time, 0);
			if (w->shared[0].taken - w->shared[0].released == SLOTS ||
			    w->shared[1].taken - w->shared[1].released == SLOTS)
				break;
		}
		uint64_t first = time;
		size_t n = sweep_slots(w, events);

		for (size_t i = n; i-- > 0; first--)
			assert_int_equal(events[i]->time_ns, first);
	}
}

/* Runs of any length, equal times, a ring that is empty most of the time: every record once, times never go back. */
/* Slots that are taken on any CPU, some of them written later, read now and then: all of them come, in the order of time. */
static void order__slots_of_many_cpus__sorted_and_complete(void **state)
{
	struct slot_world *w = *state;
	const struct event_header *events[64];
	uint64_t now = 1, last = 0, put_count = 0, got = 0;

	srand(9);
	for (size_t round = 0; round < 20000; round++) {
		struct event_slot *late = NULL;
		size_t late_cpu = 0, n;
		uint64_t late_at = 0;

		for (int i = rand() % 12; i > 0; i--) {
			size_t cpu = (size_t)rand() % CPUS;

			if (w->shared[cpu].taken - w->shared[cpu].released == SLOTS)
				continue;
			now += (uint64_t)(rand() % 3);
			put_count++;
			if (late || rand() % 20) {
				put_slot(w, cpu, now, 0);
				continue;
			}
			late_cpu = cpu;
			late_at = w->shared[cpu].taken;
			late = take_slot(w, cpu, now);
		}
		for (int again = late != NULL; again >= 0; again--) {
			order_begin(&w->order, again ? now : UINT64_MAX);
			while ((n = order_next(&w->order, events, 1 + (size_t)rand() % 9))) {
				for (size_t i = 0; i < n; i++) {
					assert_true(events[i]->time_ns >= last);
					last = events[i]->time_ns;
				}
				got += n;
				order_release(&w->order);
			}
			if (again)
				complete_slot(w, late_cpu, late, late_at, SLOT_FREE);
		}
		assert_int_equal(got, put_count);
	}
	assert_int_equal(w->order.late_count, 0);
	assert_int_equal(w->order.bad_count, 0);
}

static void order__random_runs__sorted_and_complete(void **state)
{
	struct world *w = *state;
	const struct event_header *events[7];
	uint64_t now = 1, last = 0, sum = 0, seen = 0;
	size_t n, put_count = 0, got = 0;

	srand(5);
	for (size_t round = 0; round < 300; round++) {
		for (size_t i = 0; i < 200; i++) {
			size_t ring = rand() % 50 ? (size_t)rand() % 2 : 2;

			for (int run = rand() % 4; run >= 0; run--) {
				now += (uint64_t)(rand() % 3);
				sum += now;
				put_count++;
				put(w, ring, now);
			}
		}
		order_begin(&w->order, now);
		while ((n = order_next(&w->order, events, 1 + (size_t)rand() % 7))) {
			for (size_t i = 0; i < n; i++) {
				assert_true(events[i]->time_ns >= last);
				last = events[i]->time_ns;
				seen += last;
			}
			got += n;
			order_release(&w->order);
		}
		assert_int_equal(got, put_count);
	}
	assert_int_equal(seen, sum);
	assert_int_equal(w->order.late_count, 0);
}

int main(void)
{
#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)
#define SLOT_TEST(name) cmocka_unit_test_setup_teardown(name, setup_slots, teardown_slots)
	const struct CMUnitTest tests[] = {
		TEST(order__three_rings__by_time),
		TEST(order__younger_than_the_watermark__next_sweep),
		TEST(order__late_record__after_its_predecessor_and_counted),
		TEST(order__waiting_head__not_late_when_looked_at_again),
		TEST(order__busy_record__holds_what_may_depend_on_it),
		TEST(order__discarded_record__skipped),
		TEST(order__record_that_lies_about_its_size__counted_and_skipped),
		TEST(order__ring_wraps__every_record_whole),
		TEST(order__small_batches__same_order),
		SLOT_TEST(order__slots__as_records),
		SLOT_TEST(order__slot_taken_and_not_written__waited_for),
		SLOT_TEST(order__slots_of_two_cpus__by_time),
		SLOT_TEST(order__slots_of_many_cpus__sorted_and_complete),
		TEST(order__random_runs__sorted_and_complete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
