/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unit tests of user/target/go_goroutines.c, go_origins.c, go_system.c, user/goroutine_facts.c and user/analyse/goroutines.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../user/analyse/goroutines.h"
#include "../../user/analyse/growth.h"
#include "../../user/base/clock.h"
#include "../../user/goroutine_facts.h"
#include "../../user/target/go_watch.h"

#define S	NS_PER_S
#define ELDER	(20 * S)
#define G_BYTES 416
#define MANY	200000u

enum { IDLE = 0, RUNNABLE = 1, RUNNING = 2, SYSCALL = 3, WAITING = 4, DEAD = 6, SCAN = 0x1000 };

/* What runtime.allgs, sched and waitReasonStrings are in a program of Go 1.19, in this process's own memory. */
struct world {
	struct go_runtime runtime;
	struct go_watch *watch;
	uint8_t *g;	   /* of G_BYTES each */
	uint64_t *list;	   /* pointers to them */
	uint64_t allgs[3]; /* the slice */
	uint64_t allp[3], processor[400];
	uint8_t sched[512];
	uint64_t reasons[27][2];
	uint32_t count;
	uint64_t edges[2];
};

static void put(struct world *w, uint32_t i, enum go_member m, uint64_t v, size_t size)
{
	memcpy(w->g + (size_t)i * G_BYTES + w->runtime.layout->at[m], &v, size);
}

static void set(struct world *w, uint32_t i, uint64_t goid, uint32_t status, uint64_t creator,
		uint64_t start, uint8_t reason)
{
	put(w, i, GO_G_STATUS, status, 4);
	put(w, i, GO_G_GOID, goid, 8);
	put(w, i, GO_G_GOPC, creator, 8);
	put(w, i, GO_G_STARTPC, start, 8);
	put(w, i, GO_G_WAIT_REASON, reason, 1);
	put(w, i, GO_G_WAIT_SINCE, 0, 8);
}

static struct world *world(uint32_t count)
{
	static const char receive[] = "chan receive",
			  select[] = "select and much more text than fits";
	struct world *w = calloc(1, sizeof(*w));
	uint32_t i;

	w->count = count;
	w->runtime.pid = getpid();
	w->runtime.memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	w->runtime.layout = go_layout_find(19);
	w->g = calloc(count, G_BYTES);
	w->list = calloc(count, sizeof(*w->list));
	for (i = 0; i < count; i++)
		w->list[i] = (uint64_t)(uintptr_t)(w->g + (size_t)i * G_BYTES);
	w->allgs[0] = (uint64_t)(uintptr_t)w->list;
	w->allgs[1] = count;
	w->allp[0] = (uint64_t)(uintptr_t)&w->processor[399];
	w->allp[1] = 1;
	w->processor[399] = (uint64_t)(uintptr_t)w->processor;
	w->reasons[14][0] = (uint64_t)(uintptr_t)receive;
	w->reasons[14][1] = strlen(receive);
	w->reasons[9][0] = (uint64_t)(uintptr_t)select;
	w->reasons[9][1] = strlen(select);
	w->runtime.at[GO_SYMBOL_ALLGS] = (uint64_t)(uintptr_t)w->allgs;
	w->runtime.at[GO_SYMBOL_ALLP] = (uint64_t)(uintptr_t)w->allp;
	w->runtime.at[GO_SYMBOL_SCHED] = (uint64_t)(uintptr_t)w->sched;
	w->runtime.at[GO_SYMBOL_WAIT_REASON_STRINGS] = (uint64_t)(uintptr_t)w->reasons;
	w->edges[0] = 0x9000;
	w->edges[1] = 0xa000;
	w->runtime.system = (struct go_system){w->edges, 2};
	w->watch = go_watch_new();
	return w;
}

static void end_world(struct world *w)
{
	go_watch_free(w->watch);
	close(w->runtime.memory);
	free(w->g);
	free(w->list);
	free(w);
}

static struct go_goroutines look(struct world *w, uint64_t now_ns)
{
	struct go_goroutines out;

