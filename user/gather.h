/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Facts of a live run. The main thread only. */
#ifndef USER_GATHER_H
#define USER_GATHER_H

#include "facts.h"
#include "tracker.h"
#include "windows.h"

struct gather {
	struct tracker *tracker; /* borrowed, as windows is */
	struct windows *windows;
	const struct options *options;
	uint64_t begun_ns, last_ns, last_cpu_ns;
	struct pss_reader *pss; /* NULL: before the begin, or there is none */
	double cpu_percent; /* of the tracer, in the last span that was long enough; 0 before that */
};

/* Tracing has begun now. */
void gather_begin(struct gather *g, uint64_t now_ns);
/* Stops what gather_begin() has started, if anything. */
void gather_end(struct gather *g);
/* Of now, for a cut at time_ns. The caller frees by facts_done(). */
void gather_facts(struct gather *g, uint64_t time_ns, struct facts *f);
/* The same without what the tracer itself uses. */
void gather_figures(struct gather *g, uint64_t time_ns, struct facts *f);
/* Of a sample of growth: only what it needs. */
void gather_sample(struct gather *g, uint64_t time_ns, struct facts *f);
/* What the processes use. */
void gather_processes(struct gather *g, struct facts *f);
/* Of that, the goroutines alone. */
void gather_goroutines(struct gather *g, struct facts *f);

#endif /* USER_GATHER_H */
