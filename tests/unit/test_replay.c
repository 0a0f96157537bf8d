/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Replays of the recordings in tests/replay, which must give what their live runs gave, and what travels in notes: facts and
 * totals.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../../user/base/log.h"
#include "../../user/facts.h"
#include "../../user/heap/heap.h"
#include "../../user/player.h"
#include "../../user/totals_note.h"

#define RECORDING "tests/replay/every.rec"

static char directory[] = "/tmp/test_replay.XXXXXX";
static char sites_path[64], blocks_path[64];

static int set_up(void **state)
{
	(void)state;
	log_set_level(LOG_QUIET);
	if (!mkdtemp(directory))
		return -1;
	snprintf(sites_path, sizeof(sites_path), "%s/csv", directory);
	snprintf(blocks_path, sizeof(blocks_path), "%s/csv-blocks", directory);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(sites_path);
	unlink(blocks_path);
	return rmdir(directory);
}

static struct options options_of(double interval_s)
{
	return (struct options){
		.read = RECORDING,
		.interval_s = interval_s,
		.files = {[FORMAT_CSV] = sites_path, [FORMAT_CSV_BLOCKS] = blocks_path},
		.top = 10,
		.leak_window_s = 30,
		.leak_interval_s = 1,
		.leak_threshold = 0.1};
}

static char *read_file(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text;
	long size;

	assert_non_null(file);
	assert_int_equal(fseek(file, 0, SEEK_END), 0);
	size = ftell(file);
	rewind(file);
	text = calloc(1, (size_t)size + 1);
	assert_non_null(text);
	assert_int_equal(fread(text, 1, (size_t)size, file), size);
	fclose(file);
	return text;
}

static void same_files(const char *path, const char *expected)
{
	char *a = read_file(path), *b = read_file(expected);

	assert_true(strlen(b) > 1000);
	assert_string_equal(a, b);
	free(a);
	free(b);
}

static void finish(struct player *p)
{
	player_write_last(p);
	assert_false(player_failed(p));
	assert_true(player_close(p));
}

static void player__recorded_cuts__files_of_the_live_run(void **state)
{
	struct options o = options_of(0);
	struct player *p = player_open(&o);

	(void)state;
	assert_non_null(p);
	/* a few records at a time: it makes no difference */
	while (player_run(p, UINT64_MAX, 3, false))
		;
	finish(p);
	same_files(sites_path, "tests/replay/every.csv");
	same_files(blocks_path, "tests/replay/every.csv-blocks");
}

static void seek(struct player *p, uint64_t time_ns)
{
	assert_true(player_go_back(p, time_ns));
	player_run(p, time_ns, UINT64_MAX, false);
}

/* As a user who looks around; what is written is the same, and written once. */
static void player__back_and_forth__files_of_the_live_run(void **state)
{
	struct options o = options_of(0);
	struct player *p = player_open(&o);
	uint64_t begun, half;
	struct snapshot s;

	(void)state;
	assert_non_null(p);
	begun = player_begun(p);
	half = begun + (player_ends(p) - begun) / 2;
	assert_true(half > begun);
	seek(p, half);
	assert_true(player_now(p) >= begun && player_now(p) <= half);
	seek(p, begun);
	player_look(p, &s);
	assert_int_equal(s.time_ns, player_now(p));
	snapshot_free(&s);
	seek(p, UINT64_MAX);
	seek(p, half);
	seek(p, UINT64_MAX);
	finish(p);
	same_files(sites_path, "tests/replay/every.csv");
	same_files(blocks_path, "tests/replay/every.csv-blocks");
}

/* The moments are others, the end is the same. */
static void player__interval_of_its_own__cuts_at_its_beats(void **state)
{
	struct options o = options_of(0.1);
	struct player *p = player_open(&o);
	char *text, *at;
	size_t beats = 0;

	(void)state;
	assert_non_null(p);
	while (player_run(p, UINT64_MAX, 1000, false))
		;
	finish(p);
	same_files(blocks_path, "tests/replay/every.csv-blocks");
	text = read_file(sites_path);
	for (at = text; (at = strstr(at, "Z,0.2,")); at++)
		beats++;
	assert_true(beats > 0);
	free(text);
}

static void player__count_and_duration__ends_there(void **state)
{
	struct options o = options_of(0.1);
	struct player *p;

	(void)state;
	o.report_count = 2;
	p = player_open(&o);
	assert_non_null(p);
	while (player_run(p, UINT64_MAX, 1000, false))
		;
	assert_int_equal(player_now(p) - player_begun(p), 200000000);
	finish(p);
	o.report_count = 0;
	o.duration_s = 0.35;
	p = player_open(&o);
	while (player_run(p, UINT64_MAX, 1000, false))
		;
	assert_true(player_now(p) - player_begun(p) <= 350000000);
	assert_true(player_now(p) - player_begun(p) >= 300000000);
	finish(p);
}

/* ---- notes ---- */

