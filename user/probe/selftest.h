/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A way of attaching, tried on a function of this program: does it see a second thread, a fork child, a vfork child, and does a
 * process under a seccomp filter survive its return probe? Forks: before any other thread is there.
 */
#ifndef PROBE_SELFTEST_H
#define PROBE_SELFTEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum probe_method { PROBE_SESSION = 1, PROBE_MULTI = 2, PROBE_PERF = 3 };
#define PROBE_METHODS 4 /* one more than the last */
const char *probe_method_name(enum probe_method method);

struct selftest {
	int32_t err;	 /* 0: calls of the first and of a second thread are seen; else -errno */
	bool privileged; /* a BPF program could be loaded */
	/* links are for one process, but these may be seen all the same */
	bool sees_fork;	 /* a child with a copy of its memory: never wanted, and filtered */
	bool sees_vfork; /* a child in the same memory: its allocations belong to the process */
};

void selftest_run(enum probe_method method, struct selftest *result);
/* 0: a process under a seccomp filter survives a return probe. -EACCES: it is killed. */
int selftest_seccomp(enum probe_method method);

#endif /* PROBE_SELFTEST_H */
