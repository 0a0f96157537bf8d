/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The return side of functions that may throw, code that is missing or cut, the table of calls, and
 * random code. Input: byte arrays.
 */
#include "plan_world.h"

/* ---- functions that may throw ---- */

static void plan_function__libstdcxx_new__one_ret_and_a_cold_part_without(void **state)
{
	static const uint8_t hot[] = {
		0xf3, 0x0f, 0x1e, 0xfa,				/* endbr64 */
		0x48, 0x85, 0xff,				/* test %rdi,%rdi */
		0xb8, 0x01, 0,	  0,	0,			/* mov $1,%eax */
		0x53,						/* push %rbx */
		0x48, 0x0f, 0x45, 0xc7,				/* cmovne %rdi,%rax */
		0x48, 0x89, 0xc3, 0x48, 0x89, 0xdf,		/* mov %rax,%rbx; mov %rbx,%rdi */
		0xe8, 1,    2,	  3,	0,			/* call malloc */
		0x48, 0x85, 0xc0, 0x74, 0x02,			/* test %rax,%rax; je */
		0x5b, 0xc3,					/* pop %rbx; ret */
		0xe8, 1,    2,	  3,	0,    0x48, 0x85, 0xc0, /* call get_new_handler; test */
		0x0f, 0x84, 0xcf, 0xff, 0x0f, 0,		/* je cold (0x501000) */
		0xff, 0xd0, 0xeb, 0xdf,				/* call *%rax; jmp to the mov */
	};
	static const uint8_t cold[] = {0xbf, 8, 0, 0, 0, 0xe8, 1, 2, 3, 0, 0xe8, 1, 2, 3, 0};
	struct world w = {
		.pieces = {{AT, hot, sizeof(hot), 0}, {AT + 0x100000, cold, sizeof(cold), 0}},
		.count = 2};
	struct plan plan;

	(void)state;
	plan_world(&w, CALL_ID_NEW, sizeof(hot), &plan);
	assert_moved(&plan, 12, "push %rbx");
	assert_int_equal(plan.returns, RETURN_RETS);
	assert_int_equal(plan.ret_count, 1);
	assert_int_equal(plan.rets[0].address, AT + 34);
	assert_int_equal(plan.rets[0].cost, COST_STEPPED);
	assert_string_equal(plan.rets[0].instruction, "ret");
	assert_int_equal(plan.rets[0].length, 1);
	w.count = 1;
	plan_world(&w, CALL_ID_NEW, sizeof(hot), &plan);
	assert_refused(&plan, "unknown code at 0x501000");
}

static void plan_function__new_with_a_tail_jump__rets_of_both(void **state)
{
	/* cmp $0x1000,%rdi; ja +1; ret; jmp slow   and   slow: push %rbx; pop %rbx; ret */
	static const uint8_t fast[] = {0x48, 0x81, 0xff, 0,    0x10, 0, 0, 0x77,
				       0x01, 0xc3, 0xe9, 0xf1, 0x0f, 0, 0};
	static const uint8_t slow[] = {0x53, 0x5b, 0xc3, 0x90, 0xf3, 0xc3};
	struct world w = {
		.pieces = {{AT, fast, sizeof(fast), 0}, {AT + 0x1000, slow, sizeof(slow), 0}},
		.count = 2};
	struct plan plan;

	(void)state;
	plan_world(&w, CALL_ID_NEW, sizeof(fast), &plan);
	assert_moved(&plan, 7, "ja ");
	assert_int_equal(plan.ret_count, 3);
	assert_int_equal(plan.rets[0].address, AT + 9);
	assert_int_equal(plan.rets[1].address, AT + 0x1002);
	assert_int_equal(plan.rets[2].address, AT + 0x1004);
	/* the same by way of a PLT stub, which the caller resolves */
	w.pieces[1] = (struct piece){AT + 0x5000, slow, sizeof(slow), AT + 0x1000};
	plan_world(&w, CALL_ID_NEW, sizeof(fast), &plan);
	assert_int_equal(plan.ret_count, 3);
	assert_int_equal(plan.rets[1].address, AT + 0x5002);
	/* bound by name to a function with probes of its own: perhaps not this one */
	w.covered = AT + 0x1000;
	w.covered_kind = CALL_ALLOC_SIZE0;
	plan_world(&w, CALL_ID_NEW, sizeof(fast), &plan);
	assert_refused(&plan, "through the PLT to a probed function");
	/* a direct jump to one: its rets count for both */
	w.pieces[1] = (struct piece){AT + 0x1000, slow, sizeof(slow), 0};
	plan_world(&w, CALL_ID_NEW, sizeof(fast), &plan);
	assert_false(plan.refused);
	assert_int_equal(plan.ret_count, 3);
}

