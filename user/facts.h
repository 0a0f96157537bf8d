/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a snapshot needs beside the heap: clocks, counters of the kernel side, what the processes and the tracer use. Live they are
 * gathered, in a replay they come from the recording: a fact that is to be the same in both has its row in the tables here.
 */
#ifndef USER_FACTS_H
#define USER_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "analyse/go_gc.h"
#include "analyse/go_pools.h"
#include "analyse/snapshot.h"
#include "capture/pack.h"
#include "target/go.h"
#include "target/go_profile.h"
#include "target/go_goroutines.h"
#include "target/limits.h"
#include "target/memory.h"

struct process_facts {
	uint32_t number, pid;
	char comm[16];
	bool attached;
	uint64_t rss_bytes, rss_first; /* UINT64_MAX: not known */
	uint64_t counts[COUNTER_BPF_COUNT];
	/* memory_facts.h */
	bool memory_known, memory_begun;
	struct memory_use memory, memory_first;
	uint64_t heap_first;
	struct memory_limits limits;
	bool go_only;	   /* no allocator: it has these figures alone */
	uint64_t go_first; /* its go_heap_bytes() when tracing began; 0: not known */
	struct go_figures go;
	struct go_heap_facts go_heap;
	struct go_gc go_gc;
	struct go_pools_figures go_pools; /* owned */
	struct go_goroutines goroutines;  /* owned */
};

struct facts {
	uint64_t time_ns; /* event clock: what came until then is in the figures */
	uint64_t realtime_ns;
	double elapsed_s;
	double tracer_cpu_percent, tracer_cpu_s;
	uint64_t tracer_rss_bytes;
	struct snapshot_cost cost;
	struct coverage_figures coverage;
	uint64_t counts[COUNTER_COUNT]; /* of the kernel side and of the rings */
	struct process_facts *processes;
	size_t process_count;
};

/*
 * Rows are X(number, type, member); the number is that in recordings: append only. Types are u64, u32, s64, flag and
 * real. Figures of Go programs have their rows in target/go.h, target/go_profile.h and
 * analyse/go_gc.h.
 */
/* clang-format off */
#define FACTS(X) \
	X(1, u64, time_ns) \
	X(2, u64, realtime_ns) \
	X(3, real, elapsed_s) \
	X(4, real, tracer_cpu_percent) \
	X(5, u64, tracer_rss_bytes) \
	X(6, flag, cost.known) \
	X(7, real, cost.percent) \
	X(8, real, cost.core_percent) \
	X(9, real, cost.total_percent) \
	X(10, real, cost.total_s) \
	X(11, flag, coverage.partial) \
	X(12, flag, coverage.paused) \
	X(13, real, coverage.time_percent) \
	X(14, real, coverage.work_percent) \
	X(15, u64, coverage.windows) \
	X(16, real, coverage.scale) \
	X(17, real, coverage.scale_previous) \
	X(18, real, coverage.scale_older) \
	X(19, flag, coverage.error_known) \
	X(20, real, coverage.alloc_bytes_error) \
	X(21, real, coverage.alloc_count_error) \
	X(22, real, coverage.kept_bytes_error) \
	X(23, real, coverage.kept_count_error) \
	X(24, real, tracer_cpu_s)

#define PROCESS_FACTS(X) \
	X(1, u32, number) \
	X(2, u32, pid) \
	X(3, flag, attached) \
	X(4, u64, rss_bytes) \
	X(5, u64, rss_first) \
	X(6, flag, memory_known) \
	X(7, flag, memory_begun) \
	X(8, u64, heap_first) \
	X(9, u64, memory.size) \
	X(10, u64, memory.rss) \
	X(11, u64, memory.anonymous) \
	X(12, u64, memory.file) \
	X(13, u64, memory.shared) \
	X(14, u64, memory.swap) \
	X(15, u64, memory.pss) \
	X(16, u64, memory_first.size) \
	X(17, u64, memory_first.rss) \
	X(18, u64, memory_first.anonymous) \
	X(19, u64, memory_first.file) \
	X(20, u64, memory_first.shared) \
	X(21, u64, memory_first.swap) \
	X(22, u64, memory_first.pss) \
	X(23, flag, limits.v[LIMIT_CGROUP].known) \
	X(24, u64, limits.v[LIMIT_CGROUP].limit_bytes) \
	X(25, u64, limits.v[LIMIT_CGROUP].left_bytes) \
	X(26, flag, limits.v[LIMIT_ADDRESS_SPACE].known) \
	X(27, u64, limits.v[LIMIT_ADDRESS_SPACE].limit_bytes) \
	X(28, u64, limits.v[LIMIT_ADDRESS_SPACE].left_bytes) \
	X(29, flag, limits.v[LIMIT_MACHINE].known) \
	X(30, u64, limits.v[LIMIT_MACHINE].limit_bytes) \
	X(31, u64, limits.v[LIMIT_MACHINE].left_bytes) \
	X(32, flag, go_only) \
	X(33, flag, go.known) \
	X(340, flag, go_gc.known) \
	X(361, u64, go_first)
/* clang-format on */

/* As bytes, and back. */
void facts_pack(const struct facts *f, struct buffer *out);
/* Overwrites *f. False: it makes no sense (then *f is empty). */
bool facts_unpack(struct facts *f, struct unpack *u);
void facts_done(struct facts *f);
/* NULL: nothing is known of it. */
struct process_facts *facts_process(const struct facts *f, uint32_t number);
/* A new one, zeros; borrowed until the next. */
struct process_facts *facts_add_process(struct facts *f);

#endif /* USER_FACTS_H */
