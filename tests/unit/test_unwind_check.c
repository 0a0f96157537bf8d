/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Call frame information as no compiler writes it is kept from elfutils, all other is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <elf.h>
#include <libelf.h>
#include "../../user/probe/unwind_check.h"

struct section {
	uint8_t bytes[4096];
	size_t size, entry;
};

#define ADD(s, ...) add(s, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void add(struct section *s, const uint8_t *bytes, size_t count)
{
	memcpy(s->bytes + s->size, bytes, count);
	s->size += count;
}

static void begin_entry(struct section *s)
{
	s->entry = s->size;
	ADD(s, 0, 0, 0, 0);
}

static void end_entry(struct section *s)
{
	uint32_t length = (uint32_t)(s->size - s->entry - 4);

	memcpy(s->bytes + s->entry, &length, sizeof(length));
}

/* "zR", addresses of 8 bytes; more letters come after the R. */
static void begin_cie(struct section *s)
{
	begin_entry(s);
	ADD(s, 0, 0, 0, 0, 1, 'z', 'R', 0, 1, 0x78, 16, 1, 0);
}

static void begin_fde(struct section *s)
{
	uint32_t back = (uint32_t)s->size + 4;

	begin_entry(s);
	add(s, (const uint8_t *)&back, sizeof(back));
	ADD(s, 0, 0x10, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0);
}

static bool check(const struct section *s)
{
	static Elf64_Ehdr header = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1}};
	Elf_Data data = {.d_buf = (void *)(uintptr_t)s->bytes, .d_size = s->size};
	Elf *elf;
	bool good;

	elf_version(EV_CURRENT);
	elf = elf_memory((char *)&header, sizeof(header));
	assert_non_null(elf);
	good = unwind_check_section(elf, &data, true);
	elf_end(elf);
	return good;
}

/* The program of a function behind a CIE that defines the CFA. */
static bool check_program(const uint8_t *program, size_t count)
{
	struct section s = {.size = 0};

	begin_cie(&s);
	ADD(&s, 0x0c, 7, 8, 0x90, 1);
	end_entry(&s);
	begin_fde(&s);
	add(&s, program, count);
	end_entry(&s);
	return check(&s);
}

#define PROGRAM(...)                                                                               \
	check_program((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void unwind_check__what_compilers_write__good(void **state)
{
	(void)state;
	assert_true(PROGRAM(0x41, 0x0e, 16, 0x86, 2, 0x43, 0x0d, 6, 0x0a, 0x02, 200, 0x0c, 7, 8,
			    0x41, 0x0b, 0, 0));
	assert_true(PROGRAM(0x0f, 3, 0x76, 0x78, 6, 0x10, 6, 2, 0x76, 0, 0xc6, 0x04, 0, 1, 0, 0));
	/* xmm31 is 82, k7 is 125 */
	assert_true(PROGRAM(0x05, 82, 1, 0x07, 125, 0x2e, 0x80, 1));
}

static void unwind_check__register_that_none_is__refused(void **state)
{
	(void)state;
	assert_false(PROGRAM(0x05, 0x80, 0x80, 0x80, 0x40, 1));
	assert_false(PROGRAM(0x07, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1));
	assert_false(PROGRAM(0x10, 0x80, 2, 1, 0x77));
}

static void unwind_check__states__counted(void **state)
{
	uint8_t remember[64];

	(void)state;
	memset(remember, 0x0a, sizeof(remember));
	assert_true(check_program(remember, 4));
	assert_false(check_program(remember, sizeof(remember)));
	assert_false(PROGRAM(0x0b));
	assert_false(PROGRAM(0x0a, 0x0b, 0x0b));
}

static void unwind_check__operand_behind_the_end__refused(void **state)
{
	(void)state;
	assert_false(PROGRAM(0x02));
	assert_false(PROGRAM(0x04, 1, 2, 3));
	assert_false(PROGRAM(0x0e, 0x80, 0x80));
	assert_false(PROGRAM(0x0f, 9, 0x77, 8));
	assert_false(PROGRAM(0x86));
}

static void unwind_check__unknown_operation__refused(void **state)
{
	(void)state;
	assert_false(PROGRAM(0x3f));
	assert_false(PROGRAM(0x01, 0, 0, 0, 0, 0, 0, 0, 0));
}

static void unwind_check__cie_program__checked_too(void **state)
{
	struct section s = {.size = 0};

	(void)state;
	begin_cie(&s);
	ADD(&s, 0x05, 0xff, 0xff, 0xff, 0x1f, 1);
	end_entry(&s);
	assert_false(check(&s));
}

static void unwind_check__unknown_augmentation__refused(void **state)
{
	struct section s = {.size = 0};

	(void)state;
	begin_entry(&s);
	ADD(&s, 0, 0, 0, 0, 1, 'z', 'R', 'S', 'X', 0, 1, 0x78, 16, 1, 0, 0, 0);
	end_entry(&s);
	assert_false(check(&s));
}

/* The bytes of an FDE's program may be another CIE: elfutils takes it when a pointer leads there. */
static void unwind_check__cie_within_an_entry__found(void **state)
{
	struct section s = {.size = 0};
	uint32_t back;

	(void)state;
	begin_cie(&s);
	/* an expression that is never evaluated: length 13, and a CIE with a huge register */
	ADD(&s, 0x16, 3, 24);
	ADD(&s, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0x78, 16, 0x05, 0xff, 0xff, 0xff, 0x1f, 1, 0, 0,
	    0, 0, 0);
	end_entry(&s);
	assert_true(check(&s));
	back = (uint32_t)s.size + 4 - 20;
	begin_entry(&s);
	add(&s, (const uint8_t *)&back, sizeof(back));
	ADD(&s, 0, 0x10, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0);
	end_entry(&s);
	assert_false(check(&s));
}

static void unwind_check__damaged_lengths__end(void **state)
{
	struct section s = {.size = 0};

	(void)state;
	begin_cie(&s);
	end_entry(&s);
	ADD(&s, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0);
	assert_true(check(&s));
	for (size_t size = 0; size < s.size; size++) {
		struct section cut = s;

		cut.size = size;
		check(&cut);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unwind_check__what_compilers_write__good),
		cmocka_unit_test(unwind_check__register_that_none_is__refused),
		cmocka_unit_test(unwind_check__states__counted),
		cmocka_unit_test(unwind_check__operand_behind_the_end__refused),
		cmocka_unit_test(unwind_check__unknown_operation__refused),
		cmocka_unit_test(unwind_check__cie_program__checked_too),
		cmocka_unit_test(unwind_check__unknown_augmentation__refused),
		cmocka_unit_test(unwind_check__cie_within_an_entry__found),
		cmocka_unit_test(unwind_check__damaged_lengths__end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
