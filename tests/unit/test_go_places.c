// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "../../user/probe/go_places.h"

#define AT    0x461ba0ull
#define CHECK "\x49\x3b\x66\x10" /* cmp 0x10(%r14),%rsp */
#define JBE   "\x76\x20"
#define PUSH  "\x55"

#define CODE(bytes)                                                                                \
	{                                                                                          \
		(const uint8_t *)(bytes), sizeof(bytes) - 1, AT                                    \
	}

static void go_place_entry__push_behind_the_check__there(void **state)
{
	struct go_code code = CODE(CHECK JBE PUSH "\x48\x89\xe5\xc3");
	struct go_point point;

	(void)state;
	assert_true(go_place_entry(&code, &point));
	assert_int_equal(point.address, AT + 6);
	assert_false(point.branch);
	assert_int_equal(point.length, 1);
	assert_int_equal(point.bytes[0], 0x55);
}

static void go_place_entry__no_push__the_branch(void **state)
{
	struct go_code code = CODE(CHECK "\x0f\x86\xb2\x00\x00\x00"
					 "\x48\x83\xec\x30");
	struct go_point point;

	(void)state;
	assert_true(go_place_entry(&code, &point));
	assert_int_equal(point.address, AT + 4);
	assert_true(point.branch);
	assert_int_equal(point.length, 6);
}

static void go_place_entry__large_frame__there(void **state)
{
	/* lea -0x80(%rsp),%r12; cmp 0x10(%r14),%r12 */
	struct go_code code = CODE("\x4c\x8d\x64\x24\x80\x4d\x3b\x66\x10" JBE PUSH "\xc3");
	struct go_point point;

	(void)state;
	assert_true(go_place_entry(&code, &point));
	assert_int_equal(point.address, AT + 11);
	assert_false(point.branch);
}

static void go_place_entry__anything_else__refused(void **state)
{
	static const struct go_code others[] = {
		CODE(""),
		CODE(PUSH "\xc3"),
		CODE("\x48\x83\xec\x30\xc3"),
		CODE(CHECK "\x72\x20" PUSH), /* jb */
		CODE(CHECK PUSH),
		CODE("\x49\x3b\x66\x18" JBE PUSH),
		CODE("\x4c\x8d\x64\x24\x80" CHECK JBE PUSH),
		CODE("\x4c\x8d"),
	};
	struct go_point point;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_false(go_place_entry(&others[i], &point));
}

static void go_place_entry__cut_anywhere__no_reading_beyond(void **state)
{
	struct go_code code = CODE(CHECK JBE PUSH);
	struct go_point point;
	size_t size = code.size;

	(void)state;
	for (code.size = 0; code.size < size; code.size++)
		assert_int_equal(go_place_entry(&code, &point), code.size >= 6);
}

/* ---- sync.(*Pool).Get ---- */

#define LOAD  "\x48\x8b\x51\x20" /* mov 0x20(%rcx),%rdx */
#define TEST  "\x48\x85\xd2"
#define NOP   "\x90"
#define OTHER "\x48\x8b\x5c\x24\x20" /* mov 0x20(%rsp),%rbx */
#define CALL  "\x48\x8b\x02\xff\xd0" /* mov (%rdx),%rax; call *%rax */

static void go_place_pool_miss__jump_to_the_call__there(void **state)
{
	struct go_code code = CODE(LOAD NOP TEST "\x75\x05" OTHER CALL "\xc3");
	struct go_point point;

	(void)state;
	assert_true(go_place_pool_miss(&code, &point));
	assert_int_equal(point.address, AT + 8);
	assert_int_equal(point.length, 2);
	assert_false(point.branch);
}

static void go_place_pool_miss__jump_over_the_call__there(void **state)
{
	struct go_code code = CODE(LOAD TEST "\x74\x05" CALL OTHER "\xc3");
	struct go_point point;

	(void)state;
	assert_true(go_place_pool_miss(&code, &point));
	assert_int_equal(point.address, AT + 7);
}

static void go_place_pool_miss__another_code__refused(void **state)
{
	static const struct go_code others[] = {
		CODE(""),
		CODE(LOAD TEST "\x74\x05" OTHER CALL "\xc3"),	     /* the call is not there */
		CODE(LOAD TEST "\x75\x7f" OTHER CALL "\xc3"),	     /* beyond the end */
		CODE(LOAD TEST "\x75\x80" OTHER CALL "\xc3"),	     /* before the start */
		CODE(LOAD OTHER TEST "\x75\x05" OTHER CALL "\xc3"),  /* something between */
		CODE("\x48\x8b\x53\x20" TEST "\x75\x05" OTHER CALL), /* from rbx */
		CODE(LOAD TEST "\x75\x05" OTHER CALL CALL),	     /* two calls */
		CODE(LOAD TEST "\x75\x05" OTHER CALL LOAD TEST "\x75\x05" OTHER CALL),
		CODE(LOAD TEST),
		CODE(LOAD),
	};
	struct go_point point;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_false(go_place_pool_miss(&others[i], &point));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(go_place_entry__push_behind_the_check__there),
		cmocka_unit_test(go_place_entry__no_push__the_branch),
		cmocka_unit_test(go_place_entry__large_frame__there),
		cmocka_unit_test(go_place_entry__anything_else__refused),
		cmocka_unit_test(go_place_entry__cut_anywhere__no_reading_beyond),
		cmocka_unit_test(go_place_pool_miss__jump_to_the_call__there),
		cmocka_unit_test(go_place_pool_miss__jump_over_the_call__there),
		cmocka_unit_test(go_place_pool_miss__another_code__refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
