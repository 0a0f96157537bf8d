// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "../../user/probe/insn.h"
#include "../../user/symbol/go_argument.h"

#define AT    0x461ba0ull
#define RAX   0u
#define RBX   3u
#define RSI   6u
#define R8    8u
#define LEA   "\x48\x8d\x05\x00\x10\x00\x00" /* lea 0x1000(%rip),%rax */
#define CALL  "\xe8\x00\x00\x10\x00"
#define TYPE  (AT + 7 + 0x1000)
#define NOP   "\x90"
#define RET   "\xc3"
#define AFTER 12 /* LEA CALL */

static struct decoder *decoder;

static bool find(const char *code, size_t size, size_t returns, unsigned int reg, uint64_t *address)
{
	struct go_body body = {(const uint8_t *)code, size, AT};

	*address = 0;
	return go_argument(decoder, &body, AT + returns, reg, address);
}

#define FIND(code, returns, reg, address) find(code, sizeof(code) - 1, returns, reg, address)

static void assert_type(const char *code, size_t size, size_t returns)
{
	uint64_t address;

	assert_true(find(code, size, returns, RAX, &address));
	assert_int_equal(address, TYPE);
}

static void assert_none(const char *code, size_t size, size_t returns)
{
	uint64_t address;

	assert_false(find(code, size, returns, RAX, &address));
}

#define IS_TYPE(code, returns) assert_type(code, sizeof(code) - 1, returns)
#define NONE(code, returns)    assert_none(code, sizeof(code) - 1, returns)

static void go_argument__lea_and_call__its_address(void **state)
{
	uint64_t address;

	(void)state;
	IS_TYPE(LEA CALL RET, AFTER);
	/* mov $3,%ebx; mov %rbx,%rcx; test %al,(%rax); movups %xmm15,(%rsp) */
	IS_TYPE(LEA "\xbb\x03\x00\x00\x00\x48\x89\xd9\x84\x00\x44\x0f\x11\x3c\x24" CALL RET, 27);
	/* lea 0x1000(%rip),%rsi and %r8 */
	assert_true(FIND("\x48\x8d\x35\x00\x10\x00\x00" CALL, AFTER, RSI, &address));
	assert_int_equal(address, TYPE);
	assert_true(FIND("\x4c\x8d\x05\x00\x10\x00\x00" CALL, AFTER, R8, &address));
	assert_int_equal(address, TYPE);
	/* backwards */
	assert_true(FIND("\x48\x8d\x05\xf9\xff\xff\xff" CALL, AFTER, RAX, &address));
	assert_int_equal(address, AT);
}

static void go_argument__the_last_one__counts(void **state)
{
	uint64_t address;

	(void)state;
	assert_true(FIND(LEA "\x48\x8d\x05\x00\x20\x00\x00" CALL, 19, RAX, &address));
	assert_int_equal(address, AT + 14 + 0x2000);
}

static void go_argument__moved__the_same(void **state)
{
	uint64_t address;

	(void)state;
	/* lea 0x1000(%rip),%rdx; mov %rdx,%rax; xor %edx,%edx */
	IS_TYPE("\x48\x8d\x15\x00\x10\x00\x00\x48\x89\xd0\x31\xd2" CALL, 17);
	/* lea 0x1000(%rip),%r8; mov %r8,%rax */
	IS_TYPE("\x4c\x8d\x05\x00\x10\x00\x00\x4c\x89\xc0" CALL, 15);
	/* mov %rax,%r8: that and the first have it */
	assert_true(FIND(LEA "\x49\x89\xc0" CALL, 15, R8, &address));
	assert_int_equal(address, TYPE);
	IS_TYPE(LEA "\x49\x89\xc0" CALL, 15);
	NONE(LEA "\x48\x89\xd0" CALL, 15);		       /* mov %rdx,%rax: whatever that is */
	NONE("\x48\x8d\x15\x00\x10\x00\x00\x89\xd0" CALL, 14); /* of 32 bits */
	NONE("\x48\x8d\x15\x00\x10\x00\x00\x48\x89\x10" CALL, 15);	   /* mov %rdx,(%rax) */
	NONE("\x48\x8d\x15\x00\x10\x00\x00\x31\xd2\x48\x89\xd0" CALL, 17); /* too late */
	/* jne to the move */
	NONE("\x75\x07\x48\x8d\x15\x00\x10\x00\x00\x48\x89\xd0" CALL, 17);
	assert_false(FIND(LEA CALL, AFTER, 16, &address));
}

static void go_argument__other_register__none(void **state)
{
	uint64_t address;

	(void)state;
	assert_false(FIND(LEA CALL, AFTER, RBX, &address));
	assert_false(FIND(LEA CALL, AFTER, R8, &address));
	assert_false(FIND("\x4c\x8d\x05\x00\x10\x00\x00" CALL, AFTER, RAX, &address));
}