static void plan_function__new_that_jumps_to_itself_and_back__ends(void **state)
{
	static const uint8_t a[] = {0x55, 0x5d, 0x74, 0x01, 0xc3, 0xe9, 0xf6, 0x0f, 0, 0};
	static const uint8_t b[] = {0x74, 0x05, 0xe9, 0xf9, 0xef, 0xff, 0xff, 0xc3};
	struct world w = {.pieces = {{AT, a, sizeof(a), 0}, {AT + 0x1000, b, sizeof(b), 0}},
			  .count = 2};
	struct plan plan;

	(void)state;
	plan_world(&w, CALL_ID_NEW, sizeof(a), &plan);
	assert_moved(&plan, 0, "push");
	assert_int_equal(plan.ret_count, 2);
}

static void plan_function__new_through_the_plt__refused(void **state)
{
	static const uint8_t code[] = {0xe9, 0xfb, 0x0f, 0, 0};
	static const uint8_t stub[] = {0xf3, 0x0f, 0x1e, 0xfa, 0xf2, 0xff, 0x25, 1, 2, 3, 0};
	struct world w = {
		.pieces = {{AT, code, sizeof(code), 0}, {AT + 0x1000, stub, sizeof(stub), 0}},
		.count = 2};
	struct plan plan;

	(void)state;
	plan_world(&w, CALL_ID_NEW, sizeof(code), &plan);
	assert_refused(&plan, "another module at 0x402000");
	w.count = 1;
	plan_world(&w, CALL_ID_NEW, sizeof(code), &plan);
	assert_refused(&plan, "unknown code");
}

static void plan_function__new_with_doubtful_exits__refused(void **state)
{
	struct plan plan;

	(void)state;
	PLAN(NEW, &plan, 0x55, 0x5d, 0xff, 0xe0, 0xc3); /* jmp *%rax */
	assert_refused(&plan, "indirect jump at 0x401002");
	PLAN(NEW, &plan, 0x55, 0x5d, 0xc3, 0x06, 0xc3);
	assert_refused(&plan, "cannot be decoded");
	PLAN(NEW, &plan, 0x55, 0x74, 0x01, 0xc3, 0x5d);
	assert_refused(&plan, "runs on behind its end");
	PLAN(NEW, &plan, 0x55, 0xe8, 0, 0, 0, 0);
	assert_refused(&plan, "no return instruction");
}

static void plan_function__new_with_many_rets__bounded(void **state)
{
	uint8_t code[2 * (PLAN_MAX_RETS + 1)];
	struct plan plan;

	(void)state;
	for (size_t i = 0; i < sizeof(code); i += 2)
		memcpy(code + i, "\x50\xc3", 2);
	plan_bytes(code, sizeof(code) - 2, CALL_ID_NEW, &plan);
	assert_false(plan.refused);
	assert_int_equal(plan.ret_count, PLAN_MAX_RETS);
	plan_bytes(code, sizeof(code), CALL_ID_NEW, &plan);
	assert_refused(&plan, "more than 16 return instructions");
}

static void plan_function__new_with_a_long_chain_of_tails__bounded(void **state)
{
	static const uint8_t jump[] = {0xe9, 0xfb, 0x0f, 0, 0};
	static const uint8_t ret[] = {0xc3};
	struct world w = {.count = 20};
	struct plan plan;

	(void)state;
	for (size_t i = 0; i < 19; i++)
		w.pieces[i] = (struct piece){AT + i * 0x1000, jump, sizeof(jump), 0};
	w.pieces[19] = (struct piece){AT + 19 * 0x1000, ret, sizeof(ret), 0};
	plan_world(&w, CALL_ID_NEW, sizeof(jump), &plan);
	assert_refused(&plan, "");
	w.pieces[15] = (struct piece){AT + 15 * 0x1000, ret, sizeof(ret), 0};
	plan_world(&w, CALL_ID_NEW, sizeof(jump), &plan);
	assert_false(plan.refused);
	assert_int_equal(plan.ret_count, 1);
	assert_int_equal(plan.rets[0].address, AT + 15 * 0x1000);
}

