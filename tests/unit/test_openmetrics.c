/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unit tests of user/export/openmetrics.c and listen_address.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../../user/export/listen_address.h"
#include "../../user/export/openmetrics.h"

static struct frame_name frames[] = {
	{.function = "f", .module = "m"},
	{.function = "evil\"\\\n} 1", .module = "m\xff"},
	{.module = "libx.so", .offset = 0x1f0},
};
static char long_name[1000];
static struct frame_name long_frame = {.function = long_name};
static const struct stack_names stacks[] = {
	{.site_id = 0, .frame_count = 1, .frames = &frames[0]},
	{.site_id = 1, .frame_count = 1, .frames = &frames[1]},
	{.site_id = 2, .frame_count = 1, .frames = &frames[2]},
	{.site_id = 3, .frame_count = 1, .frames = &long_frame},
	{.site_id = 4},
};

static const struct stack_names *names(void *context, const struct snapshot_site *site)
{
	(void)context;
	return &stacks[site->stack];
}

static const struct stack_names *goroutine_names(void *context, const struct snapshot *s,
						 const struct snapshot_goroutines *row)
{
	/* in a file, but for the last one */
	static struct frame_name both[] = {{.function = "main.\"go", .image = (void *)both},
					   {.function = "main.main"}};
	static const struct stack_names known = {.site_id = 0xab, .frame_count = 2, .frames = both};
	static const struct stack_names none = {.site_id = 0xab};

	(void)context;
	(void)s;
	both[0].pc = row->start + 1;
	both[1].pc = row->creator;
	return row->start == 99 ? &none : &known;
}

struct fixture {
	struct snapshot s;
	struct snapshot_process processes[2];
	struct snapshot_site sites[5];
	struct openmetrics m;
	struct buffer out;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->s.processes = f->processes;
	f->s.process_count = 1;
	f->s.sites = f->sites;
	f->processes[0].pid = 7;
	strcpy(f->processes[0].comm, "a\"b");
	for (uint32_t i = 0; i < 5; i++)
		f->sites[i] = (struct snapshot_site){
			.site = i + 1, .stack = i, .totals = {10 + i, 1, 0, 0, 0, 0, 0, 0}};
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	openmetrics_done(&f->m);
	buffer_done(&f->out);
	free(f);
	return 0;
}

static const char *write_metrics(struct fixture *f, uint64_t top, bool classic)
{
	const struct export_input in = {.snapshot = &f->s,
					.realtime_ns = 1700000000123000000ull,
					.names = names,
					.goroutine_names = goroutine_names};

	buffer_reset(&f->out);
	openmetrics_write(&f->m, &f->out, &in, top, classic);
	return f->out.data;
}

static void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no %s in %s", part, text);
}

static void openmetrics_write__both_formats__differ_where_they_must(void **state)
{
	struct fixture *f = *state;
	const char *text;

	f->processes[0].totals.alloc_count = 3;
	f->processes[0].rss_bytes = UINT64_MAX;
	f->s.counts[COUNTER_RING_FULL] = 9;
	text = write_metrics(f, 10, false);
	assert_null(strstr(text, "tracer_memory_limit_bytes{"));
	f->processes[0].exhaustion = (struct exhaustion){
		.known = true, .limit_bytes = 100, .left_bytes = 50, .seconds = 25.5};
	text = write_metrics(f, 10, false);
	assert_has(text, "tracer_memory_left_seconds{pid=\"7\",comm=\"a\\\"b\"} 25.5\n");
	assert_has(text, "# TYPE tracer_build info\n");
	assert_has(text, "tracer_build_info{version=\"" TRACER_VERSION "\"} 1\n");
	assert_has(text, "# TYPE tracer_allocations counter\n");
	assert_has(text, "tracer_allocations_total{pid=\"7\",comm=\"a\\\"b\"} 3\n");
	assert_has(text, "# UNIT tracer_outstanding_bytes bytes\n");
	assert_has(text, "tracer_snapshot_timestamp_seconds 1700000000.123\n");
	assert_has(text, "\ntracer_ring_full_total 9\n");
	assert_string_equal(text + strlen(text) - 6, "# EOF\n");
	assert_null(strstr(text, "tracer_resident_memory_bytes{"));
	text = write_metrics(f, 10, true);
	assert_has(text, "# TYPE tracer_build_info gauge\n");
	assert_has(text, "# TYPE tracer_allocations_total counter\n");
	assert_null(strstr(text, "# UNIT"));
	assert_null(strstr(text, "# EOF"));
}