static void go_argument__register_may_have_changed__none(void **state)
{
	(void)state;
	NONE(LEA "\x31\xc0" CALL, 14);			   /* xor %eax,%eax */
	NONE(LEA "\xb0\x01" CALL, 14);			   /* mov $1,%al */
	NONE(LEA "\x48\x8b\x44\x24\x08" CALL, 17);	   /* mov 8(%rsp),%rax */
	NONE(LEA "\x48\x0f\x44\xc3" CALL, 16);		   /* cmove %rbx,%rax */
	NONE(LEA "\x48\xf7\xe3" CALL, 15);		   /* mul %rbx */
	NONE(LEA "\x48\x93" CALL, 14);			   /* xchg %rax,%rbx */
	NONE(LEA "\x48\x87\xd8" CALL, 15);		   /* xchg %rbx,%rax */
	NONE(LEA "\xf0\x48\x0f\xb1\x0b" CALL, 17);	   /* lock cmpxchg %rcx,(%rbx) */
	NONE(LEA "\x0f\xa2" CALL, 14);			   /* cpuid */
	NONE(LEA "\x58" CALL, 13);			   /* pop %rax */
	NONE(LEA CALL CALL, AFTER + 5);			   /* a call */
	NONE(LEA "\xff\xd1" CALL, 14);			   /* a call of what is in a register */
	NONE(LEA RET CALL, 13);				   /* nothing comes here */
	NONE(LEA "\xeb\x00" CALL, 14);			   /* jmp */
	NONE(LEA "\x0f\x0b" CALL, 14);			   /* ud2 */
	NONE("\x48\x8b\x05\x00\x10\x00\x00" CALL, AFTER);  /* mov, not lea */
	NONE("\x8d\x05\x00\x10\x00\x00" NOP CALL, AFTER);  /* lea of 32 bits */
	NONE("\x67\x48\x8d\x05\x00\x10\x00\x00" CALL, 13); /* an address of 32 bits */
	NONE("\x48\x8d\x84\x24\x00\x10\x00\x00" CALL, 13); /* of the stack */
}

static void go_argument__no_call_there__none(void **state)
{
	(void)state;
	NONE(LEA CALL, AFTER - 1);
	NONE(LEA CALL, AFTER + 1);
	NONE(LEA CALL, 7);
	NONE(LEA CALL, 0);
	NONE(LEA CALL, (size_t)-1);
	NONE(LEA "\xff\xd1", 9);		  /* through a register */
	NONE(LEA "\xe9\x00\x00\x10\x00", 12);	  /* a jump */
	NONE(LEA "\xb8\xe8\x00\x00\x10\x00", 13); /* within mov $...,%eax */
}

static void go_argument__truncated_or_no_code__none(void **state)
{
	static const char code[] = LEA CALL;
	size_t size;

	(void)state;
	for (size = 0; size < AFTER; size++)
		assert_none(code, size, AFTER);
	NONE("\x06" LEA CALL, AFTER + 1); /* no instruction */
	NONE(LEA CALL "\x06", AFTER);	  /* behind it: where jumps lead is not known */
	NONE(LEA CALL "\x48\x8d", AFTER); /* the last one is not whole */
}

static void go_argument__conditional_jump_away__as_without(void **state)
{
	(void)state;
	IS_TYPE(LEA "\x75\x05" CALL NOP RET, 14); /* jne behind the call */
}

static void go_argument__entered_between__none(void **state)
{
	(void)state;
	NONE("\x75\x07" LEA CALL RET, 14);	 /* jne to the call, over the LEA */
	NONE("\xeb\x07" LEA CALL RET, 14);	 /* jmp there */
	NONE(LEA NOP CALL "\x75\xf8", 13);	 /* jne back to the nop */
	NONE(LEA CALL "\xeb\xf9", AFTER);	 /* jmp back to the call */
	IS_TYPE(LEA CALL "\xeb\xf2", AFTER);	 /* jmp back to the LEA: a loop */
	IS_TYPE(LEA CALL "\x75\xfe" RET, AFTER); /* jne to itself */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(go_argument__lea_and_call__its_address),
		cmocka_unit_test(go_argument__the_last_one__counts),
		cmocka_unit_test(go_argument__moved__the_same),
		cmocka_unit_test(go_argument__other_register__none),
		cmocka_unit_test(go_argument__register_may_have_changed__none),
		cmocka_unit_test(go_argument__no_call_there__none),
		cmocka_unit_test(go_argument__truncated_or_no_code__none),
		cmocka_unit_test(go_argument__conditional_jump_away__as_without),
		cmocka_unit_test(go_argument__entered_between__none),
	};
	int failed;

	decoder = decoder_new();
	if (!decoder)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	decoder_free(decoder);
	return failed;
}
