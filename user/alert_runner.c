/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two ends of a socket. The tracer sends a message for each run; the runner forks a shell for it and sends back how it ended.
 * The runner has become the user who called sudo before it takes the first message, and has nothing open but the socket and
 * stderr: a command gets neither root nor a descriptor of ours. When the tracer ends, in whatever way, the socket does, too.
 */
#include "alert_runner.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "become.h"

#define MESSAGE_MAX  8192
#define COMMANDS_MAX 16
/* For commands that run when the tracer ends. */
#define LAST_WAIT_MS 2000

enum answer_kind { ANSWER_ENDED, ANSWER_REFUSED };

struct answer {
	int32_t kind, status; /* wait status, or an errno */
};

struct alert_runner {
	const char *command;
	pid_t pid;
	int fd;
};

/* ---- the runner ---- */

struct server {
	const char *command;
	int fd, signal_fd;
	unsigned int running;
};

static void set_variables(char *message, size_t length)
{
	size_t at = 1;

	while (at < length) {
		putenv(message + at);
		at += strlen(message + at) + 1;
	}
}

static void be_command(const struct server *s, char *message, size_t length)
{
	sigset_t none;

	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (message[0])
		dup2(STDIN_FILENO, STDERR_FILENO);
	dup2(STDERR_FILENO, STDOUT_FILENO);
	set_variables(message, length);
	close(s->fd);
	close(s->signal_fd);
	execl("/bin/sh", "sh", "-c", s->command, (char *)NULL);
	_exit(127);
}

static void answer(const struct server *s, enum answer_kind kind, int status)
{
	struct answer a = {.kind = (int32_t)kind, .status = status};

	send(s->fd, &a, sizeof(a), MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void start_command(struct server *s, char *message, size_t length)
{
	pid_t pid;

	if (s->running == COMMANDS_MAX) {
		answer(s, ANSWER_REFUSED, EAGAIN);
		return;
	}
	pid = fork();
	if (pid == 0)
		be_command(s, message, length);
	if (pid < 0)
		answer(s, ANSWER_REFUSED, errno);
	else
		s->running++;
}

static void reap(struct server *s)
{
	struct signalfd_siginfo info;
	int status;

	while (read(s->signal_fd, &info, sizeof(info)) == sizeof(info))
		;
	while (waitpid(-1, &status, WNOHANG) > 0) {
		s->running--;
		answer(s, ANSWER_ENDED, status);
	}
}

/* False: the tracer has ended. */
static bool take_message(struct server *s)
{
	/* with a NUL behind the last variable, whatever was sent */
	static char message[MESSAGE_MAX + 1];
	ssize_t n = recv(s->fd, message, MESSAGE_MAX, 0);

	if (n <= 0)
		return n < 0 && errno == EINTR;
	message[n] = '\0';
	start_command(s, message, (size_t)n);
	return true;
}

static void serve(struct server *s)
{
	struct pollfd polls[] = {{.fd = s->signal_fd, .events = POLLIN},
				 {.fd = s->fd, .events = POLLIN}};
	uint64_t until = UINT64_MAX;

	while (until == UINT64_MAX || s->running) {
		uint64_t now = clock_monotonic_ns();
		int wait = until == UINT64_MAX ? -1
			   : now < until       ? (int)((until - now) / NS_PER_MS) + 1
					       : 0;

		if (poll(polls, 2, wait) == 0)
			break;
		reap(s);
		if (polls[1].fd < 0 || !(polls[1].revents & (POLLIN | POLLHUP | POLLERR)))
			continue;
		if (take_message(s))
			continue;
		polls[1].fd = -1;
		until = clock_monotonic_ns() + LAST_WAIT_MS * NS_PER_MS;
	}
}

static int open_child_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Tells the tracer by one int whether all is well. */
static void be_runner(const char *command, int fd)
{
	const char *failed = become(NULL);
	int error = failed ? errno : 0, null = open("/dev/null", O_RDWR);
	struct server s = {.command = command, .fd = STDERR_FILENO + 1};

	/* out of reach of Ctrl-C */
	setsid();
	prctl(PR_SET_NAME, "tracer-alerts");
	if (send(fd, &error, sizeof(error), MSG_NOSIGNAL) != sizeof(error) || error || null < 0)
		_exit(1);
	dup2(null, STDIN_FILENO);
	dup2(STDERR_FILENO, STDOUT_FILENO);
	dup2(fd, s.fd);
	syscall(SYS_close_range, (unsigned int)s.fd + 1, ~0u, 0);
	fcntl(s.fd, F_SETFD, FD_CLOEXEC);
	s.signal_fd = open_child_signals();
	if (s.signal_fd >= 0)
		serve(&s);
	_exit(0);
}

/* ---- the tracer ---- */

struct alert_runner *alert_runner_start(const char *command)
{
	struct alert_runner *r = xcalloc(1, sizeof(*r));
	int ends[2], error = 0;

	r->command = command;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends)) {
		error = errno;
		goto failed;
	}
	r->pid = fork();
	if (r->pid == 0) {
		close(ends[0]);
		be_runner(command, ends[1]);
	}
	if (r->pid < 0)
		error = errno;
	close(ends[1]);
	r->fd = ends[0];
	if (!error && recv(r->fd, &error, sizeof(error), 0) != sizeof(error))
		error = ECHILD;
	if (!error)
		return r;
	close(r->fd);
failed:
	log_error("cannot prepare to run '%s': %s: run the tracer without --on-alert", command,
		  strerror(error));
	free(r);
	return NULL;
}

bool alert_runner_run(struct alert_runner *r, const struct buffer *variables, bool quiet)
{
	char message[MESSAGE_MAX];
	size_t length = 1 + variables->length;
	int err = EMSGSIZE;

	message[0] = quiet;
	if (length <= sizeof(message)) {
		memcpy(message + 1, variables->data, variables->length);
		err = send(r->fd, message, length, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? errno : 0;
	}
	if (err)
		log_warn("cannot run '%s': %s", r->command, strerror(err));
	return !err;
}

static void say_answer(const struct alert_runner *r, const struct answer *a)
{
	if (a->kind == ANSWER_REFUSED && a->status == EAGAIN)
		log_warn("'%s' was not run for an alert: %d of it run already", r->command,
			 COMMANDS_MAX);
	else if (a->kind == ANSWER_REFUSED)
		log_warn("cannot run '%s': %s", r->command, strerror(a->status));
	else if (WIFSIGNALED(a->status))
		log_warn("'%s' was killed by signal %d", r->command, WTERMSIG(a->status));
	else if (WEXITSTATUS(a->status))
		log_warn("'%s' exited with status %d", r->command, WEXITSTATUS(a->status));
	else
		log_verbose("'%s' has ended", r->command);
}

/* False: there is none. */
static bool take_answer(const struct alert_runner *r, int flags)
{
	struct answer a;

	if (recv(r->fd, &a, sizeof(a), flags) != sizeof(a))
		return false;
	say_answer(r, &a);
	return true;
}

void alert_runner_collect(struct alert_runner *r)
{
	while (take_answer(r, MSG_DONTWAIT))
		;
}

void alert_runner_stop(struct alert_runner *r)
{
	struct timeval longest = {.tv_sec = LAST_WAIT_MS / 1000 + 1};

	if (!r)
		return;
	shutdown(r->fd, SHUT_WR);
	setsockopt(r->fd, SOL_SOCKET, SO_RCVTIMEO, &longest, sizeof(longest));
	while (take_answer(r, 0))
		;
	close(r->fd);
	/* who waits for children of all kinds may have seen its end before */
	waitpid(r->pid, NULL, WNOHANG);
	free(r);
}
