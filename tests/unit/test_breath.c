/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unit tests of user/base/breath.c, user/export/file_sync.c, and that whoever writes much breathes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "../../user/base/breath.h"
#include "../../user/base/clock.h"
#include "../../user/export/file_sync.h"
#include "../../user/export/formats.h"
#include "../../user/export/html.h"

#define SITES 4000u

struct turns {
	struct breath breath;
	unsigned int count;
};

static void take(void *context)
{
	struct turns *t = context;

	t->count++;
	assert_false(breath_due(&t->breath));
	breath_take(&t->breath); /* not again */
}

static struct turns begin(void)
{
	return (struct turns){.breath = {.take = take}};
}

static void breath_take__again_and_again__not_before_its_time(void **state)
{
	struct turns t = begin();
	uint64_t begun = clock_monotonic_ns();

	(void)state;
	t.breath.context = &t;
	breath_take(NULL);
	assert_false(breath_due(NULL));
	assert_true(breath_due(&t.breath));
	breath_take(&t.breath);
	assert_int_equal(t.count, 1);
	while (t.count < 3)
		breath_take(&t.breath);
	assert_true(clock_monotonic_ns() - begun >= 2 * NS_PER_MS);
}

static void file_sync__with_and_without_a_breath__same_result(void **state)
{
	struct turns t = begin();
	int fd = memfd_create("sync", MFD_CLOEXEC);

	(void)state;
	t.breath.context = &t;
	assert_true(fd >= 0);
	assert_int_equal(file_sync(fd, NULL), 0);
	assert_int_equal(file_sync(fd, &t.breath), 0);
	close(fd);
	assert_int_equal(file_sync(fd, NULL), -EBADF);
	assert_int_equal(file_sync(fd, &t.breath), -EBADF);
}

static struct frame_name frames[] = {{.function = "leaf"}, {.function = "main"}};
static const struct stack_names stack = {.frame_count = 2, .frames = frames};

/* So much work for each site that a breath is due every few of them. */
static const struct stack_names *names(void *context, const struct snapshot_site *site)
{
	uint64_t until = clock_monotonic_ns() + 2000;

	(void)context;
	(void)site;
	while (clock_monotonic_ns() < until)
		;
	return &stack;
}

static int swallow(void *file, const char *data, size_t size)
{
	(void)file;
	(void)data;
	(void)size;
	return 0;
}

static void export_formats__many_sites__breathe(void **state)
{
	struct snapshot_process process = {.comm = "app"};
	struct snapshot s = {.processes = &process, .process_count = 1, .site_count = SITES};
	const struct html_series series = {.count = 0};
	const struct html_extra extra = {.series = &series};
	size_t i;

	(void)state;
	s.sites = calloc(SITES, sizeof(*s.sites));
	assert_non_null(s.sites);
	for (i = 0; i < SITES; i++)
		s.sites[i].totals.outstanding_bytes = i + 1;
	for (i = 0; i < FORMATS; i++) {
		struct turns t = begin();
		struct export_input in = {
			.snapshot = &s, .names = names, .html = &extra, .breath = &t.breath};
		struct sink sink = {.write = swallow, .breath = &t.breath};

		if (!export_formats[i].names_sites)
			continue;
		t.breath.context = &t;
		export_formats[i].write(&sink, &in);
		/* 8 ms of work at least */
		assert_true(t.count >= 4);
		buffer_done(&sink.text);
	}
	free(s.sites);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(breath_take__again_and_again__not_before_its_time),
		cmocka_unit_test(file_sync__with_and_without_a_breath__same_result),
		cmocka_unit_test(export_formats__many_sites__breathe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
