// SPDX-License-Identifier: GPL-2.0-or-later
/* bpf/thread.bpf.h as plain C: each thread finds its own state, wherever that is, and never that of another one. */
#include <linux/bpf.h>
#include <linux/types.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "../../include/config.h"
#include "../../include/counters.h"

#define __uint(name, value)  int(*name)[value]
#define __type(name, value)  __typeof__(value) *name
#define __array(name, value) __typeof__(value) *name[]
#define SEC(name)
#define __noinline __attribute__((noinline))
#undef __always_inline
#define __always_inline inline __attribute__((always_inline))

#define TASKS 3

struct task_struct {
	int pid, tgid;
	__u64 start_time;
};

static struct task_struct *current;

static void *fake_lookup(const void *map, const void *key);
static void *fake_storage(bool create);

#define bpf_map_lookup_elem			    fake_lookup
#define bpf_get_current_pid_tgid()		    ((__u64)(__u32)current->tgid << 32)
#define bpf_get_current_task_btf()		    current
#define bpf_task_storage_get(map, task, value, how) fake_storage((how) != 0)

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#pragma GCC diagnostic ignored "-Wunused-function"
#include "../../bpf/maps.bpf.h"
#include "../../bpf/thread.bpf.h"
#pragma GCC diagnostic pop

static struct thread places[THREAD_PLACES], storage[TASKS];
static bool stored[TASKS];
static struct task_struct tasks[TASKS];
static struct process traced;

static void *fake_lookup(const void *map, const void *key)
{
	uint32_t index;

	memcpy(&index, key, sizeof(index));
	if (map == (const void *)&thread_places)
		return &places[index];
	return map == (const void *)&processes && index == 100 ? &traced : NULL;
}

static void *fake_storage(bool create)
{
	ptrdiff_t i = current - tasks;

	stored[i] |= create;
	return stored[i] ? &storage[i] : NULL;
}

/* All of them belong to the same place. */
static int setup(void **state)
{
	(void)state;
	memset(places, 0, sizeof(places));
	memset(storage, 0, sizeof(storage));
	memset(stored, 0, sizeof(stored));
	traced = (struct process){.number = 7, .image = 9};
	for (int i = 0; i < TASKS; i++)
		tasks[i] = (struct task_struct){.pid = 100 + i * THREAD_PLACES,
						.tgid = 100,
						.start_time = 1000u + (unsigned)i};
	return 0;
}

static struct thread *get(int task)
{
	current = &tasks[task];
	return thread_get();
}

static void thread_get__first__takes_its_place(void **state)
{
	struct thread *t = get(0);

	(void)state;
	assert_ptr_equal(t, &places[100]);
	assert_int_equal(t->number, 7);
	assert_int_equal(t->image, 9);
	assert_int_equal(t->tid, 100);
	t->pending.slot = 5;
	assert_ptr_equal(get(0), t);
	assert_int_equal(t->pending.slot, 5);
}

static void thread_get__place_is_taken__stays_in_storage(void **state)
{
	struct thread *t;

	(void)state;
	get(0);
	t = get(1);
	assert_ptr_equal(t, &storage[1]);
	assert_int_equal(t->tid, tasks[1].pid);
	t->pending.slot = 5;
	/* the place becomes free while a call is in flight */
	thread_forget(&tasks[0]);
	assert_ptr_equal(get(1), t);
	assert_int_equal(t->pending.slot, 5);
	assert_ptr_equal(get(2), &places[100]);
}

static void thread_get__tid_again__not_what_the_other_one_left(void **state)
{
	(void)state;
	get(0)->pending.slot = 5;
	/* nobody has seen its end */
	tasks[0].start_time = 2000;
	assert_ptr_equal(get(0), &storage[0]);
	assert_int_equal(get(0)->pending.slot, 0);
}

static void thread_forget__place_of_another__kept(void **state)
{
	(void)state;
	get(0)->pending.slot = 5;
	get(1);
	thread_forget(&tasks[1]);
	assert_ptr_equal(get(0), &places[100]);
	assert_int_equal(get(0)->pending.slot, 5);
}

static void thread_get__place_after_a_thread__fresh(void **state)
{
	struct thread *t = get(0);

	(void)state;
	t->pending.slot = 5;
	t->readable_end = 6;
	t->space_owner = 7;
	thread_forget(&tasks[0]);
	t = get(1);
	assert_ptr_equal(t, &places[100]);
	assert_int_equal(t->pending.slot, 0);
	assert_int_equal(t->readable_end, 0);
	assert_int_equal(t->space_owner, 0);
}

static void thread_get__not_traced__null(void **state)
{
	(void)state;
	tasks[0].tgid = 101;
	assert_null(get(0));
	/* until the set of traced processes changes */
	tasks[0].tgid = 100;
	assert_null(get(0));
	generation++;
	assert_non_null(get(0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(thread_get__first__takes_its_place, setup),
		cmocka_unit_test_setup(thread_get__place_is_taken__stays_in_storage, setup),
		cmocka_unit_test_setup(thread_get__tid_again__not_what_the_other_one_left, setup),
		cmocka_unit_test_setup(thread_forget__place_of_another__kept, setup),
		cmocka_unit_test_setup(thread_get__place_after_a_thread__fresh, setup),
		cmocka_unit_test_setup(thread_get__not_traced__null, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
