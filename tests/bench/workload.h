/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs, made up or recorded, whose allocator calls are written down as the kernel side does it: for each CPU a ring of slots for
 * allocations and frees, and a ring buffer for the rest, where an 8-byte header and a struct event_* make a record.
 * Events come in pieces, so that a program of any length fits; a piece ends in sweeps, as the consumer makes them.
 */
#ifndef BENCH_WORKLOAD_H
#define BENCH_WORKLOAD_H

#include <stddef.h>
#include <stdint.h>

#include "../../include/event.h"

#define PIECE_EVENTS 1000000u
#define SWEEP_EVENTS 8192u
#define RING_BYTES   (1u << 26) /* a piece fits in one ring, of either kind */
#define RING_SLOTS   (RING_BYTES / sizeof(struct event_slot))
#define RINGS_MAX    128u

enum workload_kind {
	RANDOM,	 /* allocates and frees any of the blocks, at addresses that were not used lately */
	REALLOC, /* the same, half of it by realloc */
	PAIRS,	 /* each thread frees what it just allocated; the other blocks stay */
	HANDOFF, /* what one thread allocates, another one frees some time later */
	RECORDED, /* what a real program did, from a recording; on one CPU */
};

struct workload_options {
	enum workload_kind kind;
	uint32_t cpus, sites, threads;
	uint64_t blocks; /* outstanding */
	uint64_t seed;
	const char *recording; /* RECORDED: its file; the program has all else from there */
};

/* What there is to be read: up to which slot or byte of each ring, and until which time. */
struct sweep {
	uint64_t until_ns;
	size_t events;
	unsigned long ends[RINGS_MAX];
};

struct workload;

/* Exits when there is no memory. */
struct workload *workload_new(const struct workload_options *options);
void workload_free(struct workload *w);
/* The numbers of its processes; valid as w is. */
size_t workload_processes(const struct workload *w, const uint32_t **numbers);
/* Next piece of the program's start, which allocates all its blocks, or nine tenths; number of events, 0 when it is over. */
size_t workload_start(struct workload *w);
/* Next piece of its steady state; 0: a recording is at its end. */
size_t workload_run(struct workload *w, size_t events);
/* Of the last piece; valid until the next one is made. */
size_t workload_sweeps(const struct workload *w, const struct sweep **sweeps);
/* The rings of slots come first, one for each CPU, then the ring buffers. */
size_t workload_rings(const struct workload *w);
const uint8_t *workload_ring(const struct workload *w, size_t ring);

#endif /* BENCH_WORKLOAD_H */