static void facts__packed__the_same_again(void **state)
{
	struct facts f = {.time_ns = 123456789012,
			  .realtime_ns = 1700000000000000000,
			  .elapsed_s = 0.1,
			  .tracer_rss_bytes = UINT64_MAX,
			  .cost = {.known = true, .percent = 12.5},
			  .coverage = {.partial = true, .scale = 3.75, .windows = 9}},
		     back;
	struct process_facts *p = facts_add_process(&f);
	struct buffer b = {0};
	struct unpack u;

	(void)state;
	f.counts[COUNTER_LATE_EVENT] = 7;
	*p = (struct process_facts){.number = 3, .pid = 99, .comm = "fifteen letters"};
	p->rss_bytes = UINT64_MAX;
	p->counts[COUNTER_RING_FULL] = 5;
	facts_pack(&f, &b);
	u = (struct unpack){(uint8_t *)b.data, (uint8_t *)b.data + b.length, false};
	assert_true(facts_unpack(&back, &u));
	assert_memory_equal(back.processes, f.processes, sizeof(*f.processes));
	assert_int_equal(back.process_count, 1);
	free(back.processes);
	back.processes = f.processes;
	assert_memory_equal(&back, &f, sizeof(f));
	/* cut anywhere: an error, or fewer processes, and nothing else */
	for (size_t n = 0; n < b.length; n++) {
		u = (struct unpack){(uint8_t *)b.data, (uint8_t *)b.data + n, false};
		if (facts_unpack(&back, &u))
			assert_true(back.process_count == 0);
		facts_done(&back);
	}
	facts_done(&f);
	buffer_done(&b);
}

static void apply(struct heap *h, uint8_t type, uint64_t time_ns, uint64_t address, uint64_t bytes,
		  uint64_t stack)
{
	struct event_alloc e = {
		.h = {.time_ns = time_ns,
		      .process = 1,
		      .tid = 5,
		      .size = type == EVENT_ALLOC ? sizeof(e) : sizeof(struct event_free),
		      .type = type,
		      .call = type == EVENT_ALLOC ? CALL_ID_MALLOC : CALL_ID_FREE},
		.address = address,
		.bytes = bytes,
		.stack = stack};

	heap_apply(h, &e.h);
}

static void restore(struct heap *to, struct heap *from, uint64_t since)
{
	struct buffer b = {0};
	struct unpack u;

	totals_pack(from, since, &b);
	u = (struct unpack){(uint8_t *)b.data, (uint8_t *)b.data + b.length, false};
	assert_true(totals_unpack(to, &u));
	buffer_done(&b);
}

static void same_totals(struct heap *a, struct heap *b)
{
	assert_int_equal(heap_site_count(a), heap_site_count(b));
	for (uint32_t i = 1; i <= heap_site_count(a); i++) {
		const struct site *x = heap_site(a, i), *y = heap_site(b, i);

		assert_memory_equal(&x->totals, &y->totals, sizeof(x->totals));
		assert_int_equal(x->stack_id, y->stack_id);
		assert_int_equal(x->first_ns, y->first_ns);
		assert_int_equal(x->elder_frees, y->elder_frees);
		assert_int_equal(x->resizes, y->resizes);
		assert_int_equal(x->longest_ns, y->longest_ns);
		assert_int_equal(x->peak_bytes, y->peak_bytes);
		assert_memory_equal(heap_site_lifetimes(a, i), heap_site_lifetimes(b, i),
				    sizeof(struct lifetimes));
		assert_int_equal(x->generations.count, y->generations.count);
		assert_memory_equal(x->generations.v, y->generations.v,
				    x->generations.count * sizeof(*x->generations.v));
		assert_int_equal(x->generations.newest, y->generations.newest);
		assert_memory_equal(x->generations.recent, y->generations.recent,
				    sizeof(x->generations.recent));
	}
	assert_memory_equal(&heap_process(a, 1)->totals, &heap_process(b, 1)->totals,
			    sizeof(struct totals));
	assert_int_equal(heap_process(a, 1)->event_count, heap_process(b, 1)->event_count);
	assert_int_equal(heap_now(a), heap_now(b));
}

static void totals__all_and_then_changes__the_same_figures(void **state)
{
	const struct heap_options options = {.generation_ns = 1000};
	struct heap *from = heap_new(&options), *to = heap_new(&options);
	uint64_t version;

	(void)state;
	heap_add_process(from, 1, 77, "program", 1000);
	heap_add_process(to, 1, 77, "program", 1000);
	for (uint64_t i = 1; i < 5000; i++)
		apply(from, EVENT_ALLOC, 1000 + 7 * i, 16 * i, i, 1 + i % 13);
	restore(to, from, 0);
	same_totals(from, to);
	/* what is the same is no change: it is not written again */
	version = heap_site(to, 1)->version;
	restore(to, from, 0);
	assert_int_equal(heap_site(to, 1)->version, version);
	version = heap_version(from);
	for (uint64_t i = 1; i < 5000; i += 13)
		apply(from, EVENT_FREE, 90000 + i, 16 * i, 0, 0);
	apply(from, EVENT_ALLOC, 99999, 16, 100, 14);
	restore(to, from, version);
	same_totals(from, to);
	heap_free(from);
	heap_free(to);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(player__recorded_cuts__files_of_the_live_run),
		cmocka_unit_test(player__back_and_forth__files_of_the_live_run),
		cmocka_unit_test(player__interval_of_its_own__cuts_at_its_beats),
		cmocka_unit_test(player__count_and_duration__ends_there),
		cmocka_unit_test(facts__packed__the_same_again),
		cmocka_unit_test(totals__all_and_then_changes__the_same_figures),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
