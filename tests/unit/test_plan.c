/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the planner puts the entry: prologues as real allocators have them (bytes read from the
 * libraries of several distributions), what the kernel emulates, and what must not change on the
 * way. Input: byte arrays.
 */
#include "plan_world.h"

static void plan_function__glibc_2_36_malloc__entry_push(void **state)
{
	struct plan plan;

	(void)state;
	PLAN(MALLOC, &plan, 0x41, 0x54, 0x55, 0x53, 0x48, 0x89, 0xfb, 0x48, 0x83, 0xec, 0x10, 0xc3);
	assert_moved(&plan, 0, "push %r12");
	assert_int_equal(plan.returns, RETURN_PROBE);
	assert_int_equal(plan.entry.length, 2);
	assert_int_equal(plan.entry.bytes[0], 0x41);
	assert_int_equal(plan.entry.bytes[1], 0x54);
	assert_int_equal(plan.entry.bytes[2], 0);
}

static void plan_function__glibc_2_36_free__je_behind_test(void **state)
{
	struct plan plan;

	(void)state;
	/* test %rdi,%rdi; je; push %rbp; lea -0x10(%rdi),%rsi; ...; ret */
	PLAN(FREE, &plan, 0x48, 0x85, 0xff, 0x0f, 0x84, 0x06, 0, 0, 0, 0x55, 0x48, 0x8d, 0x77, 0xf0,
	     0x5d, 0xc3);
	assert_moved(&plan, 3, "je 0x40100f");
	assert_int_equal(plan.returns, RETURN_NONE);
}

static void plan_function__glibc_2_36_aligned_alloc__je_behind_cmpb(void **state)
{
	struct plan plan;

	(void)state;
	/* cmpb $0,x(%rip); je +7; jmp out; nop; sub $0x18,%rsp; ...; ret */
	PLAN(ALIGNED_ALLOC, &plan, 0x80, 0x3d, 0x71, 0x0e, 0x14, 0, 0, 0x74, 0x07, 0xe9, 0x32, 0xf6,
	     0xff, 0xff, 0x66, 0x90, 0x48, 0x83, 0xec, 0x18, 0x48, 0x83, 0xc4, 0x18, 0xc3);
	assert_moved(&plan, 7, "je ");
	assert_int_equal(plan.returns, RETURN_PROBE);
}

static void plan_function__glibc_2_36_valloc__push_behind_cmpb(void **state)
{
	struct plan plan;

	(void)state;
	PLAN(VALLOC, &plan, 0x80, 0x3d, 0x31, 0x0e, 0x14, 0, 0, 0x53, 0x48, 0x89, 0xfb, 0x5b, 0xc3);
	assert_moved(&plan, 7, "push %rbx");
}

static void plan_function__glibc_2_36_reallocarray__mul_clobbers_third_argument(void **state)
{
	struct plan plan;

	(void)state;
	/* mov %rsi,%rax; mul %rdx; mov %rax,%rsi; jo; jmp realloc; ... */
	PLAN(REALLOCARRAY, &plan, 0x48, 0x89, 0xf0, 0x48, 0xf7, 0xe2, 0x48, 0x89, 0xc6, 0x70, 0x01,
	     0xc3, 0x31, 0xc0, 0xc3);
	assert_stepped(&plan, "changes an argument");
}

static void plan_function__calloc_with_mul__jo_because_rdx_is_free(void **state)
{
	struct plan plan;

	(void)state;
	/* mov %rdi,%rax; mul %rsi; jo; ret */
	PLAN(CALLOC, &plan, 0x48, 0x89, 0xf8, 0x48, 0xf7, 0xe6, 0x70, 0x00, 0xc3);
	assert_moved(&plan, 6, "jo ");
}

static void plan_function__glibc_2_31_cet_free_with_hook__jne_far_behind(void **state)
{
	struct plan plan;

	(void)state;
	/* endbr64; mov __free_hook@got,%rax; mov (%rax),%rax; test %rax,%rax; jne; test %rdi,%rdi;
	 * je; ret; hook: mov (%rsp),%rsi; jmp *%rax */
	PLAN(FREE, &plan, 0xf3, 0x0f, 0x1e, 0xfa, 0x48, 0x8b, 0x05, 0x11, 0x22, 0x33, 0, 0x48, 0x8b,
	     0x00, 0x48, 0x85, 0xc0, 0x75, 0x06, 0x48, 0x85, 0xff, 0x74, 0x00, 0xc3, 0x48, 0x8b,
	     0x34, 0x24, 0xff, 0xe0);
	assert_moved(&plan, 17, "jne ");
}

