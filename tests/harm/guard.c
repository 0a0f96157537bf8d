/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A seccomp filter that kills at every system call which the program does not need: stricter than
 * what containers have by default. A return probe that enters the kernel by a system call of its
 * own would end it. With `late` the filter comes after the probes, with `errno` it refuses instead.
 * `docker`: a container's filter, which refuses all but some 300 calls, around threads and children.
 */
#include "harm.h"
#include "docker.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define ALLOW(nr)                                                                                  \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (nr), 0, 1),                                           \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

#define REFUSE(number) (SECCOMP_RET_ERRNO | ((number)&SECCOMP_RET_DATA))
#define NAMESPACES                                                                                 \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |             \
	 CLONE_NEWPID | CLONE_NEWNET)

static int put(const struct sock_filter *code, size_t count)
{
	struct sock_fprog program = {(unsigned short)count, (struct sock_filter *)code};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return 0;
	return !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static int install_docker(unsigned int otherwise)
{
#define X(name) ALLOW(SYS_##name),
	static struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		DOCKER_ALLOWS(X) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, REFUSE(ENOSYS)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, NAMESPACES, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
#undef X
	const size_t count = sizeof(code) / sizeof(code[0]);

	code[count - 1].k = otherwise;
	return put(code, count);
}

static int install(unsigned int otherwise)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		ALLOW(SYS_read),
		ALLOW(SYS_write),
		ALLOW(SYS_exit_group),
		ALLOW(SYS_brk),
		ALLOW(SYS_mmap),
		ALLOW(SYS_munmap),
		ALLOW(SYS_rt_sigreturn),
		ALLOW(SYS_getpid),
		BPF_STMT(BPF_RET | BPF_K, otherwise),
	};

	return put(code, sizeof(code) / sizeof(code[0]));
}

static void *in_thread(void *arg)
{
	free(harm_pairs(300));
	return arg;
}

/* What programs in containers do. The filter refuses unshare(), or ends who calls it. */
static void live_in_container(void)
{
	pthread_t thread;
	pid_t child;
	int status = -1;

	if (!pthread_create(&thread, NULL, in_thread, NULL))
		pthread_join(thread, NULL);
	child = fork();
	if (child == 0) {
		free(harm_pairs(300));
		harm_say("unshared", unshare(CLONE_NEWUSER));
		_exit(6);
	}
	waitpid(child, &status, 0);
	harm_say("child", status);
}

int main(int argc, char **argv)
{
	unsigned int otherwise =
		harm_has(argc, argv, "errno") ? REFUSE(EPERM) : SECCOMP_RET_KILL_PROCESS;

	free(harm_pairs(100));
	if (harm_has(argc, argv, "docker"))
		harm_say("guarded", install_docker(otherwise));
	else if (!harm_has(argc, argv, "late") && !harm_has(argc, argv, "strict"))
		harm_say("guarded", install(otherwise));
	harm_ready(argc, argv);
	if (harm_has(argc, argv, "late"))
		harm_say("guarded", install(otherwise));
	if (harm_has(argc, argv, "strict") && prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0))
		return 97;
	free(harm_pairs(1000));
	harm_say("alive", 1);
	if (harm_has(argc, argv, "docker"))
		live_in_container();
	free(harm_pairs(1000));
	syscall(harm_has(argc, argv, "strict") ? SYS_exit : SYS_exit_group, 12);
	return 0;
}
