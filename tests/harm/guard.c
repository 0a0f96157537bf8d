/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A seccomp filter that kills at every system call which the program does not need: stricter than
 * what containers have by default. A return probe that enters the kernel by a system call of its
 * own would end it. With `late` the filter comes after the probes, with `errno` it refuses instead.
 */
#include "harm.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define ALLOW(nr)                                                                                  \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (nr), 0, 1),                                           \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

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
	struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return 0;
	return !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

int main(int argc, char **argv)
{
	unsigned int otherwise = harm_has(argc, argv, "errno")
					 ? SECCOMP_RET_ERRNO | (EPERM & SECCOMP_RET_DATA)
					 : SECCOMP_RET_KILL_PROCESS;

	free(harm_pairs(100));
	if (!harm_has(argc, argv, "late") && !harm_has(argc, argv, "strict"))
		harm_say("guarded", install(otherwise));
	harm_ready(argc, argv);
	if (harm_has(argc, argv, "late"))
		harm_say("guarded", install(otherwise));
	if (harm_has(argc, argv, "strict") && prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0))
		return 97;
	free(harm_pairs(1000));
	harm_say("alive", 1);
	free(harm_pairs(1000));
	syscall(harm_has(argc, argv, "strict") ? SYS_exit : SYS_exit_group, 12);
	return 0;
}