	assert_int_equal(go_watch_read(w->watch, &w->runtime, now_ns, ELDER, &out), 0);
	assert_true(out.known);
	return out;
}

static void go_system_has__between_edges__only(void **state)
{
	uint64_t edges[] = {10, 20, 30};
	const struct go_system s = {edges, 3}, none = {0};

	(void)state;
	assert_false(go_system_has(&s, 9));
	assert_true(go_system_has(&s, 10));
	assert_true(go_system_has(&s, 19));
	assert_false(go_system_has(&s, 20));
	assert_false(go_system_has(&s, 29));
	assert_true(go_system_has(&s, 31));
	assert_false(go_system_has(&none, 31));
}

static void go_watch_read__groups__by_origin_and_what_they_do(void **state)
{
	struct world *w = world(8);
	struct go_goroutines out;

	(void)state;
	set(w, 0, 1, WAITING, 0x100, 0x200, 14);
	set(w, 1, 2, WAITING | SCAN, 0x100, 0x200, 14);
	set(w, 2, 3, RUNNING, 0x100, 0x200, 14);
	set(w, 3, 4, WAITING, 0x101, 0x200, 9);
	set(w, 4, 5, DEAD, 0x101, 0x200, 9);
	set(w, 5, 6, WAITING, 0x100, 0x9800, 14); /* the runtime's own */
	set(w, 6, 7, 77, 0x100, 0x200, 14);	  /* makes no sense */
	set(w, 7, 8, WAITING, 0x101, 0x200, 200); /* no such reason */
	put(w, 1, GO_G_WAIT_SINCE, 60 * S, 8);
	put(w, 0, GO_G_WAIT_SINCE, 70 * S, 8);
	out = look(w, 100 * S);
	assert_true(out.whole);
	assert_int_equal(out.looked_at, 8);
	assert_int_equal(out.round_ns, 0);
	assert_int_equal(out.left_out, 0);
	assert_int_equal(out.origin_count, 2);
	assert_int_equal(out.origins[0].creator, 0x100);
	assert_int_equal(out.origins[0].start, 0x200);
	assert_int_equal(out.origins[0].count, 3);
	assert_int_equal(out.origins[1].count, 2);
	assert_int_equal(out.group_count, 4);
	assert_int_equal(out.all_groups, 4);
	assert_int_equal(out.largest, 2);
	assert_string_equal(out.groups[0].reason, "chan receive");
	assert_int_equal(out.groups[0].count, 2);
	assert_in_range(out.groups[0].waiting_since_ns, 59 * S, 60 * S);
	assert_string_equal(out.groups[1].reason, "running");
	assert_int_equal(out.groups[1].waiting_since_ns, 0);
	assert_int_equal(out.groups[2].origin, 1);
	assert_string_equal(out.groups[2].reason, "select and much more text than ");
	assert_string_equal(out.groups[3].reason, "waiting");
	go_goroutines_done(&out);
	end_world(w);
}

/* A place in the list is used again: another goroutine by its number. */
static void go_watch_read__ends__elders_and_others(void **state)
{
	struct world *w = world(4);
	struct go_goroutines out;
	uint32_t i;

	(void)state;
	for (i = 0; i < 4; i++)
		set(w, i, i + 1, WAITING, 0x100, 0x200, 14);
	out = look(w, 100 * S);
	assert_int_equal(out.origins[0].elders, 0);
	go_goroutines_done(&out);
	set(w, 0, 50, WAITING, 0x100, 0x200, 14);
	out = look(w, 110 * S);
	assert_int_equal(out.origins[0].count, 4);
	assert_int_equal(out.origins[0].elder_ends, 0);
	go_goroutines_done(&out);
	set(w, 1, 2, RUNNABLE, 0x100, 0x200, 14); /* does something else, and is still there */
	out = look(w, 121 * S);
	assert_int_equal(out.origins[0].elders, 3);
	assert_int_equal(out.origins[0].elder_ends, 0);
	go_goroutines_done(&out);
	set(w, 1, 2, DEAD, 0x100, 0x200, 14);
	set(w, 2, 51, WAITING, 0x101, 0x200, 14);
	out = look(w, 130 * S);
	assert_int_equal(out.origins[0].count, 2);
	assert_int_equal(out.origins[0].elders, 2);
	assert_int_equal(out.origins[0].elder_ends, 2);
	assert_int_equal(out.origins[1].creator, 0x101);
	assert_int_equal(out.origins[1].elders, 0);
	go_goroutines_done(&out);
	end_world(w);
}

