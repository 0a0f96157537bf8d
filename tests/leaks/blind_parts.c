/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The frame of the blind programs, their lifetimes, and the habits in which each block has a
 * lifetime of its own.
 */
#include "blind.h"
#include <math.h>
#include <stdlib.h>

#define TURN (2 * 3.14159265358979)

/* ---- the frame ---- */

struct part *part_new(struct program *g, double (*step)(struct program *, struct part *))
{
	struct part *p = &g->parts[g->part_count++];

	if (g->part_count > BLIND_PARTS)
		abort();
	*p = (struct part){.step = step, .at = world_between(g->w, 0, 1), .on = BLIND_NEVER};
	p->bytes = (uint64_t)world_scale(g->w, 24, 4000);
	return p;
}

void part_room(struct part *p, uint32_t limit)
{
	p->limit = limit;
	p->blocks = calloc(limit, sizeof(*p->blocks));
	if (!p->blocks)
		abort();
}

void part_swing(struct program *g, struct part *p, double low_s, double high_s)
{
	p->swing = world_between(g->w, 0.2, 0.9);
	p->period = world_between(g->w, low_s, high_s);
	p->phase = world_between(g->w, 0, TURN);
}

uint64_t part_size(struct program *g, const struct part *p)
{
	return (uint64_t)((double)p->bytes * world_between(g->w, 0.6, 1.4)) + 1;
}

double part_busy(const struct program *g, const struct part *p)
{
	return p->swing > 0 ? 1 + p->swing * sin(world_now(g->w) / p->period * TURN + p->phase) : 1;
}

double part_due(struct program *g, const struct part *p)
{
	return world_exponential(g->w, p->mean / part_busy(g, p));
}

void part_free_all(struct program *g, struct part *p)
{
	for (uint32_t i = 0; i < p->count; i++)
		world_free(g->w, p->blocks[i]);
	p->count = 0;
}

struct loss *loss_new(struct program *g, const char *name, double life_s)
{
	struct loss *l = &g->losses[g->loss_count++];

	if (g->loss_count > BLIND_LOSSES)
		abort();
	*l = (struct loss){.site = world_leak(g->w, name), .life_s = life_s};
	return l;
}

void lose(struct program *g, struct loss *l)
{
	if (++l->count == BLIND_PILE)
		l->pile_s = world_now(g->w);
}

static struct part *next_part(struct program *g)
{
	struct part *next = &g->parts[0];

	for (uint32_t i = 1; i < g->part_count; i++)
		if (g->parts[i].at < next->at)
			next = &g->parts[i];
	return next;
}

static void look_for_evidence(struct program *g)
{
	for (uint32_t i = 0; i < g->loss_count; i++) {
		const struct loss *l = &g->losses[i];

		if (l->count >= BLIND_PILE && world_now(g->w) >= l->pile_s + l->life_s)
			world_evidence(g->w, l->site);
	}
}

void program_run(struct program *g)
{
	for (;;) {
		struct part *p = next_part(g);

		if (!world_wait(g->w, p->at - world_now(g->w)))
			break;
		p->at = world_now(g->w) + p->step(g, p);
		look_for_evidence(g);
	}
	for (uint32_t i = 0; i < g->part_count; i++)
		free(g->parts[i].blocks);
}

/* ---- lifetimes ---- */

double life_uniform(struct program *g, const struct part *p)
{
	return world_between(g->w, p->low, p->high);
}

double life_exponential(struct program *g, const struct part *p)
{
	return fmin(world_exponential(g->w, p->low), p->high);
}

/* Pareto, as sessions and flows are: most are short, and some as long as is permitted. */
double life_tail(struct program *g, const struct part *p)
{
	return fmin(p->low * pow(world_between(g->w, 1e-6, 1), -1 / 1.1), p->high);
}

/* Answered at once, or sent again after 1, 2, 4 and 8 s, and given up then. */
double life_retry(struct program *g, const struct part *p)
{
	double life = world_between(g->w, 0.005, 0.3);

	for (double pause = 1; pause <= 8 && world_chance(g->w, p->chance); pause *= 2)
		life += pause;
	return life;
}

/* ---- each block has its own lifetime ---- */

static double step_traffic(struct program *g, struct part *p)
{
	uint64_t block = world_alloc(g->w, p->site, part_size(g, p));

	world_free_after(g->w, block, p->life(g, p));
	return part_due(g, p);
}

