/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unit tests of user/export/pipe_writer.c, and of files that have slow readers. */
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
#include <sys/stat.h>
#include <unistd.h>
#include "../../user/base/log.h"
#include "../../user/export/pipe_writer.h"
#include "../../user/exports.h"

#define PIECE	   (1u << 20)
#define PIECES	   20u
#define LONG_MS	   10000
#define NAME_BYTES (1u << 20)
#define SITES	   3u
#define MANY	   64u

struct fixture {
	int ends[2];
	struct pipe_writer *writer;
	char folder[40], path[80];
	struct exports e;
	struct options options;
	struct snapshot s;
	struct snapshot_process process;
	struct snapshot_site sites[SITES];
	struct frame_name frame;
	struct stack_names stack;
	struct breath breath;
	unsigned int breaths;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_equal(pipe2(f->ends, O_CLOEXEC), 0);
	f->writer = pipe_writer_new(f->ends[1]);
	assert_non_null(f->writer);
	strcpy(f->folder, "/tmp/test_pipe.XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->path, sizeof(f->path), "%s/fifo", f->folder);
	assert_int_equal(mkfifo(f->path, 0600), 0);
	log_capture(true);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	exports_close(&f->e);
	pipe_writer_free(f->writer);
	if (f->ends[0] >= 0)
		close(f->ends[0]);
	close(f->ends[1]);
	unlink(f->path);
	assert_int_equal(rmdir(f->folder), 0);
	free((char *)(uintptr_t)f->frame.function);
	free(f);
	return 0;
}

/* ---- the thread ---- */

static void add_pieces(struct fixture *f)
{
	char *piece = malloc(PIECE);
	unsigned int i;

	assert_non_null(piece);
	for (i = 0; i < PIECES; i++) {
		memset(piece, 'a' + (int)i, PIECE);
		pipe_writer_add(f->writer, piece, PIECE);
	}
	free(piece);
}

static void pipe_writer_add__reader_has_stopped__all_is_kept_in_order(void **state)
{
	struct fixture *f = *state;
	static char data[PIECE];
	size_t total = 0;

	add_pieces(f);
	assert_true(pipe_writer_waiting(f->writer) > PIPE_WRITER_ROOM);
	assert_false(pipe_writer_wait(f->writer, 0, 1));
	while (total < (size_t)PIECES * PIECE) {
		ssize_t n = read(f->ends[0], data, sizeof(data));

		assert_true(n > 0);
		for (ssize_t i = 0; i < n; i++, total++)
			assert_int_equal(data[i], 'a' + (int)(total / PIECE));
	}
	assert_true(pipe_writer_wait(f->writer, 0, LONG_MS));
	assert_int_equal(pipe_writer_waiting(f->writer), 0);
	assert_int_equal(pipe_writer_error(f->writer), 0);
}

static void pipe_writer_add__reader_goes__error_and_nothing_waits(void **state)
{
	struct fixture *f = *state;

	add_pieces(f);
	close(f->ends[0]);
	f->ends[0] = -1;
	assert_true(pipe_writer_wait(f->writer, 0, LONG_MS));
	assert_int_equal(pipe_writer_error(f->writer), -EPIPE);
	pipe_writer_add(f->writer, "more", 4);
	assert_int_equal(pipe_writer_waiting(f->writer), 0);
}

static void pipe_writer_free__in_a_write__comes_back(void **state)
{
	struct fixture *f = *state;
	char first;

	add_pieces(f);
	/* something is in the pipe, and more than fits waits behind it */
	assert_int_equal(read(f->ends[0], &first, 1), 1);
	pipe_writer_free(f->writer);
	f->writer = NULL;
	assert_int_equal(first, 'a');
}

/* ---- files ---- */

static const struct stack_names *names(void *context, const struct snapshot_site *site)
{
	struct fixture *f = context;

	(void)site;
	return &f->stack;
}

static void count_breath(void *context)
{
	struct fixture *f = context;

	f->breaths++;
}

static void give_up(void *context)
{
	struct fixture *f = context;

	f->breath.give_up = true;
}

/* Sites with names so long that a few snapshots are all that there is room for. Returns the reader's end. */
static int open_fifo(struct fixture *f, enum format_id format)
{
	char *name = malloc(NAME_BYTES + 1);
	int fd = open(f->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_non_null(name);
	memset(name, 'n', NAME_BYTES);
	name[NAME_BYTES] = '\0';
	f->frame.function = name;
	f->stack = (struct stack_names){.frame_count = 1, .frames = &f->frame};
	f->s = (struct snapshot){.processes = &f->process,
				 .process_count = 1,
				 .sites = f->sites,
				 .site_count = SITES,
				 .realtime_ns = 1000000000ull};
	for (uint32_t i = 0; i < SITES; i++)
		f->sites[i] = (struct snapshot_site){
			.site = i + 1,
			.version = i + 1,
			.totals = {.outstanding_bytes = 5, .outstanding_count = 1},
			.oldest_s = -1};
	f->breath = (struct breath){.take = count_breath, .context = f};
	f->options.files[format] = f->path;
	assert_true(exports_open(&f->e, &f->options));
	return fd;
}

static void write_now(struct fixture *f, enum output_when when)
{
	const struct export_input in = {.snapshot = &f->s,
					.names = names,
					.context = f,
					.breath = &f->breath,
					.reader = exports_reader(&f->e, when)};

	exports_write(&f->e, &in, when);
}

/* Lines that come, until there are so many. */
static unsigned int read_rows(int fd, unsigned int most)
{
	static char data[PIECE];
	unsigned int rows = 0;
	ssize_t n = 1;

	fcntl(fd, F_SETFL, 0);
	while (rows < most && (n = read(fd, data, sizeof(data))) > 0) {
		for (ssize_t i = 0; i < n; i++)
			rows += data[i] == '\n';
	}
	return rows;
}

/* Snapshots with a changed site each, until one is left out. Returns how many were not. */
static unsigned int fill(struct fixture *f)
{
	unsigned int i;

	for (i = 0; i < MANY; i++) {
		f->sites[0].version = 100 + i;
		write_now(f, WHEN_INTERVAL);
		if (output_version(f->e.v[FORMAT_CSV]) != 100 + i)
			return i;
	}
	return MANY;
}

static void exports_write__slow_reader__whole_snapshots_are_left_out_and_come_later(void **state)
{
	struct fixture *f = *state;
	int fd = open_fifo(f, FORMAT_CSV);
	unsigned int kept = fill(f), rows = 1 + SITES + kept - 1;

	assert_true(kept > 1 && kept < MANY);
	/* header, all sites, then the one that has changed */
	assert_int_equal(read_rows(fd, rows), rows);
	f->sites[1].version = 1000;
	write_now(f, WHEN_INTERVAL);
	/* that of the snapshot that was left out, too */
	assert_int_equal(read_rows(fd, 2), 2);
	write_now(f, WHEN_END);
	assert_int_equal(read_rows(fd, SITES), SITES);
	assert_false(f->e.failed);
	close(fd);
}

static void exports_write__the_last__kept_for_a_slow_reader(void **state)
{
	struct fixture *f = *state;
	int fd = open_fifo(f, FORMAT_CSV);
	unsigned int kept = fill(f);

	write_now(f, WHEN_END);
	assert_int_equal(read_rows(fd, 2 * SITES + kept), 2 * SITES + kept);
	close(fd);
}

static void exports_write__of_a_recording__waits_until_given_up(void **state)
{
	struct fixture *f = *state;
	int fd = open_fifo(f, FORMAT_CSV);

	f->e.waits_for_readers = true;
	f->breath.take = give_up;
	assert_true(fill(f) < MANY);
	assert_true(f->breath.give_up);
	close(fd);
}

static void exports_finish__reader_has_stopped__given_up_is_a_failure(void **state)
{
	struct fixture *f = *state;
	int fd = open_fifo(f, FORMAT_CSV);

	write_now(f, WHEN_END);
	f->breath.take = give_up;
	exports_finish(&f->e, &f->breath);
	assert_true(f->e.failed);
	close(fd);
}

static void exports_attend__reader_has_gone__said(void **state)
{
	struct fixture *f = *state;
	int fd = open_fifo(f, FORMAT_CSV);

	write_now(f, WHEN_INTERVAL);
	close(fd);
	exports_finish(&f->e, &f->breath);
	assert_true(f->e.failed);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(pipe_writer_add__reader_has_stopped__all_is_kept_in_order),
		TEST(pipe_writer_add__reader_goes__error_and_nothing_waits),
		TEST(pipe_writer_free__in_a_write__comes_back),
		TEST(exports_write__slow_reader__whole_snapshots_are_left_out_and_come_later),
		TEST(exports_write__the_last__kept_for_a_slow_reader),
		TEST(exports_write__of_a_recording__waits_until_given_up),
		TEST(exports_finish__reader_has_stopped__given_up_is_a_failure),
		TEST(exports_attend__reader_has_gone__said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