static uint64_t sum_of(const struct go_goroutines *g)
{
	uint64_t sum = 0;
	uint32_t i;

	for (i = 0; i < g->group_count; i++)
		sum += g->groups[i].count;
	return sum;
}

static void go_watch_read__very_many__a_part_at_a_time(void **state)
{
	struct world *w = world(MANY);
	struct go_goroutines out;
	uint64_t now = 100 * S;
	uint32_t i, readings;

	(void)state;
	w->allgs[1] = MANY - 100;
	for (i = 0; i < MANY; i++)
		set(w, i, i + 1, WAITING, 0x100, 0x200 + i % 3, 14);
	out = look(w, now);
	assert_false(out.whole);
	assert_int_equal(out.looked_at, 65536);
	assert_int_equal(sum_of(&out) + out.left_out, MANY - 100);
	for (readings = 1; !out.whole; readings++) {
		go_goroutines_done(&out);
		out = look(w, now += S);
	}
	assert_int_equal(readings, 4);
	assert_int_equal(sum_of(&out), MANY - 100);
	go_goroutines_done(&out);
	/* the new ones first; of an old one that ends it is heard a round later */
	w->allgs[1] = MANY;
	set(w, 150000, 1, DEAD, 0, 0, 0);
	out = look(w, now += S);
	assert_int_equal(sum_of(&out), MANY);
	assert_int_equal(out.looked_at, 65536);
	for (readings = 0; sum_of(&out) == MANY && readings < 10; readings++) {
		go_goroutines_done(&out);
		out = look(w, now += S);
	}
	assert_int_equal(sum_of(&out), MANY - 1);
	assert_in_range(readings, 1, 3);
	go_goroutines_done(&out);
	/* soon after, fewer of them */
	out = look(w, now + NS_PER_MS);
	assert_in_range(out.looked_at, 4096, 5000);
	assert_in_range(out.round_ns, S, 6 * S);
	go_goroutines_done(&out);
	end_world(w);
}

static void go_watch_read__hostile_list__no_figures_and_no_harm(void **state)
{
	struct world *w = world(600);
	struct go_goroutines out;
	uint32_t i;

	(void)state;
	for (i = 0; i < 600; i++)
		set(w, i, i + 1, WAITING, 0x100, 0x200, 14);
	w->list[3] = 0;
	w->list[7] = UINT64_MAX - 8;
	w->list[9] = 16;
	out = look(w, 100 * S);
	assert_int_equal(sum_of(&out), 597);
	go_goroutines_done(&out);
	for (i = 0; i < 600; i += 2)
		w->list[i] = i * 16;
	assert_int_equal(go_watch_read(w->watch, &w->runtime, 101 * S, ELDER, &out), -EBADMSG);
	assert_false(out.known);
	w->allgs[0] = 4096;
	assert_int_equal(go_watch_read(w->watch, &w->runtime, 102 * S, ELDER, &out), -EBADMSG);
	w->allgs[1] = UINT64_MAX;
	assert_int_equal(go_watch_read(w->watch, &w->runtime, 103 * S, ELDER, &out), -EBADMSG);
	end_world(w);
}

static void go_goroutines_count__as_the_runtime__adds_up(void **state)
{
	struct world *w = world(40);
	int32_t seven = 7, three = 3, five = 5;
	uint64_t count;

	(void)state;
	memcpy(w->sched + w->runtime.layout->at[GO_SCHED_FREE] + 24, &seven, 4);
	memcpy(w->sched + w->runtime.layout->at[GO_NGSYS], &three, 4);
	memcpy((uint8_t *)w->processor + w->runtime.layout->at[GO_P_FREE] + 8, &five, 4);
	assert_int_equal(go_goroutines_count(&w->runtime, &count), 0);
	assert_int_equal(count, 40 - 7 - 3 - 5);
	end_world(w);
}

