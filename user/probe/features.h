/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What this kernel and these privileges offer: found out by trying, never by version. */
#ifndef PROBE_FEATURES_H
#define PROBE_FEATURES_H

#include <stdbool.h>

enum probe_method { PROBE_SESSION = 1, PROBE_MULTI = 2, PROBE_PERF = 3 };
const char *probe_method_name(enum probe_method method);

struct features {
	bool privileged; /* may load BPF programs */
	bool btf;
	int session, multi, perf; /* 0: works in both threads of a test; else -errno */
	char program_error[160];  /* why not even a program could be loaded, or "" */
};

/* Tries everything that `wanted` (0: all) needs. */
void features_try(struct features *f, enum probe_method wanted);
/* 0: a process under a seccomp filter survives a return probe. -EACCES: it is killed. */
int features_try_seccomp(enum probe_method method);
/* Tries all ways, those that would not be used, too. */
void features_try_all(struct features *f);
/* Best method that works, 0 when none does. */
enum probe_method features_best(const struct features *f);
/* --check. Returns false when tracing is not possible. */
bool features_print(const struct features *f);

#endif /* PROBE_FEATURES_H */
