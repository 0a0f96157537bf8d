/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unit tests of user/target/resident.c: on page maps written by hand, and on this process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "../../user/target/resident.h"

#define PAGE	4096ull
#define PRESENT (1ull << 63)
#define SWAPPED (1ull << 62)
#define MOST	1000000

/* A file with `count` entries, unlinked. */
static int page_map(const uint64_t *entries, size_t count)
{
	FILE *f = tmpfile();
	int fd;

	assert_non_null(f);
	assert_int_equal(fwrite(entries, sizeof(*entries), count, f), count);
	fflush(f);
	fd = dup(fileno(f));
	fclose(f);
	return fd;
}

static void resident_read__parts_of_pages__bytes(void **state)
{
	const uint64_t entries[] = {PRESENT, 0, SWAPPED | 5, PRESENT | 9, 0, PRESENT};
	const struct resident_block blocks[] = {
		{100, 50},		    /* inside a resident page */
		{PAGE - 10, 20},	    /* half of it */
		{2 * PAGE - 16, PAGE + 32}, /* untouched, swapped, resident */
		{4 * PAGE, 0},		    /* nothing */
		{3 * PAGE, 3 * PAGE},	    /* resident, untouched, resident */
		{UINT64_MAX - 5, 100},	    /* nonsense */
		{1ull << 40, 2 * PAGE},	    /* beyond the file */
		{5 * PAGE, 7},
	};
	int fd = page_map(entries, 6);
	struct resident r;

	(void)state;
	assert_int_equal(resident_read_fd(fd, blocks, 5, MOST, &r), 0);
	assert_int_equal(r.looked_blocks, 5);
	assert_int_equal(r.looked_bytes, 50 + 20 + PAGE + 32 + 3 * PAGE);
	assert_int_equal(r.resident_bytes, 50 + 10 + 16 + 2 * PAGE);
	assert_int_equal(r.swapped_bytes, PAGE);
	assert_int_equal(resident_read_fd(fd, blocks + 5, 3, MOST, &r), 0);
	assert_int_equal(r.resident_bytes, 7);
	assert_int_equal(r.looked_blocks, 1);
	close(fd);
}

static void resident_read__too_many_pages__stops(void **state)
{
	static uint64_t entries[4000];
	const struct resident_block blocks[] = {{0, 100 * PAGE}, {200 * PAGE, 1000 * PAGE}, {0, 1}};
	struct resident r;
	int fd;

	(void)state;
	for (size_t i = 0; i < 4000; i++)
		entries[i] = PRESENT;
	fd = page_map(entries, 4000);
	assert_int_equal(resident_read_fd(fd, blocks, 3, 500, &r), 0);
	assert_int_equal(r.looked_blocks, 1);
	assert_int_equal(r.looked_bytes, 100 * PAGE);
	assert_int_equal(resident_read_fd(fd, blocks, 3, MOST, &r), 0);
	assert_int_equal(r.looked_blocks, 3);
	assert_int_equal(r.resident_bytes, 1100 * PAGE + 1);
	close(fd);
}

static void resident_read__itself__what_was_touched(void **state)
{
	size_t bytes = 64 * PAGE;
	char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct resident_block block = {(uint64_t)(uintptr_t)p, bytes};
	struct resident r;

	(void)state;
	assert_true(p != MAP_FAILED);
	madvise(p, bytes, MADV_NOHUGEPAGE);
	memset(p, 1, 16 * PAGE);
	assert_int_equal(resident_read(getpid(), &block, 1, MOST, &r), 0);
	assert_int_equal(r.resident_bytes + r.swapped_bytes, 16 * PAGE);
	assert_int_equal(r.looked_bytes, bytes);
	munmap(p, bytes);
	assert_int_equal(resident_read(0x7ffffff0, &block, 1, MOST, &r), -ESRCH);
	assert_int_equal(r.looked_bytes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(resident_read__parts_of_pages__bytes),
		cmocka_unit_test(resident_read__too_many_pages__stops),
		cmocka_unit_test(resident_read__itself__what_was_touched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
