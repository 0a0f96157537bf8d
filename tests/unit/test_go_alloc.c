// SPDX-License-Identifier: GPL-2.0-or-later
/* Types of what a Go program allocates, from a file with hand-made code, tables and types: tests/fuzz/seeds/goalloc.S. */
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

#include "../../user/symbol/go_alloc.h"
#include "../../user/symbol/go_names.h"

#define RETURNS 13

struct file {
	char *bytes;
	size_t size;
	uint64_t text;
	uint32_t returns[RETURNS];
};

static bool read_file(struct file *f, const char *name)
{
	FILE *in = fopen(name, "re");
	const char *at;
	Elf64_Ehdr header;

	f->bytes = calloc(1, 1 << 20);
	f->size = in ? fread(f->bytes, 1, 1 << 20, in) : 0;
	if (in)
		fclose(in);
	at = memmem(f->bytes, f->size, "RETURNS:", 8);
	if (!at)
		return false;
	memcpy(f->returns, at + 8, sizeof(f->returns));
	memcpy(&header, f->bytes, sizeof(header));
	f->text = header.e_entry;
	return true;
}

/* As a position-independent program pointers are in relocations. */
static bool build(struct file *f, const char *flags)
{
	char name[] = "/tmp/test_go_alloc.XXXXXX", command[256];
	int fd = mkstemp(name);
	bool good;

	snprintf(command, sizeof(command),
		 "gcc -nostdlib %s -Wl,--build-id=none -o %s tests/fuzz/seeds/goalloc.S "
		 "2>/dev/null && "
		 "strip %s",
		 flags, name, name);
	good = system(command) == 0 && read_file(f, name);
	close(fd);
	unlink(name);
	return good;
}

static const char *const expected[RETURNS] = {
	"[]main.node",		/* makeslice */
	"main.node",		/* newobject */
	NULL,			/* the same without an argument */
	NULL,			/* with an address that is before all types */
	"map[string]main.node", /* makemap */
	NULL,			/* the same with a structure */
	"string",		/* concatstring2, which needs none */
	NULL,			/* main.newobject is not the runtime's */
	NULL,			/* into the middle of newobject */
	NULL,			/* an address that no type can have */
	"[]main.node",		/* growslice, Go 1.20 and later: the fifth argument */
	NULL,			/* a type without a name */
	NULL,			/* one that is too near to the end of the types */
};

static void check_type(const struct file *f, struct go_alloc *a, size_t i)
{
	const char *type = go_alloc_type(a, f->text + f->returns[i]);

	if (expected[i]) {
		assert_non_null(type);
		assert_string_equal(type, expected[i]);
	} else if (type) {
		fail_msg("call %zu: '%s'", i, type);
	}
}

static void check_types(const struct file *f)
{
	Elf *elf = elf_memory(f->bytes, f->size);
	struct go_names *names = go_names_new(elf);
	struct go_alloc *a = go_alloc_new(names);
	size_t i;

	assert_non_null(a);
	for (i = 0; i < RETURNS; i++)
		check_type(f, a, i);
	/* no call ends there */
	for (i = 0; i < f->returns[0]; i++)
		assert_null(go_alloc_type(a, f->text + i));
	assert_null(go_alloc_type(a, 0));
	assert_null(go_alloc_type(a, UINT64_MAX));
	go_alloc_free(a);
	go_names_free(names);
	elf_end(elf);
}

static void go_alloc__executable__types(void **state)
{
	struct file f;

	(void)state;
	if (!build(&f, "-static"))
		skip();
	check_types(&f);
	free(f.bytes);
}

static void go_alloc__position_independent__the_same_by_relocations(void **state)
{
	struct file f;

	(void)state;
	if (!build(&f, "-static-pie -DRELOCATED"))
		skip();
	check_types(&f);
	free(f.bytes);
}

/* Before Go 1.20 the type was the first argument of growslice; of what is not known there are no types. */
static void go_alloc__other_version__by_its_rules(void **state)
{
	struct go_names *names;
	struct go_alloc *a;
	struct file f;
	char *at;
	Elf *elf;

	(void)state;
	if (!build(&f, "-static"))
		skip();
	at = memmem(f.bytes, f.size, "go1.21.0", 8);
	assert_non_null(at);
	memcpy(at, "go1.99.0", 8);
	elf = elf_memory(f.bytes, f.size);
	names = go_names_new(elf);
	assert_non_null(names);
	assert_null(go_alloc_new(names));
	go_names_free(names);
	elf_end(elf);
	memcpy(at, "go1.26.0", 8);
	elf = elf_memory(f.bytes, f.size);
	names = go_names_new(elf);
	a = go_alloc_new(names);
	check_type(&f, a, 10);
	go_alloc_free(a);
	go_names_free(names);
	elf_end(elf);
	free(f.bytes);
}

/* Any bytes anywhere: code, tables and types. */
static void go_alloc__damaged_file__survives(void **state)
{
	unsigned int round;
	struct file f;
	size_t i;
	char *copy;

	(void)state;
	if (!build(&f, "-static"))
		skip();
	copy = malloc(f.size);
	srand(1);
	for (round = 0; round < 20000; round++) {
		struct go_names *names;
		struct go_alloc *a;
		Elf *elf;

		memcpy(copy, f.bytes, f.size);
		for (i = 0; i < 1 + round % 8; i++)
			copy[sizeof(Elf64_Ehdr) + (size_t)rand() % (f.size - sizeof(Elf64_Ehdr))] =
				(char)(rand() % 3 ? rand() : 0xff);
		elf = elf_memory(copy, f.size);
		names = go_names_new(elf);
		a = names ? go_alloc_new(names) : NULL;
		for (i = 0; a && i < RETURNS; i++) {
			const char *type = go_alloc_type(a, f.text + f.returns[i]);

			assert_true(!type || strlen(type) < GO_ALLOC_TEXT + 2);
		}
		go_alloc_free(a);
		go_names_free(names);
		elf_end(elf);
	}
	free(copy);
	free(f.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(go_alloc__executable__types),
		cmocka_unit_test(go_alloc__position_independent__the_same_by_relocations),
		cmocka_unit_test(go_alloc__other_version__by_its_rules),
		cmocka_unit_test(go_alloc__damaged_file__survives),
	};

	elf_version(EV_CURRENT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
