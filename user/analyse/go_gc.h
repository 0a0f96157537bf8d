/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The collector of a Go program over time: cycles, pauses, what was live after each cycle and whether that grows, and the processor time
 * that it takes. Made from what target/go_cycles.h reads, some times a second. Pure; one thread at a time.
 */
#ifndef ANALYSE_GO_GC_H
#define ANALYSE_GO_GC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../target/go_cycles.h"
#include "trend.h"

/*
 * Rows are X(number, type, member, name): the number is that in recordings, append only, above those of GO_FIGURES; the name is that in
 * CSV and JSON. What is not known is UINT64_MAX (maybe) or not a number (measure).
 */
/* clang-format off */
#define GO_GC_FIGURES(X) \
	X(300, u64, cycles, "CyclesTraced") \
	X(301, measure, cycles_per_s, "CyclesPerS") \
	X(302, measure, alloc_bytes_per_s, "AllocBytesPerS") \
	X(303, measure, window_s, "CollectorWindowS") \
	X(304, u64, window_cycles, "CollectorWindowCycles") \
	X(305, maybe, ring.min_ns, "PauseMinNs") \
	X(306, maybe, ring.p25_ns, "PauseP25Ns") \
	X(307, maybe, ring.p50_ns, "PauseP50Ns") \
	X(308, maybe, ring.p75_ns, "PauseP75Ns") \
	X(309, maybe, ring.p90_ns, "PauseP90Ns") \
	X(310, maybe, ring.p99_ns, "PauseP99Ns") \
	X(311, maybe, ring.max_ns, "PauseMaxNs") \
	X(312, u64, traced.count, "TracedPauses") \
	X(313, maybe, traced.p50_ns, "TracedPauseP50Ns") \
	X(314, maybe, traced.p90_ns, "TracedPauseP90Ns") \
	X(315, maybe, traced.p99_ns, "TracedPauseP99Ns") \
	X(316, maybe, traced.max_ns, "TracedPauseMaxNs") \
	X(317, u64, missed_pauses, "MissedPauses") \
	X(318, measure, live_slope, "LiveHeapBytesPerS") \
	X(319, measure, live_low, "LiveHeapBytesPerSLow") \
	X(320, measure, live_high, "LiveHeapBytesPerSHigh") \
	X(321, measure, live_per_cycle, "LiveHeapBytesPerCycle") \
	X(322, measure, live_p, "LiveHeapChance") \
	X(323, flag, live_grows, "LiveHeapGrows") \
	X(324, measure, gc_share, "GCCPUShare") \
	X(325, measure, assist_share, "AssistCPUShare") \
	X(326, maybe, cpu_ns[GO_CPU_OF_ASSIST], "GCAssistCPUNs") \
	X(327, maybe, cpu_ns[GO_CPU_OF_DEDICATED], "GCDedicatedCPUNs") \
	X(328, maybe, cpu_ns[GO_CPU_OF_GC_IDLE], "GCIdleCPUNs") \
	X(329, maybe, cpu_ns[GO_CPU_OF_PAUSE], "GCPauseCPUNs") \
	X(330, maybe, cpu_ns[GO_CPU_OF_GC], "GCTotalCPUNs") \
	X(331, maybe, cpu_ns[GO_CPU_OF_SCAVENGE_ASSIST], "ScavengeAssistCPUNs") \
	X(332, maybe, cpu_ns[GO_CPU_OF_SCAVENGE_BACKGROUND], "ScavengeBackgroundCPUNs") \
	X(333, maybe, cpu_ns[GO_CPU_OF_SCAVENGE], "ScavengeTotalCPUNs") \
	X(334, maybe, cpu_ns[GO_CPU_OF_IDLE], "IdleCPUNs") \
	X(335, maybe, cpu_ns[GO_CPU_OF_USER], "UserCPUNs") \
	X(336, maybe, cpu_ns[GO_CPU_OF_ALL], "TotalCPUNs") \
	X(337, u32, processors, "GOMAXPROCS") \
	X(338, u64, percent_goal, "GOGCHeapGoal") \
	X(339, measure, runway, "GCRunwayBytes")
/* clang-format on */

/* Of the last 256 cycles: exact, the value with that share at or below it, as runtime/debug.ReadGCStats() finds it. */
struct go_pauses {
	uint64_t min_ns, p25_ns, p50_ns, p75_ns, p90_ns, p99_ns, max_ns;
};

/* Of all cycles that ended while the program was traced: at most 1/16 above the exact value; the longest is exact. */
struct go_traced_pauses {
	uint64_t count, p50_ns, p90_ns, p99_ns, max_ns;
};

/* What was live after a cycle. */
struct go_live_point {
	uint32_t cycle;
	uint64_t end_ns; /* UTC */
	uint64_t bytes;
};

#define GO_LIVE_POINTS	   128u
#define GO_GC_POINTS_LEAST 8 /* fewer say nothing of a growth */

struct go_gc {
	bool known;
	uint64_t cycles; /* since tracing began */
	/* rates and shares are those between the ends of the first and the last cycle in the window */
	double cycles_per_s, alloc_bytes_per_s, window_s;
	uint64_t window_cycles;
	struct go_pauses ring;
	struct go_traced_pauses traced;
	uint64_t missed_pauses; /* more than 256 cycles between two readings */
	/* of the live heap: bytes a second with its 95 % interval, bytes a cycle, and p of the test of Mann and Kendall */
	double live_slope, live_low, live_high, live_per_cycle, live_p;
	bool live_grows; /* surely, and by more than the threshold */
	double gc_share,
		assist_share; /* 0..1 of what GOMAXPROCS gives, in the window; idle workers are free and left out */
	uint64_t cpu_ns[GO_CPU_KINDS]; /* since the program began */
	uint32_t processors;
	uint64_t percent_goal; /* bytes, where the next cycle would end by GOGC alone */
	double runway; /* bytes before the goal at which a cycle is to begin; mean of the window */
	struct go_live_point points[GO_LIVE_POINTS];
	uint32_t point_count;
};

struct go_gc_options {
	double window_s;  /* of rates, and of growth while it has enough cycles */
	double threshold; /* growth in it, as a part of the live heap, that counts */
};

struct go_gc_watch;

struct go_gc_watch *go_gc_new(const struct go_gc_options *options);
void go_gc_free(struct go_gc_watch *w);
/* At each change of the count of cycles, and once at first. Nothing is counted twice, whenever it is read. */
void go_gc_add(struct go_gc_watch *w, const struct go_cycles *c);
/* What is known now (UTC); not known before the first reading. */
void go_gc_read(const struct go_gc_watch *w, uint64_t now_ns, struct go_gc *out);

#endif /* ANALYSE_GO_GC_H */
