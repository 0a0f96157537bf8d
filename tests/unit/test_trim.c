// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "../../user/symbol/trim.h"

#define FRAMES_MOST 8

static struct stack_names stack_of(const struct frame_name *from, size_t count,
				   struct frame_name frames[FRAMES_MOST])
{
	memcpy(frames, from, count * sizeof(*frames));
	return (struct stack_names){.frame_count = count, .frames = frames};
}

static void trim_to_caller__allocator_inside__begins_at_its_caller(void **state)
{
	static const struct frame_name from[] = {
		{.pc = 1, .function = "runtime.mallocgc"},
		{.pc = 2, .function = "runtime.makeslice"},
		{.pc = 3, .function = "main.f", .type = "[]main.node"},
		{.pc = 4, .function = "main.main", .type = "another"},
	};
	struct frame_name frames[FRAMES_MOST];
	struct stack_names s = stack_of(from, 4, frames);

	(void)state;
	trim_to_caller(&s);
	assert_int_equal(s.frame_count, 2);
	assert_string_equal(s.frames[0].function, "main.f");
	assert_int_equal(s.function_frame, 0);
	assert_string_equal(s.type, "[]main.node");
}

/* A map makes parts of itself: what the caller has is the map. Where that is not known, the part is said. */
static void trim_to_caller__types_on_the_way__the_callers_first(void **state)
{
	struct frame_name from[] = {
		{.pc = 1, .function = "runtime.newobject"},
		{.pc = 2, .function = "internal/runtime/maps.newTable", .type = "maps.table"},
		{.pc = 3, .function = "runtime.mapassign_faststr"},
		{.pc = 4, .function = "main.f", .type = "map[string]int"},
	};
	struct frame_name frames[FRAMES_MOST];
	struct stack_names s = stack_of(from, 4, frames);

	(void)state;
	trim_to_caller(&s);
	assert_string_equal(s.type, "map[string]int");
	from[3].type = NULL;
	s = stack_of(from, 4, frames);
	trim_to_caller(&s);
	assert_string_equal(s.type, "maps.table");
}

static void trim_to_caller__caller_without_one__not_that_of_another_function(void **state)
{
	static const struct frame_name from[] = {
		{.pc = 1, .function = "runtime.newobject"},
		{.pc = 2, .function = "main.f"},
		{.pc = 3, .function = "main.main", .type = "main.node"},
	};
	struct frame_name frames[FRAMES_MOST];
	struct stack_names s = stack_of(from, 3, frames);

	(void)state;
	trim_to_caller(&s);
	assert_null(s.type);
}

static void trim_to_caller__nothing_else__the_last_one_stays(void **state)
{
	static const struct frame_name from[] = {
		{.pc = 1, .function = "runtime.mallocgc", .type = "main.node"},
	};
	struct frame_name frames[FRAMES_MOST];
	struct stack_names s = stack_of(from, 1, frames);

	(void)state;
	trim_to_caller(&s);
	assert_int_equal(s.frame_count, 1);
	assert_string_equal(s.type, "main.node");
	s = stack_of(from, 0, frames);
	trim_to_caller(&s);
	assert_int_equal(s.frame_count, 0);
	assert_null(s.type);
}

static void trim_to_innermost__inlined_functions__one_for_each_pc(void **state)
{
	static const struct frame_name from[] = {
		{.pc = 1, .function = "main.inner", .inlined = true},
		{.pc = 1, .function = "main.f"},
		{.pc = 2, .function = "main.g"},
	};
	struct frame_name frames[FRAMES_MOST];
	struct stack_names s = stack_of(from, 3, frames);

	(void)state;
	trim_to_innermost(&s);
	assert_int_equal(s.frame_count, 2);
	assert_string_equal(s.frames[0].function, "main.inner");
	assert_string_equal(s.frames[1].function, "main.g");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trim_to_caller__allocator_inside__begins_at_its_caller),
		cmocka_unit_test(trim_to_caller__types_on_the_way__the_callers_first),
		cmocka_unit_test(trim_to_caller__caller_without_one__not_that_of_another_function),
		cmocka_unit_test(trim_to_caller__nothing_else__the_last_one_stays),
		cmocka_unit_test(trim_to_innermost__inlined_functions__one_for_each_pc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
