// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../user/target/go_private.h"
#include "../../user/target/go_profile.h"

/* A runtime's variables and buckets, in this process. */
#define BUCKETS 8
#define STACK	4

struct cycle {
	uint64_t allocs, frees, alloc_bytes, free_bytes;
};

struct bucket {
	uint64_t next, allnext, type, hash, size, depth;
	uint64_t pcs[STACK];
	struct cycle active, future[3];
};

struct world {
	struct bucket buckets[BUCKETS];
	uint64_t head, rate;
	uint32_t cycle;
	struct go_runtime runtime;
	struct go_profile *profile;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	w->runtime = (struct go_runtime){.pid = getpid(),
					 .memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC),
					 .layout = go_layout_find(25)};
	w->runtime.at[GO_SYMBOL_MBUCKETS] = (uintptr_t)&w->head;
	w->runtime.at[GO_SYMBOL_MPROF_CYCLE] = (uintptr_t)&w->cycle;
	w->runtime.at[GO_SYMBOL_MEM_PROFILE_RATE] = (uintptr_t)&w->rate;
	w->rate = 512 << 10;
	w->profile = go_profile_of(&w->runtime);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	go_profile_close(w->profile);
	close(w->runtime.memory);
	free(w);
	return 0;
}

static struct bucket *put(struct world *w, unsigned int i, uint64_t size, uint64_t allocs,
			  uint64_t frees)
{
	struct bucket *b = &w->buckets[i];

	*b = (struct bucket){.allnext = w->head,
			     .size = size,
			     .depth = STACK,
			     .pcs = {0x400000 + i, 2, 3, 4},
			     .active = {.allocs = allocs, .frees = frees}};
	w->head = (uintptr_t)b;
	return b;
}

static int look(struct world *w, struct go_profile_figures *f)
{
	return go_profile_read(w->profile, f);
}

static void go_profile_read__published_and_not__kept_apart(void **state)
{
	struct world *w = *state;
	struct bucket *b = put(w, 0, 1024, 10, 3);
	struct go_profile_figures f;
	const struct go_record *v;
	size_t count;

	w->cycle = 7 << 1; /* cycle 1 of the ring, not published yet */
	b->future[1] = (struct cycle){.allocs = 5, .frees = 2};
	b->future[2] = (struct cycle){.allocs = 20, .frees = 1};
	b->future[0] = (struct cycle){.allocs = 300};
	assert_int_equal(look(w, &f), 0);
	v = go_profile_records(w->profile, &count);
	assert_int_equal(count, 1);
	assert_int_equal(v[0].object_bytes, 1024);
	assert_int_equal(v[0].depth, STACK);
	assert_int_equal(v[0].pcs[0], 0x400000);
	assert_int_equal(v[0].allocs, 15);
	assert_int_equal(v[0].frees, 5);
	assert_int_equal(v[0].fresh, 320);
	assert_int_equal(f.rate, 512 << 10);
	assert_int_equal(f.cycle, 7);
	assert_true(f.steady);
	assert_false(f.early);
}

static void go_profile_read__no_collection_yet__all_counts(void **state)
{
	struct world *w = *state;
	struct bucket *b = put(w, 0, 64, 0, 0);
	struct go_profile_figures f;
	const struct go_record *v;
	size_t count;

	b->future[2] = (struct cycle){.allocs = 9};
	assert_int_equal(look(w, &f), 0);
	v = go_profile_records(w->profile, &count);
	assert_true(f.early);
	assert_int_equal(v[0].allocs, 9);
	assert_int_equal(v[0].fresh, 0);
}

static void go_profile_read__new_buckets__are_found_and_old_ones_kept(void **state)
{
	struct world *w = *state;
	struct go_profile_figures f;
	const struct go_record *v;
	const uint64_t *pcs;
	size_t count;

	put(w, 0, 64, 1, 0);
	assert_int_equal(look(w, &f), 0);
	pcs = go_profile_records(w->profile, &count)[0].pcs;
	put(w, 1, 128, 2, 0);
	put(w, 2, 256, 3, 0);
	w->buckets[0].active.allocs = 4;
	assert_int_equal(look(w, &f), 0);
	v = go_profile_records(w->profile, &count);
	assert_int_equal(count, 3);
	assert_ptr_equal(v[0].pcs, pcs);
	assert_int_equal(v[0].allocs, 4);
	assert_int_equal(v[1].object_bytes + v[2].object_bytes, 384);
	assert_int_equal(look(w, &f), 0);
	go_profile_records(w->profile, &count);
	assert_int_equal(count, 3);
}

