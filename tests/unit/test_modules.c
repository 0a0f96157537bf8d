/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mappings of processes over time, and the identity of files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../../user/symbol/modules.h"

#define PAGE 4096u

static void modules_parse_line__file__has_all_fields(void **state)
{
	char text[] = "7f00-8f00 r-xp 00001000 fd:01 1234      /usr/lib/a b.so\n";
	struct modules_line line;

	(void)state;
	assert_true(modules_parse_line(text, &line));
	assert_int_equal(line.start, 0x7f00);
	assert_int_equal(line.end, 0x8f00);
	assert_int_equal(line.offset, 0x1000);
	assert_int_equal(line.device, 0xfdull << 32 | 1);
	assert_int_equal(line.inode, 1234);
	assert_string_equal(line.path, "/usr/lib/a b.so");
	assert_false(line.deleted);
}

static void modules_parse_line__deleted__path_without_mark(void **state)
{
	char text[] = "1000-2000 r-xs 0 00:05 9 /memfd:x (deleted)\n";
	struct modules_line line;

	(void)state;
	assert_true(modules_parse_line(text, &line));
	assert_string_equal(line.path, "/memfd:x");
	assert_true(line.deleted);
}

static void modules_parse_line__anonymous__empty_path(void **state)
{
	char text[] = "1000-2000 rwxp 00000000 00:00 0 \n";
	struct modules_line line;

	(void)state;
	assert_true(modules_parse_line(text, &line));
	assert_string_equal(line.path, "");
}

static void modules_parse_line__no_code_or_garbage__refused(void **state)
{
	static const char *const bad[] = {
		"",
		"\n",
		"1000-2000 r--p 0 00:00 0",
		"2000-1000 r-xp 0 00:00 0 /x",
		"1000 r-xp 0 00:00 0",
		"x-y r-xp 0 00:00 0 /x",
		"1000-2000 rx 0 00:00 0 /x",
		"1000-2000",
	};
	struct modules_line line;
	char text[80];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), "%s", bad[i]);
		assert_false(modules_parse_line(text, &line));
	}
}

static void check_merge(const struct mapping *now, size_t now_count, const struct mapping *before,
			size_t before_count, const struct mapping *want, size_t want_count)
{
	size_t count;
	struct mapping *v = modules_merge(now, now_count, before, before_count, &count);

	assert_int_equal(count, want_count);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(v[i].start, want[i].start);
		assert_int_equal(v[i].end, want[i].end);
		assert_int_equal(v[i].offset, want[i].offset);
		assert_int_equal(v[i].inode, want[i].inode);
	}
	free(v);
}

#define CHECK_MERGE(now, before, want)                                                             \
	check_merge(now, sizeof(now) / sizeof(now[0]), before, sizeof(before) / sizeof(before[0]), \
		    want, sizeof(want) / sizeof(want[0]))

/* {start, end, offset, device, inode, image} */
static void modules_merge__gone__stays(void **state)
{
	static const struct mapping before[] = {{10, 20, 0, 0, 1, NULL}, {30, 40, 0, 0, 2, NULL}};
	static const struct mapping now[] = {{30, 40, 0, 0, 2, NULL}, {50, 60, 0, 0, 3, NULL}};
	static const struct mapping want[] = {
		{10, 20, 0, 0, 1, NULL}, {30, 40, 0, 0, 2, NULL}, {50, 60, 0, 0, 3, NULL}};

	(void)state;
	CHECK_MERGE(now, before, want);
}

static void modules_merge__overlap__new_one_replaces_that_part(void **state)
{
	static const struct mapping before[] = {{10, 50, 100, 0, 1, NULL}, {50, 60, 7, 0, 2, NULL}};
	static const struct mapping now[] = {{20, 30, 0, 0, 3, NULL}, {45, 55, 0, 0, 4, NULL}};
	static const struct mapping want[] = {{10, 20, 100, 0, 1, NULL},
					      {20, 30, 0, 0, 3, NULL},
					      {30, 45, 120, 0, 1, NULL},
					      {45, 55, 0, 0, 4, NULL},
					      {55, 60, 12, 0, 2, NULL}};

	(void)state;
	CHECK_MERGE(now, before, want);
}

static void modules_merge__covered_by_one__gone(void **state)
{
	static const struct mapping before[] = {
		{10, 20, 0, 0, 1, NULL}, {30, 40, 0, 0, 2, NULL}, {70, 80, 0, 0, 5, NULL}};
	static const struct mapping now[] = {{5, 45, 0, 0, 3, NULL}};
	static const struct mapping want[] = {{5, 45, 0, 0, 3, NULL}, {70, 80, 0, 0, 5, NULL}};

	(void)state;
	CHECK_MERGE(now, before, want);
}