/* ---- recorded ---- */

static void goroutine_facts__packed__come_back(void **state)
{
	struct world *w = world(5);
	struct go_goroutines out, back = {0};
	struct buffer b = {0};
	struct unpack u;
	size_t i;

	(void)state;
	for (i = 0; i < 5; i++)
		set(w, (uint32_t)i, i + 1, i % 2 ? WAITING : RUNNING, 0x100 + i / 3, 0x200, 14);
	out = look(w, 100 * S);
	goroutine_facts_pack(&out, &b);
	u = (struct unpack){(uint8_t *)b.data, (uint8_t *)b.data + b.length, false};
	assert_true(goroutine_facts_unpack(&back, &u));
	assert_int_equal(back.origin_count, out.origin_count);
	assert_int_equal(back.group_count, out.group_count);
	assert_memory_equal(back.origins, out.origins, out.origin_count * sizeof(*out.origins));
	assert_memory_equal(back.groups, out.groups, out.group_count * sizeof(*out.groups));
	assert_int_equal(back.all_groups, out.all_groups);
	assert_int_equal(back.whole, true);
	go_goroutines_done(&back);
	for (i = 0; i < b.length; i++) {
		u = (struct unpack){(uint8_t *)b.data, (uint8_t *)b.data + i, false};
		assert_false(goroutine_facts_unpack(&back, &u));
		assert_null(back.origins);
	}
	go_goroutines_done(&out);
	buffer_done(&b);
	end_world(w);
}

/* ---- judged ---- */

#define SAMPLES 91

/* Second by second: what the figures of an origin are. */
struct judged {
	struct goroutines *histories;
	struct growth *growth;
	struct heap *heap;
	struct go_origin origin;
	struct go_group groups[2];
	struct go_goroutines now;
	uint64_t elders[SAMPLES + 1];
};

static void judged_init(struct judged *j)
{
	struct growth_options options = {.window_s = 30, .interval_s = 1, .threshold = 0.1};
	struct heap_options ho = {.generation_ns = S, .elder_ns = ELDER};

	*j = (struct judged){.histories = goroutines_new(),
			     .growth = growth_new(&options),
			     .heap = heap_new(&ho)};
	j->origin = (struct go_origin){.creator = 1, .start = 2};
	j->groups[0] = (struct go_group){.reason = "chan receive"};
	j->groups[1] = (struct go_group){.reason = "running"};
	j->now = (struct go_goroutines){.known = true,
					.whole = true,
					.origins = &j->origin,
					.groups = j->groups,
					.origin_count = 1,
					.group_count = 2};
}

static void judged_done(struct judged *j)
{
	goroutines_free(j->histories);
	growth_free(j->growth);
	heap_free(j->heap);
}

/* `born` so far, and so many of them run. All that were born more than 20 s ago are elders, but for those that have ended. */
static void judged_sample(struct judged *j, uint32_t second, uint64_t born, uint64_t ended,
			  uint64_t running)
{
	struct judging by;

	assert_true(second <= SAMPLES);
	j->elders[second] = born;
	j->origin.count = born - ended;
	j->origin.elders = second > 20 ? j->elders[second - 20] - ended : 0;
	j->origin.elder_ends = ended;
	j->origin.begun = born;
	j->groups[0].count = j->origin.count - running;
	j->groups[1].count = running;
	assert_int_equal(growth_sample(j->growth, j->heap, second * S), 0);
	growth_judging(j->growth, &by);
	assert_int_equal(by.window.now_ns, second * S);
	assert_int_equal(goroutines_sample(j->histories, 9, &j->now, &by), 0);
}

