/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the collector of a running Go program leaves of its cycles: the pauses of the last 256 and when each ended, what was live after
 * the last one, and the processor time that all of it took. By reading memory alone, which takes some tens of microseconds, for the
 * count of cycles a few. One thread at a time.
 */
#ifndef TARGET_GO_CYCLES_H
#define TARGET_GO_CYCLES_H

#include <stdbool.h>
#include <stdint.h>

struct go_process;

#define GO_PAUSES 256

/* Processor time since the program began, as of the end of the last cycle: work.cpuStats of runtime/mgc.go, from Go 1.20 on. */
enum go_cpu {
	GO_CPU_OF_ASSIST,    /* goroutines that had to help, because they allocate */
	GO_CPU_OF_DEDICATED, /* workers that do nothing else, and fractional ones */
	GO_CPU_OF_GC_IDLE,   /* workers on processors that had nothing else to do */
	GO_CPU_OF_PAUSE,     /* all processors, for as long as the world stood still */
	GO_CPU_OF_GC,	     /* the four of them */
	GO_CPU_OF_SCAVENGE_ASSIST,
	GO_CPU_OF_SCAVENGE_BACKGROUND,
	GO_CPU_OF_SCAVENGE, /* both: memory given back to the system */
	GO_CPU_OF_IDLE,
	GO_CPU_OF_USER,
	GO_CPU_OF_ALL, /* GOMAXPROCS times the time that went by */
	GO_CPU_KINDS
};

struct go_cycles {
	uint32_t count; /* completed cycles, when the reading began */
	uint32_t
		count_end; /* when it was over: entries of cycles up to count_end + 1 - GO_PAUSES may be those of later ones */
	/* of cycle n, from 1 on, at (n - 1) % GO_PAUSES */
	uint64_t pause_ns[GO_PAUSES];
	uint64_t end_ns[GO_PAUSES]; /* UTC */
	uint64_t heap_marked;	    /* bytes, live after the last cycle */
	uint64_t percent_goal;	    /* bytes, where the next cycle would end by GOGC alone */
	uint64_t runway; /* bytes before the goal at which the next cycle begins, within bounds */
	uint64_t total_alloc; /* bytes, but for what processors have not counted yet */
	uint64_t read_ns;     /* UTC, of this reading */
	uint32_t processors;  /* GOMAXPROCS */
	uint64_t
		gc_cpu_ns; /* without that of idle processors: numerator of GCCPUFraction; UINT64_MAX: not known */
	bool cpu_known;
	uint64_t cpu_ns[GO_CPU_KINDS];
};

/* 0; -ESRCH: the process has ended or runs another program. */
int go_read_cycles(const struct go_process *go, struct go_cycles *cycles);
/* Completed cycles alone. The same. */
int go_read_cycle_count(const struct go_process *go, uint32_t *count);

#endif /* TARGET_GO_CYCLES_H */
