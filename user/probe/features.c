// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Each way of attaching is tried on a function of this program, called by this thread and by a
 * second one: a link that is accepted but does not see all threads (uprobe_multi in early 6.6) does
 * not count as working.
 */
#include "features.h"

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

#include "../base/log.h"
#include "link.h"
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
__attribute__((noinline, noclone)) static void features_target(void)
{
	target_calls++;
	__asm__ volatile("" ::: "memory");
}

static void *second_thread(void *arg)
{
	(void)arg;
	features_target();
	return NULL;
}

/* File offset of an address of this program, from its own list of mappings. */
static int own_offset(uintptr_t address, uint64_t *offset)
{
	FILE *f = fopen("/proc/self/maps", "re");
	unsigned long start, end, file_offset;
	char line[512];
	int err = -ENOENT;

	if (!f)
		return -errno;
	while (err && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx %*s %lx", &start, &end, &file_offset) != 3)
			continue;
		if (address < start || address >= end)
			continue;
		*offset = address - start + file_offset;
		err = 0;
	}
	fclose(f);
	return err;
}

static int call_twice(struct selftest_bpf *skel)
{
	pthread_t thread;
	unsigned int after_first;

	features_target();
	after_first = skel->bss->hits;
	if (pthread_create(&thread, NULL, second_thread, NULL))
		return -EAGAIN;
	pthread_join(thread, NULL);
	if (!after_first || skel->bss->hits < after_first * 2)
		return -ENODATA;
	return skel->bss->last_cookie == TEST_COOKIE ? 0 : -EBADMSG;
}

static int try_link(struct selftest_bpf *skel, enum probe_method method)
{
	int prog = bpf_program__fd(skel->progs.selftest), fds[2] = {-1, -1}, err;
	uint64_t offset, cookie = TEST_COOKIE;

	err = own_offset((uintptr_t)features_target, &offset);
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
	err = call_twice(skel);
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
	features_target();
	syscall(SYS_exit, 0);
}

static int link_return(struct selftest_bpf *skel, enum probe_method method, pid_t pid, int fds[2])
{
	int prog = bpf_program__fd(skel->progs.selftest), err;
	uint64_t offset, cookie = TEST_COOKIE;

	err = own_offset((uintptr_t)features_target, &offset);
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

int features_try_seccomp(enum probe_method method)
{
	struct selftest_bpf *skel = selftest_bpf__open();
	int err;

	if (!skel)
		return -errno;
	expect(skel, method);
	err = selftest_bpf__load(skel);
	if (!err)
		err = try_guarded_child(skel, method);
	selftest_bpf__destroy(skel);
	return err;
}

static int try_method(struct features *f, enum probe_method method)
{
	struct selftest_bpf *skel = selftest_bpf__open();
	int err;

	if (!skel)
		return -errno;
	expect(skel, method);
	err = selftest_bpf__load(skel);
	if (!err) {
		f->privileged = true;
		err = try_link(skel, method);
	} else if (method == PROBE_PERF) {
		snprintf(f->program_error, sizeof(f->program_error), "%s", strerror(-err));
	}
	selftest_bpf__destroy(skel);
	return err;
}

static int silent(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

void features_try(struct features *f, enum probe_method wanted)
{
	libbpf_print_fn_t before = libbpf_set_print(silent);

	memset(f, 0, sizeof(*f));
	f->session = f->multi = f->perf = -ENOSYS;
	f->btf = access("/sys/kernel/btf/vmlinux", R_OK) == 0;
	if (!wanted || wanted == PROBE_SESSION)
		f->session = try_method(f, PROBE_SESSION);
	if (wanted ? wanted == PROBE_MULTI : f->session != 0)
		f->multi = try_method(f, PROBE_MULTI);
	if (wanted ? wanted == PROBE_PERF : f->session != 0 && f->multi != 0)
		f->perf = try_method(f, PROBE_PERF);
	libbpf_set_print(before);
}

void features_try_all(struct features *f)
{
	libbpf_print_fn_t before = libbpf_set_print(silent);

	memset(f, 0, sizeof(*f));
	f->btf = access("/sys/kernel/btf/vmlinux", R_OK) == 0;
	f->session = try_method(f, PROBE_SESSION);
	f->multi = try_method(f, PROBE_MULTI);
	f->perf = try_method(f, PROBE_PERF);
	libbpf_set_print(before);
}

enum probe_method features_best(const struct features *f)
{
	if (!f->session)
		return PROBE_SESSION;
	if (!f->multi)
		return PROBE_MULTI;
	return f->perf ? 0 : PROBE_PERF;
}

static void print_row(const char *name, int err, const char *yes, const char *no)
{
	if (err)
		printf("  %-22s no   (%s) %s\n", name, strerror(-err), no);
	else
		printf("  %-22s yes  %s\n", name, yes);
}

bool features_print(const struct features *f)
{
	bool possible = f->btf && features_best(f);

	printf("This kernel and these privileges:\n");
	print_row("BPF programs", f->privileged ? 0 : -EPERM, "", "run as root (sudo)");
	print_row("kernel types (BTF)", f->btf ? 0 : -ENOENT, "/sys/kernel/btf/vmlinux",
		  "needs a kernel with CONFIG_DEBUG_INFO_BTF");
	print_row("uprobe session", f->session,
		  "one link a module, filtered calls never pay for their return",
		  "Linux 6.13: without it filtered calls pay for their return");
	print_row("uprobe multi", f->multi, "attaches and detaches at once",
		  "Linux 6.6: without it attaching is slower");
	print_row("uprobe by perf event", f->perf, "works everywhere, slow to detach",
		  "nothing else is left");
	printf("Attaching by: %s\n",
	       possible ? probe_method_name(features_best(f)) : "nothing, tracing is not possible");
	return possible;
}
