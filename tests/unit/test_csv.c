/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The CSV files to the letter, and what happens when they cannot be written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../../user/base/log.h"
#include "../../user/export/csv.h"
#include "../../user/export/output.h"
#include "../../user/export/stream_file.h"

#define SITES_HEADER                                                                               \
	"time,elapsed_s,pid,comm,site,rank,outstanding_bytes,outstanding_count,alloc_bytes,"       \
	"alloc_count,free_bytes,free_count,peak_bytes,temporary_count,growth_bytes_per_s,"         \
	"leak_score,verdict,oldest_s,sampled,api,function,source,module,stack\n"
#define BLOCKS_HEADER "time,pid,address,bytes,age_s,tid,site\n"
#define TIMELINE_HEADER                                                                            \
	"time,elapsed_s,pid,comm,outstanding_bytes,outstanding_count,alloc_bytes_per_s,"           \
	"allocs_per_s,frees_per_s,growth_bytes_per_s,rss_bytes,sites,leak_sites,lost_events,"      \
	"tracer_cpu_percent,tracer_rss_bytes\n"

static struct frame_name frames[] = {
	{.pc = 1,
	 .function = "std::vector<int, std::allocator<int> >::push_back",
	 .module = "app",
	 .file = "a \"b\".cc",
	 .line = 12},
	{.pc = 2, .function = "a;b", .module = "app"},
	{.pc = 3, .module = "libx.so", .offset = 0x1f0},
	{.pc = 4},
};
static struct frame_name hostile[] = {{.pc = 1, .function = "x\n\xff,y", .module = "m"}};

static const struct stack_names stacks[] = {
	{.site_id = 0xabc, .frame_count = 4, .frames = frames},
	{.site_id = 0xfedcba9876543210},
	{.site_id = 2, .frame_count = 1, .frames = hostile},
};

static const struct stack_names *names(void *context, const struct snapshot_site *site)
{
	(void)context;
	return &stacks[site->stack];
}

struct fixture {
	struct snapshot s;
	struct snapshot_process process;
	struct snapshot_site sites[2];
	char folder[32];
	char path[64];
	char text[8192];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	strcpy(f->folder, "/tmp/test_csv.XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->path, sizeof(f->path), "%s/out.csv", f->folder);
	f->s.realtime_ns = 1700000000123000000ull;
	f->s.elapsed_s = 1.5;
	f->s.processes = &f->process;
	f->s.process_count = 1;
	f->process.pid = 4711;
	f->process.rss_bytes = UINT64_MAX;
	strcpy(f->process.comm, "ap,p");
	f->s.sites = f->sites;
	f->s.site_count = 1;
	f->sites[0] = (struct snapshot_site){
		.site = 7,
		.call = CALL_ID_NEW,
		.rank = 1,
		.totals = {10, 1, 30, 3, 20, 2, 25, 1},
		.growth_bytes_per_s = -0.125,
		.score = 97.5,
		.verdict = VERDICT_LEAK,
		.oldest_s = 2,
		.version = 5,
	};
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char link[80];

	snprintf(link, sizeof(link), "%s/link", f->folder);
	unlink(f->path);
	unlink(link);
	rmdir(f->folder);
	free(f);
	log_capture(false);
	return 0;
}

static const char *contents(struct fixture *f)
{
	FILE *file = fopen(f->path, "re");
	size_t length;

	assert_non_null(file);
	length = fread(f->text, 1, sizeof(f->text) - 1, file);
	f->text[length] = '\0';
	fclose(file);
	return f->text;
}

static struct output *open_path(enum format_id id, const char *path)
{
	return output_open(&export_formats[id], path);
}

static struct output *open_csv(struct fixture *f, enum format_id id)
{
	struct output *c = open_path(id, f->path);