/* Prometheus' own names; in OpenMetrics no two families may share one. */
static void openmetrics_write__go_figures__by_known_names(void **state)
{
	struct fixture *f = *state;
	const char *text;

	assert_null(strstr(write_metrics(f, 10, true), "go_memstats"));
	f->processes[0].go = (struct go_figures){.known = true,
						 .alloc = 5,
						 .total_alloc = 9,
						 .num_gc = 3,
						 .gogc = -1,
						 .last_gc = 1500000000};
	text = write_metrics(f, 10, true);
	assert_has(text, "# TYPE go_memstats_alloc_bytes_total counter\n");
	assert_has(text, "go_memstats_alloc_bytes_total{pid=\"7\",comm=\"a\\\"b\"} 9\n");
	assert_has(text, "go_memstats_alloc_bytes{pid=\"7\",comm=\"a\\\"b\"} 5\n");
	assert_has(text, "go_gc_gogc_percent{pid=\"7\",comm=\"a\\\"b\"} -1\n");
	assert_has(text, "go_memstats_last_gc_time_seconds{pid=\"7\",comm=\"a\\\"b\"} 1.5\n");
	text = write_metrics(f, 10, false);
	assert_has(text, "# TYPE go_memstats_alloc_bytes_total unknown\n");
	assert_has(text, "# TYPE go_gc_cycles counter\n");
	assert_has(text, "go_gc_cycles_total{pid=\"7\",comm=\"a\\\"b\"} 3\n");
}

static void openmetrics_write__goroutines__largest_and_bounded(void **state)
{
	struct fixture *f = *state;
	struct snapshot_goroutines rows[] = {
		{.start = 7, .creator = 9, .count = 5, .reason = "select"},
		{.start = 99, .creator = 9, .count = 100, .reason = "select"},
		{.start = 7, .creator = 9, .count = 50, .reason = "chan receive"},
		{.count = 20, .reason = "running"},
	};
	const char *text;

	f->s.goroutines = rows;
	f->s.goroutine_count = 4;
	assert_null(strstr(write_metrics(f, 10, false), "tracer_goroutine"));
	f->processes[0].goroutines =
		(struct goroutine_figures){.known = true, .groups = 12, .leak_count = 1};
	text = write_metrics(f, 3, false);
	assert_has(text, "tracer_goroutine_groups{pid=\"7\",comm=\"a\\\"b\"} 12\n");
	assert_has(text, "tracer_goroutine_leaks{pid=\"7\",comm=\"a\\\"b\"} 1\n");
	assert_has(text,
		   "tracer_goroutines{pid=\"7\",comm=\"a\\\"b\",origin=\"00000000000000ab\","
		   "does=\"chan receive\",function=\"main.\\\"go\",creator=\"main.main\"} 50\n");
	assert_has(text, "function=\"[call from C]\",creator=\"[none]\"} 20\n");
	/* one is in no known file, one is the fourth */
	assert_null(strstr(text, "} 100\n"));
	assert_null(strstr(text, "} 5\n"));
	f->processes[0].exited = true;
	assert_null(strstr(write_metrics(f, 10, false), "tracer_goroutine"));
}

static void openmetrics_write__nothing_known_yet__valid(void **state)
{
	struct fixture *f = *state;

	openmetrics_write(&f->m, &f->out, NULL, 10, false);
	assert_has(f->out.data, "} 1\n# EOF\n");
}

static void openmetrics_write__sites__largest_and_escaped(void **state)
{
	struct fixture *f = *state;
	const char *text;

	memset(long_name, 'a', 199);
	memcpy(long_name + 199, "\xc3\xa9\xc3\xa9", 5); /* the 200th byte begins a character */
	f->s.site_count = 5;
	text = write_metrics(f, 4, false);
	assert_has(text, "# HELP tracer_site_outstanding_bytes Outstanding bytes of the largest "
			 "call sites.\n"
			 "tracer_site_outstanding_bytes{pid=\"7\",comm=\"a\\\"b\","
			 "site=\"0000000000000004\",function=\"[unknown]\",module=\"\"} 14\n");
	assert_has(text,
		   "site=\"0000000000000002\",function=\"libx.so+0x1f0\",module=\"libx.so\"} 12\n");
	assert_has(text, "function=\"evil\\\"\\\\?} 1\",module=\"m?\"} 11\n");
	assert_has(text, "aaa\",module=\"\"} 13\n");
	assert_null(strstr(text, "site=\"0000000000000000\""));
}

