/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Code that would mislead a moved probe: branches into the skipped range, wherever they come from;
 * and functions that need no probe because another one sees their calls. Input: byte arrays.
 */
#include "plan_world.h"

/* ---- branches into the skipped range ---- */

static void plan_function__branch_into_skipped_range__entry(void **state)
{
	struct plan plan;

	(void)state;
	/* mov %rdi,%rax; test; je; nop; jmp to the test */
	PLAN(FREE, &plan, 0x48, 0x89, 0xf8, 0x48, 0x85, 0xff, 0x74, 0x02, 0xeb, 0xf9, 0xc3);
	assert_stepped(&plan, "a branch leads behind its start");
	/* to the point itself */
	PLAN(FREE, &plan, 0x48, 0x89, 0xf8, 0x48, 0x85, 0xff, 0x74, 0x02, 0xeb, 0xfc, 0xc3);
	assert_stepped(&plan, "a branch leads behind its start");
	/* near form */
	PLAN(FREE, &plan, 0x48, 0x85, 0xff, 0x74, 0x05, 0xe9, 0xf9, 0xff, 0xff, 0xff, 0xc3);
	assert_stepped(&plan, "a branch leads behind its start");
	/* near conditional form, and a loop instruction */
	PLAN(FREE, &plan, 0x48, 0x85, 0xff, 0x74, 0x06, 0x0f, 0x85, 0xf8, 0xff, 0xff, 0xff, 0xc3);
	assert_stepped(&plan, "a branch leads behind its start");
	PLAN(FREE, &plan, 0x48, 0x85, 0xff, 0x74, 0x02, 0xe2, 0xfc, 0xc3);
	assert_stepped(&plan, "a branch leads behind its start");
}

static void plan_function__loop_to_the_start__is_no_obstacle(void **state)
{
	struct plan plan;

	(void)state;
	/* test %rdi,%rdi; je; jmp to the start */
	PLAN(FREE, &plan, 0x48, 0x85, 0xff, 0x74, 0x02, 0xeb, 0xf9, 0xc3);
	assert_moved(&plan, 3, "je ");
}

static void plan_function__branch_to_behind_endbr__entry(void **state)
{
	struct plan plan;

	(void)state;
	PLAN(FREE, &plan, 0xf3, 0x0f, 0x1e, 0xfa, 0x55, 0x5d, 0xeb, 0xfc, 0xc3);
	assert_stepped(&plan, "a branch leads behind its start");
}

static void plan_function__branches_and_an_emulated_start__no_matter(void **state)
{
	struct plan plan;

	(void)state;
	PLAN(FREE, &plan, 0x55, 0x5d, 0xeb, 0xfd, 0xc3);
	assert_moved(&plan, 0, "push");
}

static void plan_function__branch_from_the_cold_part__entry(void **state)
{
	/* test %rdi,%rdi; je cold; ret   and   cold: jmp back to the je */
	static const uint8_t hot[] = {0x48, 0x85, 0xff, 0x0f, 0x84, 0xf7, 0x0f, 0, 0, 0xc3};
	static const uint8_t cold[] = {0xe9, 0xfe, 0xef, 0xff, 0xff};
	static const uint8_t cold_behind[] = {0xe9, 0x04, 0xf0, 0xff, 0xff};
	struct world w = {
		.pieces = {{AT, hot, sizeof(hot), 0}, {AT + 0x1000, cold, sizeof(cold), 0}},
		.count = 2};
	struct plan plan;

	(void)state;
	plan_world(&w, CALL_ID_FREE, sizeof(hot), &plan);
	assert_stepped(&plan, "a branch leads behind its start");
	w.pieces[1].bytes = cold_behind;
	plan_world(&w, CALL_ID_FREE, sizeof(hot), &plan);
	assert_moved(&plan, 3, "je ");
}