static void plan_function__glibc_2_31_malloc_with_hook__jne(void **state)
{
	struct plan plan;

	(void)state;
	/* endbr64; push %rbp; push %rbx; sub $8,%rsp; ... */
	PLAN(MALLOC, &plan, 0xf3, 0x0f, 0x1e, 0xfa, 0x55, 0x53, 0x48, 0x83, 0xec, 0x08, 0x48, 0x83,
	     0xc4, 0x08, 0x5b, 0x5d, 0xc3);
	assert_moved(&plan, 4, "push %rbp");
}

static void plan_function__cet_malloc_with_frame_pointer__push_behind_endbr(void **state)
{
	struct plan plan;

	(void)state;
	/* endbr64; push %rbp; mov %rsp,%rbp; push %r12; ... (2.39 and later, frame pointers on) */
	PLAN(MALLOC, &plan, 0xf3, 0x0f, 0x1e, 0xfa, 0x55, 0x48, 0x89, 0xe5, 0x41, 0x54, 0x41, 0x5c,
	     0x5d, 0xc3);
	assert_moved(&plan, 4, "push %rbp");
}

static void plan_function__cet_free_2_39__je_behind_endbr_and_test(void **state)
{
	struct plan plan;

	(void)state;
	PLAN(FREE, &plan, 0xf3, 0x0f, 0x1e, 0xfa, 0x48, 0x85, 0xff, 0x0f, 0x84, 0x02, 0, 0, 0, 0x55,
	     0x5d, 0xc3);
	assert_moved(&plan, 7, "je ");
}

static void plan_function__malloc_without_push__stack_moves_first(void **state)
{
	struct plan plan;

	(void)state;
	/* endbr64; sub $8,%rsp; call; add $8,%rsp; ret (nothrow new of libstdc++) */
	PLAN(NEW_NOTHROW, &plan, 0xf3, 0x0f, 0x1e, 0xfa, 0x48, 0x83, 0xec, 0x08, 0xe8, 1, 2, 3, 0,
	     0x48, 0x83, 0xc4, 0x08, 0xc3);
	assert_stepped(&plan, "moves the stack: sub");
	assert_string_equal(plan.entry.instruction, "endbr64");
}

static void plan_function__free_that_moves_the_stack__call_behind_sub(void **state)
{
	struct plan plan;

	(void)state;
	PLAN(FREE, &plan, 0x48, 0x83, 0xec, 0x08, 0xe8, 1, 2, 3, 0, 0x48, 0x83, 0xc4, 0x08, 0xc3);
	assert_moved(&plan, 4, "call ");
}

static void plan_function__musl_malloc_and_free__the_jump_itself(void **state)
{
	struct plan plan;

	(void)state;
	PLAN(MALLOC, &plan, 0xe9, 0x6b, 0x19, 0, 0);
	assert_moved(&plan, 0, "jmp ");
	assert_int_equal(plan.returns, RETURN_PROBE);
	PLAN(FREE, &plan, 0xe9, 0xbb, 0x0a, 0, 0);
	assert_moved(&plan, 0, "jmp ");
}

static void plan_function__jemalloc_malloc__ja_behind_cmp(void **state)
{
	struct plan plan;

	(void)state;
	/* cmp $0x1000,%rdi; ja out; lea x(%rip),%rdx; ret */
	PLAN(MALLOC, &plan, 0x48, 0x81, 0xff, 0, 0x10, 0, 0, 0x0f, 0x87, 0x93, 0, 0, 0, 0x48, 0x8d,
	     0x15, 1, 2, 3, 0, 0xc3);
	assert_moved(&plan, 7, "ja ");
}

static const uint8_t jemalloc_free[] = {
	0x48, 0x89, 0xf8,				      /* mov %rdi,%rax */
	0x48, 0x8b, 0x15, 0x0e, 0x53, 0x0a, 0x00,	      /* mov x(%rip),%rdx */
	0x48, 0x89, 0xf9,				      /* mov %rdi,%rcx */
	0x48, 0xc1, 0xe8, 0x1a,				      /* shr $0x1a,%rax */
	0x48, 0x81, 0xe1, 0x00, 0x00, 0x00, 0xc0,	      /* and $...,%rcx */
	0x25, 0xf0, 0x00, 0x00, 0x00,			      /* and $0xf0,%eax */
	0x64, 0x48, 0x03, 0x04, 0x25, 0x00, 0x00, 0x00, 0x00, /* add %fs:0,%rax */
	0x48, 0x01, 0xd0,				      /* add %rdx,%rax */
	0x48, 0x39, 0x88, 0xb0, 0x01, 0x00, 0x00,	      /* cmp %rcx,0x1b0(%rax) */
	0x0f, 0x85, 0x01, 0x00, 0x00, 0x00,		      /* jne */
	0x90, 0xc3,
};

