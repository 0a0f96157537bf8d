/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the heap of a Go program is sampled: code as compilers of several versions have made it, and code that is nearly that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "../../user/probe/plan.h"
#include "../../user/target/go_probes.h"

#define START 0x400000u

/* From the call of refill to behind the jump. */
static const uint8_t go_1_19[] = {
	0xe8, 0x3b, 0x83, 0x00, 0x00, /* call refill */
	0x48, 0x8b, 0x4c, 0x24, 0x30, /* mov 0x30(%rsp),%rcx */
	0x48, 0x8b, 0x54, 0x24, 0x48, /* mov 0x48(%rsp),%rdx */
	0x48, 0x8b, 0x44, 0xca, 0x28, /* mov 0x28(%rdx,%rcx,8),%rax */
	0x48, 0x89, 0x44, 0x24, 0x28, /* mov %rax,0x28(%rsp) */
	0xe8, 0xe2, 0x56, 0x00, 0x00, /* call nextFreeIndex */
	0x48, 0x8b, 0x54, 0x24, 0x20, 0x48, 0x8b, 0x5c, 0x24, 0x18,
	0x48, 0x8b, 0x4c, 0x24, 0x28, 0xeb, 0x03, 0x48, 0x89, 0xc3,
};
static const uint8_t go_1_27[] = {
	0xe8, 0x62, 0x6c, 0x00, 0x00, 0x48, 0x8b, 0x4c, 0x24, 0x20, 0x48, 0x8b, 0x54, 0x24,
	0x38, 0x48, 0x8b, 0x44, 0xca, 0x30, 0x48, 0x89, 0x44, 0x24, 0x18, 0xe8, 0x09, 0x5f,
	0x00, 0x00, 0x0f, 0xb7, 0x4c, 0x24, 0x16, /* movzwl 0x16(%rsp),%ecx */
	0x0f, 0xb7, 0x54, 0x24, 0x12, 0x48, 0x8b, 0x5c, 0x24, 0x18, 0xeb, 0x02, 0x89, 0xc2,
};

static struct go_code code_of(const uint8_t *bytes, size_t size)
{
	return (struct go_code){.bytes = bytes, .size = size, .start = START};
}

/* What the first instruction calls. */
static uint64_t called(const uint8_t *bytes)
{
	int32_t distance;

	memcpy(&distance, bytes + 1, sizeof(distance));
	return START + 5 + (uint64_t)(int64_t)distance;
}

static void go_probes_refill__go_1_19__the_jump(void **state)
{
	struct go_code code = code_of(go_1_19, sizeof(go_1_19));
	struct go_shape shape = {0};
	struct go_probe probe;
	struct plan plan;

	(void)state;
	assert_true(go_probes_refill(&code, called(go_1_19), &probe, &shape));
	assert_int_equal(probe.address, START + 45);
	assert_int_equal(probe.call, CALL_ID_GO);
	assert_int_equal(shape.class_slot, 0x30);
	assert_int_equal(shape.cache_slot, 0x48);
	assert_int_equal(shape.span_slot, 0x28);
	assert_int_equal(shape.cache_spans, 0x28);
	plan_exactly(probe.address, probe.code, probe.length, &plan);
	assert_false(plan.refused);
	assert_int_equal(plan.entry.cost, COST_EMULATED);
	assert_int_equal(plan.returns, RETURN_NONE);
}

static void go_probes_refill__go_1_27__loads_of_halves(void **state)
{
	struct go_code code = code_of(go_1_27, sizeof(go_1_27));
	struct go_shape shape = {0};
	struct go_probe probe;

	(void)state;
	assert_true(go_probes_refill(&code, called(go_1_27), &probe, &shape));
	assert_int_equal(probe.address, START + 45);
	assert_int_equal(shape.span_slot, 0x18);
	assert_int_equal(shape.cache_spans, 0x30);
}

/* Each byte that says what is where is looked at, and no end of the code is passed. */
static void go_probes_refill__anything_else__no_place(void **state)
{
	static const uint8_t free_bytes[] = {9,	 14, 19, 24, 26, 27, 28, 29,
					     34, 39, 44, 46, 47, 48, 49};
	uint8_t other[sizeof(go_1_19)];
	struct go_shape shape;
	struct go_probe probe;
	struct go_code code;
	size_t i;

	(void)state;
	for (i = 5; i < sizeof(other); i++) {
		if (memchr(free_bytes, (int)i, sizeof(free_bytes)))
			continue;
		memcpy(other, go_1_19, sizeof(other));
		other[i] ^= 0x80;
		code = code_of(other, sizeof(other));
		assert_false(go_probes_refill(&code, called(go_1_19), &probe, &shape));
	}
	for (i = 0; i < 47; i++) {
		code = code_of(go_1_19, i);
		assert_false(go_probes_refill(&code, called(go_1_19), &probe, &shape));
	}
	code = code_of(go_1_19, sizeof(go_1_19));
	assert_false(go_probes_refill(&code, called(go_1_19) + 1, &probe, &shape));
}

static void go_probes_large__nops_in_between__the_branch(void **state)
{
	static const uint8_t bytes[] = {0xe8, 0x40, 0,	  0,	0,    0x0f, 0x1f, 0x00, 0x48,
					0x85, 0xc0, 0x0f, 0x84, 0xe2, 0,    0,	  0};
	struct go_code code = code_of(bytes, sizeof(bytes));
	struct go_probe probe;
	struct plan plan;

	(void)state;
	assert_true(go_probes_large(&code, START + 0x45, &probe));
	assert_int_equal(probe.address, START + 11);
	assert_int_equal(probe.length, 6);
	plan_exactly(probe.address, probe.code, probe.length, &plan);
	assert_int_equal(plan.entry.cost, COST_EMULATED);
	assert_false(go_probes_large(&code, START + 0x46, &probe));
	code.size = 16;
	assert_false(go_probes_large(&code, START + 0x45, &probe));
}

static void go_probes_flush__prologue__its_branch(void **state)
{
	static const uint8_t bytes[] = {0x49, 0x3b, 0x66, 0x10, 0x0f, 0x86, 0xc8, 0x01, 0, 0};
	struct go_code code = code_of(bytes, sizeof(bytes));
	struct go_probe probe;

	(void)state;
	assert_true(go_probes_flush(&code, &probe));
	assert_int_equal(probe.address, START + 4);
	code.size = 9;
	assert_false(go_probes_flush(&code, &probe));
}

static void plan_exactly__not_emulated_or_not_whole__refused(void **state)
{
	static const uint8_t move[] = {0x48, 0x89, 0xc3}, jump[] = {0xeb, 0x03};
	struct plan plan;

	(void)state;
	plan_exactly(START, move, sizeof(move), &plan);
	assert_true(plan.refused);
	plan_exactly(START, jump, 1, &plan);
	assert_true(plan.refused);
	plan_exactly(START, jump, sizeof(jump), &plan);
	assert_false(plan.refused);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(go_probes_refill__go_1_19__the_jump),
		cmocka_unit_test(go_probes_refill__go_1_27__loads_of_halves),
		cmocka_unit_test(go_probes_refill__anything_else__no_place),
		cmocka_unit_test(go_probes_large__nops_in_between__the_branch),
		cmocka_unit_test(go_probes_flush__prologue__its_branch),
		cmocka_unit_test(plan_exactly__not_emulated_or_not_whole__refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
