// SPDX-License-Identifier: GPL-2.0-or-later
/* What is kept of Go programs by their files: of the same file the same, of one that has changed nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../user/target/go_builds.h"
#include "../../user/target/go_private.h"

#define MANY 100

struct copy {
	char path[32];
	int fd;
	struct elf_file *elf;
};

/* Of this program, which is an ELF file without types of Go. */
static void copy_open(struct copy *c)
{
	int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	char bytes[65536];
	ssize_t n;

	strcpy(c->path, "/tmp/test_go_builds.XXXXXX");
	c->fd = mkstemp(c->path);
	assert_true(c->fd >= 0 && from >= 0);
	while ((n = read(from, bytes, sizeof(bytes))) > 0)
		assert_int_equal(write(c->fd, bytes, (size_t)n), n);
	close(from);
	c->elf = elf_file_open(c->fd);
	assert_non_null(c->elf);
}

static void copy_close(struct copy *c)
{
	elf_file_close(c->elf);
	close(c->fd);
	unlink(c->path);
}

static void go_builds_note_sound__file_changes__forgotten(void **state)
{
	struct go_builds *b = go_builds_new();
	struct copy c;

	(void)state;
	copy_open(&c);
	assert_false(go_builds_is_sound(b, c.elf));
	go_builds_note_sound(b, c.elf);
	assert_true(go_builds_is_sound(b, c.elf));
	assert_int_equal(pwrite(c.fd, "x", 1, lseek(c.fd, 0, SEEK_END)), 1);
	assert_false(go_builds_is_sound(b, c.elf));
	copy_close(&c);
	go_builds_free(b);
}

static void go_builds_note_sound__another_file__not_sound(void **state)
{
	struct go_builds *b = go_builds_new();
	struct copy one, other;

	(void)state;
	copy_open(&one);
	copy_open(&other);
	go_builds_note_sound(b, one.elf);
	assert_false(go_builds_is_sound(b, other.elf));
	copy_close(&other);
	copy_close(&one);
	go_builds_free(b);
}

/* There is room for some: the longest known one goes, the others stay. */
static void go_builds_note_sound__very_many__the_last_are_kept(void **state)
{
	struct go_builds *b = go_builds_new();
	struct copy *c = calloc(MANY, sizeof(*c));
	int i;

	(void)state;
	for (i = 0; i < MANY; i++) {
		copy_open(&c[i]);
		go_builds_note_sound(b, c[i].elf);
	}
	assert_false(go_builds_is_sound(b, c[0].elf));
	assert_true(go_builds_is_sound(b, c[MANY - 1].elf));
	assert_true(go_builds_is_sound(b, c[MANY - 30].elf));
	for (i = 0; i < MANY; i++)
		copy_close(&c[i]);
	free(c);
	go_builds_free(b);
}

/* That there is none is kept, too, and that it is sound beside it. */
static void go_builds_layout__no_debug_information__false_each_time(void **state)
{
	struct go_builds *b = go_builds_new();
	struct go_layout layout = {.minor = 21};
	struct copy c;

	(void)state;
	copy_open(&c);
	go_builds_note_sound(b, c.elf);
	assert_false(go_builds_layout(b, c.elf, &layout));
	assert_false(go_builds_layout(b, c.elf, &layout));
	assert_int_equal(layout.minor, 21);
	assert_true(go_builds_is_sound(b, c.elf));
	copy_close(&c);
	go_builds_free(b);
}

static void go_builds__none__nothing_is_kept(void **state)
{
	struct go_layout layout = {0};
	struct copy c;

	(void)state;
	copy_open(&c);
	go_builds_note_sound(NULL, c.elf);
	assert_false(go_builds_is_sound(NULL, c.elf));
	assert_false(go_builds_layout(NULL, c.elf, &layout));
	copy_close(&c);
	go_builds_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(go_builds_note_sound__file_changes__forgotten),
		cmocka_unit_test(go_builds_note_sound__another_file__not_sound),
		cmocka_unit_test(go_builds_note_sound__very_many__the_last_are_kept),
		cmocka_unit_test(go_builds_layout__no_debug_information__false_each_time),
		cmocka_unit_test(go_builds__none__nothing_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
