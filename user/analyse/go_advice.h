/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What GOGC and GOMEMLIMIT a Go program should have for a kind of work, and what that would change, from what its collector did. Pure.
 *
 * The model is that of "A Guide to the Go Garbage Collector" (go.dev/doc/gc-guide: the GOGC and GC cost models), with the heap goal as
 * runtime/mgcpacer.go computes it:
 *
 *	D(GOGC, limit)       = min((live + roots) * GOGC / 100, 0.97 * (limit - others) - live)
 *	T(D)                 = D - runway, at least 0.7 D, at most the larger of 0.95 D and D - 4 MiB
 *	B(D)                 = min(T(D) + M, D)
 *	collections a second = allocated a second / B
 *	heap peak            = live + B
 *	collector's share    = share now * collections a second / collections a second now
 *
 * In bytes: live and roots; others, what Go has beside its heap; D, from what is live to the goal; T, where a cycle begins; B, allocated
 * from cycle to cycle; M, allocated while it marks, as it was until now. What one cycle costs depends on what is live, and stays.
 */
#ifndef ANALYSE_GO_ADVICE_H
#define ANALYSE_GO_ADVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../base/buffer.h"
#include "../target/go.h"
#include "../target/limits.h"
#include "go_gc.h"

enum go_workload {
	GO_WORKLOAD_NONE = 0,
	GO_WORKLOAD_THROUGHPUT = 1,
	GO_WORKLOAD_LATENCY = 2,
	GO_WORKLOAD_MEMORY = 3,
	GO_WORKLOADS
};

/* "high-throughput", ...; false when there is none of this name. */
bool go_workload_parse(const char *name, enum go_workload *workload);
const char *go_workload_name(enum go_workload workload);

enum go_advice_state {
	GO_ADVICE_NONE = 0,	 /* not asked for, or nothing is known */
	GO_ADVICE_FEW = 1,	 /* fewer cycles than GO_ADVICE_CYCLES, or too short a time */
	GO_ADVICE_GROWS = 2,	 /* the live heap grows: no setting is right for long */
	GO_ADVICE_UNRELATED = 3, /* collections do not come when GOGC and GOMEMLIMIT say so */
	GO_ADVICE_KEEP = 4,	 /* nothing needs changing */
	GO_ADVICE_CHANGE = 5,
	GO_ADVICE_NO_ROOM = 6 /* no setting fits into the memory that there is */
};

/* Less evidence is none. */
#define GO_ADVICE_CYCLES  10
#define GO_ADVICE_SECONDS 5.0

/* As in struct go_figures. */
struct go_setting {
	int64_t gogc;	      /* -1: off */
	int64_t memory_limit; /* bytes; INT64_MAX: off */
};

struct go_outcome {
	double cycles_per_s;
	double peak_bytes;   /* of the heap, when a collection ends */
	double memory_bytes; /* peak and what Go has beside it: what GOMEMLIMIT is about */
	double cpu_share;    /* 0..1 of what GOMAXPROCS gives */
};

struct go_advice {
	enum go_workload workload;
	enum go_advice_state state;
	uint64_t cycles; /* that it is based on */
	struct go_setting now, wanted;
	struct go_outcome before,
		after; /* of KEEP the same; of others than CHANGE and KEEP zeros */
	bool ceiling_known;
	uint64_t
		ceiling_bytes; /* what Go may have at most, by the limits of cgroup, process and machine */
	enum limit_kind ceiling_kind;
};

void go_advice_make(enum go_workload workload, const struct go_figures *go, const struct go_gc *gc,
		    const struct memory_limits *limits, struct go_advice *out);
/* One or two sentences, without an end; nothing for GO_ADVICE_NONE. */
void go_advice_text(struct buffer *out, const struct go_advice *a);

#endif /* ANALYSE_GO_ADVICE_H */
