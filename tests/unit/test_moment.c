/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The times of events (bpf/moment.bpf.h) as plain C: when the clock is read, and that times never contradict what has happened, with
 * threads that come in between at the worst moments and with threads that really run at once.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>
#include "../../include/event.h"
#include "../../include/turn.h"
#include "../../user/capture/turn_watch.h"

#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
#define __noinline	__attribute__((noinline))
#define SEC(name)

struct task_struct {
	unsigned long nvcsw, nivcsw;
};
struct thread {
	__u32 tid;
	__u64 moment, run;
};

static uint64_t jiffies;
static uint64_t read_clock(void);

#define bpf_jiffies64()	 jiffies
#define bpf_ktime_get_ns read_clock

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#include "../../bpf/moment.bpf.h"
#pragma GCC diagnostic pop

/* ---- a clock that is set, and whoever comes in between before or after it is read ---- */

static bool real_clock;
static uint64_t clock_ns, clock_reads;
static void (*before_clock)(void), (*after_clock)(void);

static void call_once(void (**hook)(void))
{
	void (*function)(void) = *hook;

	*hook = NULL;
	if (function)
		function();
}

static uint64_t read_clock(void)
{
	struct timespec now;
	uint64_t ns;

	if (real_clock) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	}
	call_once(&before_clock);
	clock_reads++;
	ns = clock_ns += 100;
	call_once(&after_clock);
	return ns;
}

static struct thread a, b;
static struct task_struct task_a, task_b;

static int setup(void **state)
{
	(void)state;
	turn = (struct turn){0};
	a = (struct thread){.tid = 100};
	b = (struct thread){.tid = 200};
	task_a = task_b = (struct task_struct){5, 7};
	real_clock = false;
	clock_ns = 1000000;
	clock_reads = jiffies = 0;
	before_clock = after_clock = NULL;
	return 0;
}

/* Until it takes times without reading the clock. */
static void settle(struct thread *t, const struct task_struct *task)
{
	uint64_t reads;

	do {
		reads = clock_reads;
		moment_of(t, task);
	} while (clock_reads != reads);
}

static uint64_t reads_of(unsigned int events)
{
	uint64_t before = clock_reads;

	while (events--)
		moment_of(&a, &task_a);
	return clock_reads - before;
}

static void moment_of__one_thread__one_read_in_eight(void **state)
{
	(void)state;
	settle(&a, &task_a);
	assert_int_equal(reads_of(MOMENT_RUN * 100), 100);
}

static void moment_of__events_far_apart__each_reads(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++) {
		clock_ns += MOMENT_DENSE_NS;
		assert_int_equal(reads_of(1), 1);
	}
}

static void moment_of__thread_was_switched__reads(void **state)
{
	(void)state;
	settle(&a, &task_a);
	task_a.nvcsw++;
	assert_int_equal(reads_of(1), 1);
	settle(&a, &task_a);
	task_a.nivcsw++;
	assert_int_equal(reads_of(1), 1);
}

static void moment_of__next_tick__reads(void **state)
{
	(void)state;
	settle(&a, &task_a);
	jiffies++;
	assert_int_equal(reads_of(1), 1);
}

static void moment_of__after_another_thread__reads(void **state)
{
	uint64_t of_b;

	(void)state;
	settle(&a, &task_a);
	of_b = moment_of(&b, &task_b);
	assert_int_equal(reads_of(1), 1);
	assert_true(MOMENT_NS(a.moment) > of_b);
}

static void moment_now__of_nobody__ends_the_turn(void **state)
{
	uint64_t record;

	(void)state;
	settle(&a, &task_a);
	record = moment_now();
	assert_int_equal(turn.word, TURN_NOBODY);
	assert_true(moment_of(&a, &task_a) > record);
}

/* Its record lies in another ring than what follows: only times keep their order. */
static void moment_exact__in_its_own_turn__kept_and_what_follows_is_later(void **state)
{
	uint64_t before, record;

	(void)state;
	settle(&a, &task_a);
	before = moment_of(&a, &task_a);
	record = moment_exact(&a);
	assert_true(record > before);
	assert_int_equal(turn.word, turn_of(&a));
	assert_int_equal(reads_of(1), 0);
	assert_true(moment_of(&a, &task_a) > record);
}

