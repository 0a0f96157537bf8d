/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unit tests of user/analyse/beside.c and user/target/memory.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "../../user/analyse/beside.h"

#define M 1048576ull

static struct memory_use use(uint64_t anonymous, uint64_t file, uint64_t swap)
{
	return (struct memory_use){.size = 1000 * M,
				   .rss = anonymous + file,
				   .anonymous = anonymous,
				   .file = file,
				   .shared = 0,
				   .swap = swap,
				   .pss = MEMORY_UNKNOWN};
}

static struct beside grown(uint64_t anonymous, uint64_t file, uint64_t swap, uint64_t heap)
{
	return (struct beside){.known = true,
			       .first = use(10 * M, 5 * M, 0),
			       .now = use(anonymous, file, swap),
			       .parts = {[BESIDE_HEAP] = {.known = true, .now = heap}}};
}

static void assert_words(const struct beside *b, const char *expected)
{
	struct buffer out = {0};

	beside_add_words(b, &out);
	assert_string_equal(out.data, expected);
	buffer_done(&out);
}

static void beside_change__growth__parts_add_up(void **state)
{
	struct beside b = grown(50 * M, 6 * M, 0, 38 * M);
	struct beside_change c = beside_change(&b);

	(void)state;
	assert_int_equal(c.rss, 41 * M);
	assert_int_equal(c.by_files, M);
	assert_int_equal(c.explained[BESIDE_HEAP], 38 * M);
	assert_int_equal(c.rest, 2 * M);
	assert_int_equal(c.not_resident, 0);
	assert_int_equal(c.by_files + c.explained[BESIDE_HEAP] + c.rest, c.rss);
}

static void beside_words__heap_explains_it__nothing_more_is_said(void **state)
{
	struct beside b = grown(50 * M, 5 * M, 0, 39 * M + M / 2);

	(void)state;
	assert_words(&b, "RSS grew 40.0M, the traced heap explains 39.5M");
}

static void beside_words__other_growth__named(void **state)
{
	struct beside b = grown(110 * M, 25 * M, 0, 30 * M);

	(void)state;
	assert_words(&b, "RSS grew 120M, the traced heap explains 30.0M, pages of files 20.0M; the "
			 "other 70.0M may be free memory that the allocator keeps "
			 "(fragmentation), mappings without malloc (--mmap traces them), or stacks "
			 "of threads");
	b.attached = b.maps_traced = b.part_of_blocks = true;
	assert_words(&b, "RSS grew 120M, the traced heap explains 30.0M, pages of files 20.0M; the "
			 "other 70.0M may be free memory that the allocator keeps "
			 "(fragmentation), blocks that -z and -Z leave out, blocks from before the "
			 "attach that are touched only now, or stacks of threads");
}

/* Untouched blocks do not explain what shared memory brought. */
static void beside_words__shared_memory__not_of_the_heap(void **state)
{
	struct beside b = grown(40 * M, 5 * M, 0, 130 * M);

	(void)state;
	b.now.shared = 60 * M;
	b.now.rss += 60 * M;
	assert_words(&b,
		     "RSS grew 90.0M, the traced heap explains 30.0M, shared memory 60.0M; of the "
		     "130M that the heap grew by, 100M did not raise it: pages that were not "
		     "touched yet");
	b.maps_traced = true;
	assert_words(&b,
		     "RSS grew 90.0M, the traced heap explains 90.0M; of the 130M that the heap "
		     "grew by, 40.0M did not raise it: pages that were not touched yet");
}

static void beside_words__heap_grew_more__says_where_it_is_not(void **state)
{
	struct beside b = grown(50 * M, 5 * M, 0, 100 * M);

	(void)state;
	assert_words(&b,
		     "RSS grew 40.0M, the traced heap explains 40.0M; of the 100M that the heap "
		     "grew by, 60.0M did not raise it: pages that were not touched yet");
	b.now.swap = 20 * M;
	b.attached = true;
	assert_words(&b,
		     "RSS grew 40.0M, the traced heap explains 40.0M; of the 100M that the heap "
		     "grew by, 60.0M did not raise it: swapped out (20.0M), pages that were "
		     "not touched yet, or memory of blocks from before the attach, used again");
}