/* A new one that ends in an old one, with another new one behind it. */
static void modules_merge__reaches_into_the_next__no_overlap(void **state)
{
	static const struct mapping before[] = {{0, 5, 0, 0, 1, NULL}, {10, 25, 0, 0, 2, NULL}};
	static const struct mapping now[] = {{0, 15, 0, 0, 3, NULL}, {18, 20, 0, 0, 4, NULL}};
	static const struct mapping want[] = {{0, 15, 0, 0, 3, NULL},
					      {15, 18, 5, 0, 2, NULL},
					      {18, 20, 0, 0, 4, NULL},
					      {20, 25, 10, 0, 2, NULL}};

	(void)state;
	CHECK_MERGE(now, before, want);
}

static void modules_read__self__finds_this_function(void **state)
{
	struct modules *m = modules_new();
	const struct mapping *mapping;
	uint64_t address = (uintptr_t)modules_read__self__finds_this_function;

	(void)state;
	assert_null(modules_find(m, 1, address));
	assert_int_equal(modules_read(m, 1, getpid()), 0);
	mapping = modules_find(m, 1, address);
	assert_non_null(mapping);
	assert_non_null(mapping->image);
	assert_true(mapping->image->fd >= 0);
	assert_true(mapping->image->segment_count > 0);
	assert_null(modules_find(m, 1, 1));
	assert_null(modules_find(m, 2, address));
	assert_true(modules_memory(m) > sizeof(*mapping));
	modules_free(m);
}

static void modules_read__twice__same_images_and_generation(void **state)
{
	struct modules *m = modules_new();
	uint64_t address = (uintptr_t)modules_read__self__finds_this_function;
	const struct image *image;
	uint32_t generation;

	(void)state;
	assert_int_equal(modules_read(m, 1, getpid()), 0);
	image = modules_find(m, 1, address)->image;
	generation = modules_generation(m, 1);
	assert_int_equal(modules_read(m, 1, getpid()), 0);
	assert_int_equal(modules_read(m, 2, getpid()), 0);
	assert_ptr_equal(modules_find(m, 1, address)->image, image);
	assert_ptr_equal(modules_find(m, 2, address)->image, image);
	assert_int_equal(modules_generation(m, 1), generation);
	modules_free(m);
}

static void modules_read__dead__keeps_what_was_known(void **state)
{
	struct modules *m = modules_new();
	uint64_t address = (uintptr_t)modules_read__self__finds_this_function;
	pid_t child = fork();

	(void)state;
	if (child == 0) {
		pause();
		_exit(0);
	}
	assert_int_equal(modules_read(m, 1, child), 0);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_int_equal(modules_read(m, 1, child), -ESRCH);
	assert_non_null(modules_find(m, 1, address));
	modules_free(m);
}

static void modules_fork__child__has_the_parents(void **state)
{
	struct modules *m = modules_new();
	uint64_t address = (uintptr_t)modules_read__self__finds_this_function;

	(void)state;
	assert_int_equal(modules_read(m, 1, getpid()), 0);
	modules_fork(m, 1, 2);
	modules_fork(m, 7, 8);
	modules_forget(m, 1);
	assert_null(modules_find(m, 1, address));
	assert_non_null(modules_find(m, 2, address));
	assert_int_equal(modules_epoch(m, 1), 1);
	assert_int_equal(modules_epoch(m, 2), 0);
	modules_free(m);
}

static int temporary_file(const void *bytes, size_t count)
{
	int fd = memfd_create("a module", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, count), count);
	return fd;
}

static void modules_read__unmapped__stays_until_replaced(void **state)
{
	struct modules *m = modules_new();
	int fd = temporary_file("no elf file", 11);
	char *code = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0), *again;

	(void)state;
	assert_true(code != MAP_FAILED);
	assert_int_equal(modules_read(m, 1, getpid()), 0);
	assert_non_null(modules_find(m, 1, (uintptr_t)code));
	munmap(code, PAGE);
	assert_int_equal(modules_read(m, 1, getpid()), 0);
	assert_string_equal(modules_find(m, 1, (uintptr_t)code)->image->name, "memfd:a module");
	again = mmap(code, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		     0);
	assert_ptr_equal(again, code);
	assert_int_equal(modules_read(m, 1, getpid()), 0);
	assert_null(modules_find(m, 1, (uintptr_t)code)->image);
	munmap(again, PAGE);
	close(fd);
	modules_free(m);
}

struct small_elf {
	Elf64_Ehdr elf;
	Elf64_Phdr headers[2];
	Elf64_Nhdr note;
	char name[4];
	uint8_t id[20];
};

static struct small_elf small_elf(void)
{
	struct small_elf f;