static void plan_function__jemalloc_free__jne_48_bytes_behind(void **state)
{
	struct plan plan;

	(void)state;
	plan_bytes(jemalloc_free, sizeof(jemalloc_free), CALL_ID_FREE, &plan);
	assert_moved(&plan, 48, "jne ");
}

static void plan_function__jemalloc_rallocx__jump_behind_xor(void **state)
{
	struct plan plan;

	(void)state;
	PLAN(RALLOCX, &plan, 0x31, 0xc9, 0xe9, 0xe9, 0x1c, 0xff, 0xff);
	assert_moved(&plan, 2, "jmp ");
}

static void plan_function__tcmalloc_malloc__jne_behind_two(void **state)
{
	struct plan plan;

	(void)state;
	/* mov x(%rip),%rax; test %rax,%rax; jne; ret */
	PLAN(MALLOC, &plan, 0x48, 0x8b, 0x05, 0x59, 0xab, 0, 0, 0x48, 0x85, 0xc0, 0x75, 0x00, 0xc3);
	assert_moved(&plan, 10, "jne ");
}

static void plan_function__mimalloc_malloc__argument_moves_first(void **state)
{
	struct plan plan;

	(void)state;
	/* mov x(%rip),%rax; mov %rdi,%rsi; mov %fs:(%rax),%rdi; cmp; ja; ret */
	PLAN(MALLOC, &plan, 0x48, 0x8b, 0x05, 0x49, 0xb4, 0, 0, 0x48, 0x89, 0xfe, 0x64, 0x48, 0x8b,
	     0x38, 0x48, 0x81, 0xfe, 0, 4, 0, 0, 0x77, 0x00, 0xc3);
	assert_stepped(&plan, "changes an argument: mov");
	assert_int_equal(plan.returns, RETURN_PROBE);
}

static void plan_function__mimalloc_free__je_behind_copy_and_test(void **state)
{
	struct plan plan;

	(void)state;
	PLAN(FREE, &plan, 0x48, 0x89, 0xf9, 0x48, 0x85, 0xff, 0x74, 0x00, 0xc3);
	assert_moved(&plan, 6, "je ");
}

static void plan_function__glibc_munmap__system_call_is_not_passed(void **state)
{
	struct plan plan;

	(void)state;
	/* mov $0xb,%eax; syscall; cmp $-4095,%rax; jae; ret */
	PLAN(MUNMAP, &plan, 0xb8, 0x0b, 0, 0, 0, 0x0f, 0x05, 0x48, 0x3d, 1, 0xf0, 0xff, 0xff, 0x73,
	     0x00, 0xc3);
	assert_stepped(&plan, "syscall");
}

static void plan_function__glibc_mmap__jne_behind_copy_of_flags(void **state)
{
	struct plan plan;

	(void)state;
	/* mov %ecx,%r10d; test $0xfff,%r9d; jne; ret */
	PLAN(MMAP, &plan, 0x41, 0x89, 0xca, 0x41, 0xf7, 0xc1, 0xff, 0x0f, 0, 0, 0x75, 0x00, 0xc3);
	assert_moved(&plan, 10, "jne ");
}

static void plan_function__dynamic_linker_hook__ret_is_stepped(void **state)
{
	struct plan plan;

	(void)state;
	PLAN(MODULES, &plan, 0xc3);
	assert_false(plan.refused);
	assert_int_equal(plan.entry.cost, COST_STEPPED);
	assert_int_equal(plan.returns, RETURN_NONE);
	assert_string_equal(plan.entry.instruction, "ret");
}

/* ---- what is emulated ---- */

static void plan_function__nop_forms__only_the_single_byte(void **state)
{
	struct plan plan;

	(void)state;
	PLAN(MALLOC, &plan, 0x90, 0xc3);
	assert_moved(&plan, 0, "nop");
	PLAN(MALLOC, &plan, 0x66, 0x90, 0xc3);
	assert_int_equal(plan.entry.cost, COST_EMULATED);
	/* nopl 0(%rax,%rax,1) is passed over */
	PLAN(MALLOC, &plan, 0x0f, 0x1f, 0x44, 0, 0, 0x55, 0x5d, 0xc3);
	assert_moved(&plan, 5, "push %rbp");
	/* xchg %r8,%rax is no nop */
	PLAN(MALLOC, &plan, 0x49, 0x90, 0xc3);
	assert_int_equal(plan.entry.cost, COST_STEPPED);
}