static void plan_function__branch_hidden_behind_bad_bytes__entry(void **state)
{
	struct plan plan;

	(void)state;
	/* a prefix that eats the jump: 0x06 is undecodable; then 0x48 0xeb.. decodes as jmp */
	PLAN(FREE, &plan, 0x48, 0x85, 0xff, 0x74, 0x05, 0xc3, 0x06, 0xb8, 0xeb, 0xf8, 0x00, 0x00,
	     0xc3);
	assert_stepped(&plan, "bytes in it look like a branch");
}

static void plan_function__jump_table__entry(void **state)
{
	struct plan plan;

	(void)state;
	/* test; je; add %rdx,%rax; notrack jmp *%rax */
	PLAN(FREE, &plan, 0x48, 0x85, 0xff, 0x74, 0x05, 0x48, 0x01, 0xd0, 0xff, 0xe0, 0xc3);
	assert_stepped(&plan, "jump table");
	PLAN(FREE, &plan, 0x48, 0x85, 0xff, 0x74, 0x03, 0x3e, 0xff, 0xe0, 0xc3);
	assert_stepped(&plan, "jump table");
	PLAN(FREE, &plan, 0x48, 0x85, 0xff, 0x74, 0x07, 0xff, 0x24, 0xc5, 1, 2, 3, 0, 0xc3);
	assert_stepped(&plan, "jump table");
}

static void plan_function__size_beyond_the_known_code__entry(void **state)
{
	static const uint8_t code[] = {0x48, 0x85, 0xff, 0x74, 0x00, 0xc3};
	struct world w = {.pieces = {{AT, code, sizeof(code), 0}}, .count = 1};
	struct plan plan;

	(void)state;
	plan_world(&w, CALL_ID_FREE, sizeof(code) + 1, &plan);
	assert_stepped(&plan, "end is not known");
	plan_world(&w, CALL_ID_FREE, 0, &plan);
	assert_moved(&plan, 3, "je ");
}

static void plan_function__function_of_more_than_64_kb__entry(void **state)
{
	size_t size = 64 * 1024 + 1;
	uint8_t *code = malloc(size);
	struct world w = {.pieces = {{AT, code, size, 0}}, .count = 1};
	struct plan plan;

	(void)state;
	assert_non_null(code);
	memset(code, 0x90, size);
	memcpy(code, "\x48\x85\xff\x74\x00", 5);
	plan_world(&w, CALL_ID_FREE, size, &plan);
	assert_stepped(&plan, "too large");
	w.pieces[0].size = size - 1;
	plan_world(&w, CALL_ID_FREE, size - 1, &plan);
	assert_moved(&plan, 3, "je ");
	free(code);
}

/* ---- covered ---- */

static void plan_function__delete_that_jumps_to_free__covered(void **state)
{
	/* endbr64; jmp free */
	static const uint8_t code[] = {0xf3, 0x0f, 0x1e, 0xfa, 0xe9, 0xf7, 0x0f, 0, 0};
	struct world w = {.pieces = {{AT, code, sizeof(code), 0}}, .count = 1};
	struct plan plan;

	(void)state;
	w.covered = AT + 0x1000;
	w.covered_kind = CALL_FREE;
	plan_world(&w, CALL_ID_DELETE, sizeof(code), &plan);
	assert_true(plan.covered);
	assert_false(plan.refused);
	w.covered_kind = CALL_ALLOC_SIZE0;
	plan_world(&w, CALL_ID_DELETE, sizeof(code), &plan);
	assert_moved(&plan, 4, "jmp ");
}

