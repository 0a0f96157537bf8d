// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Each way of attaching is tried on a function of this program, called by this thread, by a second
 * one, and by children. A link that is accepted but does not see all threads (uprobe_multi in early
 * 6.6) does not count as working. What children are seen is a fact that tracing must know, no
 * failure: links of uprobe_multi and sessions look at the thread group, perf events at the memory,
 * so only those see a vfork child.
 */
#include "selftest.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "link.h"
#include "own_offset.h"
#include "selftest.skel.h"

#define TEST_COOKIE 0x5eedull

const char *probe_method_name(enum probe_method method)
{
	switch (method) {
	case PROBE_SESSION: return "session";
	case PROBE_MULTI: return "multi";
	case PROBE_PERF: return "perf";
	}
	return "none";
}

/* The function under test. Its body must survive optimisation and must not be merged with another
 * one. */
static volatile unsigned int target_calls;
__attribute__((noinline, noclone)) static void selftest_target(void)
{
	target_calls++;
	__asm__ volatile("" ::: "memory");
}

static void *second_thread(void *arg)
{
	(void)arg;
	selftest_target();
	return NULL;
}

static unsigned int hits(const struct selftest_bpf *skel)
{
	return __atomic_load_n(&skel->bss->hits, __ATOMIC_RELAXED);
}

static int call_in_threads(struct selftest_bpf *skel)
{
	pthread_t thread;
	unsigned int after_first;

	selftest_target();
	after_first = hits(skel);
	if (pthread_create(&thread, NULL, second_thread, NULL))
		return -EAGAIN;
	pthread_join(thread, NULL);
	if (!after_first || hits(skel) < after_first * 2)
		return -ENODATA;
	return skel->bss->last_cookie == TEST_COOKIE ? 0 : -EBADMSG;
}

/* A function of its own: what vfork() returns to twice must not lose its variables. */
__attribute__((noinline, noclone)) static pid_t vfork_and_call(void)
{
	pid_t pid = vfork();

	if (pid == 0) {
		selftest_target();
		_exit(0);
	}
	return pid;
}

static pid_t fork_and_call(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		selftest_target();
		_exit(0);
	}
	return pid;
}

static int call_in_child(struct selftest_bpf *skel, pid_t (*start)(void), bool *seen)
{
	unsigned int before = hits(skel);
	pid_t pid = start();
	int status;

	if (pid < 0)
		return -errno;
	if (waitpid(pid, &status, 0) != pid || status)
		return -ECHILD;
	*seen = hits(skel) > before;
	return 0;
}

static int call_everywhere(struct selftest_bpf *skel, struct selftest *result)
{
	int err = call_in_threads(skel);

	if (!err)
		err = call_in_child(skel, fork_and_call, &result->sees_fork);
	return err ? err : call_in_child(skel, vfork_and_call, &result->sees_vfork);
}

static int try_link(struct selftest_bpf *skel, enum probe_method method, struct selftest *result)
{
	int prog = bpf_program__fd(skel->progs.selftest), fds[2] = {-1, -1}, err;
	uint64_t offset, cookie = TEST_COOKIE;

	err = own_offset((uintptr_t)selftest_target, &offset);
	if (err)
		return err;
	if (method == PROBE_PERF) {
		err = link_uprobe_perf(prog, "/proc/self/exe", offset, cookie, false, getpid(),
				       fds);
	} else {
		fds[0] = link_uprobe_multi(
			prog, method == PROBE_SESSION ? ATTACH_UPROBE_SESSION : ATTACH_UPROBE_MULTI,
			"/proc/self/exe", &offset, &cookie, 1, 0, getpid());
		err = fds[0] < 0 ? fds[0] : 0;
	}
	if (err)
		return err;
	err = call_everywhere(skel, result);
	close(fds[0]);
	if (fds[1] >= 0)
		close(fds[1]);
	return err;
}

/* In the child: calls the probed function under the narrowest filter there is. */
static void call_guarded(int go)
{
	char c;

	if (read(go, &c, 1) != 1 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0))
		syscall(SYS_exit, 2);
	selftest_target();
	syscall(SYS_exit, 0);
}

static int link_return(struct selftest_bpf *skel, enum probe_method method, pid_t pid, int fds[2])
{
	int prog = bpf_program__fd(skel->progs.selftest), err;
	uint64_t offset, cookie = TEST_COOKIE;

	err = own_offset((uintptr_t)selftest_target, &offset);
	if (err)
		return err;
	if (method == PROBE_PERF)
		return link_uprobe_perf(prog, "/proc/self/exe", offset, cookie, true, pid, fds);
	fds[0] = link_uprobe_multi(
		prog, method == PROBE_SESSION ? ATTACH_UPROBE_SESSION : ATTACH_UPROBE_MULTI,
		"/proc/self/exe", &offset, &cookie, 1, method == PROBE_SESSION ? 0 : LINK_RETURN,
		pid);
	return fds[0] < 0 ? fds[0] : 0;
}

static int try_guarded_child(struct selftest_bpf *skel, enum probe_method method)
{
	int go[2], fds[2] = {-1, -1}, status = 0, err;
	pid_t pid;

	if (pipe2(go, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (pid == 0) {
		close(go[1]);
		call_guarded(go[0]);
	}
	close(go[0]);
	err = pid < 0 ? -errno : link_return(skel, method, pid, fds);
	if (!err && write(go[1], "", 1) != 1)
		err = -errno;
	close(go[1]);
	if (pid > 0 && waitpid(pid, &status, 0) == pid && !err)
		err = WIFSIGNALED(status) ? -EACCES : WEXITSTATUS(status) ? -EINVAL : 0;
	if (fds[0] >= 0)
		close(fds[0]);
	if (fds[1] >= 0)
		close(fds[1]);
	return err;
}

static void expect(struct selftest_bpf *skel, enum probe_method method)
{
	if (method == PROBE_SESSION)
		bpf_program__set_expected_attach_type(skel->progs.selftest, ATTACH_UPROBE_SESSION);
	else if (method == PROBE_MULTI)
		bpf_program__set_expected_attach_type(skel->progs.selftest, ATTACH_UPROBE_MULTI);
}

/* NULL: not even the program could be loaded. */
static struct selftest_bpf *load(enum probe_method method, int32_t *err)
{
	libbpf_print_fn_t before = libbpf_set_print(NULL);
	struct selftest_bpf *skel = selftest_bpf__open();

	*err = skel ? 0 : -errno;
	if (skel) {
		expect(skel, method);
		*err = selftest_bpf__load(skel);
	}
	if (*err) {
		selftest_bpf__destroy(skel);
		skel = NULL;
	}
	libbpf_set_print(before);
	return skel;
}

int selftest_seccomp(enum probe_method method)
{
	int32_t err;
	struct selftest_bpf *skel = load(method, &err);

	if (skel)
		err = try_guarded_child(skel, method);
	selftest_bpf__destroy(skel);
	return err;
}

void selftest_run(enum probe_method method, struct selftest *result)
{
	struct selftest_bpf *skel;

	memset(result, 0, sizeof(*result));
	skel = load(method, &result->err);
	if (!skel)
		return;
	result->privileged = true;
	result->err = try_link(skel, method, result);
	selftest_bpf__destroy(skel);
}
