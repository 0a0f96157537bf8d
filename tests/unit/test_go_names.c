// SPDX-License-Identifier: GPL-2.0-or-later
/* Names of a stripped Go program, from a file with hand-made tables: tests/fuzz/seeds/gopclntab.S. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <libelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../user/symbol/go_names.h"

struct file {
	char *bytes;
	size_t size;
	uint64_t text;
};

static uint64_t text_of(const struct file *f)
{
	Elf64_Ehdr header;

	memcpy(&header, f->bytes, sizeof(header));
	return header.e_entry;
}

/* As a position-independent program pointers are in relocations. */
static bool build(struct file *f, const char *flags)
{
	char name[] = "/tmp/test_go_names.XXXXXX", command[256];
	int fd = mkstemp(name);
	FILE *in;
	bool good;

	snprintf(command, sizeof(command),
		 "gcc -nostdlib %s -Wl,--build-id=none -o %s tests/fuzz/seeds/gopclntab.S "
		 "2>/dev/null && "
		 "strip %s",
		 flags, name, name);
	good = system(command) == 0;
	close(fd);
	in = fopen(name, "re");
	f->bytes = calloc(1, 1 << 20);
	f->size = in ? fread(f->bytes, 1, 1 << 20, in) : 0;
	if (in)
		fclose(in);
	unlink(name);
	f->text = good && f->size > sizeof(Elf64_Ehdr) ? text_of(f) : 0;
	return f->text != 0;
}

static size_t find(const struct go_names *g, const struct file *f, uint64_t offset,
		   struct debug_frame frames[DEBUG_MAX_FRAMES])
{
	return go_names_find(g, f->text + offset, frames);
}

static void check_names(const struct file *f)
{
	struct debug_frame frames[DEBUG_MAX_FRAMES];
	Elf *elf = elf_memory(f->bytes, f->size);
	struct go_names *g = go_names_new(elf);

	assert_non_null(g);
	assert_int_equal(find(g, f, 5, frames), 1);
	assert_string_equal(frames[0].function, "main.f");
	assert_string_equal(frames[0].file, "/src/f.go");
	assert_int_equal(frames[0].line, 10);
	assert_int_equal(frames[0].start, f->text);
	assert_int_equal(find(g, f, 20, frames), 2);
	assert_string_equal(frames[0].function, "main.inlined");
	assert_int_equal(frames[0].line, 15);
	assert_true(frames[0].inlined);
	assert_string_equal(frames[1].function, "main.f");
	assert_int_equal(frames[1].line, 10); /* of the call */
	assert_false(frames[1].inlined);
	assert_int_equal(find(g, f, 70, frames), 1);
	assert_string_equal(frames[0].function, "main.main");
	assert_null(frames[0].file);
	assert_int_equal(find(g, f, 128, frames), 0);
	assert_int_equal(find(g, f, (uint64_t)-1, frames), 0);
	go_names_free(g);
	elf_end(elf);
}

static void go_names__executable__functions_inlined_ones_and_lines(void **state)
{
	struct file f;

	(void)state;
	if (!build(&f, "-static"))
		skip();
	check_names(&f);
	free(f.bytes);
}

static void go_names__position_independent__the_same_by_relocations(void **state)
{
	struct file f;

	(void)state;
	if (!build(&f, "-static-pie -DRELOCATED"))
		skip();
	check_names(&f);
	free(f.bytes);
}

static void go_names__another_file__none(void **state)
{
	struct file f;
	Elf *elf;
	char *at;

	(void)state;
	if (!build(&f, "-static"))
		skip();
	at = memmem(f.bytes, f.size, "\xf1\xff\xff\xff\0\0\1\x08", 8);
	assert_non_null(at);
	at[7] = 4;
	elf = elf_memory(f.bytes, f.size);
	assert_null(go_names_new(elf));
	elf_end(elf);
	free(f.bytes);
}

/* Any bytes in the place of the tables: strings end, counts have bounds. */
static void go_names__damaged_tables__survives(void **state)
{
	struct debug_frame frames[DEBUG_MAX_FRAMES];
	struct file f;
	size_t begin, count, i;
	unsigned int round;
	char *copy;

	(void)state;
	if (!build(&f, "-static"))
		skip();
	begin = (size_t)((char *)memmem(f.bytes, f.size, "\xf1\xff\xff\xff\0\0\1\x08", 8) -
			 f.bytes);
	copy = malloc(f.size);
	srand(1);
	for (round = 0; round < 20000; round++) {
		struct go_names *g;
		Elf *elf;

		memcpy(copy, f.bytes, f.size);
		for (i = 0; i < 1 + round % 4; i++)
			copy[begin + 8 + (size_t)rand() % 480] = (char)(rand() % 3 ? rand() : 0xff);
		elf = elf_memory(copy, f.size);
		g = go_names_new(elf);
		for (i = 0; g && i < 128; i += 9) {
			count = find(g, &f, i, frames);
			assert_true(count <= DEBUG_MAX_FRAMES);
			while (count--)
				assert_true(!frames[count].function ||
					    strlen(frames[count].function) < f.size);
		}
		go_names_free(g);
		elf_end(elf);
	}
	free(copy);
	free(f.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(go_names__executable__functions_inlined_ones_and_lines),
		cmocka_unit_test(go_names__position_independent__the_same_by_relocations),
		cmocka_unit_test(go_names__another_file__none),
		cmocka_unit_test(go_names__damaged_tables__survives),
	};

	elf_version(EV_CURRENT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