static void plan_function__prefixed_push_and_branch__not_emulated(void **state)
{
	struct plan plan;

	(void)state;
	/* 66 push %bp; rex.W push: both move the stack and are stepped */
	PLAN(MALLOC, &plan, 0x66, 0x55, 0xc3);
	assert_stepped(&plan, "");
	PLAN(MALLOC, &plan, 0x48, 0x55, 0xc3);
	assert_stepped(&plan, "");
	/* 16-bit branches make the kernel refuse the probe */
	PLAN(MALLOC, &plan, 0x66, 0x74, 0x00, 0xc3);
	assert_refused(&plan, "16-bit branch");
	/* bnd jmp */
	PLAN(MALLOC, &plan, 0xf2, 0xe9, 0, 0, 0, 0, 0xc3);
	assert_moved(&plan, 0, "bnd jmp");
}

static void plan_function__push_of_memory_or_constant__not_emulated(void **state)
{
	struct plan plan;

	(void)state;
	PLAN(MALLOC, &plan, 0x6a, 0x01, 0x55, 0xc3);
	assert_stepped(&plan, "moves the stack");
	PLAN(FREE, &plan, 0x6a, 0x01, 0x55, 0xc3);
	assert_moved(&plan, 2, "push %rbp");
}

static void plan_function__instructions_without_probes__refused(void **state)
{
	struct plan plan;

	(void)state;
	PLAN(MALLOC, &plan, 0xf0, 0x48, 0xff, 0x07, 0xc3);
	assert_refused(&plan, "locked");
	PLAN(MALLOC, &plan, 0xcc, 0xc3);
	assert_refused(&plan, "trap");
	PLAN(MALLOC, &plan, 0xf4, 0xc3);
	assert_refused(&plan, "trap");
	PLAN(MALLOC, &plan, 0xe4, 0x10, 0xc3);
	assert_refused(&plan, "port");
	PLAN(MALLOC, &plan, 0x0f, 0x05, 0xc3);
	assert_refused(&plan, "system call");
	PLAN(MALLOC, &plan, 0x2e, 0x8b, 0x07, 0x48, 0x89, 0xd7, 0xc3);
	assert_refused(&plan, "segment");
}

/* ---- what must not change before the point ---- */

static void plan_function__each_part_of_an_argument__counts(void **state)
{
	struct plan plan;

	(void)state;
	PLAN(MALLOC, &plan, 0x31, 0xff, 0x55, 0xc3); /* xor %edi,%edi */
	assert_stepped(&plan, "changes an argument");
	PLAN(MALLOC, &plan, 0x40, 0xb7, 0x01, 0x55, 0xc3); /* mov $1,%dil */
	assert_stepped(&plan, "changes an argument");
	PLAN(MALLOC, &plan, 0x66, 0xbf, 1, 0, 0x55, 0xc3); /* mov $1,%di */
	assert_stepped(&plan, "changes an argument");
	PLAN(MEMALIGN, &plan, 0x48, 0x83, 0xc6, 0x0f, 0x55, 0xc3); /* add $15,%rsi */
	assert_stepped(&plan, "changes an argument");
	PLAN(MEMALIGN, &plan, 0x48, 0x83, 0xc7, 0x0f, 0x55, 0xc3); /* add $15,%rdi: the alignment */
	assert_moved(&plan, 4, "push");
	PLAN(MREMAP, &plan, 0x80, 0xe6, 0x01, 0x55, 0xc3); /* and $1,%dh */
	assert_stepped(&plan, "changes an argument");
	PLAN(MALLOC, &plan, 0x48, 0x0f, 0x44, 0xf8, 0x55, 0xc3); /* cmove %rax,%rdi */
	assert_stepped(&plan, "changes an argument");
	PLAN(MALLOC, &plan, 0x40, 0x0f, 0x94, 0xc7, 0x55, 0xc3); /* sete %dil */
	assert_stepped(&plan, "changes an argument");
}

static void plan_function__exchange_and_string_moves__not_passed(void **state)
{
	struct plan plan;

	(void)state;
	PLAN(MALLOC, &plan, 0x48, 0x97, 0x55, 0xc3); /* xchg %rax,%rdi */
	assert_stepped(&plan, "not stepped over");
	PLAN(FREE, &plan, 0x48, 0x87, 0x06, 0x55, 0xc3); /* xchg %rax,(%rsi) */
	assert_stepped(&plan, "not stepped over");
	PLAN(FREE, &plan, 0xa4, 0x55, 0xc3); /* movsb */
	assert_stepped(&plan, "not stepped over");
}

