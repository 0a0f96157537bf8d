/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A child that lives while its parent loads the library that is the argument, and has ended when the
 * next child is born, so that this one has the mappings of its parent and of nobody else. Says
 * `loaded`, waits for a line, ends the child, starts the second, which allocates a block of 821 bytes
 * a hundred times a second, and ends it after another line.
 */
#include "target.h"

#include <dlfcn.h>
#include <poll.h>
#include <sys/wait.h>

SITE static void site_child(void)
{
	void *p = malloc(821);

	KEEP(p);
	gave("malloc", "site_child", 821);
}

/* It ends when the other end of the pipe is closed. */
static pid_t start_child(int pipe_fds[2], int allocates)
{
	struct pollfd end;
	pid_t pid;

	if (pipe(pipe_fds))
		_exit(1);
	pid = fork();
	if (pid)
		return pid;
	close(pipe_fds[1]);
	end = (struct pollfd){.fd = pipe_fds[0], .events = POLLIN};
	while (poll(&end, 1, 10) == 0) {
		if (allocates)
			site_child();
	}
	_exit(0);
}

static void end_child(pid_t pid, const int pipe_fds[2])
{
	close(pipe_fds[1]);
	waitpid(pid, NULL, 0);
	close(pipe_fds[0]);
}

int main(int argc, char **argv)
{
	int fds[2];
	pid_t child;

	if (argc < 2)
		return 2;
	target_ready(argc, argv);
	child = start_child(fds, 0);
	if (!dlopen(argv[1], RTLD_NOW))
		return 1;
	target_write("loaded\n", 7);
	target_wait();
	end_child(child, fds);
	child = start_child(fds, 1);
	target_wait();
	end_child(child, fds);
	target_done();
	return 0;
}
