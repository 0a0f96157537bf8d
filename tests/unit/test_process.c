/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Facts about processes: the text of status, and this process itself. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "../../user/target/process.h"

static void process_parse_status__ordinary_text__fields(void **state)
{
	struct process_info info = {0};

	(void)state;
	process_parse_status("Name:\ta b)\\n\\\\c\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t41\n"
			     "Pid:\t42\nPPid:\t7\nTracerPid:\t9\nUid:\t1000\t1001\t1002\t1003\n"
			     "Threads:\t3\nSeccomp:\t2\nSeccomp_filters:\t1\n"
			     "x86_Thread_features:\tshstk wrss \n"
			     "x86_Thread_features_locked:\tshstk wrss \n",
			     &info);
	assert_string_equal(info.comm, "a b)\n\\c");
	assert_int_equal(info.tgid, 41);
	assert_int_equal(info.pid, 42);
	assert_int_equal(info.parent, 7);
	assert_int_equal(info.tracer, 9);
	assert_int_equal(info.uid, 1000);
	assert_int_equal(info.thread_count, 3);
	assert_true(info.seccomp_filter);
	assert_true(info.shadow_stack);
	assert_false(info.zombie);
	assert_false(info.kernel_thread);
}

static void process_parse_status__locked_features_only__no_shadow_stack(void **state)
{
	struct process_info info = {0};

	(void)state;
	process_parse_status("x86_Thread_features:\t\nx86_Thread_features_locked:\tshstk \n",
			     &info);
	assert_false(info.shadow_stack);
}

static void process_parse_status__zombie_leader__only_without_threads(void **state)
{
	struct process_info info = {0};

	(void)state;
	process_parse_status("State:\tZ (zombie)\nThreads:\t1\n", &info);
	assert_true(info.zombie);
	process_parse_status("State:\tZ (zombie)\nThreads:\t4\n", &info);
	assert_false(info.zombie);
}

static void process_parse_status__kernel_thread__said(void **state)
{
	struct process_info info = {0};

	(void)state;
	process_parse_status("Name:\tkswapd0\nKthread:\t1\nSeccomp:\t0\n", &info);
	assert_true(info.kernel_thread);
	assert_false(info.seccomp_filter);
}

static void process_parse_status__nonsense__bounded(void **state)
{
	struct process_info info = {0};

	(void)state;
	process_parse_status("", &info);
	process_parse_status(":", &info);
	process_parse_status("\n\n:\nName", &info);
	process_parse_status("Name:", &info);
	process_parse_status("Name:\taaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\\", &info);
	assert_int_equal(strlen(info.comm), 15);
}

static void process_read__self__matches(void **state)
{
	struct process_info info;
	char name[64];

	(void)state;
	assert_int_equal(process_read(getpid(), &info), 0);
	assert_int_equal(info.pid, getpid());
	assert_int_equal(info.tgid, getpid());
	assert_int_equal(info.parent, getppid());
	assert_int_equal(info.uid, getuid());
	assert_true(info.start_ticks > 0);
	assert_false(info.is_32bit);
	assert_false(info.kernel_thread);
	process_exe_name(getpid(), name, sizeof(name));
	assert_string_equal(name, program_invocation_short_name);
	assert_true(process_rss(getpid()) >= 4096);
	assert_true(process_rss(getpid()) < UINT64_MAX);
}

static void process_read__child__gone_and_zombie(void **state)
{
	struct process_info info;
	siginfo_t end;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &end, WEXITED | WNOWAIT), 0);
	assert_int_equal(process_read(pid, &info), 0);
	assert_true(info.zombie);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(process_read(pid, &info), -ESRCH);
	assert_true(process_rss(pid) == UINT64_MAX);
	assert_true(process_cpu_ns(pid) == 0);
}

static void process_cpu_ns__work__grows(void **state)
{
	uint64_t before = process_cpu_ns(getpid());
	volatile unsigned int sink = 0;

	(void)state;
	while (process_cpu_ns(getpid()) == before && sink < 4000000000u)
		sink++;
	assert_true(process_cpu_ns(getpid()) > before);
}

static void process_find_by_name__child__found_and_not_self(void **state)
{
	pid_t child = fork(), *pids;
	bool found = false;
	int count;

	(void)state;
	if (child == 0) {
		pause();
		_exit(0);
	}
	count = process_find_by_name(program_invocation_short_name, &pids);
	for (int i = 0; i < count; i++) {
		found |= pids[i] == child;
		assert_int_not_equal(pids[i], getpid());
	}
	free(pids);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_true(found);
	assert_int_equal(process_find_by_name("no such name/", &pids), 0);
	free(pids);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(process_parse_status__ordinary_text__fields),
		cmocka_unit_test(process_parse_status__locked_features_only__no_shadow_stack),
		cmocka_unit_test(process_parse_status__zombie_leader__only_without_threads),
		cmocka_unit_test(process_parse_status__kernel_thread__said),
		cmocka_unit_test(process_parse_status__nonsense__bounded),
		cmocka_unit_test(process_read__self__matches),
		cmocka_unit_test(process_read__child__gone_and_zombie),
		cmocka_unit_test(process_cpu_ns__work__grows),
		cmocka_unit_test(process_find_by_name__child__found_and_not_self),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
