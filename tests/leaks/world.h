/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs whose leaks are known, in simulated time. A program is a function that allocates and frees at labelled sites and
 * waits in between; what it does goes as events to a heap, of which samples are taken each second, as tracing does it. So a
 * program of two minutes takes some milliseconds, and the same seed gives the same events.
 *
 *	static void server(struct world *w)
 *	{
 *		uint32_t request = world_healthy(w, "request");
 *		uint32_t lost = world_leak(w, "lost");
 *
 *		while (world_wait(w, world_exponential(w, 0.1))) {	// ten requests a second
 *			uint64_t block = world_alloc(w, request, 200);
 *
 *			world_free_after(w, block, world_between(w, 0.01, 2));
 *			if (world_chance(w, 0.05)) {
 *				world_alloc(w, lost, 48);		// never freed
 *				world_evidence(w, lost);		// only the first call counts
 *			}
 *		}
 *	}
 *
 *	static const struct workload set[] = {{"server", server, 120}, {0}};
 *
 * Labels. A site is a leak when blocks of it pile up without end that the program never frees. It is healthy when what it
 * has outstanding is bounded in the long run, however it gets there: caches, pools and start-up data are healthy.
 *
 * Evidence. world_evidence() says: now somebody who sees every event so far, and nothing of the program, could begin to tell. For a leak
 * that is when the first lost blocks have become older than the blocks of that site which are freed do (at once, when none
 * is freed or all die young); for a leak in bursts, the second burst. For a healthy site it is needed only when it begins as a leak does,
 * with blocks that pile up and stay: say it when the cache is full, the start-up is over, the first of what was piled up is
 * freed. A healthy site without it is healthy to see from the start: it is never to be called a leak.
 * A leak without it has its evidence at its first allocation.
 *
 * Judged. A leak is found when its verdict is `leak` at some moment within 30 s of its evidence. A healthy site is a false
 * alarm when its verdict is `leak` at any moment; with evidence, at any moment more than 30 s after that.
 * So programs go on for longer than that: their seconds are simulated, and cheap.
 */
#ifndef TESTS_LEAKS_WORLD_H
#define TESTS_LEAKS_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct world;

struct workload {
	const char *name;
	void (*run)(struct world *w);
	double seconds; /* when the world ends; below 1000 */
};

/* Ends with one that has no name. */
extern const struct workload own_leaks[], own_healthy[], own_more[], blind_workloads[],
	blind2_workloads[], blind3_workloads[], blind4_workloads[];

/* ---- sites ---- */

/* The number of a new site. Names are for people; at most WORLD_SITES in one program. */
#define WORLD_SITES 64u
uint32_t world_leak(struct world *w, const char *name);
uint32_t world_healthy(struct world *w, const char *name);
void world_evidence(struct world *w, uint32_t site);

/* ---- what programs do ---- */

/* The address of a new block. */
uint64_t world_alloc(struct world *w, uint32_t site, uint64_t bytes);
/* A block of another size; `address` 0 is a new one. The old address is no longer valid. */
uint64_t world_realloc(struct world *w, uint32_t site, uint64_t address, uint64_t bytes);
/* 0 is nothing. */
void world_free(struct world *w, uint64_t address);
/* Some time later, while the program waits. Not to be freed otherwise, nor reallocated. */
void world_free_after(struct world *w, uint64_t address, double seconds);
/* Time passes only here. False when the world has ended: then return. */
bool world_wait(struct world *w, double seconds);
/* The thread that does what follows; 1 in the beginning. */
void world_thread(struct world *w, uint32_t thread);

/* ---- time and chance ---- */

double world_now(const struct world *w); /* seconds since the start */
double world_between(struct world *w, double low, double high);
/* Between the two, each power of ten as likely: for rates, sizes and periods. */
double world_scale(struct world *w, double low, double high);
bool world_chance(struct world *w, double probability);
/* The time until something happens that happens on average every `mean` seconds. */
double world_exponential(struct world *w, double mean);
/* How often something happened that happens `mean` times on average. */
uint32_t world_poisson(struct world *w, double mean);
/* [0, count) */
uint32_t world_below(struct world *w, uint32_t count);

/* ---- for those who judge ---- */

enum outcome {
	OUTCOME_FOUND = 0, /* a leak, in time */
	OUTCOME_MISSED = 1,
	OUTCOME_HEALTHY = 2, /* and never called a leak when it was wrong to */
	OUTCOME_ALARM = 3,
	OUTCOMES
};

struct judged_site {
	const char *name;
	enum outcome outcome,
		naive; /* by the verdict; by (last - first) / first > threshold over the window */
	double evidence_s;
	double called_s; /* when it was first called a leak, in time, or wrongly; < 0: it was not */
	int rule;	 /* by which of the rules, then */
	double kept; /* a leak that was found: share of the time since then that it was called one */
	bool early;  /* a healthy site that was called a leak before it was wrong to */
};

struct judged {
	struct judged_site sites[WORLD_SITES];
	uint32_t count;
	uint64_t events;
};

/* How the tracer is told to look; zeros: as it does by default. */
struct world_options {
	uint64_t sample_bytes;
	bool verbose; /* a line for each site and second on stdout */
};

/* Runs a program once. False when it used the world wrongly, or the heap has lost count (said on stderr). */
bool world_run(const struct workload *workload, uint64_t seed, const struct world_options *options,
	       struct judged *judged);

#endif /* TESTS_LEAKS_WORLD_H */
