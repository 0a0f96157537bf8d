/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unit tests of the HTML page's data: what is in it, and that nothing leaves it. How it looks is tests/live/test_html.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "../../user/export/html.h"

#define DATA_BEGIN "<script type=\"application/json\" id=\"data\">"

struct fixture {
	struct snapshot s;
	struct snapshot_process process;
	struct snapshot_site *sites;
	struct html_series series;
	struct spread spread;
	struct frame_name frames[2];
	struct stack_names names;
	struct buffer page;
	int sink_error;
};

static const struct stack_names *names(void *context, const struct snapshot_site *site)
{
	(void)site;
	return &((struct fixture *)context)->names;
}

static int take(void *context, const char *data, size_t size)
{
	struct fixture *f = context;

	if (f->sink_error)
		return f->sink_error;
	buffer_add(&f->page, data, size);
	return 0;
}

static void make_sites(struct fixture *f, size_t count)
{
	f->sites = calloc(count, sizeof(*f->sites));
	assert_non_null(f->sites);
	for (size_t i = 0; i < count; i++)
		f->sites[i] = (struct snapshot_site){
			.site = (uint32_t)i + 1,
			.call = CALL_ID_CALLOC,
			.rank = 1,
			.totals = {10, 1, 30, 3, 20, 2, 25, 1},
			.growth_bytes_per_s = -0.125,
			.score = 97.5,
			.verdict = VERDICT_LEAK,
			.oldest_s = 2,
			.median_age_s = -1,
			.lifetimes = {.median_s = -1},
		};
	f->s.sites = f->sites;
	f->s.site_count = count;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->s.processes = &f->process;
	f->s.process_count = 1;
	f->process.pid = 4711;
	f->process.rss_bytes = UINT64_MAX;
	f->frames[0] = (struct frame_name){
		.function = "leaky", .module = "app", .file = "a.c", .line = 7, .offset = 16};
	f->frames[1] = (struct frame_name){.pc = 0x1234};
	f->names = (struct stack_names){.site_id = 0xabc, .frame_count = 2, .frames = f->frames};
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	free(f->sites);
	html_series_done(&f->series);
	buffer_done(&f->page);
	free(f);
	return 0;
}

/* The data of the written page, as text of its own. */
static char *write_page(struct fixture *f)
{
	static char kernel[] = "<Linux>";
	const struct html_fact fact = {"Kernel", kernel};
	const struct html_extra extra = {
		.series = &f->series, .spreads = &f->spread, .facts = &fact, .fact_count = 1};
	const struct export_input in = {
		.snapshot = &f->s, .names = names, .context = f, .html = &extra};
	struct sink sink = {.write = take, .file = f};
	char *begin, *end;

	html_write(&sink, &in);
	assert_int_equal(sink.error, f->sink_error);
	if (!sink.error)
		take(f, sink.text.data, sink.text.length);
	buffer_done(&sink.text);
	if (f->sink_error)
		return NULL;
	assert_memory_equal(f->page.data, "<!DOCTYPE html>", 15);
	begin = strstr(f->page.data, DATA_BEGIN);
	assert_non_null(begin);
	begin += strlen(DATA_BEGIN);
	end = strstr(begin, "</script>");
	assert_non_null(end);
	assert_non_null(strstr(end, "</html>"));
	return strndup(begin, (size_t)(end - begin));
}

static void check_has(struct fixture *f, const char *wanted)
{
	char *data = write_page(f);

	if (!strstr(data, wanted))
		fail_msg("%s is not in %s", wanted, data);
	free(data);
}

static void html_write__one_site__exact_row(void **state)
{
	struct fixture *f = *state;

	make_sites(f, 1);
	check_has(f,
		  "\"sites\":[[0,\"0000000000000abc\",1,1,0,10,1,30,3,20,2,25,1,null,null,-0.125,0,"
		  "97.5,\"leak\",2,null,null,0,0,2,0,0,0,[0,1]]]");
}

