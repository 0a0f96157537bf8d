/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unit tests of user/exports.c and output.c: which file is written when. */
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
#include "../../user/export/html.h"
#include "../../user/export/html_series.h"
#include "../../user/exports.h"

#define SITES 3

static struct frame_name frame = {.function = "f"};
static const struct stack_names stack = {.frame_count = 1, .frames = &frame};

struct fixture {
	char folder[40];
	char paths[FORMATS][80];
	struct options options;
	struct snapshot s;
	struct snapshot_process process;
	struct snapshot_site sites[SITES];
	struct report_block block;
	struct exports e;
	size_t names_asked;
	char text[65536];
};

static const struct stack_names *names(void *context, const struct snapshot_site *site)
{
	struct fixture *f = context;

	(void)site;
	f->names_asked++;
	return &stack;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	size_t i;

	assert_non_null(f);
	strcpy(f->folder, "/tmp/test_exports.XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	for (i = 0; i < FORMATS; i++)
		snprintf(f->paths[i], sizeof(f->paths[i]), "%s/%s", f->folder,
			 export_formats[i].name);
	f->s = (struct snapshot){.processes = &f->process,
				 .process_count = 1,
				 .sites = f->sites,
				 .site_count = SITES,
				 .realtime_ns = 1000000000ull};
	for (i = 0; i < SITES; i++)
		f->sites[i] = (struct snapshot_site){
			.site = (uint32_t)i + 1,
			.version = i + 1,
			.totals = {.outstanding_bytes = 5, .outstanding_count = 1},
			.oldest_s = -1};
	f->block.site = 1;
	log_capture(true);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	exports_close(&f->e);
	for (size_t i = 0; i < FORMATS; i++)
		unlink(f->paths[i]);
	assert_int_equal(rmdir(f->folder), 0);
	free(f);
	return 0;
}

static void open_all(struct fixture *f)
{
	for (size_t i = 0; i < FORMATS; i++)
		f->options.files[i] = f->paths[i];
	assert_true(exports_open(&f->e, &f->options));
}

static void write_now(struct fixture *f, enum output_when when)
{
	static const struct html_series series;
	const struct html_extra html = {.series = &series};
	const struct export_input in = {.snapshot = &f->s,
					.blocks = &f->block,
					.block_count = 1,
					.names = names,
					.context = f,
					.html = &html};

	exports_write(&f->e, &in, when);
}

static size_t lines(struct fixture *f, enum format_id id)
{
	FILE *file = fopen(f->paths[id], "re");
	size_t length, n = 0;

	assert_non_null(file);
	length = fread(f->text, 1, sizeof(f->text) - 1, file);
	fclose(file);
	f->text[length] = '\0';
	for (size_t i = 0; i < length; i++)
		n += f->text[i] == '\n';
	return n;
}

static bool exists(const struct fixture *f, enum format_id id)
{
	return access(f->paths[id], F_OK) == 0;
}

static void exports_write__interval__only_what_is_streamed(void **state)
{
	struct fixture *f = *state;

	open_all(f);
	assert_false(exports_want_blocks(&f->e, WHEN_INTERVAL));
	assert_true(exports_want_names(&f->e, WHEN_INTERVAL));
	write_now(f, WHEN_INTERVAL);
	assert_int_equal(lines(f, FORMAT_CSV), 1 + SITES);
	assert_int_equal(lines(f, FORMAT_CSV_BLOCKS), 1);
	assert_int_equal(lines(f, FORMAT_CSV_TIMELINE), 2);
	assert_int_equal(lines(f, FORMAT_JSON), 1);
	assert_false(exists(f, FORMAT_FOLDED) || exists(f, FORMAT_PPROF));
	/* one site has changed since */
	f->sites[0].version = 9;
	write_now(f, WHEN_INTERVAL);
	assert_int_equal(lines(f, FORMAT_CSV), 2 + SITES);
}

static void exports_write__now__every_output(void **state)
{
	struct fixture *f = *state;

	open_all(f);
	write_now(f, WHEN_INTERVAL);
	assert_true(exports_want_blocks(&f->e, WHEN_NOW));
	write_now(f, WHEN_NOW);
	assert_int_equal(lines(f, FORMAT_CSV), 1 + SITES); /* nothing has changed */
	assert_int_equal(lines(f, FORMAT_CSV_BLOCKS), 2);
	assert_int_equal(lines(f, FORMAT_JSON), 2);
	assert_int_equal(lines(f, FORMAT_FOLDED), 1);
	assert_non_null(strstr(f->text, "f 15\n"));
	assert_true(exists(f, FORMAT_PPROF));
	write_now(f, WHEN_END);
	assert_int_equal(lines(f, FORMAT_CSV), 1 + 2 * SITES);
	assert_false(f->e.failed);
}

static void exports_write__once__that_file_whole_and_no_other(void **state)
{
	struct fixture *f = *state;

	f->options.files[FORMAT_CSV] = f->paths[FORMAT_CSV];
	assert_true(exports_open(&f->e, &f->options));
	write_now(f, WHEN_INTERVAL);
	assert_true(exports_once(&f->e, "csv-blocks", f->paths[FORMAT_CSV_BLOCKS]));
	assert_true(exports_want_blocks(&f->e, WHEN_EXPORT));
	assert_false(exports_want_names(&f->e, WHEN_EXPORT));
	write_now(f, WHEN_EXPORT);
	assert_true(exports_attend(&f->e));
	assert_int_equal(lines(f, FORMAT_CSV_BLOCKS), 2);
	assert_int_equal(lines(f, FORMAT_CSV), 1 + SITES);
	assert_true(exports_once(&f->e, "json", f->paths[FORMAT_JSON]));
	write_now(f, WHEN_EXPORT);
	assert_int_equal(lines(f, FORMAT_JSON), 1);
	assert_non_null(strstr(f->text, "\"complete\":true"));
	assert_true(exports_attend(&f->e));
	write_now(f, WHEN_EXPORT); /* nothing was asked for */
	assert_false(exports_attend(&f->e));
}

static void exports_once__fails__run_is_not_a_failure(void **state)
{
	struct fixture *f = *state;

	assert_true(exports_open(&f->e, &f->options));
	assert_false(exports_once(&f->e, "html5", f->paths[0]));
	assert_false(exports_once(&f->e, "folded", "-"));
	assert_false(exports_once(&f->e, "folded", f->folder));
	assert_true(exports_once(&f->e, "folded", "/dev/full"));
	write_now(f, WHEN_EXPORT);
	assert_false(exports_attend(&f->e));
	assert_false(f->e.failed);
}

static void exports_ask_names__interval__only_of_changed_sites(void **state)
{
	struct fixture *f = *state;
	const struct export_input in = {.snapshot = &f->s, .names = names, .context = f};

	f->options.files[FORMAT_CSV] = f->paths[FORMAT_CSV];
	f->options.files[FORMAT_FOLDED] = f->paths[FORMAT_FOLDED];
	assert_true(exports_open(&f->e, &f->options));
	assert_true(exports_ask_names(&f->e, &in, WHEN_INTERVAL));
	assert_int_equal(f->names_asked, SITES);
	write_now(f, WHEN_INTERVAL);
	f->sites[1].version = 10;
	f->names_asked = 0;
	assert_true(exports_ask_names(&f->e, &in, WHEN_INTERVAL));
	assert_int_equal(f->names_asked, 1);
	f->names_asked = 0;
	assert_true(exports_ask_names(&f->e, &in, WHEN_NOW)); /* folded stacks have all */
	assert_int_equal(f->names_asked, SITES);
}

static void exports_reopen__files_moved__written_anew_with_all(void **state)
{
	struct fixture *f = *state;

	open_all(f);
	write_now(f, WHEN_INTERVAL);
	for (size_t i = 0; i < FORMATS; i++)
		unlink(f->paths[i]);
	exports_reopen(&f->e);
	write_now(f, WHEN_INTERVAL);
	assert_int_equal(lines(f, FORMAT_CSV), 1 + SITES);
	assert_int_equal(lines(f, FORMAT_JSON), 1);
	assert_non_null(strstr(f->text, "\"complete\":true"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(exports_write__interval__only_what_is_streamed),
		TEST(exports_write__now__every_output),
		TEST(exports_write__once__that_file_whole_and_no_other),
		TEST(exports_once__fails__run_is_not_a_failure),
		TEST(exports_ask_names__interval__only_of_changed_sites),
		TEST(exports_reopen__files_moved__written_anew_with_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