	assert_non_null(c);
	return c;
}

static int write_since(struct output *c, struct fixture *f, uint64_t version)
{
	const struct export_input in = {
		.snapshot = &f->s, .since_version = version, .names = names};

	return output_write(c, &in);
}

static void csv_open__each_kind__exact_header(void **state)
{
	static const char *const headers[] = {SITES_HEADER, BLOCKS_HEADER, TIMELINE_HEADER};
	struct fixture *f = *state;
	int kind;

	for (kind = FORMAT_CSV; kind <= FORMAT_CSV_TIMELINE; kind++) {
		struct output *c = open_csv(f, (enum format_id)kind);

		assert_int_equal(output_close(c), 0);
		assert_string_equal(contents(f), headers[kind]);
	}
}

static void csv_write_sites__one_site__exact_row(void **state)
{
	struct fixture *f = *state;
	struct output *c = open_csv(f, FORMAT_CSV);

	assert_int_equal(write_since(c, f, 0), 0);
	assert_int_equal(output_close(c), 0);
	assert_string_equal(
		contents(f), SITES_HEADER
		"2023-11-14T22:13:20.123Z,1.5,4711,\"ap,p\",0000000000000abc,1,10,1,30,3,20,2,25,1,"
		"-0.125,97.5,leak,2,0,operator new(unsigned long),"
		"\"std::vector<int, std::allocator<int> >::push_back\",\"a \"\"b\"\".cc:12\",app,"
		"\"[unknown];libx.so+0x1f0;a:b;std::vector<int, std::allocator<int> "
		">::push_back\"\n");
}

static void csv_write_sites__unknown_stack__empty_fields(void **state)
{
	struct fixture *f = *state;
	struct output *c = open_csv(f, FORMAT_CSV);

	f->sites[0].stack = 1;
	f->sites[0].oldest_s = -1;
	f->sites[0].growth_bytes_per_s = (double)NAN;
	f->s.sampled = true;
	assert_int_equal(write_since(c, f, 0), 0);
	output_close(c);
	assert_non_null(strstr(contents(f), ",fedcba9876543210,1,"));
	assert_non_null(strstr(f->text, ",1,,97.5,leak,,1,operator new(unsigned long),,,,\n"));
}

static void csv_write_sites__hostile_names__valid_text(void **state)
{
	struct fixture *f = *state;
	struct output *c = open_csv(f, FORMAT_CSV);

	f->sites[0].stack = 2;
	assert_int_equal(write_since(c, f, 0), 0);
	output_close(c);
	assert_non_null(strstr(contents(f), ",\"x??,y\",,m,\"x??,y\"\n"));
}

static void csv_write_sites__not_changed__no_row(void **state)
{
	struct fixture *f = *state;
	struct output *c = open_csv(f, FORMAT_CSV);

	assert_int_equal(write_since(c, f, 5), 0);
	assert_string_equal(contents(f), SITES_HEADER);
	assert_int_equal(write_since(c, f, 4), 0);
	assert_string_not_equal(contents(f), SITES_HEADER);
	output_close(c);
}

static void csv_write_sites__same_millisecond__times_increase(void **state)
{
	struct fixture *f = *state;
	struct output *c = open_csv(f, FORMAT_CSV);

	assert_int_equal(write_since(c, f, 0), 0);
	f->s.realtime_ns += 100;
	assert_int_equal(write_since(c, f, 0), 0);
	f->s.realtime_ns -= 5000000000ull;
	assert_int_equal(write_since(c, f, 0), 0);
	output_close(c);
	contents(f);
	assert_non_null(strstr(f->text, "\n2023-11-14T22:13:20.123Z,"));
	assert_non_null(strstr(f->text, "\n2023-11-14T22:13:20.124Z,"));
	assert_non_null(strstr(f->text, "\n2023-11-14T22:13:20.125Z,"));
}

static void csv_write_timeline__unknown_and_large_values__plain_numbers(void **state)
{
	struct fixture *f = *state;
	struct output *c = open_csv(f, FORMAT_CSV_TIMELINE);

	f->process.totals.outstanding_bytes = UINT64_MAX;
	f->process.alloc_bytes_per_s = 1e18;
	f->process.allocs_per_s = 0.0004;
	f->process.frees_per_s = 1234567.0005;
	f->process.growth_bytes_per_s = -0.0001;
	f->process.site_count = 3;
	f->process.leak_site_count = 1;
	f->process.lost_events = 2;
	f->s.tracer_cpu_percent = 1.1;
	f->s.tracer_rss_bytes = 4096;
	assert_int_equal(write_since(c, f, 0), 0);
	output_close(c);
	assert_string_equal(contents(f), TIMELINE_HEADER
			    "2023-11-14T22:13:20.123Z,1.5,4711,\"ap,p\",18446744073709551615,0,"
			    "1000000000000000000,0,1234567.001,0,,3,1,2,1.1,4096\n");
}

static void csv_write_blocks__known_and_unknown_site__rows(void **state)
{
	static const struct report_block blocks[] = {
		{.address = 0x7f0010, .bytes = 5, .age_s = 0.25, .tid = 12, .site = 7},
		{.address = 0x10, .bytes = 6, .age_s = 3, .tid = 13, .site = 99},
	};
	struct fixture *f = *state;
	const struct export_input in = {
		.snapshot = &f->s, .blocks = blocks, .block_count = 2, .names = names};
	struct output *c = open_csv(f, FORMAT_CSV_BLOCKS);

	assert_int_equal(output_write(c, &in), 0);
	output_close(c);
	assert_string_equal(contents(f), BLOCKS_HEADER
			    "2023-11-14T22:13:20.123Z,4711,0x7f0010,5,0.25,12,0000000000000abc\n"
			    "2023-11-14T22:13:20.123Z,,0x10,6,3,13,\n");
}

static void csv_open__link__refused(void **state)
{
	struct fixture *f = *state;
	char link[80];
	struct stat st;

	snprintf(link, sizeof(link), "%s/link", f->folder);
	assert_int_equal(symlink(f->path, link), 0);
	log_capture(true);
	assert_null(open_path(FORMAT_CSV, link));
	assert_null(open_path(FORMAT_CSV, f->folder));
	assert_null(open_path(FORMAT_CSV, "/nonexistent/x.csv"));
	assert_int_equal(stat(f->path, &st), -1);
}

static void csv_open__existing_file__truncated(void **state)
{
	struct fixture *f = *state;
	FILE *file = fopen(f->path, "we");
	int i;

	assert_non_null(file);
	for (i = 0; i < 1000; i++)
		fputs("old content\n", file);
	fclose(file);
	assert_int_equal(output_close(open_csv(f, FORMAT_CSV_BLOCKS)), 0);
	assert_string_equal(contents(f), BLOCKS_HEADER);
}

static void csv_open__pipe_without_reader__fails_at_once(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(mkfifo(f->path, 0600), 0);
	log_capture(true);
	assert_null(open_path(FORMAT_CSV, f->path));
}

static void csv_open__full_device__fails(void **state)
{
	(void)state;
	log_capture(true);
	assert_null(open_path(FORMAT_CSV, "/dev/full"));
}

/* Parts of a large snapshot are taken back together. */
static void stream_file__no_room_for_the_second_part__neither_is_left(void **state)
{
	const struct rlimit small = {24, RLIM_INFINITY}, none = {RLIM_INFINITY, RLIM_INFINITY};
	struct fixture *f = *state;
	struct stream_file file;
	struct stat st;

	signal(SIGXFSZ, SIG_IGN);
	log_capture(true);
	assert_int_equal(stream_file_open(&file, f->path, "head\n"), 0);
	assert_int_equal(stream_file_write_part(&file, "first ", 6), 0);
	assert_int_equal(stream_file_write(&file, "row\n", 4), 0);
	assert_int_equal(stream_file_write_part(&file, "second ", 7), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(stream_file_write_part(&file, "row that does not fit", 21), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_size, strlen("head\nfirst row\n"));
	assert_int_equal(stream_file_close(&file), -EFBIG);
}

static void csv_reopen__file_moved_away__new_file_with_header(void **state)
{
	struct fixture *f = *state;
	struct output *c = open_csv(f, FORMAT_CSV_BLOCKS);

	assert_int_equal(unlink(f->path), 0);
	assert_int_equal(output_reopen(c), 0);
	assert_string_equal(contents(f), BLOCKS_HEADER);
	assert_int_equal(output_close(c), 0);
}

static void csv_reopen__same_file__goes_on_without_a_second_header(void **state)
{
	struct fixture *f = *state;
	struct output *c = open_csv(f, FORMAT_CSV_TIMELINE);
	size_t length;

	assert_int_equal(write_since(c, f, 0), 0);
	length = strlen(contents(f));
	assert_int_equal(output_reopen(c), 0);
	assert_int_equal(strlen(contents(f)), length);
	assert_int_equal(write_since(c, f, 0), 0);
	assert_int_equal(strlen(contents(f)), 2 * length - strlen(TIMELINE_HEADER));
	assert_int_equal(output_close(c), 0);
}

static void csv_reopen__fails__is_remembered(void **state)
{
	struct fixture *f = *state;
	struct output *c = open_csv(f, FORMAT_CSV);

	assert_int_equal(unlink(f->path), 0);
	assert_int_equal(mkdir(f->path, 0700), 0);
	log_capture(true);
	assert_int_equal(output_reopen(c), -EISDIR);
	assert_int_equal(write_since(c, f, 0), -EISDIR);
	assert_int_equal(rmdir(f->path), 0);
	assert_int_equal(output_reopen(c), 0);
	assert_int_equal(write_since(c, f, 0), 0);
	assert_int_equal(output_close(c), -EISDIR);
}

static void csv_write__closed_reader__error_once(void **state)
{
	struct fixture *f = *state;
	char path[32];
	int fds[2];
	struct output *c;

	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(fds), 0);
	snprintf(path, sizeof(path), "/dev/fd/%d", fds[1]);
	c = open_path(FORMAT_CSV_TIMELINE, path);
	assert_non_null(c);
	close(fds[0]);
	close(fds[1]);
	log_capture(true);
	assert_int_equal(write_since(c, f, 0), -EPIPE);
	assert_int_equal(write_since(c, f, 0), -EPIPE);
	assert_int_equal(output_close(c), -EPIPE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(csv_open__each_kind__exact_header),
		TEST(csv_write_sites__one_site__exact_row),
		TEST(csv_write_sites__unknown_stack__empty_fields),
		TEST(csv_write_sites__hostile_names__valid_text),
		TEST(csv_write_sites__not_changed__no_row),
		TEST(csv_write_sites__same_millisecond__times_increase),
		TEST(csv_write_timeline__unknown_and_large_values__plain_numbers),
		TEST(csv_write_blocks__known_and_unknown_site__rows),
		TEST(csv_open__link__refused),
		TEST(csv_open__existing_file__truncated),
		TEST(csv_open__pipe_without_reader__fails_at_once),
		TEST(csv_open__full_device__fails),
		TEST(stream_file__no_room_for_the_second_part__neither_is_left),
		TEST(csv_reopen__file_moved_away__new_file_with_header),
		TEST(csv_reopen__same_file__goes_on_without_a_second_header),
		TEST(csv_reopen__fails__is_remembered),
		TEST(csv_write__closed_reader__error_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