static void html_write__type__a_text(void **state)
{
	struct fixture *f = *state;

	f->names.type = "[]main.node";
	make_sites(f, 1);
	check_has(f, "0,0,2,0,3,0,[0,1]]]");
	check_has(f, "\"texts\":[null,\"calloc\",\"too young to tell\",\"[]main.node\",");
}

static void html_write__frames__refer_to_texts(void **state)
{
	struct fixture *f = *state;

	make_sites(f, 2);
	check_has(f,
		  "\"frames\":[[3,4,5,7,16,0],[0,0,0,0,4660,0]],\"texts\":[null,\"calloc\",\"too "
		  "young to tell\",\"leaky\",\"app\",\"a.c\"]}");
}

static void html_write__process_that_meets_a_limit__said(void **state)
{
	struct fixture *f = *state;
	char limit[200], wanted[300];

	make_sites(f, 0);
	f->process.exhaustion = (struct exhaustion){
		.known = true, .limit_bytes = 1 << 29, .left_bytes = 1 << 20, .seconds = 90};
	exhaustion_text(&f->process.exhaustion, limit, sizeof(limit));
	snprintf(wanted, sizeof(wanted), "\"memory\":null,\"limit\":\"%s\"}", limit);
	check_has(f, wanted);
}

static void html_write__nothing__valid_page(void **state)
{
	struct fixture *f = *state;

	make_sites(f, 0);
	check_has(f, "\"sites\":[],\"frames\":[],\"texts\":[null]}");
}

static void html_write__hostile_names__stay_in_the_data(void **state)
{
	struct fixture *f = *state;
	char *data;

	make_sites(f, 1);
	f->frames[0].function = "</script><img src=x onerror=alert(1)>&<!--";
	f->frames[0].module = "\"quoted\\\n\x01\xff\xe2\x80\xa8";
	strcpy(f->process.comm, "</title>");
	data = write_page(f);
	assert_null(strpbrk(data, "<>&\n\x01\xff"));
	assert_non_null(strstr(data, "\"\\u003c/script\\u003e\\u003cimg src=x onerror=alert(1)"
				     "\\u003e\\u0026\\u003c!--\""));
	assert_non_null(strstr(data, "\"\\\"quoted\\\\????\""));
	assert_non_null(strstr(data, "\"comm\":\"\\u003c/title\\u003e\""));
	assert_non_null(strstr(data, "[\"Kernel\",\"\\u003cLinux\\u003e\"]"));
	free(data);
}

static void html_write__too_many_sites__the_rest_is_one_row(void **state)
{
	struct fixture *f = *state;

	make_sites(f, HTML_SITES_MAX + 3);
	f->sites[0].totals.outstanding_bytes = 4; /* fewer than the others: among the rest */
	check_has(f, ",[0,\"\",0,0,0,24,3,90,9,60,6,0,3,null,null,-0.375,0,0,\"\",null,null,null,0,"
		     "0,0,0,0,3,[]]]");
}

static void html_write__full_disk__error_is_kept(void **state)
{
	struct fixture *f = *state;

	make_sites(f, HTML_SITES_MAX);
	f->sink_error = -28;
	assert_null(write_page(f));
}

/* ---- series ---- */

static void feed(struct html_series *series, double elapsed_s, struct snapshot_process *processes,
		 size_t count)
{
	const struct snapshot s = {
		.elapsed_s = elapsed_s, .processes = processes, .process_count = count};

	html_series_add(series, &s);
}

