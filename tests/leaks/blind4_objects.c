/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Blocks that have an age each, or share that of a session or of a job; healthy, or of which some are lost. */
#include "blind4.h"
#include <math.h>

/* Times are cut to nanoseconds: what is due may be a little ahead of the clock. */
#define SOON_S 1e-6

/* ---- what is lost ---- */

static void turn(struct plant *p, struct line *l)
{
	if (world_now(p->w) < l->until_s)
		return;
	l->on = !l->on;
	l->burst += l->on;
	l->until_s = world_now(p->w) + (l->on ? l->on_s : l->off_s) * world_between(p->w, 0.7, 1.3);
}

static bool loses(struct plant *p, struct line *l)
{
	if (!l->leaks || world_now(p->w) < l->from_s)
		return false;
	if (l->off_s > 0)
		turn(p, l);
	return (l->off_s <= 0 || l->on) && world_chance(p->w, l->share);
}

/* ---- objects ---- */

static void make(struct plant *p, struct line *l, uint32_t site, bool lost, double age_s)
{
	uint64_t bytes = line_bytes(p, l), block = world_alloc(p->w, site, bytes);

	for (uint32_t i = 0; i < l->grows; i++) {
		bytes += bytes / 2 + 1 + world_below(p->w, 64);
		block = world_realloc(p->w, site, block, bytes);
	}
	if (!lost)
		world_free_after(p->w, block, age_s);
}

static double act_object(struct plant *p, struct line *l)
{
	bool lost = loses(p, l);
	double age_s = l->ages(p->w, l->longest_s);
	uint32_t blocks = 1 + (l->group ? world_below(p->w, 2 * l->group) : 0);

	if (l->own_thread)
		world_thread(p->w, 2 + l->state++);
	for (uint32_t i = 0; i < blocks; i++)
		make(p, l, l->site, lost, age_s);
	if (l->companion != WORLD_SITES)
		make(p, l, l->companion, lost, age_s);
	world_thread(p->w, 1);
	if (lost) {
		plant_lost(p, l->site, l->share < 1 ? l->longest_s : 0, l->burst);
		if (l->companion != WORLD_SITES)
			plant_lost(p, l->companion, l->share < 1 ? l->longest_s : 0, l->burst);
	}
	if (l->piles)
		plant_seen(p, l->site, world_now(p->w) + l->longest_s);
	return plant_gap(p, l);
}

static struct line *objects(struct plant *p, uint32_t site, double gap_s, ages_fn *ages,
			    double longest_s)
{
	struct line *l = line_new(p, site, gap_s, act_object);

	l->ages = ages;
	l->longest_s = longest_s;
	return l;
}

/* When all ages are long, the first is due only after a pile. */
struct line *line_objects(struct plant *p, const char *name, double gap_s, ages_fn *ages,
			  double longest_s)
{
	struct line *l = objects(p, world_healthy(p->w, name), gap_s, ages, longest_s);

	l->piles = (ages == ages_fixed && longest_s > 2) || (ages == ages_bell && longest_s > 8);
	return l;
}

struct line *line_leak(struct plant *p, const char *name, double gap_s, double share, ages_fn *ages,
		       double longest_s)
{
	struct line *l = objects(p, world_leak(p->w, name), gap_s, ages, longest_s);

	l->leaks = true;
	l->share = share;
	return l;
}

/* ---- sessions ---- */

static void begin_session(struct plant *p, struct line *l)
{
	struct slot *session = &l->slots[l->count++];

	session->until = world_now(p->w) + l->ages(p->w, l->longest_s);
	session->lost = loses(p, l);
	session->state = 2 + l->round++;
	session->block = 0;
}

static void end_sessions(struct plant *p, struct line *l)
{
	for (uint32_t i = 0; i < l->count;) {
		if (l->slots[i].until > world_now(p->w) + SOON_S) {
			i++;
			continue;
		}
		l->slots[i] = l->slots[--l->count];
		if (l->piles)
			plant_seen(p, l->site, world_now(p->w));
	}
}

static double act_session(struct plant *p, struct line *l)
{
	struct slot *session;
	uint64_t block;

	end_sessions(p, l);
	if (!l->count || (l->count < l->limit && world_chance(p->w, l->work_s)))
		begin_session(p, l);
	session = &l->slots[world_below(p->w, l->count)];
	if (l->own_thread)
		world_thread(p->w, session->state);
	block = line_block(p, l);
	world_thread(p->w, 1);
	if (!session->lost)
		world_free_after(p->w, block, session->until - world_now(p->w));
	else if (!session->block) /* its first */
		plant_lost(p, l->site, l->longest_s, 0);
	session->block = block;
	return plant_gap(p, l);
}

static struct line *sessions(struct plant *p, uint32_t site, double gap_s, uint32_t at_once,
			     ages_fn *ages, double longest_s)
{
	struct line *l = line_new(p, site, gap_s, act_session);

	line_room(l, at_once);
	l->ages = ages;
	l->longest_s = longest_s;
	l->work_s = fmin(1, 1.5 * gap_s * at_once / longest_s);
	return l;
}