static void plan_function__free_behind_a_test_for_null__covered(void **state)
{
	/* test; je +8; push %rbx; sub $.., call free; ...; ret */
	static const uint8_t je[] = {0x48, 0x85, 0xff, 0x74, 0x08, 0x53, 0xe8,
				     0xf5, 0x0f, 0,    0,    0x5b, 0x90, 0xc3};
	/* test; jne +1; ret; jmp free */
	static const uint8_t jne[] = {0x48, 0x85, 0xff, 0x75, 0x01, 0xc3, 0xe9, 0xf5, 0x0f, 0, 0};
	/* cmp $1,%rdi is not the test for NULL */
	static const uint8_t other[] = {0x48, 0x83, 0xff, 0x01, 0x74, 0x05,
					0xe9, 0xf5, 0x0f, 0,	0,    0xc3};
	struct world w = {
		.pieces = {{AT, je, sizeof(je), 0}}, .count = 1, .covered_kind = CALL_FREE};
	struct plan plan;

	(void)state;
	w.covered = AT + 0x1000;
	plan_world(&w, CALL_ID_DELETE, sizeof(je), &plan);
	assert_true(plan.covered);
	w.pieces[0] = (struct piece){AT, jne, sizeof(jne), 0};
	plan_world(&w, CALL_ID_DELETE, sizeof(jne), &plan);
	assert_true(plan.covered);
	w.pieces[0] = (struct piece){AT, other, sizeof(other), 0};
	plan_world(&w, CALL_ID_DELETE, sizeof(other), &plan);
	assert_moved(&plan, 4, "je ");
}

static void plan_function__free_with_another_block__not_covered(void **state)
{
	/* mov -8(%rdi),%rdi; jmp free */
	static const uint8_t code[] = {0x48, 0x8b, 0x7f, 0xf8, 0xe9, 0xf7, 0x0f, 0, 0};
	struct world w = {
		.pieces = {{AT, code, sizeof(code), 0}}, .count = 1, .covered_kind = CALL_FREE};
	struct plan plan;

	(void)state;
	w.covered = AT + 0x1000;
	plan_world(&w, CALL_ID_DELETE, sizeof(code), &plan);
	assert_stepped(&plan, "changes an argument");
}

static void plan_function__array_new_that_jumps_to_new__covered(void **state)
{
	static const uint8_t code[] = {0xe9, 0xfb, 0x0f, 0, 0};
	/* a call is another frame: not the same */
	static const uint8_t calls[] = {0x50, 0xe8, 0xfa, 0x0f, 0, 0, 0x5a, 0xc3};
	struct world w = {.pieces = {{AT, code, sizeof(code), 0}},
			  .count = 1,
			  .covered_kind = CALL_ALLOC_SIZE0};
	struct plan plan;

	(void)state;
	w.covered = AT + 0x1000;
	plan_world(&w, CALL_ID_NEW_ARRAY, sizeof(code), &plan);
	assert_true(plan.covered);
	w.pieces[0] = (struct piece){AT, calls, sizeof(calls), 0};
	plan_world(&w, CALL_ID_NEW_ARRAY, sizeof(calls), &plan);
	assert_moved(&plan, 0, "push");
	assert_int_equal(plan.returns, RETURN_RETS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plan_function__branch_into_skipped_range__entry),
		cmocka_unit_test(plan_function__loop_to_the_start__is_no_obstacle),
		cmocka_unit_test(plan_function__branch_to_behind_endbr__entry),
		cmocka_unit_test(plan_function__branches_and_an_emulated_start__no_matter),
		cmocka_unit_test(plan_function__branch_from_the_cold_part__entry),
		cmocka_unit_test(plan_function__branch_hidden_behind_bad_bytes__entry),
		cmocka_unit_test(plan_function__jump_table__entry),
		cmocka_unit_test(plan_function__size_beyond_the_known_code__entry),
		cmocka_unit_test(plan_function__function_of_more_than_64_kb__entry),
		cmocka_unit_test(plan_function__delete_that_jumps_to_free__covered),
		cmocka_unit_test(plan_function__free_behind_a_test_for_null__covered),
		cmocka_unit_test(plan_function__free_with_another_block__not_covered),
		cmocka_unit_test(plan_function__array_new_that_jumps_to_new__covered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