static void beside_words__fell_or_still__said(void **state)
{
	struct beside b = grown(4 * M, 5 * M, 0, 0);

	(void)state;
	b.parts[BESIDE_HEAP].first = 8 * M;
	b.parts[BESIDE_HEAP].now = M;
	assert_words(&b, "RSS fell 6.00M, the traced heap fell 7.00M");
	b = grown(10 * M + 40960, 5 * M, 0, 40960);
	assert_words(&b, "RSS has hardly changed (+40.0K)");
	b = grown(10 * M, 5 * M, 0, 64 * M);
	assert_words(&b,
		     "RSS has hardly changed (+0B); of the 64.0M that the heap grew by, 64.0M did "
		     "not raise it: pages that were not touched yet");
}

/* 30M of C and 8M of Go, which had 4M before. */
static struct beside both(uint64_t anonymous)
{
	struct beside b = grown(anonymous, 5 * M, 0, 30 * M);

	b.parts[BESIDE_GO] = (struct beside_use){.known = true, .first = 4 * M, .now = 12 * M};
	return b;
}

static void beside_words__go_and_c__each_explains_its_part(void **state)
{
	struct beside b = both(50 * M);
	struct beside_change c = beside_change(&b);

	(void)state;
	assert_int_equal(c.explained[BESIDE_HEAP], 30 * M);
	assert_int_equal(c.explained[BESIDE_GO], 8 * M);
	assert_int_equal(c.rest, 2 * M);
	assert_int_equal(beside_other(&b), (55 - 42) * M);
	assert_words(&b, "RSS grew 40.0M: the C heap explains 30.0M, the Go heap 8.00M; the other "
			 "2.00M may be tables of the Go runtime, free memory that the allocator "
			 "keeps (fragmentation), mappings without malloc (--mmap traces them), or "
			 "stacks of threads");
	b = both(4 * M);
	b.parts[BESIDE_HEAP] = (struct beside_use){.known = true, .first = 9 * M, .now = 2 * M};
	assert_words(&b, "RSS fell 6.00M, the C heap fell 7.00M, the Go heap grew 8.00M");
}

/* Nobody knows which of them was not touched: each explains its share of what came. */
static void beside_words__go_and_c_grew_more__by_their_shares(void **state)
{
	struct beside b = both(29 * M);
	struct beside_change c = beside_change(&b);

	(void)state;
	assert_int_equal(c.explained[BESIDE_HEAP] + c.explained[BESIDE_GO], 19 * M);
	assert_int_equal(c.explained[BESIDE_HEAP], 15 * M);
	assert_words(&b,
		     "RSS grew 19.0M: the C heap explains 15.0M, the Go heap 4.00M; of the "
		     "38.0M that both heaps grew by, 19.0M did not raise it: pages that were not "
		     "touched yet");
}

static void beside_words__go_alone__no_word_of_c(void **state)
{
	struct beside b = both(18 * M + M / 2);
	struct buffer out = {0};

	(void)state;
	b.parts[BESIDE_HEAP] = (struct beside_use){0};
	b.attached = true;
	assert_words(&b, "RSS grew 8.50M, the Go heap explains 8.00M");
	b.now.anonymous += 30 * M;
	b.now.rss += 30 * M;
	assert_words(&b,
		     "RSS grew 38.5M, the Go heap explains 8.00M; the other 30.5M may be tables "
		     "of the Go runtime, memory that the program maps itself, or stacks of "
		     "threads");
	beside_add_figures(&b, &out);
	assert_null(strstr(out.data, "outstanding"));
	assert_non_null(strstr(out.data, "; Go heap 12.0M"));
	buffer_done(&out);
}