static struct snapshot_process judged_rows(struct judged *j, struct snapshot_goroutines rows[2])
{
	struct snapshot_process p = {.number = 9};
	struct snapshot s = {.processes = &p, .process_count = 1, .time_ns = (uint64_t)SAMPLES * S};

	goroutines_fill(j->histories, &s, 0, &j->now);
	assert_int_equal(s.goroutine_count, 2);
	memcpy(rows, s.goroutines, 2 * sizeof(*rows));
	free(s.goroutines);
	return p;
}

static void expect_reasons(const struct snapshot_goroutines *row, const char *text)
{
	struct buffer b = {0};

	goroutines_add_reasons(&b, row);
	assert_string_equal(b.data, text);
	buffer_done(&b);
}

static void goroutines__growing_in_number_and_none_ends__leak(void **state)
{
	struct snapshot_goroutines rows[2];
	struct snapshot_process p;
	struct judged j;
	uint32_t i;

	(void)state;
	judged_init(&j);
	for (i = 1; i <= SAMPLES; i++)
		judged_sample(&j, i, 100 + 3 * i, 0, 4);
	j.groups[0].waiting_since_ns = 31 * S;
	p = judged_rows(&j, rows);
	assert_int_equal(rows[0].verdict, VERDICT_LEAK);
	assert_true(rows[0].score > 80);
	assert_int_equal(rows[1].verdict, VERDICT_STEADY);
	assert_int_equal(p.goroutines.leak_count, 1);
	assert_true(rows[0].longest_wait_s == 60);
	assert_true(rows[1].longest_wait_s < 0);
	expect_reasons(&rows[0], "grew 3/s for 30s (p < 0.001); of 313 goroutines older than 20s, "
				 "313 are still there");
	judged_done(&j);
}

/* All at once, and then they work: what they do goes up and down. */
static void goroutines__pool_that_came_up__steady(void **state)
{
	struct snapshot_goroutines rows[2];
	struct judged j;
	uint32_t i;

	(void)state;
	judged_init(&j);
	for (i = 1; i <= SAMPLES; i++) {
		judged_sample(&j, i, i < 10 ? 1 : 1001, 0, i < 10 ? 0 : 10 * (SAMPLES - i));
		judged_rows(&j, rows);
		assert_int_not_equal(rows[0].verdict, VERDICT_LEAK);
		assert_int_not_equal(rows[1].verdict, VERDICT_LEAK);
	}
	/* those that wait have become more by ten a second, because as many run no more */
	assert_true(rows[0].trend.slope > 9);
	assert_int_equal(rows[0].verdict, VERDICT_STEADY);
	assert_int_equal(rows[1].verdict, VERDICT_STEADY);
	judged_done(&j);
}

static void goroutines__not_all_looked_at_yet__too_young_to_tell(void **state)
{
	struct snapshot_goroutines rows[2];
	struct judged j;
	uint32_t i;

	(void)state;
	judged_init(&j);
	j.now.whole = false;
	for (i = 1; i <= SAMPLES; i++)
		judged_sample(&j, i, 1000 * i, 0, 0);
	assert_int_equal(judged_rows(&j, rows).goroutines.leak_count, 0);
	assert_int_equal(rows[0].verdict, VERDICT_NEW);
	expect_reasons(&rows[0], "too young to tell");
	judged_done(&j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(go_system_has__between_edges__only),
		cmocka_unit_test(go_watch_read__groups__by_origin_and_what_they_do),
		cmocka_unit_test(go_watch_read__ends__elders_and_others),
		cmocka_unit_test(go_watch_read__very_many__a_part_at_a_time),
		cmocka_unit_test(go_watch_read__hostile_list__no_figures_and_no_harm),
		cmocka_unit_test(go_goroutines_count__as_the_runtime__adds_up),
		cmocka_unit_test(goroutine_facts__packed__come_back),
		cmocka_unit_test(goroutines__growing_in_number_and_none_ends__leak),
		cmocka_unit_test(goroutines__pool_that_came_up__steady),
		cmocka_unit_test(goroutines__not_all_looked_at_yet__too_young_to_tell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
