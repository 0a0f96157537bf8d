/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Call frame information to rows: code of this program with every form that there is a rule for,
 * libc, and files that are cut and damaged.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>
#include "../../include/unwind_row.h"
#include "../../user/probe/unwind_build.h"

/* Never called: only what is said about it is looked at. */
__asm__(".text\n"
	".globl form_pointer, form_pointer_pushed, form_pointer_set, form_pointer_popped\n"
	".globl form_state, form_state_other, form_state_back\n"
	".globl form_deref, form_plt, form_stop, form_signal, form_register, form_unaligned, "
	"form_gap\n"
	".globl form_bottom, form_bottom_before, form_bottom_marked_before, form_before_end\n"
	".set form_bottom_before, form_bottom - 1\n"
	".set form_bottom_marked_before, form_bottom_marked - 1\n"
	".globl form_rbp_lost, form_big, form_end, form_generated, form_after\n"
	".p2align 4\n"
	"form_pointer: .cfi_startproc\n"
	"	push %rbp\n"
	"form_pointer_pushed: .cfi_def_cfa_offset 16\n .cfi_offset 6, -16\n"
	"	mov %rsp, %rbp\n"
	"form_pointer_set: .cfi_def_cfa_register 6\n"
	"	pop %rbp\n"
	"form_pointer_popped: .cfi_def_cfa 7, 8\n .cfi_restore 6\n"
	"	ret\n"
	".cfi_endproc\n"
	".p2align 4\n"
	"form_state: .cfi_startproc\n .cfi_def_cfa_offset 48\n"
	"	nop\n"
	".cfi_remember_state\n"
	"form_state_other: .cfi_def_cfa_offset 8\n"
	"	nop\n"
	".cfi_restore_state\n"
	"form_state_back:\n"
	"	nop\n"
	".cfi_endproc\n"
	".p2align 4\n"
	/* CFA = *(rbp - 8), rbp saved at rbp + 0: a frame that was realigned */
	"form_deref: .cfi_startproc\n"
	"	.cfi_escape 0x0f,0x03,0x76,0x78,0x06\n .cfi_escape 0x10,0x06,0x02,0x76,0x00\n"
	"	nop\n"
	".cfi_endproc\n"
	".p2align 4\n"
	"form_plt: .cfi_startproc\n"
	"	.cfi_escape 0x0f,0x0b,0x77,0x08,0x80,0x00,0x3f,0x1a,0x3b,0x2a,0x33,0x24,0x22\n"
	"	nop\n"
	".cfi_endproc\n"
	".p2align 4\n"
	"form_stop: .cfi_startproc\n .cfi_undefined 16\n"
	"	nop\n"
	".cfi_endproc\n"
	".p2align 4\n"
	"form_signal: .cfi_startproc simple\n .cfi_signal_frame\n .cfi_def_cfa 7, 160\n "
	".cfi_offset 16, 168\n"
	"	nop\n"
	".cfi_endproc\n"
	".p2align 4\n"
	"form_register: .cfi_startproc\n .cfi_def_cfa_register 0\n"
	"	nop\n"
	".cfi_endproc\n"
	".p2align 4\n"
	"form_unaligned: .cfi_startproc\n .cfi_def_cfa_offset 13\n"
	"	nop\n"
	".cfi_endproc\n"
	".p2align 4\n"
	"form_rbp_lost: .cfi_startproc\n .cfi_undefined 6\n"
	"	nop\n"
	".cfi_endproc\n"
	".p2align 4\n"
	"form_big: .cfi_startproc\n .cfi_def_cfa_offset 400000\n"
	"	nop\n"
	".cfi_endproc\n"
	".p2align 4\n"
	"form_before: .cfi_startproc\n .cfi_def_cfa_offset 64\n"
	"	nop\n"
	".cfi_endproc\n"
	"form_before_end:\n"
	".p2align 4\n"
	/* as coroutines begin: the address of its first byte is a return address */
	"form_bottom: .cfi_startproc\n"
	"	mov %rbx, %rsp\n	.skip 20, 0x90\n"
	".cfi_endproc\n"
	".p2align 4\n"
	"form_bottom_marked: .cfi_startproc\n"
	"	endbr64\n	mov %rbx, %rsp\n	.skip 20, 0x90\n"
	".cfi_endproc\n"
	".p2align 4\n"
	"form_gap: nop\n"
	"	.skip 64, 0x90\n"
	"form_end: .cfi_startproc\n"
	"	ret\n"
	".cfi_endproc\n"
	".p2align 4\n"
	/* as large as code that was generated when the program was built */
	"form_generated: .skip 0x110000, 0x90\n"
	"form_after: .cfi_startproc\n"
	"	ret\n"
	".cfi_endproc\n");