static void html_series_add__more_than_fit__peaks_and_totals_stay(void **state)
{
	const uint32_t snapshots = 5 * HTML_POINTS_MAX + 3, peak = 4321;
	struct snapshot_process p = {.rss_bytes = UINT64_MAX};
	struct html_series series = {0};
	const struct html_line *line;
	uint64_t most = 0;

	(void)state;
	for (uint32_t i = 1; i <= snapshots; i++) {
		p.totals.outstanding_bytes = i == peak ? 999 : 5;
		p.totals.alloc_count = 10 * i;
		if (i == 77)
			p.rss_bytes = 1234;
		feed(&series, i, &p, 1);
		p.rss_bytes = UINT64_MAX;
		assert_true(series.lines[0].count <= HTML_POINTS_MAX);
	}
	line = &series.lines[1];
	assert_true(line->count > HTML_POINTS_MAX / 2);
	assert_true(line->capacity <= HTML_POINTS_MAX);
	assert_int_equal(line->stride, 8);
	for (uint32_t i = 0; i < line->count; i++) {
		const struct html_point *now = &line->points[i];

		/* every point stands for as many snapshots, but the last */
		assert_true(now->elapsed_s == (i + 1 < line->count ? 8 * (i + 1) : snapshots));
		assert_true(now->alloc_count == 10 * now->elapsed_s);
		if (now->outstanding_most > most)
			most = now->outstanding_most;
	}
	assert_int_equal(most, 999);
	assert_int_equal(line->points[9].rss_most, 1234);
	assert_true(line->points[9].rss_bytes == UINT64_MAX);
	html_series_done(&series);
}

static void html_series_add__many_processes__bounded_together(void **state)
{
	const size_t count = 1000;
	struct snapshot_process *processes = calloc(count, sizeof(*processes));
	struct html_series series = {0};

	(void)state;
	for (uint32_t i = 1; i <= 3000; i++)
		feed(&series, i, processes, i < 2000 ? 1 : count);
	for (size_t i = 0; i <= count; i++) {
		assert_true(series.lines[i].count <= HTML_POINTS_BUDGET / (count + 1));
		assert_true(series.lines[i].points[series.lines[i].count - 1].elapsed_s == 3000);
	}
	assert_true(series.lines[count].start_s == 1999);
	html_series_done(&series);
	free(processes);
}

static void html_series_add__process_ended__one_last_point(void **state)
{
	struct snapshot_process p[2] = {{.rss_bytes = 100}, {.rss_bytes = 7}};
	struct html_series series = {0};

	(void)state;
	p[0].totals.outstanding_bytes = 3;
	p[1].totals.outstanding_bytes = 4;
	feed(&series, 1, p, 2);
	p[1].exited = true;
	p[1].rss_bytes = UINT64_MAX;
	feed(&series, 2, p, 2);
	feed(&series, 3, p, 2);
	assert_int_equal(series.lines[1].count, 3);
	assert_int_equal(series.lines[2].count, 2);
	assert_int_equal(series.lines[0].points[0].rss_bytes, 107);
	assert_int_equal(series.lines[0].points[2].rss_bytes, 100);
	assert_int_equal(series.lines[0].points[2].outstanding_bytes, 7);
	html_series_done(&series);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(html_write__one_site__exact_row, setup, teardown),
		cmocka_unit_test_setup_teardown(html_write__type__a_text, setup, teardown),
		cmocka_unit_test_setup_teardown(html_write__frames__refer_to_texts, setup,
						teardown),
		cmocka_unit_test_setup_teardown(html_write__nothing__valid_page, setup, teardown),
		cmocka_unit_test_setup_teardown(html_write__process_that_meets_a_limit__said, setup,
						teardown),
		cmocka_unit_test_setup_teardown(html_write__hostile_names__stay_in_the_data, setup,
						teardown),
		cmocka_unit_test_setup_teardown(html_write__too_many_sites__the_rest_is_one_row,
						setup, teardown),
		cmocka_unit_test_setup_teardown(html_write__full_disk__error_is_kept, setup,
						teardown),
		cmocka_unit_test(html_series_add__more_than_fit__peaks_and_totals_stay),
		cmocka_unit_test(html_series_add__many_processes__bounded_together),
		cmocka_unit_test(html_series_add__process_ended__one_last_point),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
