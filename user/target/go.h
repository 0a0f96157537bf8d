/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A running Go program: its version, and what its runtime counts, by reading its memory alone. The figures are those of
 * runtime.MemStats, which a collection and every allocation keep current; nothing in the process is stopped, called or written.
 * One thread at a time.
 */
#ifndef TARGET_GO_H
#define TARGET_GO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Rows are X(number, type, member, name): the number is that in recordings, append only; the name is Go's own. The order is that of
 * runtime.MemStats, then figures of the collector and the goroutines.
 */
/* clang-format off */
#define GO_FIGURES(X) \
	X(200, u64, alloc, "Alloc") \
	X(201, u64, total_alloc, "TotalAlloc") \
	X(202, u64, sys, "Sys") \
	X(203, u64, lookups, "Lookups") \
	X(204, u64, mallocs, "Mallocs") \
	X(205, u64, frees, "Frees") \
	X(206, u64, heap_alloc, "HeapAlloc") \
	X(207, u64, heap_sys, "HeapSys") \
	X(208, u64, heap_idle, "HeapIdle") \
	X(209, u64, heap_inuse, "HeapInuse") \
	X(210, u64, heap_released, "HeapReleased") \
	X(211, u64, heap_objects, "HeapObjects") \
	X(212, u64, stack_inuse, "StackInuse") \
	X(213, u64, stack_sys, "StackSys") \
	X(214, u64, mspan_inuse, "MSpanInuse") \
	X(215, u64, mspan_sys, "MSpanSys") \
	X(216, u64, mcache_inuse, "MCacheInuse") \
	X(217, u64, mcache_sys, "MCacheSys") \
	X(218, u64, buck_hash_sys, "BuckHashSys") \
	X(219, u64, gc_sys, "GCSys") \
	X(220, u64, other_sys, "OtherSys") \
	X(221, u64, next_gc, "NextGC") \
	X(222, u64, last_gc, "LastGC") \
	X(223, u64, pause_total_ns, "PauseTotalNs") \
	X(224, u32, num_gc, "NumGC") \
	X(225, u32, num_forced_gc, "NumForcedGC") \
	X(226, real, gc_cpu_fraction, "GCCPUFraction") \
	X(227, s64, gogc, "GOGC") \
	X(228, s64, memory_limit, "GOMEMLIMIT") \
	X(229, u64, heap_marked, "HeapMarked") \
	X(230, u64, last_pause_ns, "LastPauseNs") \
	X(231, u64, median_pause_ns, "MedianPauseNs") \
	X(232, u64, max_pause_ns, "MaxPauseNs") \
	X(233, u64, goroutines, "Goroutines") \
	X(234, flag, consistent, "Consistent")
/* clang-format on */

struct go_figures {
	bool known; /* of this moment */
	uint64_t alloc, total_alloc, sys, lookups, mallocs, frees;
	uint64_t heap_alloc, heap_sys, heap_idle, heap_inuse, heap_released, heap_objects;
	uint64_t stack_inuse, stack_sys, mspan_inuse, mspan_sys, mcache_inuse, mcache_sys;
	uint64_t buck_hash_sys, gc_sys, other_sys, next_gc;
	uint64_t last_gc; /* UTC, ns */
	uint64_t pause_total_ns;
	uint32_t num_gc, num_forced_gc;
	double gc_cpu_fraction;
	int64_t gogc;	      /* -1: off */
	int64_t memory_limit; /* INT64_MAX: off */
	uint64_t heap_marked; /* live at the end of the last cycle */
	uint64_t last_pause_ns, median_pause_ns, max_pause_ns; /* of the last 256 cycles */
	uint64_t goroutines;
	bool consistent; /* all of it is of one moment, by the runtime's own checks */
};

/*
 * Of its memory what holds objects and stacks, free memory that it did not give back, and what describes them: all of that was used,
 * so that it is resident, but for large objects that were never touched. The rest of Sys are tables made for larger heaps.
 */
static inline uint64_t go_heap_bytes(const struct go_figures *f)
{
	return f->heap_sys - f->heap_released + f->stack_inuse + f->mspan_inuse + f->mcache_inuse +
	       f->buck_hash_sys;
}

struct go_builds;
struct go_process;

#define GO_VERSION_MAX 64
#define GO_WHY_MAX     160

/* Is the program of the process a Go program? Its version, such as "go1.19.8". False also when it cannot be read. */
bool go_version(pid_t pid, char version[GO_VERSION_MAX]);
/*
 * NULL: not a Go program (*why is ""), or a build of which nothing is known (*why says what is missing). Belongs to the program that
 * the process runs now: after an exec it gives nothing any more. builds: what is known of such programs already; NULL: nothing.
 */
struct go_process *go_open(pid_t pid, struct go_builds *builds, char why[GO_WHY_MAX]);
void go_close(struct go_process *go);
const char *go_version_of(const struct go_process *go);
/*
 * 0; -ESRCH: the process has ended or runs another program; -EAGAIN: its runtime has not begun yet; -EBADMSG: what was read
 * contradicts itself, every time, so that this build is another than its version says. Without figures then.
 */
int go_read(struct go_process *go, struct go_figures *figures);

#endif /* TARGET_GO_H */
