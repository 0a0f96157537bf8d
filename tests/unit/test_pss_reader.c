/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unit tests of user/target/pss_reader.c, with processes that are really there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "../../user/base/clock.h"
#include "../../user/target/memory.h"
#include "../../user/target/pss_reader.h"

#define DEADLINE_NS (20 * NS_PER_S)

/* What is known once it was looked at so often. */
static uint64_t after_looks(struct pss_reader *r, const struct pss_process *p, uint64_t looks)
{
	uint64_t end = clock_monotonic_ns() + DEADLINE_NS;
	struct timespec pause = {.tv_nsec = 1000000};
	struct pss_value value;

	for (;;) {
		value = pss_reader_get(r, p);
		if (value.looks >= looks)
			return value.bytes;
		assert_true(clock_monotonic_ns() < end);
		nanosleep(&pause, NULL);
	}
}

static pid_t idle_child(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		for (;;)
			pause();
	}
	assert_true(pid > 0);
	return pid;
}

static void end_child(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void pss_reader__several__each_its_own(void **state)
{
	struct pss_reader *r = pss_reader_start(UINT64_MAX);
	pid_t child = idle_child();
	struct pss_process *self, *other;
	uint64_t own, shared;

	(void)state;
	assert_non_null(r);
	self = pss_reader_add(r, getpid());
	other = pss_reader_add(r, child);
	own = after_looks(r, self, 1);
	shared = after_looks(r, other, 1);
	assert_true(own != MEMORY_UNKNOWN && own > 0);
	assert_true(shared != MEMORY_UNKNOWN && shared > 0);
	end_child(child);
	pss_reader_stop(r);
}

static void pss_reader__again__sees_that_it_ended(void **state)
{
	struct pss_reader *r = pss_reader_start(UINT64_MAX);
	pid_t child = idle_child();
	struct pss_process *p = pss_reader_add(r, child);

	(void)state;
	assert_true(after_looks(r, p, 1) != MEMORY_UNKNOWN);
	end_child(child);
	assert_true(after_looks(r, p, pss_reader_get(r, p).looks + 2) == MEMORY_UNKNOWN);
	pss_reader_drop(r, p);
	pss_reader_stop(r);
}

static void pss_reader__too_big__not_read(void **state)
{
	struct pss_reader *r = pss_reader_start(1);
	struct pss_process *p = pss_reader_add(r, getpid());

	(void)state;
	assert_true(after_looks(r, p, 1) == MEMORY_UNKNOWN);
	pss_reader_stop(r);
}

/* Some are dropped before they were looked at, some while they are, some afterwards. */
static void pss_reader_drop__at_any_time__others_stay(void **state)
{
	struct pss_reader *r = pss_reader_start(UINT64_MAX);
	struct pss_process *kept = pss_reader_add(r, getpid()), *p;

	(void)state;
	for (int i = 0; i < 500; i++) {
		p = pss_reader_add(r, getpid());
		if (i % 100 == 0)
			after_looks(r, p, 1);
		pss_reader_drop(r, p);
	}
	assert_true(after_looks(r, kept, 1) != MEMORY_UNKNOWN);
	pss_reader_stop(r);
}

static void pss_reader__none__nothing_known(void **state)
{
	struct pss_process *p = pss_reader_add(NULL, getpid());

	(void)state;
	assert_null(p);
	assert_true(pss_reader_get(NULL, p).bytes == MEMORY_UNKNOWN);
	pss_reader_drop(NULL, p);
	pss_reader_stop(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pss_reader__several__each_its_own),
		cmocka_unit_test(pss_reader__again__sees_that_it_ended),
		cmocka_unit_test(pss_reader__too_big__not_read),
		cmocka_unit_test(pss_reader_drop__at_any_time__others_stay),
		cmocka_unit_test(pss_reader__none__nothing_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
