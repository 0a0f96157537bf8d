/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The live heap of Go programs. Their objects are never freed by a call: a collection finds out which are left. Samples of them come as
 * events of the kernel side (bpf/go.bpf.h); here a thread keeps those that live, asks after each collection which still do, and
 * hands the others to the consumer, which makes ordinary frees of them on the event clock.
 */
#ifndef USER_GO_SAMPLER_H
#define USER_GO_SAMPLER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "../include/event.h"

struct feed;
struct go_builds;
struct go_sampler;
struct loader;

/* loader and builds (go_open()) borrowed. */
struct go_sampler *go_sampler_new(struct loader *loader, struct go_builds *builds);
/* After the consumer has stopped. NULL is fine. */
void go_sampler_free(struct go_sampler *g);

/* ---- main thread ---- */

/* Starts the thread, unless it runs: before the first probe that draws samples is set. 0 or -errno. */
int go_sampler_start(struct go_sampler *g);
/* The process runs a Go program whose heap is sampled; may be said again. */
void go_sampler_add(struct go_sampler *g, uint32_t number, pid_t pid);
void go_sampler_drop(struct go_sampler *g, uint32_t number);

/* All counts of samples. */
struct go_sampler_figures {
	bool known;
	uint64_t samples; /* that live */
	uint64_t
		uncertain; /* of them: a collection was missed, and something else may have taken their place */
	uint64_t cycles;     /* collections after which the samples were asked for */
	uint64_t missed;     /* collections that ended before all samples were asked for */
	uint64_t mean_bytes; /* thinned: one for so many bytes; 0: not */
};

void go_sampler_read(struct go_sampler *g, uint32_t number, struct go_sampler_figures *figures);

/* ---- the thread of the consumer ---- */

/* Every event that is no plain allocation or free, in order. */
void go_sampler_note(struct go_sampler *g, const struct event_header *e);
/* With the heap's lock, when all events until now_ns are applied: frees what was found dead. */
void go_sampler_give(struct go_sampler *g, struct feed *feed, uint64_t now_ns);

#endif /* USER_GO_SAMPLER_H */
