/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The BPF object: configured, loaded, armed. It does nothing until loader_arm(), and probes are
 * attached by attach.h. Calls from any thread; two at once only for different processes.
 */
#ifndef PROBE_LOADER_H
#define PROBE_LOADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "../../include/config.h"
#include "../../include/counters.h"
#include "../../include/go_pools.h"
#include "../../include/hits.h"
#include "../../include/turn.h"
#include "features.h"

struct loader;

struct loader_options {
	struct config config;
	enum probe_method method;
	size_t ring_total_bytes; /* over all CPUs; 0: default */
	bool no_scratch;	 /* for tests: all memory for walks is in use */
};

/* NULL after a message that says what to do. */
struct loader *loader_open(const struct loader_options *options);
void loader_close(struct loader *l);

/* Does a return probe survive under a seccomp filter? Tried at the first call. */
bool loader_survives_seccomp(struct loader *l);

enum probe_method loader_method(const struct loader *l);
/* Each CPU has a ring buffer and a ring of slots (bpf/slot_ring.bpf.h). */
size_t loader_ring_count(const struct loader *l);
int loader_ring_fd(const struct loader *l, size_t cpu);
size_t loader_ring_bytes(const struct loader *l);
size_t loader_slot_count(const struct loader *l);
int loader_slot_rings_fd(const struct loader *l);
/* Shared with the programs; lives as long as the loader. */
struct turn *loader_turn(struct loader *l);
int loader_slots_fd(const struct loader *l);
/* Of all rings, both kinds. */
size_t loader_rings_bytes(const struct loader *l);
/* Kernel memory of the tables that are there from the beginning; the rings come to it, and the unwind
 * tables. */
size_t loader_table_bytes(const struct loader *l);
/* And of each thread that finds its place in them taken. */
size_t loader_thread_bytes(const struct loader *l);
/* What all rings together take by default on this machine. */
size_t loader_planned_ring_bytes(void);
/* And the tables, unwind tables not counted. */
size_t loader_planned_table_bytes(void);

/* Programs to attach where the cookie is that one: at entries and rets; at both sides (-1 without sessions); at returns, whatever
 * the cookie (-1 with sessions). */
int loader_entry_program(const struct loader *l, uint64_t cookie);
int loader_session_program(const struct loader *l, uint64_t cookie);
int loader_return_program(const struct loader *l);

/* Does nothing; for links of uprobe_multi that are made to be closed, where the kernel has them. */
int loader_idle_program(const struct loader *l);

/* Counts calls of sync.Pool (include/go_pools.h); its map, and what it has done so far; borrowed. */
int loader_go_pool_program(const struct loader *l);
int loader_go_pools_map(const struct loader *l);
struct go_pool_sums loader_go_pool_sums(const struct loader *l);
/* Such calls count from now on, or no more: one moment for all processes. */
void loader_count_go_pools(struct loader *l, bool on);

/* The map of traced processes by tgid; borrowed. */
int loader_processes_map(const struct loader *l);
/* A number for a new process: never 0, never used before. */
uint32_t loader_take_number(struct loader *l);
/* From now on events of tgid carry this number. 0 or -errno. */
int loader_add_process(struct loader *l, pid_t tgid, uint32_t number);
/* Its thread group has the number already (set by the kernel side at fork)? */
uint32_t loader_find_process(const struct loader *l, pid_t tgid);
/* What its addresses belong to: shared by fork's children, another one after exec. 0: not traced. */
uint64_t loader_find_image(const struct loader *l, pid_t tgid);
/* Processor time of a process that has ended; 0: not known. */
uint64_t loader_ended_cpu_ns(const struct loader *l, pid_t tgid);
/* A vfork child, held: it has links of its own, so what it allocates is seen on every way of
 * attaching. */
void loader_mark_probed(struct loader *l, pid_t tgid);
/* Only while the entry still belongs to `number`: pids are reused. */
void loader_remove_process(struct loader *l, pid_t tgid, uint32_t number);
/* Kernel-side counters of one process; zeros when it is not there. */
void loader_process_counts(const struct loader *l, pid_t tgid, uint64_t counts[COUNTER_BPF_COUNT]);
void loader_counts(const struct loader *l, uint64_t counts[COUNTER_BPF_COUNT]);

/* Hits of all probes in all traced processes so far. */
struct probe_hits {
	uint64_t count[HIT_KINDS];
	uint64_t timed[HIT_KINDS], time_ns[HIT_KINDS]; /* of the programs alone */
};

void loader_hits(const struct loader *l, struct probe_hits *hits);

/* Stacks are walked by tables (config.unwind_tables)? */
bool loader_unwinds(const struct loader *l);
/* What unwind_tables.c writes; descriptors, borrowed. */
struct loader_unwind_maps {
	int chunks, spaces, owners, rules, gone;
};

struct loader_unwind_maps loader_unwind_maps(const struct loader *l);
/* What go_maps.c writes; descriptors, borrowed. */
struct loader_go_maps {
	int shapes, thinnings;
};

struct loader_go_maps loader_go_maps(const struct loader *l);
uint32_t loader_rule_slots(const struct loader *l);
/* Stacks that were remembered by a list number are not believed any more. */
void loader_forget_stacks(struct loader *l);
/* Threads look up anew what they belong to. */
void loader_bump_generation(struct loader *l);

/* The one moment at which tracing begins or ends for all probes. */
void loader_arm(struct loader *l, bool on);
/* While armed: calls are seen no more (those under way are, to their end), notices of the dynamic linker are. */
void loader_pause(struct loader *l, bool on);

#endif /* PROBE_LOADER_H */
