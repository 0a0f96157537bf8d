/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unit tests of user/suppressed.c and user/suppress_file.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../../user/suppress_file.h"
#include "../../user/suppressed.h"

/* Names of the sites 1 to 5, some of which come late. */
static struct frame_name frames[][2] = {
	{{.module = "app"}, {.function = "main", .module = "app"}},
	{{.function = "ns::make_cache(int)", .module = "app"},
	 {.function = "main", .module = "app"}},
	{{.function = "serve", .module = "app"}, {.function = "main", .module = "app"}},
	{{.module = "libcrypto.so.3"}, {.function = "main", .module = "app"}},
	{{.function = "f", .module = "app", .file = "/src/third_party/z.c"},
	 {.function = "main", .module = "app"}},
};

struct world {
	bool late; /* names of site 3 are not there yet */
	int asked;
};

static const struct stack_names *names(void *context, const struct snapshot_site *site)
{
	static struct stack_names stack;
	struct world *w = context;

	stack = (struct stack_names){.frame_count = 2, .frames = frames[site->site - 1]};
	if (site->site == 3 && w->late) {
		stack.frames = frames[0];
		stack.waiting = true;
	}
	w->asked++;
	return &stack;
}

struct fixture {
	struct snapshot s;
	struct snapshot_process process;
	struct snapshot_site sites[5];
};

static void fill(struct fixture *f)
{
	static const enum verdict verdicts[] = {VERDICT_STEADY, VERDICT_LEAK, VERDICT_LEAK,
						VERDICT_GROWING, VERDICT_LEAK};

	*f = (struct fixture){.process = {.leak_site_count = 3}};
	f->s.processes = &f->process;
	f->s.process_count = 1;
	f->s.sites = f->sites;
	f->s.site_count = 5;
	for (uint32_t i = 0; i < 5; i++)
		f->sites[i] = (struct snapshot_site){
			.site = i + 1, .verdict = verdicts[i], .score = 50 + i};
}

static struct suppressions *patterns(const char *text)
{
	const char *why;
	size_t line;
	struct suppressions *s = suppressions_parse(text, strlen(text), &line, &why);

	assert_non_null(s);
	return s;
}

static void suppressed_apply__any_frame_name__no_verdict(void **state)
{
	struct suppressions *p =
		patterns("leak:make_cache\nleak:*/libcrypto.so*\nleak:third_party/\n");
	struct suppressed s = {.patterns = p};
	struct world w = {0};
	struct fixture f;

	(void)state;
	fill(&f);
	suppressed_apply(&s, &f.s, names, &w);
	assert_int_equal(f.sites[0].verdict, VERDICT_STEADY);
	assert_int_equal(f.sites[1].verdict, VERDICT_NONE);
	assert_int_equal(f.sites[2].verdict, VERDICT_LEAK);
	assert_int_equal(f.sites[3].verdict, VERDICT_NONE);
	assert_int_equal(f.sites[4].verdict, VERDICT_NONE);
	assert_true(f.sites[1].score <= 0 && f.sites[2].score > 51);
	assert_int_equal(f.process.leak_site_count, 1);
	assert_string_equal(verdict_name(f.sites[1].verdict), "");
	/* once more: the same, and nothing is asked again but for what has no name */
	suppressed_apply(&s, &f.s, names, &w);
	assert_int_equal(f.process.leak_site_count, 1);
	fill(&f);
	w.asked = 0;
	suppressed_apply(&s, &f.s, names, &w);
	assert_int_equal(w.asked, 0);
	assert_int_equal(f.sites[1].verdict, VERDICT_NONE);
	suppressed_done(&s);
	suppressions_free(p);
}

static void suppressed_apply__names_come_late__verdict_waits(void **state)
{
	struct suppressions *p = patterns("leak:make_cache\n");
	struct suppressed s = {.patterns = p};
	struct world w = {.late = true};
	struct fixture f;

	(void)state;
	fill(&f);
	suppressed_apply(&s, &f.s, names, &w);
	assert_int_equal(f.sites[2].verdict, VERDICT_NONE);
	assert_int_equal(f.process.leak_site_count, 1);
	w.late = false;
	suppressed_apply(&s, &f.s, names, &w);
	assert_int_equal(f.sites[2].verdict, VERDICT_LEAK);
	assert_true(f.sites[2].score > 51);
	assert_int_equal(f.process.leak_site_count, 2);
	suppressed_done(&s);
	suppressions_free(p);

	/* and suppressed when it turns out so */
	p = patterns("leak:serve\n");
	s = (struct suppressed){.patterns = p};
	w.late = true;
	fill(&f);
	suppressed_apply(&s, &f.s, names, &w);
	w.late = false;
	suppressed_apply(&s, &f.s, names, &w);
	assert_int_equal(f.sites[2].verdict, VERDICT_NONE);
	assert_int_equal(f.process.leak_site_count, 2);
	suppressed_done(&s);
	suppressions_free(p);
}

static void suppressed_apply__no_patterns__nothing_is_asked(void **state)
{
	struct suppressed s = {.patterns = NULL};
	struct world w = {0};
	struct fixture f;

	(void)state;
	fill(&f);
	suppressed_apply(&s, &f.s, names, &w);
	assert_int_equal(w.asked, 0);
	assert_int_equal(f.process.leak_site_count, 3);
	suppressed_done(&s);
}

static void suppress_file_read__good_bad_and_missing(void **state)
{
	char path[] = "/tmp/test_suppressed.XXXXXX";
	int fd = mkstemp(path);
	struct suppressions *s;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "# none\nleak:foo\n", 16), 16);
	s = suppress_file_read(path);
	assert_non_null(s);
	assert_true(suppressions_match(s, "a_foo_b"));
	suppressions_free(s);
	assert_int_equal(write(fd, "foo\n", 4), 4);
	assert_null(suppress_file_read(path));
	close(fd);
	unlink(path);
	assert_null(suppress_file_read(path));
	assert_null(suppress_file_read("/tmp"));
	assert_null(suppress_file_read("/dev/zero"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(suppressed_apply__any_frame_name__no_verdict),
		cmocka_unit_test(suppressed_apply__names_come_late__verdict_waits),
		cmocka_unit_test(suppressed_apply__no_patterns__nothing_is_asked),
		cmocka_unit_test(suppress_file_read__good_bad_and_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