static void beside__nothing_known__no_change(void **state)
{
	struct memory_use none;
	struct beside b = {.parts = {[BESIDE_HEAP] = {.known = true, .now = 5}}};
	struct beside_change c;
	struct buffer out = {0};

	(void)state;
	memory_parse_status("", &none);
	b.first = b.now = none;
	c = beside_change(&b);
	assert_int_equal(c.rss, 0);
	assert_int_equal(c.rest, 0);
	beside_add_figures(&b, &out);
	assert_string_equal(out.data, "; outstanding 5B");
	buffer_done(&out);
}

static void memory_parse_status__fields__in_bytes(void **state)
{
	struct memory_use u;
	struct buffer out = {0};
	struct beside b = {.known = true, .parts = {[BESIDE_HEAP] = {.known = true, .now = 3 * M}}};

	(void)state;
	memory_parse_status(
		"Name:\tVmRSS:\\n\nVmPeak:\t   99999 kB\nVmSize:\t    4096 kB\nVmRSS:\t    "
		"3072 kB\nRssAnon:\t    2048 kB\nRssFile:\t    1024 kB\nRssShmem:\t       "
		"0 kB\nVmSwap:\t     512 kB\nThreads:\t1\n",
		&u);
	assert_int_equal(u.size, 4 * M);
	assert_int_equal(u.rss, 3 * M);
	assert_int_equal(u.swap, M / 2);
	assert_true(u.pss == MEMORY_UNKNOWN);
	b.now = u;
	b.now.pss = 2 * M;
	beside_add_figures(&b, &out);
	assert_string_equal(out.data,
			    "RSS 3.00M (anonymous 2.00M, files 1.00M, shared 0B), PSS 2.00M, "
			    "swapped out 512K; outstanding 3.00M");
	buffer_done(&out);
}

static void memory_parse__nonsense__unknown(void **state)
{
	struct memory_use u;

	(void)state;
	memory_parse_status("VmRSS:\nVmSize: x kB\nVmSwap: 99999999999999999999 kB\nRssAnon: 5",
			    &u);
	assert_true(u.rss == MEMORY_UNKNOWN);
	assert_true(u.size == MEMORY_UNKNOWN);
	assert_true(u.swap == MEMORY_UNKNOWN);
	assert_true(memory_parse_pss("x\nPss:    12 kB\nPss_Anon: 3 kB\n") == 12 << 10);
	assert_true(memory_parse_pss("Pss_Anon: 3 kB") == MEMORY_UNKNOWN);
}

static void memory_read__itself__sees_what_is_touched(void **state)
{
	struct memory_use before, after;
	uint64_t pss;
	char *p;

	(void)state;
	assert_int_equal(memory_read(getpid(), &before), 0);
	p = mmap(NULL, 64 * M, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(p != MAP_FAILED);
	memset(p, 1, 32 * M);
	assert_int_equal(memory_read(getpid(), &after), 0);
	assert_in_range(after.size - before.size, 64 * M, 65 * M);
	assert_in_range(after.anonymous - before.anonymous, 30 * M, 40 * M);
	assert_int_equal(memory_read_pss(getpid(), &pss), 0);
	assert_in_range(pss, 30 * M, after.rss + 10 * M);
	munmap(p, 64 * M);
	assert_int_equal(memory_read(0x7ffffff0, &after), -ESRCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(beside_change__growth__parts_add_up),
		cmocka_unit_test(beside_words__heap_explains_it__nothing_more_is_said),
		cmocka_unit_test(beside_words__other_growth__named),
		cmocka_unit_test(beside_words__shared_memory__not_of_the_heap),
		cmocka_unit_test(beside_words__heap_grew_more__says_where_it_is_not),
		cmocka_unit_test(beside_words__fell_or_still__said),
		cmocka_unit_test(beside_words__go_and_c__each_explains_its_part),
		cmocka_unit_test(beside_words__go_and_c_grew_more__by_their_shares),
		cmocka_unit_test(beside_words__go_alone__no_word_of_c),
		cmocka_unit_test(beside__nothing_known__no_change),
		cmocka_unit_test(memory_parse_status__fields__in_bytes),
		cmocka_unit_test(memory_parse__nonsense__unknown),
		cmocka_unit_test(memory_read__itself__sees_what_is_touched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
