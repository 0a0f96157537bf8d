/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One moment of the heap, copied out so that reports, exports and the view work without the lock:
 * all figures of an output come from one snapshot and agree with each other.
 */
#ifndef ANALYSE_SNAPSHOT_H
#define ANALYSE_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../heap/heap.h"
#include "../target/go.h"
#include "../target/go_profile.h"
#include "../target/go_goroutines.h"
#include "baseline.h"
#include "beside.h"
#include "blind.h"
#include "coverage.h"
#include "exhaust.h"
#include "go_advice.h"
#include "go_gc.h"
#include "go_pools.h"
#include "trend.h"
#include "uncertain.h"

/* VERDICT_NONE: suppressed. Its name is empty. */
enum verdict {
	VERDICT_NEW = 0,
	VERDICT_STEADY = 1,
	VERDICT_GROWING = 2,
	VERDICT_LEAK = 3,
	VERDICT_NONE = 4
};
const char *verdict_name(enum verdict v);

/* By which rule a site is called a leak (leak_rules.h). */
enum leak_rule {
	LEAK_NONE = 0,
	LEAK_STEADY = 1,    /* elders come all of the time, and stay */
	LEAK_SURVIVORS = 2, /* so do blocks that are older than any freed one */
	LEAK_BURSTS = 3,    /* elders come now and then, like many, and stay */
	LEAK_ENLARGED = 4,  /* realloc makes blocks larger and larger, and none is freed */
};

enum sort_key {
	SORT_OUTSTANDING = 0,
	SORT_COUNT = 1,
	SORT_GROWTH = 2,
	SORT_SCORE = 3,
	SORT_RATE = 4,
	SORT_OLDEST = 5,
	SORT_PEAK = 6,	  /* of the site itself */
	SORT_AT_PEAK = 7, /* what it had at the peak of its process */
	SORT_KEYS
};
/* False when there is no such key. */
bool sort_key_parse(const char *name, enum sort_key *key);
const char *sort_key_name(enum sort_key key);

/*
 * Of the blocks that have got as old as an elder is, over the last few leak windows, those that are still there. Recorded blocks: of a
 * sampled run they are the sample.
 */
struct survival {
	double age_s;	 /* from which age on a block is an elder; 0: not known */
	uint64_t elders; /* outstanding ones, and those that were freed lately */
	uint64_t alive;	 /* of them */
};

/* Of the blocks that were freed, and of their sizes. More is in heap_site_lifetimes(). */
struct lifetimes_figures {
	double median_s;    /* < 0: none was */
	double young_share; /* that lived less than about a millisecond */
	double alike_share; /* of all blocks: that have a size between the same two powers of two */
};

struct snapshot_site {
	uint32_t site;	  /* heap index */
	uint32_t process; /* index into snapshot.processes */
	uint32_t stack;	  /* heap index */
	uint8_t call;
	bool range;
	uint32_t rank; /* 1 is the site with most outstanding bytes of its process; 0: not ranked */
	struct totals totals;
	bool bulk;		   /* its single blocks are not known */
	struct carried before;	   /* of what was allocated: it was there before tracing began */
	double growth_bytes_per_s; /* bytes_trend.slope */
	struct trend bytes_trend, blocks_trend; /* of what is outstanding, over the leak window */
	double watched_s; /* over which these were found; 0: there are none yet */
	struct survival survival;
	enum leak_rule rule;
	struct lifetimes_figures lifetimes;
	double allocs_per_s, frees_per_s; /* over the last interval */
	double score;			  /* 0..100 */
	enum verdict verdict;
	double oldest_s;	/* < 0: nothing outstanding */
	double median_age_s;	/* of the outstanding blocks, to one leak interval; < 0: none */
	uint64_t bytes_at_peak; /* when its process had the most, of the same class */
	uint64_t version;
	struct uncertain *uncertain; /* in snapshot.uncertain; NULL: its figures are exact */
	uint32_t stack_flags;  /* STACK_F_* of the stack; with names of no frames: not known */
	struct change *change; /* since the baseline, in snapshot.changes; NULL: there is none */
};

/* Goroutines of a Go program that come from the same place and do the same. */
struct snapshot_goroutines {
	uint32_t process; /* index into snapshot.processes */
	uint64_t creator; /* return address of the go statement; 0: none of the program's */
	uint64_t start;	  /* first instruction of its function */
	char reason[GO_REASON_MAX]; /* what they wait for, or "running" ..., in Go's words */
	uint64_t count;
	double longest_wait_s; /* < 0: not known */
	struct trend trend;    /* of count, over the leak window */
	double watched_s;      /* over which it was found; 0: not yet */
	/* of all goroutines of the same origin, whatever they do */
	struct survival survival;
	enum verdict verdict; /* of the origin; but of a group that did not grow: steady */
	double score;	      /* 0..100 */
};