static void go_profile_read__circle__is_no_profile(void **state)
{
	struct world *w = *state;
	struct go_profile_figures f;
	size_t count;

	put(w, 0, 64, 1, 0)->allnext = 0;
	put(w, 1, 64, 1, 0);
	w->buckets[0].allnext = w->head;
	assert_int_equal(look(w, &f), -EBADMSG);
	go_profile_records(w->profile, &count);
	assert_int_equal(count, 0);
	w->buckets[0].allnext = (uintptr_t)&w->buckets[0];
	assert_int_equal(look(w, &f), -EBADMSG);
}

static void go_profile_read__known_bucket_gone__is_no_profile(void **state)
{
	struct world *w = *state;
	struct go_profile_figures f;
	size_t count;

	put(w, 0, 64, 1, 0);
	assert_int_equal(look(w, &f), 0);
	put(w, 1, 64, 1, 0)->allnext = 0;
	assert_int_equal(look(w, &f), -EBADMSG);
	go_profile_records(w->profile, &count);
	assert_int_equal(count, 1);
}

/* As deep as the runtime keeps: then it may have been deeper. */
static void go_profile_read__stack_as_deep_as_is_kept__is_cut_there(void **state)
{
	struct world *w = *state;
	struct {
		uint64_t next, allnext, type, hash, size, depth;
		uint64_t pcs[128];
		struct cycle active, future[3];
	} deep = {.size = 64, .depth = 128, .pcs[127] = 0x400127, .active = {.allocs = 7}};
	struct go_profile_figures f;
	const struct go_record *v;
	size_t count;

	w->head = (uintptr_t)&deep;
	assert_int_equal(look(w, &f), 0);
	v = go_profile_records(w->profile, &count);
	assert_int_equal(count, 1);
	assert_true(v[0].cut);
	assert_int_equal(v[0].depth, 128);
	assert_int_equal(v[0].pcs[127], 0x400127);
	assert_int_equal(v[0].allocs, 7);
}

static void go_profile_read__lies__have_bounds(void **state)
{
	struct world *w = *state;
	struct go_profile_figures f;
	const struct go_record *v;
	size_t count;

	put(w, 0, 64, 1, 0)->depth = UINT64_MAX;
	assert_int_equal(look(w, &f), -EBADMSG);
	put(w, 0, UINT64_MAX, 1, 0)->allnext = 0;
	assert_int_equal(look(w, &f), -EBADMSG);
	w->head = 8;
	assert_int_equal(look(w, &f), -EBADMSG);
	w->head = 0;
	put(w, 0, 1 << 20, 1ull << 50, 0);
	put(w, 1, 64, 3, 9); /* more frees than allocations */
	put(w, 2, 0, 2, 1);
	assert_int_equal(look(w, &f), 0);
	v = go_profile_records(w->profile, &count);
	assert_int_equal(count, 3);
	assert_int_equal(f.bad, 1);
	for (size_t i = 0; i < count; i++)
		assert_true(v[i].bad || v[i].frees <= v[i].allocs);
}

static void go_profile_read__rates__as_they_are(void **state)
{
	struct world *w = *state;
	struct go_profile_figures f;

	w->rate = 0;
	assert_int_equal(look(w, &f), 0);
	assert_int_equal(f.rate, 0);
	w->rate = (uint64_t)-1;
	assert_int_equal(look(w, &f), 0);
	assert_int_equal(f.rate, 0);
	w->runtime.at[GO_SYMBOL_MBUCKETS] = 0;
	assert_int_equal(look(w, &f), -ENOENT);
}

/* As scaleHeapSample() of runtime/pprof. */
static void go_profile_weight__as_pprof(void **state)
{
	(void)state;
	assert_true(go_profile_weight(64, 1) == 1);
	assert_true(go_profile_weight(0, 1000) == 1);
	assert_true(fabs(go_profile_weight(512 << 10, 512 << 10) - 1 / (1 - exp(-1))) < 1e-9);
	assert_true(fabs(go_profile_weight(16, 512 << 10) - 32768.5) < 0.01);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(go_profile_read__published_and_not__kept_apart),
		TEST(go_profile_read__no_collection_yet__all_counts),
		TEST(go_profile_read__new_buckets__are_found_and_old_ones_kept),
		TEST(go_profile_read__circle__is_no_profile),
		TEST(go_profile_read__known_bucket_gone__is_no_profile),
		TEST(go_profile_read__stack_as_deep_as_is_kept__is_cut_there),
		TEST(go_profile_read__lies__have_bounds),
		TEST(go_profile_read__rates__as_they_are),
		cmocka_unit_test(go_profile_weight__as_pprof),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
