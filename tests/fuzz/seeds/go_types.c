/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Types of a Go runtime in small; runtime_ becomes runtime. in the debug information, and the unit is called "runtime". */
typedef unsigned long u64;

struct runtime_fixalloc {
	u64 size, first, inuse;
};

struct runtime_mheap {
	u64 lock;
	struct runtime_fixalloc spanalloc, cachealloc;
	unsigned int sweepgen;
};

struct runtime_mstats {
	u64 heapStats[3], stacks_sys, mspan_sys, mcache_sys, buckhash_sys, gcMiscSys, other_sys;
	u64 last_gc_unix, pause_total_ns, pause_ns[256], pause_end[256];
	unsigned int numgc, numforcedgc;
	double gc_cpu_fraction;
};

struct runtime_gcControllerState {
	int gcPercent;
	u64 memoryLimit, runway, gcPercentHeapGoal, sweepDistMinTrigger, triggered, heapMarked,
		heapInUse, heapReleased, heapFree;
	u64 totalAlloc, totalFree, mappedReady;
};

struct runtime_cpuStats {
	u64 GCAssistTime, GCTotalTime, TotalTime;
};

struct runtime_workType {
	u64 full;
	struct runtime_cpuStats cpuStats;
};

struct runtime_mheap runtime_mheap_;
struct runtime_mstats runtime_memstats;
struct runtime_gcControllerState runtime_gcController;
struct runtime_workType runtime_work;
u64 runtime_allp[3], runtime_emptymspan[20], runtime_allgs[3], runtime_sched[64];

void _start(void)
{
}
