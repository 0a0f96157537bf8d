/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What growth.c, which takes samples and has them judged, and growth_look.c, which reads what was found, have in common. */
#ifndef ANALYSE_GROWTH_PRIVATE_H
#define ANALYSE_GROWTH_PRIVATE_H

#include "growth.h"
#include "heard.h"
#include "judge.h"

/* Sites lie anywhere: so many before its turn each is on its way. */
#define PREFETCH_SITES 8u

/* At most as large as a cache line: a sample looks at each of them, and of a site that is quiet at nothing else. */
struct site_record {
	uint64_t version;	  /* of the site at its newest point */
	struct site_state *state; /* NULL: not looked at yet */
	uint32_t changed; /* number of the sample before which it had changed last, from 1 */
	uint32_t judged;  /* of the sample after which it was judged last */
	struct series series;
};
_Static_assert(sizeof(struct site_record) <= 64, "there is one for each of very many sites");

/* What was found of a site. */
struct site_state {
	struct judge_site site;
	struct judgement judgement;
};

struct process_record {
	struct series series;
	struct series_point point; /* of the sample that is being taken */
	uint64_t alloc_bytes[2];   /* at the last two samples, by their numbers */
	struct carried raised;	   /* of heap_process.before: it is in the history */
	struct judgement judgement;
};

/* The samples that a moment is compared with. */
struct view {
	bool valid;
	uint64_t now_ns;
	uint32_t base, last; /* start of the window; the newest that is not of this very moment */
	double window_s, last_s; /* how long ago they were */
};

struct growth {
	struct judge_options options;
	uint64_t least_ns; /* samples nearer together than this are left out */
	uint64_t elder_ns;
	struct series_limits limits;
	uint32_t window_samples;
	uint64_t *times;		  /* of the last samples, by number */
	uint32_t capacity;		  /* of them */
	uint32_t samples;		  /* taken so far, or being taken */
	uint64_t begun_ns;		  /* the first of them */
	struct site_record *sites;	  /* by heap index */
	struct process_record *processes; /* by heap index */
	uint32_t site_capacity, process_capacity;
	struct heard heard; /* of the sites */
	struct coverage_figures coverage;
	struct view view;
	uint32_t judge_next;
	/* the sample that is being taken */
	uint32_t next, sites_now, processes_now;
	int err;
};

/* The oldest one whose time is known. */
static inline uint32_t first_sample(const struct growth *g)
{
	return g->samples > g->capacity ? g->samples - g->capacity : 0;
}

static inline uint64_t sample_time(const struct growth *g, uint32_t sample)
{
	return g->times[sample % g->capacity];
}

#endif /* ANALYSE_GROWTH_PRIVATE_H */