/* ---- what is not there ---- */

static void plan_function__malloc_without_return_probe__rets(void **state)
{
	static const uint8_t code[] = {0x53, 0x5b, 0x74, 0x01, 0xc3, 0xc3}; /* two ways out */
	struct world w = {.pieces = {{AT, code, sizeof(code), 0}}, .count = 1};
	struct plan_request r = {.address = AT,
				 .call = CALL_ID_MALLOC,
				 .code = world_code,
				 .context = &w,
				 .no_return_probe = true};
	struct plan plan;

	(void)state;
	plan_function(&r, &plan);
	check_sane(&r, &plan);
	assert_int_equal(plan.returns, RETURN_RETS);
	assert_int_equal(plan.ret_count, 2);
	r.no_return_probe = false;
	plan_function(&r, &plan);
	assert_int_equal(plan.returns, RETURN_PROBE);
}

static void plan_function__no_code__refused(void **state)
{
	struct world w = {.count = 0};
	struct plan_request r = {.address = AT, .call = CALL_ID_MALLOC};
	struct plan plan;

	(void)state;
	plan_world(&w, CALL_ID_MALLOC, 10, &plan);
	assert_refused(&plan, "no code");
	plan_function(&r, &plan);
	assert_refused(&plan, "not a traced function");
	plan_world(&w, CALL_ID_NONE, 10, &plan);
	assert_refused(&plan, "not a traced function");
	plan_world(&w, (enum call_id)1000, 10, &plan);
	assert_refused(&plan, "not a traced function");
}

static void plan_function__truncated_instruction__refused(void **state)
{
	struct plan plan;

	(void)state;
	PLAN(MALLOC, &plan, 0x48);
	assert_refused(&plan, "cannot be decoded");
	PLAN(MALLOC, &plan, 0xe9, 0x00, 0x00);
	assert_refused(&plan, "cannot be decoded");
	/* the second is cut */
	PLAN(MALLOC, &plan, 0x48, 0x85, 0xff, 0x0f, 0x84, 0x00);
	assert_stepped(&plan, "cannot decode the instruction at +3");
}

static void plan_function__without_covers__plans_all_the_same(void **state)
{
	static const uint8_t code[] = {0xe9, 0xfb, 0x0f, 0, 0};
	struct world w = {.pieces = {{AT, code, sizeof(code), 0}}, .count = 1};
	struct plan_request r = {.address = AT,
				 .size = 5,
				 .call = CALL_ID_DELETE,
				 .code = world_code,
				 .context = &w};
	struct plan plan;

	(void)state;
	plan_function(&r, &plan);
	check_sane(&r, &plan);
	assert_moved(&plan, 0, "jmp ");
}

/* musl: mov; call malloc; ret */
static void plan_function__calloc_that_calls_malloc__passes(void **state)
{
	static const uint8_t code[] = {0x55, 0x48, 0x89, 0xfb, 0xe8, 0xf7, 0x0f, 0, 0, 0x5d, 0xc3};
	struct world w = {.pieces = {{AT, code, sizeof(code), 0}},
			  .count = 1,
			  .covered = AT + 0x1000,
			  .covered_kind = CALL_ALLOC_SIZE0};
	struct plan plan;

	(void)state;
	plan_world(&w, CALL_ID_CALLOC, sizeof(code), &plan);
	assert_moved(&plan, 0, "push %rbp");
	assert_true(plan.passes);
	plan_world(&w, CALL_ID_MALLOC, sizeof(code), &plan);
	assert_false(plan.passes);
	w.covered = AT + 0x2000;
	plan_world(&w, CALL_ID_CALLOC, sizeof(code), &plan);
	assert_false(plan.passes);
}

static void call_name__every_row_and_beyond__from_the_table(void **state)
{
	(void)state;
	assert_string_equal(call_name(CALL_ID_MALLOC), "malloc");
	assert_string_equal(call_name(CALL_ID_NEW), "operator new(unsigned long)");
	assert_string_equal(call_name((enum call_id)CALL_ID_COUNT), "");
	assert_int_equal(call_kind(CALL_ID_POSIX_MEMALIGN), CALL_POSIX_MEMALIGN);
	assert_int_equal(call_kind((enum call_id)CALL_ID_COUNT), CALL_NONE);
	assert_int_equal(call_flags(CALL_ID_REALLOCF), CALL_FREE_ON_FAIL);
	assert_int_equal(call_flags((enum call_id) - 1), 0);
}