	memset(&f, 0, sizeof(f));
	memcpy(f.elf.e_ident, ELFMAG, SELFMAG);
	f.elf.e_ident[EI_CLASS] = ELFCLASS64;
	f.elf.e_ident[EI_DATA] = ELFDATA2LSB;
	f.elf.e_type = ET_DYN;
	f.elf.e_machine = EM_X86_64;
	f.elf.e_phentsize = sizeof(Elf64_Phdr);
	f.elf.e_phoff = offsetof(struct small_elf, headers);
	f.elf.e_phnum = 2;
	f.headers[0] = (Elf64_Phdr){.p_type = PT_LOAD,
				    .p_flags = PF_R | PF_X,
				    .p_offset = 0x1000,
				    .p_vaddr = 0x5000,
				    .p_filesz = 0x100,
				    .p_memsz = 0x100,
				    .p_align = PAGE};
	f.headers[1] = (Elf64_Phdr){.p_type = PT_NOTE,
				    .p_offset = offsetof(struct small_elf, note),
				    .p_filesz = sizeof(f) - offsetof(struct small_elf, note)};
	f.note = (Elf64_Nhdr){.n_namesz = 4, .n_descsz = 20, .n_type = NT_GNU_BUILD_ID};
	memcpy(f.name, "GNU", 4);
	memset(f.id, 0xab, sizeof(f.id));
	return f;
}

static struct image *image_of(const struct small_elf *f, const char *path)
{
	return image_new(temporary_file(f, sizeof(*f)), path);
}

static void image_new__build_id__is_the_identity(void **state)
{
	struct small_elf f = small_elf(), other = f;
	struct image *a = image_of(&f, "/x/a"), *b = image_of(&f, "/y/b"), *c;

	(void)state;
	other.id[19] = 1;
	c = image_of(&other, "/x/a");
	assert_int_equal(a->build_id_size, 20);
	assert_string_equal(a->name, "a");
	assert_true(a->identity == b->identity);
	assert_true(a->identity != c->identity);
	image_free(a);
	image_free(b);
	image_free(c);
}

static void image_new__no_build_id__name_and_size(void **state)
{
	struct image *a = image_new(temporary_file("12345", 5), "/x/a");
	struct image *b = image_new(temporary_file("abcde", 5), "/y/a");
	struct image *c = image_new(temporary_file("abcdef", 6), "/y/a");
	struct image *d = image_new(-1, "d");

	(void)state;
	assert_true(a->identity == b->identity);
	assert_true(a->identity != c->identity);
	assert_int_equal(a->segment_count, 0);
	assert_string_equal(d->name, "d");
	image_free(a);
	image_free(b);
	image_free(c);
	image_free(d);
}

/* libdwfl would ask for the addresses of the sections of an object file. */
static void image_new__object_file_or_other_machine__no_segments(void **state)
{
	struct small_elf f = small_elf(), other = f;
	struct image *a, *b;

	(void)state;
	f.elf.e_type = ET_REL;
	other.elf.e_machine = EM_AARCH64;
	a = image_of(&f, "a");
	b = image_of(&other, "b");
	assert_int_equal(a->segment_count, 0);
	assert_int_equal(b->segment_count, 0);
	image_free(a);
	image_free(b);
}

static void image_address__segments__translate(void **state)
{
	struct small_elf f = small_elf();
	struct image *a = image_of(&f, "a");

	(void)state;
	assert_int_equal(image_address(a, 0x1000), 0x5000);
	assert_int_equal(image_address(a, 0x10ff), 0x50ff);
	assert_int_equal(image_address(a, 0x1100), 0x1100);
	assert_int_equal(image_address(a, 0xfff), 0xfff);
	assert_int_equal(image_address(a, UINT64_MAX), UINT64_MAX);
	image_free(a);
}

/* Every byte of the file set to each of a few values, and every length. */
static void image_new__damaged__survives(void **state)
{
	static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff};
	struct small_elf f = small_elf();

	(void)state;
	for (size_t i = 0; i < sizeof(f); i++) {
		for (size_t v = 0; v < sizeof(values); v++) {
			struct small_elf damaged = f;
			struct image *image;

			((uint8_t *)&damaged)[i] = values[v];
			image = image_of(&damaged, "x");
			assert_in_range(image->build_id_size, 0, IMAGE_BUILD_ID_MAX);
			image_free(image);
		}
		image_free(image_new(temporary_file(&f, i), "x"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(modules_parse_line__file__has_all_fields),
		cmocka_unit_test(modules_parse_line__deleted__path_without_mark),
		cmocka_unit_test(modules_parse_line__anonymous__empty_path),
		cmocka_unit_test(modules_parse_line__no_code_or_garbage__refused),
		cmocka_unit_test(modules_merge__gone__stays),
		cmocka_unit_test(modules_merge__overlap__new_one_replaces_that_part),
		cmocka_unit_test(modules_merge__covered_by_one__gone),
		cmocka_unit_test(modules_merge__reaches_into_the_next__no_overlap),
		cmocka_unit_test(modules_read__self__finds_this_function),
		cmocka_unit_test(modules_read__twice__same_images_and_generation),
		cmocka_unit_test(modules_read__dead__keeps_what_was_known),
		cmocka_unit_test(modules_read__unmapped__stays_until_replaced),
		cmocka_unit_test(modules_fork__child__has_the_parents),
		cmocka_unit_test(image_new__build_id__is_the_identity),
		cmocka_unit_test(image_new__no_build_id__name_and_size),
		cmocka_unit_test(image_new__object_file_or_other_machine__no_segments),
		cmocka_unit_test(image_address__segments__translate),
		cmocka_unit_test(image_new__damaged__survives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