static void openmetrics_write__ended_process__no_series(void **state)
{
	struct fixture *f = *state;
	const char *text;

	f->s.site_count = 5;
	f->s.process_count = 2;
	f->processes[1].pid = 8;
	f->processes[0].exited = true;
	text = write_metrics(f, 10, false);
	assert_null(strstr(text, "pid=\"7\""));
	assert_has(text, "tracer_outstanding_bytes{pid=\"8\"");
	assert_null(strstr(text, "tracer_site_outstanding_bytes{"));
}

/* Estimates get better: what a counter said stays said. */
static void openmetrics_write__estimate_falls__counter_stays(void **state)
{
	struct fixture *f = *state;

	f->processes[0].totals.alloc_count = 100;
	f->processes[0].totals.outstanding_bytes = 100;
	write_metrics(f, 10, false);
	f->processes[0].totals.alloc_count = 90;
	f->processes[0].totals.outstanding_bytes = 90;
	assert_has(write_metrics(f, 10, false),
		   "tracer_allocations_total{pid=\"7\",comm=\"a\\\"b\"} 100\n");
	assert_has(f->out.data, "tracer_outstanding_bytes{pid=\"7\",comm=\"a\\\"b\"} 90\n");
	f->processes[0].totals.alloc_count = 110;
	assert_has(write_metrics(f, 10, false),
		   "tracer_allocations_total{pid=\"7\",comm=\"a\\\"b\"} 110\n");
}

static void listen_address_parse__forms__taken_or_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"0",
		"65536",
		"99999",
		"abc",
		"1.2.3.4",
		"127.0.0.1:",
		":80",
		"localhost:80",
		"[::1]",
		"::1:80",
		"[]:80",
		"[::1:80",
		"[::1]x:80",
		"1.2.3:80",
		"[1.2.3.4]:80",
		"12 ",
		"-1",
		"127.0.0.1:80:80",
		"[1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd]:80"};
	struct listen_address a;
	const struct sockaddr_in *in = (const struct sockaddr_in *)&a.address;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&a.address;
	const char *reason;

	(void)state;
	assert_true(listen_address_parse(&a, "9464", &reason));
	assert_int_equal(in->sin_addr.s_addr, htonl(INADDR_LOOPBACK));
	assert_int_equal(in->sin_port, htons(9464));
	assert_true(listen_address_parse(&a, "0.0.0.0:1", &reason));
	assert_int_equal(in->sin_addr.s_addr, 0);
	assert_true(listen_address_parse(&a, "[::1]:65535", &reason));
	assert_int_equal(in6->sin6_family, AF_INET6);
	assert_int_equal(in6->sin6_addr.s6_addr[15], 1);
	assert_int_equal(in6->sin6_port, 0xffff);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (listen_address_parse(&a, bad[i], &reason))
			fail_msg("'%s' was taken", bad[i]);
		assert_non_null(reason);
	}
}

static void listen_address_open__taken__told(void **state)
{
	struct listen_address a;
	const char *reason;
	int fd;

	(void)state;
	assert_true(listen_address_parse(&a, "127.0.0.1:1", &reason));
	((struct sockaddr_in *)&a.address)->sin_port = 0; /* any */
	fd = listen_address_open(&a);
	assert_true(fd >= 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a.address, &a.size), 0);
	assert_int_equal(listen_address_open(&a), -EADDRINUSE);
	close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(openmetrics_write__both_formats__differ_where_they_must),
		TEST(openmetrics_write__go_figures__by_known_names),
		TEST(openmetrics_write__goroutines__largest_and_bounded),
		TEST(openmetrics_write__nothing_known_yet__valid),
		TEST(openmetrics_write__sites__largest_and_escaped),
		TEST(openmetrics_write__ended_process__no_series),
		TEST(openmetrics_write__estimate_falls__counter_stays),
		cmocka_unit_test(listen_address_parse__forms__taken_or_refused),
		cmocka_unit_test(listen_address_open__taken__told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
