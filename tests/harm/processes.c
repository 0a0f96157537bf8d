/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Processes that make processes: vfork, posix_spawn, workers that are forked and never exec, a
 * worker that forks again and ends, exec while other threads allocate. With `linger` the workers
 * wait for a line before they end, so that a test can look at them.
 */
#include "harm.h"

#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#define WORKERS 4

extern char **environ;

static long reap(pid_t pid)
{
	int status = -1;

	return waitpid(pid, &status, 0) == pid ? status : -1;
}

/* A function of its own: what vfork() returns to twice must not lose its variables. */
SITE static pid_t vfork_one(char *const *arguments)
{
	pid_t pid = vfork();

	if (pid)
		return pid;
	if (arguments)
		execv("/proc/self/exe", arguments);
	free(malloc(200));
	_exit(3);
}

static void vforks(char **argv)
{
	static char done[] = "done";
	char *arguments[] = {argv[0], done, NULL};
	long sum = 0;

	for (int i = 0; i < 20; i++) {
		sum += reap(vfork_one(arguments));
		sum += reap(vfork_one(NULL));
		free(malloc(100));
	}
	harm_say("vforks", sum);
}

/* What it allocates stays in the memory of the parent. */
SITE static pid_t vfork_that_keeps(void)
{
	pid_t pid = vfork();

	if (pid)
		return pid;
	KEEP(malloc(2003));
	_exit(0);
}

static void vforks_that_keep(void)
{
	long sum = 0;

	for (int i = 0; i < 7; i++)
		sum += reap(vfork_that_keeps());
	harm_say("vforks", sum);
}

static void spawns(char **argv)
{
	static char done[] = "done";
	char *arguments[] = {argv[0], done, NULL};
	long sum = 0;
	pid_t pid;

	for (int i = 0; i < 20; i++) {
		if (!posix_spawn(&pid, "/proc/self/exe", NULL, NULL, arguments, environ))
			sum += reap(pid);
		free(malloc(100));
	}
	harm_say("spawns", sum);
}

static void work(int linger)
{
	free(harm_pairs(500));
	if (linger) {
		harm_say("worker", (long)getpid());
		harm_line();
		free(harm_pairs(500));
	}
	_exit(4);
}

static void prefork(int linger, int twice)
{
	pid_t pids[WORKERS];
	long sum = 0;

	for (int i = 0; i < WORKERS; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			if (twice && fork())
				_exit(4);
			work(linger);
		}
	}
	for (int i = 0; i < WORKERS; i++)
		sum += reap(pids[i]);
	if (linger)
		harm_line();
	harm_say("workers", sum);
}

static void *allocate_on(void *arg)
{
	for (;;)
		free(malloc(64));
	return arg;
}

/* argv: PROGRAM exec ROUND */
static int execs(int argc, char **argv)
{
	long round = argc > 2 && argv[2][0] != '-' ? strtol(argv[2], NULL, 10) : 0;
	static char name[] = "exec";
	char next[16];
	char *arguments[] = {argv[0], name, next, NULL};
	pthread_t thread;

	if (round == 8) {
		harm_say("execs", round);
		return 8;
	}
	snprintf(next, sizeof(next), "%ld", round + 1);
	for (int i = 0; i < 2; i++)
		pthread_create(&thread, NULL, allocate_on, NULL);
	for (long i = 0; i < 2000; i++)
		free(malloc(32));
	execv("/proc/self/exe", arguments);
	return 1;
}

int main(int argc, char **argv)
{
	if (harm_has(argc, argv, "done"))
		return 2;
	if (!harm_has(argc, argv, "exec") || (argc < 3 || argv[2][0] == '-'))
		harm_ready(argc, argv);
	free(harm_pairs(100));
	if (harm_has(argc, argv, "vfork"))
		vforks(argv);
	if (harm_has(argc, argv, "keep"))
		vforks_that_keep();
	if (harm_has(argc, argv, "spawn"))
		spawns(argv);
	if (harm_has(argc, argv, "prefork"))
		prefork(harm_has(argc, argv, "linger"), harm_has(argc, argv, "twice"));
	if (harm_has(argc, argv, "exec"))
		return execs(argc, argv);
	free(harm_pairs(100));
	if (harm_has(argc, argv, "abort"))
		abort();
	return 9;
}
