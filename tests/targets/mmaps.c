/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mapped ranges: unmapped in part at the front, in the middle and at the end, grown, moved,
 * replaced by MAP_FIXED, and all that fails. The count of a name is the number of pieces that are
 * left; totals of allocations are left out.
 */
#include "target.h"

#include <sys/mman.h>

#define PAGE	   4096ul
#define PROTECTION (PROT_READ | PROT_WRITE)
#define FLAGS	   (MAP_PRIVATE | MAP_ANONYMOUS)

static volatile size_t huge_size = (size_t)1 << 62;

SITE static char *site_mmap(size_t bytes)
{
	return mmap(NULL, bytes, PROTECTION, FLAGS, -1, 0);
}

SITE static char *site_mmap_fixed(char *at, size_t bytes)
{
	return mmap(at, bytes, PROTECTION, FLAGS | MAP_FIXED, -1, 0);
}

SITE static char *site_mremap(char *old, size_t old_bytes, size_t bytes, int flags)
{
	return mremap(old, old_bytes, bytes, flags);
}

SITE static char *site_mremap_fixed(char *old, size_t old_bytes, size_t bytes, char *to)
{
	return mremap(old, old_bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, to);
}

SITE static int site_munmap(char *at, size_t bytes)
{
	return munmap(at, bytes);
}

static void check(int ok)
{
	if (!ok)
		_exit(1);
}

/* 11 pages, of which 2 pieces with 5 pages stay. */
static void work_partial(void)
{
	char *a = site_mmap(11 * PAGE);

	check(a != MAP_FAILED);
	check(site_munmap(a, 2 * PAGE) == 0);
	check(site_munmap(a + 5 * PAGE, 3 * PAGE) == 0);
	check(site_munmap(a + 10 * PAGE, PAGE) == 0);
}

/* 3 ranges of mremap with 13, 2 and 5 pages, and a page of mmap. */
static void work_remap(void)
{
	char *grown = site_mmap(7 * PAGE), *shrunk = site_mmap(7 * PAGE);
	char *moved = site_mmap(5 * PAGE), *place = site_mmap(5 * PAGE), *same = site_mmap(PAGE);

	check(grown != MAP_FAILED && shrunk != MAP_FAILED && moved != MAP_FAILED);
	check(place != MAP_FAILED && same != MAP_FAILED);
	check(site_mremap(grown, 7 * PAGE, 13 * PAGE, MREMAP_MAYMOVE) != MAP_FAILED);
	check(site_mremap(shrunk, 7 * PAGE, 2 * PAGE, 0) != MAP_FAILED);
	check(site_mremap_fixed(moved, 5 * PAGE, 5 * PAGE, place) == place);
	check(site_mremap(same, PAGE, huge_size, MREMAP_MAYMOVE) == MAP_FAILED);
}

/* 5 pages with another 3 in their middle: 2 pieces with 2 pages, and 1 with 3. */
static void work_fixed(void)
{
	char *a = site_mmap(5 * PAGE);

	check(a != MAP_FAILED);
	check(site_mmap_fixed(a + PAGE, 3 * PAGE) == a + PAGE);
}

static void work_gone_and_failed(void)
{
	char *a = site_mmap(17 * PAGE);

	check(a != MAP_FAILED);
	check(site_munmap(a, 17 * PAGE) == 0);
	check(site_mmap(0) == MAP_FAILED);
	check(site_mmap(huge_size) == MAP_FAILED);
	check(site_munmap(a + 1, PAGE) != 0);
}

int main(int argc, char **argv)
{
	target_ready(argc, argv);
	work_partial();
	work_remap();
	work_fixed();
	work_gone_and_failed();
	target_truth("outstanding_bytes", (long)((5 + 13 + 2 + 5 + 1 + 5) * PAGE));
	target_truth("outstanding_count", 9);
	target_truth_two("mmap", (long)((5 + 1 + 2 + 3) * PAGE), 6);
	target_truth_two("mremap", (long)((13 + 2 + 5) * PAGE), 3);
	target_truth_two("site_mmap", (long)((5 + 1 + 2) * PAGE), 5);
	target_truth_two("site_mmap_fixed", (long)(3 * PAGE), 1);
	target_truth_two("site_mremap", (long)((13 + 2) * PAGE), 2);
	target_truth_two("site_mremap_fixed", (long)(5 * PAGE), 1);
	target_write("done\n", 5);
	if (!truth.now)
		target_wait();
	return 0;
}