/* ---- random code ---- */

static uint64_t random_next(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* Half of the bytes from what compilers write, so that plans get further than the first
 * instruction. */
static size_t random_code(uint64_t *seed, uint8_t *code, size_t capacity)
{
	static const char *const usual[] = {"\x48\x85\xff",
					    "\x74\x05",
					    "\x55",
					    "\x48\x89\xf8",
					    "\x31\xc0",
					    "\xe9\xf0\xff\xff\xff",
					    "\xeb\xfb",
					    "\xc3",
					    "\x48\x83\xec\x08",
					    "\xf3\x0f\x1e\xfa",
					    "\x48\x89\xfe",
					    "\x90",
					    "\x0f\x85\xf1\xff\xff\xff"};
	size_t want = 1 + random_next(seed) % (capacity - 16), size = 0;

	while (size < want) {
		uint64_t r = random_next(seed);

		if (r & 1) {
			const char *piece = usual[(r >> 8) % (sizeof(usual) / sizeof(usual[0]))];
			size_t length = strlen(piece);

			memcpy(code + size, piece, length);
			size += length;
		} else {
			code[size++] = (uint8_t)(r >> 16);
		}
	}
	return size;
}

/* Said anew, without a decoder: a short branch at the point itself does not lead into what was
 * skipped. */
static void check_branch_at_point(const struct plan *plan)
{
	const uint8_t *b = plan->entry.bytes;
	int64_t offset = (int64_t)plan->entry_offset, target;

	if (offset == 0 || plan->entry.length != 2 || ((b[0] & 0xf0) != 0x70 && b[0] != 0xeb))
		return;
	target = offset + 2 + (int8_t)b[1];
	assert_false(target > 0 && target <= offset);
}

static void plan_function__random_code__never_out_of_bounds(void **state)
{
	uint64_t seed = 0x9e3779b97f4a7c15ull;
	unsigned int moved = 0;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		uint8_t scratch[112];
		size_t size = random_code(&seed, scratch, sizeof(scratch));
		uint8_t *code = malloc(size); /* exact, so that ASan sees a read behind the end */
		struct world w = {.pieces = {{AT, code, size, 0}}, .count = 1};
		enum call_id call = (enum call_id)(1 + random_next(&seed) % (CALL_ID_COUNT - 1));
		struct plan plan;

		assert_non_null(code);
		memcpy(code, scratch, size);
		plan_world(&w, call, random_next(&seed) & 1 ? size : 0, &plan);
		if (!plan.refused) {
			assert_true(plan.entry_offset + plan.entry.length <= size);
			assert_memory_equal(plan.entry.bytes, code + plan.entry_offset,
					    plan.entry.length);
			for (size_t k = 0; k < plan.ret_count; k++)
				assert_in_range(plan.rets[k].address, AT, AT + size - 1);
			check_branch_at_point(&plan);
			moved += plan.entry_offset != 0;
		}
		free(code);
	}
	assert_true(moved > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plan_function__libstdcxx_new__one_ret_and_a_cold_part_without),
		cmocka_unit_test(plan_function__new_with_a_tail_jump__rets_of_both),
		cmocka_unit_test(plan_function__new_that_jumps_to_itself_and_back__ends),
		cmocka_unit_test(plan_function__new_through_the_plt__refused),
		cmocka_unit_test(plan_function__new_with_doubtful_exits__refused),
		cmocka_unit_test(plan_function__new_with_many_rets__bounded),
		cmocka_unit_test(plan_function__new_with_a_long_chain_of_tails__bounded),
		cmocka_unit_test(plan_function__malloc_without_return_probe__rets),
		cmocka_unit_test(plan_function__no_code__refused),
		cmocka_unit_test(plan_function__truncated_instruction__refused),
		cmocka_unit_test(plan_function__calloc_that_calls_malloc__passes),
		cmocka_unit_test(plan_function__without_covers__plans_all_the_same),
		cmocka_unit_test(call_name__every_row_and_beyond__from_the_table),
		cmocka_unit_test(plan_function__random_code__never_out_of_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
