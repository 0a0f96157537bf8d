// SPDX-License-Identifier: GPL-2.0-or-later
/* Debug information of programs that Go has built here, beside the tables. TRACER_GO_PROGRAMS="FILE..." are looked at instead. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../user/target/go_builds.h"
#include "../../user/target/go_private.h"

#define PROGRAM "build/go/unit-world"
#define BUILD                                                                                      \
	"command -v go >/dev/null || exit 77; mkdir -p build/go && "                               \
	"HOME=${HOME:-/root} GOCACHE=$PWD/build/go/cache CGO_ENABLED=0 GO111MODULE=off GOFLAGS= "  \
	"GOPROXY=off GOTOOLCHAIN=local go build -o " PROGRAM " tests/go/world.go >&2"

struct program {
	int fd;
	struct elf_file *elf;
};

static void program_open(struct program *p, const char *path)
{
	p->fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(p->fd >= 0);
	p->elf = elf_file_open(p->fd);
	assert_non_null(p->elf);
}

static void program_close(struct program *p)
{
	elf_file_close(p->elf);
	close(p->fd);
}

static void build_program(void)
{
	int status = system(BUILD);

	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

static void compare(const char *path)
{
	char version[GO_VERSION_MAX];
	const struct go_layout *known;
	struct go_layout own = {0}, again = {0};
	struct go_builds *builds = go_builds_new();
	enum go_member wrong;
	struct program p;
	int i;

	program_open(&p, path);
	assert_true(go_build_version(p.elf, version));
	known = go_layout_find(go_build_minor(version));
	assert_non_null(known);
	assert_true(go_builds_layout(builds, p.elf, &own));
	assert_true(go_layout_check(&own, &wrong));
	assert_true(go_builds_layout(builds, p.elf, &again));
	assert_memory_equal(own.at, again.at, sizeof(own.at));
	for (i = 0; i < GO_MEMBERS; i++) {
		if (own.at[i] != known->at[i])
			fail_msg("%s (%s): member %d is at %d, by the table at %d", path, version,
				 i, own.at[i], known->at[i]);
	}
	go_builds_free(builds);
	program_close(&p);
}

static void go_dwarf_layout__of_programs__as_the_tables(void **state)
{
	char *list = getenv("TRACER_GO_PROGRAMS"), *path, *rest;

	(void)state;
	if (!list) {
		build_program();
		compare(PROGRAM);
		return;
	}
	list = strdup(list);
	for (path = strtok_r(list, " ", &rest); path; path = strtok_r(NULL, " ", &rest))
		compare(path);
	free(list);
}

static void go_dwarf_layout__none_there__false(void **state)
{
	struct go_layout own = {0};
	struct program p;

	(void)state;
	program_open(&p, "/proc/self/exe");
	/* of C: none of the types is in it */
	assert_false(go_dwarf_layout(p.elf, &own));
	program_close(&p);
}

static void go_layout_check__missing_or_out_of_place__which(void **state)
{
	struct go_layout layout = *go_layout_find(19);
	enum go_member wrong;

	(void)state;
	assert_true(go_layout_check(&layout, &wrong));
	layout.at[GO_CPU_TOTAL] = -1; /* as it is */
	layout.at[GO_IN_PTR_SCALAR_BITS] = -1;
	assert_true(go_layout_check(&layout, &wrong));
	layout.at[GO_NUM_GC] = -1;
	assert_false(go_layout_check(&layout, &wrong));
	assert_int_equal(wrong, GO_NUM_GC);
	assert_string_equal(go_member_name(wrong)->member, "numgc");
	layout.at[GO_NUM_GC] = GO_MSTATS_MAX - 7;
	assert_false(go_layout_check(&layout, &wrong));
	layout = *go_layout_find(27);
	layout.at[GO_MAPPED_READY] = GO_CONTROLLER_MAX;
	assert_false(go_layout_check(&layout, &wrong));
	assert_int_equal(wrong, GO_MAPPED_READY);
	layout = *go_layout_find(27);
	layout.at[GO_CACHE_ALLOC] = GO_CACHE_ALLOC_MAX + 8;
	assert_false(go_layout_check(&layout, &wrong));
	layout = *go_layout_find(27);
	layout.at[GO_G_STATUS] = -2;
	assert_false(go_layout_check(&layout, &wrong));
}

/* A table has no gap: each member has a name in debug information. */
static void go_member_name__every_member__has_one(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < GO_MEMBERS; i++) {
		const struct go_member_name *n = go_member_name((enum go_member)i);

		assert_non_null(n->type);
		assert_true(n->member || !n->inner);
		assert_int_equal(!n->inner, !n->inner_type);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(go_dwarf_layout__of_programs__as_the_tables),
		cmocka_unit_test(go_dwarf_layout__none_there__false),
		cmocka_unit_test(go_layout_check__missing_or_out_of_place__which),
		cmocka_unit_test(go_member_name__every_member__has_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