/* Buffers of a request, temporary strings: they die young. */
struct part *add_scratch(struct program *g, const char *name)
{
	struct part *p = part_new(g, step_traffic);

	p->site = world_healthy(g->w, name);
	p->mean = world_scale(g->w, 0.008, 0.1);
	p->low = world_scale(g->w, 0.0005, 0.3);
	p->high = 5 * p->low;
	p->life = life_exponential;
	if (world_chance(g->w, 0.3))
		part_swing(g, p, 20, 200);
	return p;
}

/* Sessions of users: from the first second on some end, and none lasts longer than 20 s. */
struct part *add_sessions(struct program *g, const char *name)
{
	static double (*const lives[])(struct program *, const struct part *) = {
		life_uniform, life_exponential, life_tail};
	struct part *p = part_new(g, step_traffic);

	p->site = world_healthy(g->w, name);
	p->mean = world_scale(g->w, 0.01, 0.5);
	p->life = lives[world_below(g->w, 3)];
	p->low = p->life == life_exponential ? world_between(g->w, 1, 5)
					     : world_scale(g->w, 0.05, 1);
	p->high = world_between(g->w, 8, 20);
	return p;
}

/* Messages kept until they are acknowledged. */
struct part *add_retry(struct program *g, const char *name)
{
	struct part *p = part_new(g, step_traffic);

	p->site = world_healthy(g->w, name);
	p->mean = world_scale(g->w, 0.01, 0.2);
	p->chance = world_between(g->w, 0.05, 0.6);
	p->life = life_retry;
	return p;
}

static double step_ttl(struct program *g, struct part *p)
{
	if (!p->count++)
		p->mark = world_now(g->w) + p->low;
	if (world_now(g->w) > p->mark)
		world_evidence(g->w, p->site);
	return step_traffic(g, p);
}

/*
 * A cache whose entries expire: names that were resolved, tokens. Nothing is freed until the first
 * entry expires, and then it can be seen; what it holds follows the traffic.
 */
struct part *add_ttl(struct program *g, const char *name)
{
	struct part *p = part_new(g, step_ttl);

	p->site = world_healthy(g->w, name);
	p->mean = world_scale(g->w, 0.02, 0.5);
	p->low = world_scale(g->w, 4, 60);
	p->high = p->low * 1.01;
	p->life = life_uniform;
	part_swing(g, p, 60, 240);
	return p;
}

static double step_thread(struct program *g, struct part *p)
{
	double due;

	world_thread(g->w, 2 + p->count++);
	due = step_traffic(g, p);
	world_thread(g->w, 1);
	return due;
}

/* A buffer for each thread, freed when the thread ends; threads live up to 15 s. */
struct part *add_threads(struct program *g, const char *name)
{
	struct part *p = part_new(g, step_thread);

	p->site = world_healthy(g->w, name);
	p->mean = world_scale(g->w, 0.05, 1);
	p->low = world_between(g->w, 0.05, 1);
	p->high = world_between(g->w, 3, 15);
	p->life = life_uniform;
	return p;
}

/* ---- a queue ---- */

static double step_queue(struct program *g, struct part *p)
{
	uint32_t in = world_poisson(g->w, 0.1 / p->mean * part_busy(g, p)),
		 out = world_poisson(g->w, 0.1 / p->mean / p->chance);

	for (; in && p->count < p->limit; in--, p->count++)
		p->blocks[(p->head + p->count) % p->limit] =
			world_alloc(g->w, p->site, part_size(g, p));
	for (; out && p->count; out--, p->count--) {
		world_free(g->w, p->blocks[p->head]);
		p->head = (p->head + 1) % p->limit;
	}
	return 0.1;
}

/*
 * Work in order of arrival. On average less comes than can be done, at the busy times more: there
 * is a backlog then, which is worked off, and when the queue is full no more is taken.
 */
struct part *add_queue(struct program *g, const char *name)
{
	struct part *p = part_new(g, step_queue);

	p->site = world_healthy(g->w, name);
	p->mean = world_scale(g->w, 0.01, 0.1);
	p->chance = world_between(g->w, 0.6, 0.97); /* the load */
	part_swing(g, p, 5, 40);
	part_room(p, (uint32_t)(world_between(g->w, 2, 20) / p->mean));
	return p;
}