extern const char form_pointer[], form_pointer_pushed[], form_pointer_set[], form_pointer_popped[];
extern const char form_state[], form_state_other[], form_state_back[];
extern const char form_deref[], form_plt[], form_stop[], form_signal[], form_register[];
extern const char form_unaligned[], form_rbp_lost[], form_big[], form_gap[], form_end[];
extern const char form_generated[], form_after[], form_bottom[], form_bottom_before[];
extern const char form_bottom_marked_before[], form_before_end[];

#define RSP(bytes) UNWIND_RULE(UNWIND_RSP, (bytes) / 8, UNWIND_RBP_SAME, 0)
#define NO_INFO	   UNWIND_RULE_SPECIAL(UNWIND_NO_INFO)

struct fixture {
	struct unwind_table table;
	uint64_t bias;
};

static void build_object_of(const void *address, struct fixture *f)
{
	struct link_map *map;
	Dl_info info;
	int fd;

	assert_int_not_equal(dladdr1(address, &info, (void **)&map, RTLD_DL_LINKMAP), 0);
	fd = open(*map->l_name ? map->l_name : "/proc/self/exe", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(unwind_build(fd, -1, &f->table), 0);
	close(fd);
	f->bias = map->l_addr;
}

static int setup_self(void **state)
{
	static struct fixture f;

	build_object_of(form_pointer, &f);
	*state = &f;
	return 0;
}

static int teardown_self(void **state)
{
	struct fixture *f = *state;

	unwind_table_done(&f->table);
	return 0;
}

static void expect(void **state, const char *at, uint32_t rule)
{
	struct fixture *f = *state;

	assert_int_equal(unwind_table_rule(&f->table, (uintptr_t)at - f->bias), rule);
}

static void assert_sane(const struct unwind_table *t)
{
	uint32_t i;

	assert_true(unwind_table_is_sane(t));
	assert_true(t->row_count > 0 && t->pages > 0);
	assert_int_equal(UNWIND_ROW_ADDRESS(t->rows[0]), 0);
	for (i = 1; i < t->row_count; i++) {
		assert_true(UNWIND_ROW_ADDRESS(t->rows[i]) > UNWIND_ROW_ADDRESS(t->rows[i - 1]));
		assert_int_not_equal(UNWIND_ROW_RULE(t->rows[i]), UNWIND_ROW_RULE(t->rows[i - 1]));
	}
	for (i = 0; i <= t->pages; i++) {
		uint64_t page = (uint64_t)i << UNWIND_PAGE_BITS;
		uint32_t row = t->page_rows[i];

		assert_true(row < t->row_count && UNWIND_ROW_ADDRESS(t->rows[row]) <= page);
		assert_true(row + 1 == t->row_count || UNWIND_ROW_ADDRESS(t->rows[row + 1]) > page);
	}
}

static void unwind_build__frame_pointer__followed_through_prologue_and_epilogue(void **state)
{
	expect(state, form_pointer, RSP(8));
	expect(state, form_pointer_pushed, UNWIND_RULE(UNWIND_RSP, 2, UNWIND_RBP_AT_CFA, 2));
	expect(state, form_pointer_set, UNWIND_RULE(UNWIND_RBP, 2, UNWIND_RBP_AT_CFA, 2));
	expect(state, form_pointer_popped, RSP(8));
}

static void unwind_build__restored_state__starts_where_it_is_restored(void **state)
{
	expect(state, form_state, RSP(48));
	expect(state, form_state_other, RSP(8));
	expect(state, form_state_back, RSP(48));
}

static void unwind_build__special_forms__recognised(void **state)
{
	expect(state, form_deref,
	       UNWIND_RULE(UNWIND_DEREF, UNWIND_DEREF_CFA(true, -1, 0), UNWIND_RBP_AT_RBP, 0));
	expect(state, form_plt, UNWIND_RULE_PLT(11));
	expect(state, form_stop, UNWIND_RULE_SPECIAL(UNWIND_STOP));
	expect(state, form_signal, UNWIND_RULE_SPECIAL(UNWIND_SIGNAL));
	expect(state, form_rbp_lost, UNWIND_RULE(UNWIND_RSP, 1, UNWIND_RBP_UNKNOWN, 0));
	expect(state, form_big, RSP(400000));
}

static void unwind_build__forms_without_a_rule__no_information(void **state)
{
	expect(state, form_register, NO_INFO);
	expect(state, form_unaligned, NO_INFO);
	expect(state, form_gap, NO_INFO);
	expect(state, form_gap + 60, NO_INFO);
	expect(state, form_end, RSP(8));
}

static void unwind_build__function_with_a_stack_of_its_own__nobody_called_it(void **state)
{
	expect(state, form_before_end, RSP(64));
	expect(state, form_bottom_before, UNWIND_RULE_SPECIAL(UNWIND_STOP));
	expect(state, form_bottom, RSP(8));
	expect(state, form_bottom_marked_before, UNWIND_RULE_SPECIAL(UNWIND_STOP));
}

static void unwind_build__large_code_without_information__by_frame_pointer(void **state)
{
	expect(state, form_generated, UNWIND_RULE_SPECIAL(UNWIND_POINTER));
	expect(state, form_generated + 0x10ffff, UNWIND_RULE_SPECIAL(UNWIND_POINTER));
	expect(state, form_after, RSP(8));
}

static void unwind_rule__fields__come_back(void **state)
{
	uint32_t r = UNWIND_RULE(UNWIND_DEREF, UNWIND_DEREF_CFA(false, -1024, 15),
				 UNWIND_RBP_AT_RBP, -2048);

	(void)state;
	assert_int_equal(UNWIND_RULE_BASE(r), UNWIND_DEREF);
	assert_int_equal(UNWIND_DEREF_ON_RBP(r), 0);
	assert_int_equal(UNWIND_DEREF_INNER(r), UNWIND_DEREF_INNER_MIN);
	assert_int_equal(UNWIND_DEREF_OUTER(r), UNWIND_DEREF_OUTER_MAX);
	assert_int_equal(UNWIND_RULE_RBP(r), UNWIND_RBP_AT_RBP);
	assert_int_equal(UNWIND_RULE_RBP_OFFSET(r), UNWIND_RBP_OFFSET_MIN);
	r = UNWIND_RULE(UNWIND_DEREF, UNWIND_DEREF_CFA(true, 1023, 0), UNWIND_RBP_AT_CFA, 2047);
	assert_int_equal(UNWIND_DEREF_ON_RBP(r), 1);
	assert_int_equal(UNWIND_DEREF_INNER(r), UNWIND_DEREF_INNER_MAX);
	assert_int_equal(UNWIND_DEREF_OUTER(r), 0);
	assert_int_equal(UNWIND_RULE_RBP_OFFSET(r), UNWIND_RBP_OFFSET_MAX);
	assert_int_equal(UNWIND_RULE_CFA(UNWIND_RULE(UNWIND_RSP, 0xffff, 3, -1)), 0xffff);
}

static void unwind_build__libc__entries_and_order(void **state)
{
	struct fixture f = {0};
	uint64_t at;

	(void)state;
	build_object_of((const void *)(uintptr_t)qsort, &f);
	assert_sane(&f.table);
	assert_true(f.table.row_count > 1000);
	at = (uintptr_t)qsort - f.bias;
	assert_int_equal(unwind_table_rule(&f.table, at), RSP(8));
	assert_int_equal(unwind_table_rule(&f.table, UINT64_MAX), NO_INFO);
	assert_int_equal(unwind_table_rule(&f.table, 0), NO_INFO);
	unwind_table_done(&f.table);
}

static void unwind_build__no_elf__refused(void **state)
{
	struct unwind_table t;
	int fd = memfd_create("text", MFD_CLOEXEC);

	(void)state;
	assert_int_equal(unwind_build(-1, -1, &t), -ENOEXEC);
	assert_int_equal(unwind_build(fd, -1, &t), -ENOEXEC);
	assert_int_equal(write(fd, "#!/bin/sh\n", 10), 10);
	assert_int_equal(unwind_build(fd, fd, &t), -ENOEXEC);
	assert_null(t.rows);
	close(fd);
}

static size_t read_self(unsigned char **data)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	off_t size = lseek(fd, 0, SEEK_END);

	assert_true(fd >= 0 && size > 0);
	*data = malloc((size_t)size);
	assert_non_null(*data);
	assert_int_equal(pread(fd, *data, (size_t)size, 0), size);
	close(fd);
	return (size_t)size;
}