static void moment_exact__in_anothers_turn__ends_it(void **state)
{
	uint64_t record;

	(void)state;
	settle(&a, &task_a);
	record = moment_exact(&b);
	assert_true(moment_of(&a, &task_a) > record);
}

/* ---- somebody comes in between ---- */

static void b_takes_the_turn(void)
{
	moment_of(&b, &task_b);
	settle(&b, &task_b);
}

static void moment_of__another_claims_before_the_clock__nobody_has_it(void **state)
{
	uint64_t of_a;

	(void)state;
	before_clock = b_takes_the_turn;
	of_a = moment_of(&a, &task_a);
	/* what b took before is earlier; what it does now must not be */
	assert_true(moment_of(&b, &task_b) > of_a);
}

static void moment_of__another_claims_after_the_clock__later_than_it(void **state)
{
	uint64_t of_a;

	(void)state;
	after_clock = b_takes_the_turn;
	of_a = moment_of(&a, &task_a);
	assert_true(MOMENT_NS(b.moment) > of_a);
	assert_true(moment_of(&b, &task_b) > of_a);
	assert_true(moment_of(&a, &task_a) > MOMENT_NS(b.moment));
}

static void moment_now__another_claims_before_the_clock__nobody_has_it(void **state)
{
	uint64_t record;

	(void)state;
	before_clock = b_takes_the_turn;
	record = moment_now();
	assert_true(moment_of(&b, &task_b) > record);
}

static void b_records(void)
{
	moment_now();
}

static void moment_of__a_record_in_between__nobody_has_it(void **state)
{
	(void)state;
	before_clock = b_records;
	moment_of(&a, &task_a);
	assert_int_equal(turn.word, TURN_NOBODY);
}

static void user_space_ends_it(void)
{
	turn.word = TURN_NOBODY;
	b_takes_the_turn();
}

static void moment_of__off_until_before_the_clock__nobody_has_it(void **state)
{
	uint64_t of_a;

	(void)state;
	turn.word = TURN_OFF;
	before_clock = user_space_ends_it;
	of_a = moment_of(&a, &task_a);
	assert_true(moment_of(&b, &task_b) > of_a);
}

/* ---- many processors ---- */

static void moment_of__threads_in_turn__off(void **state)
{
	(void)state;
	for (int i = 0; i < MOMENT_LOST + 1; i++) {
		moment_of(&a, &task_a);
		moment_of(&b, &task_b);
	}
	assert_int_equal(turn.word, TURN_OFF);
	assert_int_equal(reads_of(100), 100);
	assert_int_equal(turn.word, TURN_OFF);
	moment_now();
	moment_exact(&a);
	assert_int_equal(turn.word, TURN_OFF);
}

static void moment_of__another_one_now_and_then__goes_on(void **state)
{
	(void)state;
	for (int i = 0; i < 100 * MOMENT_LOST; i++) {
		reads_of(3 * MOMENT_RUN);
		moment_of(&b, &task_b);
	}
	assert_int_not_equal(turn.word, TURN_OFF);
}

#define SECOND 1000000000ull

static void look(uint64_t first, uint64_t second, uint64_t expected)
{
	struct ring rings[2] = {{.position = 0}};
	struct turn_watch w;

	turn.word = TURN_OFF;
	assert_int_equal(turn_watch_init(&w, &turn, rings, 2), 0);
	turn_watch_look(&w, SECOND);
	assert_int_equal(turn.word, TURN_OFF);
	rings[0].position = first;
	rings[1].position = second;
	turn_watch_look(&w, SECOND + 1);
	assert_int_equal(turn.word, TURN_OFF);
	turn_watch_look(&w, 2 * SECOND);
	assert_int_equal(turn.word, expected);
	/* no more events since */
	turn.word = TURN_OFF;
	turn_watch_look(&w, 3 * SECOND);
	assert_int_equal(turn.word, TURN_OFF);
	turn_watch_done(&w);
}

