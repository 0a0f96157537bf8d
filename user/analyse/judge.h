/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Does a site leak? From the history of its blocks alone: how what is outstanding grows, and what becomes of its elders, the
 * blocks that have got old. docs/analysis.md explains the rules. Pure.
 */
#ifndef ANALYSE_JUDGE_H
#define ANALYSE_JUDGE_H

#include "span.h"
#include "snapshot.h"
#include "survivors.h"

struct judge_options {
	double window_s, interval_s, threshold;
	double elder_s; /* from this age on a block is an elder */
	double scale;	/* of what was freed: 1 but with gaps in the time that is covered */
	bool gaps;	/* so much of the time is not covered that frees go unseen */
};

/* What is known of a site beside its series. */
struct judge_site {
	uint64_t first_ns; /* its first event */
	uint64_t begun_ns; /* when all of it began to be watched */
	struct survivors survivors;
};

struct judgement {
	struct trend bytes, blocks;
	double watched_s;
	struct survival survival;
	enum verdict verdict;
	enum leak_rule rule;
	double score;
};

/* All that the samples of one moment are judged by. */
struct judging {
	struct judge_options options;
	struct judge_window window;
	struct series_limits limits;
	uint64_t begun_ns; /* as of struct judge_site */
};

/* The series has the newest sample in it, or nothing has changed since its last. */
void judge(const struct judge_options *o, const struct judge_window *w, const struct series *s,
	   const struct judge_site *site, struct judgement *out);
/* The trends alone, of a process. */
void judge_trends(const struct judge_window *w, const struct series *s, struct judgement *out);

#endif /* ANALYSE_JUDGE_H */