static void plan_function__callers_registers__kept_for_the_stack_walk(void **state)
{
	struct plan plan;

	(void)state;
	PLAN(MALLOC, &plan, 0x48, 0x89, 0xfd, 0x55, 0xc3); /* mov %rdi,%rbp */
	assert_stepped(&plan, "caller's register");
	PLAN(FREE, &plan, 0x48, 0x89, 0xfd, 0x55, 0xc3);
	assert_moved(&plan, 3, "push");
	PLAN(MALLOC, &plan, 0x49, 0x89, 0xfc, 0x55, 0xc3); /* mov %rdi,%r12 */
	assert_stepped(&plan, "caller's register");
}

static void plan_function__ret_or_indirect_call_before_any_point__entry(void **state)
{
	struct plan plan;

	(void)state;
	PLAN(MALLOC, &plan, 0x31, 0xc0, 0xc3, 0x55);
	assert_stepped(&plan, "not stepped over: ret");
	PLAN(FREE, &plan, 0x31, 0xc0, 0xff, 0xd0, 0x55, 0xc3);
	assert_stepped(&plan, "not stepped over: call");
}

static void plan_function__point_more_than_64_bytes_behind__entry(void **state)
{
	uint8_t code[80];
	struct plan plan;

	(void)state;
	for (size_t i = 0; i < 78; i += 2)
		memcpy(code + i, "\x31\xc0", 2);
	code[78] = 0x55;
	code[79] = 0xc3;
	plan_bytes(code, sizeof(code), CALL_ID_FREE, &plan);
	assert_stepped(&plan, "first 64 bytes");
	code[64] = 0x55;
	code[65] = 0x5d;
	plan_bytes(code, sizeof(code), CALL_ID_FREE, &plan);
	assert_moved(&plan, 64, "push");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plan_function__glibc_2_36_malloc__entry_push),
		cmocka_unit_test(plan_function__glibc_2_36_free__je_behind_test),
		cmocka_unit_test(plan_function__glibc_2_36_aligned_alloc__je_behind_cmpb),
		cmocka_unit_test(plan_function__glibc_2_36_valloc__push_behind_cmpb),
		cmocka_unit_test(
			plan_function__glibc_2_36_reallocarray__mul_clobbers_third_argument),
		cmocka_unit_test(plan_function__calloc_with_mul__jo_because_rdx_is_free),
		cmocka_unit_test(plan_function__glibc_2_31_cet_free_with_hook__jne_far_behind),
		cmocka_unit_test(plan_function__glibc_2_31_malloc_with_hook__jne),
		cmocka_unit_test(plan_function__cet_malloc_with_frame_pointer__push_behind_endbr),
		cmocka_unit_test(plan_function__cet_free_2_39__je_behind_endbr_and_test),
		cmocka_unit_test(plan_function__malloc_without_push__stack_moves_first),
		cmocka_unit_test(plan_function__free_that_moves_the_stack__call_behind_sub),
		cmocka_unit_test(plan_function__musl_malloc_and_free__the_jump_itself),
		cmocka_unit_test(plan_function__jemalloc_malloc__ja_behind_cmp),
		cmocka_unit_test(plan_function__jemalloc_free__jne_48_bytes_behind),
		cmocka_unit_test(plan_function__jemalloc_rallocx__jump_behind_xor),
		cmocka_unit_test(plan_function__tcmalloc_malloc__jne_behind_two),
		cmocka_unit_test(plan_function__mimalloc_malloc__argument_moves_first),
		cmocka_unit_test(plan_function__mimalloc_free__je_behind_copy_and_test),
		cmocka_unit_test(plan_function__glibc_munmap__system_call_is_not_passed),
		cmocka_unit_test(plan_function__glibc_mmap__jne_behind_copy_of_flags),
		cmocka_unit_test(plan_function__dynamic_linker_hook__ret_is_stepped),
		cmocka_unit_test(plan_function__nop_forms__only_the_single_byte),
		cmocka_unit_test(plan_function__prefixed_push_and_branch__not_emulated),
		cmocka_unit_test(plan_function__push_of_memory_or_constant__not_emulated),
		cmocka_unit_test(plan_function__instructions_without_probes__refused),
		cmocka_unit_test(plan_function__each_part_of_an_argument__counts),
		cmocka_unit_test(plan_function__exchange_and_string_moves__not_passed),
		cmocka_unit_test(plan_function__callers_registers__kept_for_the_stack_walk),
		cmocka_unit_test(plan_function__ret_or_indirect_call_before_any_point__entry),
		cmocka_unit_test(plan_function__point_more_than_64_bytes_behind__entry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