/* Whatever comes of it: no crash, and a table that holds together. */
static void build_bytes(const unsigned char *data, size_t size)
{
	int fd = memfd_create("damaged", MFD_CLOEXEC);
	struct unwind_table t;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), size);
	if (!unwind_build(fd, fd, &t))
		assert_sane(&t);
	else
		assert_null(t.rows);
	unwind_table_done(&t);
	close(fd);
}

static void unwind_build__cut_files__no_harm(void **state)
{
	unsigned char *data;
	size_t size = read_self(&data), i;

	(void)state;
	for (i = 0; i < 23; i++)
		build_bytes(data, size * i / 23);
	free(data);
}

static void unwind_build__told_to_stop__stops(void **state)
{
	struct unwind_input *in =
		unwind_input_open(open("/proc/self/exe", O_RDONLY | O_CLOEXEC), -1);
	atomic_bool stop = true;
	struct unwind_table t;

	(void)state;
	assert_non_null(in);
	assert_int_equal(unwind_build_from(in, &stop, &t), -ECANCELED);
	assert_null(t.rows);
	stop = false;
	assert_int_equal(unwind_build_from(in, &stop, &t), 0);
	unwind_table_done(&t);
	unwind_input_close(in);
}

/* Bytes of the section headers, program headers and of the information itself. */
static void unwind_build__damaged_files__no_harm(void **state)
{
	unsigned char *data, *copy;
	size_t size = read_self(&data), i, k;
	uint64_t random = 88172645463325252ull;

	(void)state;
	copy = malloc(size);
	assert_non_null(copy);
	for (i = 0; i < 40; i++) {
		memcpy(copy, data, size);
		for (k = 0; k < 1 + i * 50; k++) {
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			copy[(i & 1 ? random % size : random % 4096)] =
				(unsigned char)(random >> 40);
		}
		if (i & 2)
			memcpy(copy, data, 64);
		build_bytes(copy, size);
	}
	free(copy);
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unwind_rule__fields__come_back),
		cmocka_unit_test_setup_teardown(
			unwind_build__frame_pointer__followed_through_prologue_and_epilogue,
			setup_self, teardown_self),
		cmocka_unit_test_setup_teardown(
			unwind_build__restored_state__starts_where_it_is_restored, setup_self,
			teardown_self),
		cmocka_unit_test_setup_teardown(unwind_build__special_forms__recognised, setup_self,
						teardown_self),
		cmocka_unit_test_setup_teardown(unwind_build__forms_without_a_rule__no_information,
						setup_self, teardown_self),
		cmocka_unit_test_setup_teardown(
			unwind_build__large_code_without_information__by_frame_pointer, setup_self,
			teardown_self),
		cmocka_unit_test_setup_teardown(
			unwind_build__function_with_a_stack_of_its_own__nobody_called_it,
			setup_self, teardown_self),
		cmocka_unit_test(unwind_build__libc__entries_and_order),
		cmocka_unit_test(unwind_build__no_elf__refused),
		cmocka_unit_test(unwind_build__told_to_stop__stops),
		cmocka_unit_test(unwind_build__cut_files__no_harm),
		cmocka_unit_test(unwind_build__damaged_files__no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
