/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fork with inherited blocks, vfork with exec, posix_spawn. Each process writes its own "truth"
 * lines between "process NAME PID" and "end NAME"; they run one after the other.
 */
#include "target.h"

#include <errno.h>
#include <spawn.h>
#include <sys/wait.h>

#define BLOCKS 11

extern char **environ;
static void *blocks[BLOCKS];

SITE static void *site_parent(void)
{
	void *p = malloc(1009);

	KEEP(p);
	gave("malloc", "site_parent", 1009);
	return p;
}

SITE static void site_child(void)
{
	void *p = malloc(503);

	KEEP(p);
	gave("malloc", "site_child", 503);
}

SITE static void site_executed(void)
{
	void *p = malloc(701);

	KEEP(p);
	gave("malloc", "site_executed", 701);
}

SITE static void site_free(void *p)
{
	free(p);
	took("malloc", "site_parent", 1009);
}

static void begin(const char *name)
{
	target_say("process ", name, (long)getpid());
}

static void end(const char *name)
{
	truth_say_all();
	target_say("end ", name, (long)getpid());
}

/* Inherits 11 blocks, gives 3 back, allocates 5. */
static void run_child(void)
{
	begin("child");
	for (int i = 0; i < 3; i++)
		site_free(blocks[i]);
	for (int i = 0; i < 5; i++)
		site_child();
	end("child");
	_exit(0);
}

static int run_executed(const char *name)
{
	begin(name);
	for (int i = 0; i < 7; i++)
		site_executed();
	end(name);
	return 0;
}

static void reap(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
}

int main(int argc, char **argv)
{
	static char vforked_name[] = "vforked", spawned_name[] = "spawned";
	char *vforked[] = {argv[0], vforked_name, NULL};
	char *spawned[] = {argv[0], spawned_name, NULL};
	pid_t pid;

	if (target_has(argc, argv, "vforked") || target_has(argc, argv, "spawned"))
		return run_executed(argv[1]);
	target_ready(argc, argv);
	for (int i = 0; i < BLOCKS; i++)
		blocks[i] = site_parent();
	pid = fork();
	if (pid == 0)
		run_child();
	reap(pid);
	pid = vfork();
	if (pid == 0) {
		execv("/proc/self/exe", vforked);
		_exit(1);
	}
	reap(pid);
	if (posix_spawn(&pid, "/proc/self/exe", NULL, NULL, spawned, environ) == 0)
		reap(pid);
	site_free(blocks[0]);
	begin("parent");
	truth_say_all();
	target_say("end ", "parent", (long)getpid());
	target_write("done\n", 5);
	if (!truth.now)
		target_wait();
	return 0;
}