struct goroutine_figures {
	bool known;
	bool whole;	     /* each goroutine has been looked at */
	uint64_t groups;     /* of which the largest are in snapshot.goroutines */
	uint64_t largest;    /* goroutines of the largest */
	uint64_t left_out;   /* goroutines that are in none of snapshot.goroutines */
	double round_s;	     /* how long ago it may be that one was looked at; 0: it is of now */
	uint32_t leak_count; /* groups with the verdict leak */
};

struct snapshot_process {
	uint32_t index; /* heap index */
	uint32_t number, pid;
	char comm[16];
	bool exited;
	int exit_code;
	struct totals totals;			    /* heap class and mmap class together */
	uint64_t ranges_bytes;			    /* outstanding of the mmap class alone */
	uint64_t heap_alloc_count, heap_free_count; /* of the heap class alone */
	uint64_t event_count, lost_events;
	uint64_t unknown_frees;
	uint64_t missed_allocs, reused_addresses;
	enum blind blind; /* a class of probes that sees nothing, filled in by the owner */
	double alloc_bytes_per_s, allocs_per_s, frees_per_s, growth_bytes_per_s;
	struct trend bytes_trend, blocks_trend; /* as for sites */
	double watched_s;
	/* when the heap class had the most, by the event clock; 0: it never had less than before */
	uint64_t peak_ns;
	uint32_t site_count;	     /* with outstanding blocks */
	uint32_t leak_site_count;    /* verdict leak */
	uint64_t rss_bytes;	     /* UINT64_MAX: unknown */
	struct uncertain *uncertain; /* as for sites */
	bool inherits;		     /* has blocks of its parent's, maybe */
	bool attached;		     /* was running before: its heap from before is not seen */
	bool notable_first;	     /* the sentence about that was not printed yet */
	struct beside beside; /* its memory as the kernel counts it; filled in by the owner */
	struct beside since;  /* the same with the baseline as `first`; not known: there is none */
	struct exhaustion exhaustion; /* the limit that it meets first; filled in by the owner */
	struct change *change;	      /* as for sites */
	bool go_only;		      /* a Go program without an allocator that can be traced */
	struct go_figures go;	      /* filled in by the owner */
	struct go_heap_facts go_heap; /* the same */
	struct carried before;	      /* as for sites */
	struct go_gc go_gc;	      /* the same */
	struct go_advice go_advice;   /* the same; of --go-workload */
	struct go_pools_figures go_pools;    /* the same; freed with the snapshot */
	struct goroutine_figures goroutines; /* the same */
	struct carried go_live;		     /* outstanding of the sites of its Go heap */
};

/* What tracing costs the traced processes, all of them together. An estimate. */
struct snapshot_cost {
	bool known;
	double percent;		       /* of the processor time that they use, lately */
	double core_percent;	       /* the same time as a part of one processor */
	double total_percent, total_s; /* since tracing began */
};

struct snapshot {
	uint64_t time_ns;	   /* event clock */
	uint64_t realtime_ns;	   /* UTC */
	double elapsed_s;	   /* since tracing began */
	double tracer_cpu_percent; /* since the snapshot before */
	double tracer_cpu_s;	   /* since the tracer was started */
	uint64_t tracer_rss_bytes;
	struct snapshot_cost cost;
	struct coverage_figures coverage;
	uint64_t counts[COUNTER_COUNT]; /* all counters, kernel and user side */
	bool sampled;
	uint64_t sample_bytes;
	struct snapshot_process *processes;
	size_t process_count;
	struct snapshot_site *sites; /* all with activity; order: as sorted last */
	size_t site_count;
	struct uncertain *uncertain; /* of processes and sites; NULL when not sampled */
	struct change *changes;	     /* of processes and sites; NULL: there is no baseline */
	double baseline_s;	     /* elapsed_s of the baseline */
	/* by process, then most goroutines of an origin first, then of a group */
	struct snapshot_goroutines *goroutines;
	size_t goroutine_count;
};

void snapshot_free(struct snapshot *s);
/* Sorts sites, largest first (`inverted`: smallest first); equal keys by process, then site, so
 * that order is stable. What is outstanding is its change where there is a baseline. */
void snapshot_sort(struct snapshot *s, enum sort_key key, bool inverted);

#endif /* ANALYSE_SNAPSHOT_H */