struct line *line_sessions(struct plant *p, const char *name, double gap_s, uint32_t at_once,
			   ages_fn *ages, double longest_s)
{
	struct line *l = sessions(p, world_healthy(p->w, name), gap_s, at_once, ages, longest_s);

	l->piles = ages != ages_split && longest_s > 8;
	return l;
}

struct line *line_leaky_sessions(struct plant *p, const char *name, double gap_s, uint32_t at_once,
				 double share, double longest_s)
{
	struct line *l = sessions(p, world_leak(p->w, name), gap_s, at_once, ages_even, longest_s);

	l->leaks = true;
	l->share = share;
	return l;
}

/* ---- versions: all values are replaced in turn; who reads an old one holds it ---- */

static void retire(struct plant *p, struct line *l, const struct slot *old)
{
	if (loses(p, l)) {
		/* the turn may take a fifth longer than it did */
		plant_lost(p, l->site, l->longest_s + 0.2 * l->gap_s * l->limit, 0);
		return;
	}
	world_free_after(p->w, old->block, ages_early(p->w, l->longest_s));
	if (!l->leaks)
		plant_seen(p, l->site, world_now(p->w) + l->longest_s);
}

static double act_versions(struct plant *p, struct line *l)
{
	struct slot *value = &l->slots[l->head];

	l->head = (l->head + 1) % l->limit;
	if (value->block)
		retire(p, l, value);
	value->block = line_block(p, l);
	return plant_gap(p, l);
}

static struct line *versions(struct plant *p, uint32_t site, double gap_s, uint32_t keys,
			     double readers_s)
{
	struct line *l = line_new(p, site, gap_s, act_versions);

	line_room(l, keys);
	l->longest_s = readers_s;
	l->steady = true;
	return l;
}

struct line *line_versions(struct plant *p, const char *name, double gap_s, uint32_t keys,
			   double readers_s)
{
	return versions(p, world_healthy(p->w, name), gap_s, keys, readers_s);
}

struct line *line_leaky_versions(struct plant *p, const char *name, double gap_s, uint32_t keys,
				 double share, double readers_s)
{
	struct line *l = versions(p, world_leak(p->w, name), gap_s, keys, readers_s);

	l->leaks = true;
	l->share = share;
	return l;
}

/* ---- jobs, with a site for each stage ---- */

static void begin_job(struct plant *p, struct line *l)
{
	struct slot *job = &l->slots[l->count];

	if (l->count == l->limit)
		return;
	l->count++;
	*job = (struct slot){.since = world_now(p->w), .lost = loses(p, l)};
	job->length = l->ages(p->w, l->longest_s);
	job->until = job->since + job->length * (job->lost ? world_between(p->w, 0.5, 1) : 1);
}

static double stage_due(const struct line *l, const struct slot *job)
{
	const struct stage *stage = &l->stages[job->state];
	double due_s = job->since + stage->at * job->length;

	return stage->name && due_s < job->until ? due_s : PLANT_NEVER;
}

static void do_stage(struct plant *p, struct line *l, struct slot *job)
{
	const struct stage *stage = &l->stages[job->state];
	uint32_t site = l->stage_sites[job->state++];
	uint64_t block = world_alloc(p->w, site, line_bytes(p, l));
	double end_s = fmin(job->until, job->since + stage->until * job->length);

	if (stage->lost && job->lost)
		plant_lost(p, site, (stage->until - stage->at) * l->longest_s, 0);
	else
		world_free_after(p->w, block, end_s - world_now(p->w));
}

static double act_jobs(struct plant *p, struct line *l)
{
	double now = world_now(p->w) + SOON_S, next_s;

	if (l->until_s <= now) {
		begin_job(p, l);
		l->until_s = now + plant_gap(p, l);
	}
	next_s = l->until_s;
	for (uint32_t i = 0; i < l->count;) {
		struct slot *job = &l->slots[i];

		while (stage_due(l, job) <= now)
			do_stage(p, l, job);
		next_s = fmin(next_s, stage_due(l, job));
		if (stage_due(l, job) >= PLANT_NEVER)
			*job = l->slots[--l->count];
		else
			i++;
	}
	return next_s - world_now(p->w);
}

struct line *line_jobs(struct plant *p, const struct stage *stages, double gap_s, double share,
		       uint32_t at_once, double longest_s)
{
	struct line *l = line_new(p, WORLD_SITES, gap_s, act_jobs);

	line_room(l, at_once);
	for (uint32_t i = 0; i < LINE_STAGES && stages[i].name; i++)
		l->stage_sites[i] = stages[i].lost ? world_leak(p->w, stages[i].name)
						   : world_healthy(p->w, stages[i].name);
	l->stages = stages;
	l->ages = ages_bell;
	l->longest_s = longest_s;
	l->leaks = share > 0;
	l->share = share;
	return l;
}