static void turn_watch_look__one_processor__on_again(void **state)
{
	(void)state;
	look(100000, 0, TURN_NOBODY);
	look(1000, 100000, TURN_NOBODY);
	look(100000, 50000, TURN_OFF);
	look(500, 0, TURN_OFF);
}

static void turn_watch_look__not_off__left_alone(void **state)
{
	struct ring ring = {.position = 0};
	struct turn_watch w;

	(void)state;
	assert_int_equal(turn_watch_init(&w, &turn, &ring, 1), 0);
	turn.word = turn_of(&a);
	ring.position = 1000000;
	turn_watch_look(&w, SECOND);
	assert_int_equal(turn.word, turn_of(&a));
	turn_watch_done(&w);
}

/* ---- threads that run at once ---- */

#define THREADS 2
#define PASSES	200000

/* The time of the newest event before the token was passed on; whose turn it is to go on. */
static uint64_t token_ns;
static uint32_t holder;
static unsigned int contradictions;

/* Now and then several events, as records, or with the turn switched on again: whatever may come. */
static uint64_t some_events(struct thread *t, const struct task_struct *task, uint64_t *dice,
			    uint64_t last)
{
	uint64_t ns;

	for (int n = 0; n <= (int)(*dice >> 60) % 12; n++) {
		*dice = *dice * 6364136223846793005ull + 1442695040888963407ull;
		switch (*dice >> 40 & 31) {
		case 0: ns = moment_now(); break;
		case 1: ns = moment_exact(t); break;
		default: ns = moment_of(t, task);
		}
		if (ns < last)
			__atomic_fetch_add(&contradictions, 1, __ATOMIC_RELAXED);
		last = ns;
	}
	return last;
}

static void *pass_on(void *arg)
{
	const uint32_t number = (uint32_t)(uintptr_t)arg;
	const struct task_struct task = {0};
	struct thread t = {.tid = number + 1};
	uint64_t dice = number + 42, last, mine = 0;

	for (int i = 0; i < PASSES; i++) {
		while (__atomic_load_n(&holder, __ATOMIC_ACQUIRE) != number) {
			/* events of its own, beside those of who holds the token */
			mine = some_events(&t, &task, &dice, mine);
		}
		last = some_events(&t, &task, &dice, token_ns > mine ? token_ns : mine);
		token_ns = mine = last;
		if (!(dice >> 33 & 63))
			turn_set(TURN_NOBODY);
		__atomic_store_n(&holder, (number + 1) % THREADS, __ATOMIC_RELEASE);
	}
	return NULL;
}

static void moment_of__threads_at_once__what_follows_is_not_earlier(void **state)
{
	pthread_t threads[THREADS];

	(void)state;
	real_clock = true;
	holder = 0;
	token_ns = 0;
	contradictions = 0;
	for (uintptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, pass_on, (void *)i), 0);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(contradictions, 0);
}

#define TEST(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(moment_of__one_thread__one_read_in_eight),
		TEST(moment_of__events_far_apart__each_reads),
		TEST(moment_of__thread_was_switched__reads),
		TEST(moment_of__next_tick__reads),
		TEST(moment_of__after_another_thread__reads),
		TEST(moment_now__of_nobody__ends_the_turn),
		TEST(moment_exact__in_its_own_turn__kept_and_what_follows_is_later),
		TEST(moment_exact__in_anothers_turn__ends_it),
		TEST(moment_of__another_claims_before_the_clock__nobody_has_it),
		TEST(moment_of__another_claims_after_the_clock__later_than_it),
		TEST(moment_now__another_claims_before_the_clock__nobody_has_it),
		TEST(moment_of__a_record_in_between__nobody_has_it),
		TEST(moment_of__off_until_before_the_clock__nobody_has_it),
		TEST(moment_of__threads_in_turn__off),
		TEST(moment_of__another_one_now_and_then__goes_on),
		TEST(turn_watch_look__one_processor__on_again),
		TEST(turn_watch_look__not_off__left_alone),
		TEST(moment_of__threads_at_once__what_follows_is_not_earlier),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
