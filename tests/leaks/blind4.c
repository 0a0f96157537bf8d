/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A fourth set of programs that were written without sight of the rules; the frame in which their lines take turns, the load, the
 * ages of blocks, and when what is lost or piled up can be told.
 */
#include "blind4.h"
#include <math.h>
#include <stdlib.h>

#define CIRCLE (2 * 3.14159265358979)
#define PILE   3

const struct workload blind4_workloads[] = {
	{"vpn_daemon", blind4_vpn_daemon, 320},
	{"hospital_gateway", blind4_hospital_gateway, 300},
	{"cad_viewer", blind4_cad_viewer, 340},
	{"push_gateway", blind4_push_gateway, 360},
	{"time_series", blind4_time_series, 340},
	{"route_daemon", blind4_route_daemon, 300},
	{"directory_server", blind4_directory_server, 380},
	{"debugger", blind4_debugger, 300},
	{"radio_streamer", blind4_radio_streamer, 420},
	{"matching_engine", blind4_matching_engine, 240},
	{"genome_aligner", blind4_genome_aligner, 320},
	{"compositor", blind4_compositor, 320},
	{"git_server", blind4_git_server, 380},
	{"pod_agent", blind4_pod_agent, 340},
	{"file_server", blind4_file_server, 340},
	{"weather_model", blind4_weather_model, 460},
	{"text_recogniser", blind4_text_recogniser, 420},
	{"aircraft_tracker", blind4_aircraft_tracker, 600},
	{"torrent_client", blind4_torrent_client, 480},
	{"virus_scanner", blind4_virus_scanner, 440},
	{0},
};

/* ---- ages ---- */

double ages_even(struct world *w, double longest)
{
	return longest * world_between(w, 0.02, 1);
}

/* Most go soon. */
double ages_early(struct world *w, double longest)
{
	double u = world_between(w, 0, 1);

	return longest * u * u * u;
}

double ages_fixed(struct world *w, double longest)
{
	return longest * world_between(w, 0.95, 1);
}

double ages_bell(struct world *w, double longest)
{
	return longest *
	       (world_between(w, 0, 1) + world_between(w, 0, 1) + world_between(w, 0, 1)) / 3;
}

/* One of seven stays much longer than the others. */
double ages_split(struct world *w, double longest)
{
	return longest *
	       (world_chance(w, 1.0 / 7) ? world_between(w, 0.5, 1) : world_between(w, 0.01, 0.1));
}

double ages_lognormal(struct world *w, double longest)
{
	double normal = sqrt(2 * world_exponential(w, 1)) * cos(CIRCLE * world_between(w, 0, 1));

	return fmin(longest, 0.1 * longest * exp(normal));
}

/* Tried again after twice the time, each try as likely to fail as not. */
double ages_backoff(struct world *w, double longest)
{
	int tries = 1;

	while (tries < 6 && world_chance(w, 0.5))
		tries++;
	return longest * (exp2(tries) - 1) / 63;
}

/* ---- what can be told ---- */

void plant_seen(struct plant *p, uint32_t site, double when)
{
	p->fates[site].evidence_s = fmin(p->fates[site].evidence_s, when);
}

static void lost_in_burst(struct plant *p, struct fate *f, double life_s, uint32_t burst)
{
	if (f->burst != burst)
		f->in_burst = 0;
	f->burst = burst;
	if (++f->in_burst != PILE)
		return;
	if (f->pile_s < 0)
		f->pile_s = world_now(p->w);
	else
		f->evidence_s = fmin(f->evidence_s, fmax(world_now(p->w), f->pile_s + life_s));
}

void plant_lost(struct plant *p, uint32_t site, double life_s, uint32_t burst)
{
	struct fate *f = &p->fates[site];

	if (burst) {
		lost_in_burst(p, f, life_s, burst);
		return;
	}
	if (!f->count++)
		f->first_s = world_now(p->w);
	if (f->count == PILE)
		f->evidence_s = fmax(world_now(p->w) + life_s, f->first_s + PLANT_SPAN_S);
}

static void tell_evidence(struct plant *p)
{
	for (uint32_t site = 0; site < WORLD_SITES; site++)
		if (world_now(p->w) >= p->fates[site].evidence_s)
			world_evidence(p->w, site);
}

/* ---- lines ---- */

struct line *line_new(struct plant *p, uint32_t site, double gap_s, act_fn *act)
{
	struct line *l = &p->lines[p->count++];

	if (p->count > PLANT_LINES)
		abort();
	*l = (struct line){.act = act,
			   .gap_s = gap_s,
			   .site = site,
			   .companion = WORLD_SITES,
			   .clumps = world_chance(p->w, 0.2),
			   .due_s = world_between(p->w, 0, fmin(gap_s, 2))};
	l->bytes = (uint64_t)world_scale(p->w, 20, 4000);
	return l;
}

void line_room(struct line *l, uint32_t slots)
{
	l->limit = slots;
	l->slots = calloc(slots, sizeof(*l->slots));
	if (!l->slots)
		abort();
}

/* Two of three are of the usual size, the others up to three times as large. */
uint64_t line_bytes(struct plant *p, const struct line *l)
{
	if (world_chance(p->w, 2.0 / 3))
		return l->bytes;
	return 1 + (uint64_t)((double)l->bytes * world_between(p->w, 0.5, 3));
}

uint64_t line_block(struct plant *p, const struct line *l)
{
	return world_alloc(p->w, l->site, line_bytes(p, l));
}

/* ---- load ---- */

static double load(const struct plant *p)
{
	double now = world_now(p->w), busy = 1;

	if (p->swing > 0)
		busy += p->swing * sin(CIRCLE * now / p->period_s + p->phase);
	if (now < p->opens_s)
		busy *= 0.25 + 0.75 * now / p->opens_s;
	return fmax(busy, 0.25);
}

double plant_gap(struct plant *p, const struct line *l)
{
	double gap_s = l->gap_s / load(p);

	if (l->steady)
		return l->gap_s * world_between(p->w, 0.9, 1.1);
	if (!l->clumps)
		return world_exponential(p->w, gap_s);
	return world_chance(p->w, 0.75) ? gap_s / 15 : world_exponential(p->w, 3.8 * gap_s);
}

double plant_scale(struct plant *p, double low, double high)
{
	return world_scale(p->w, low, high);
}

uint32_t plant_some(struct plant *p, double low, double high)
{
	return (uint32_t)world_scale(p->w, low, high);
}

/* ---- the frame ---- */

/* Some open slowly, some are as busy always, some come and go in waves. */
void plant_open(struct plant *p, struct world *w)
{
	*p = (struct plant){.w = w};
	for (uint32_t site = 0; site < WORLD_SITES; site++)
		p->fates[site] =
			(struct fate){.pile_s = -1, .first_s = -1, .evidence_s = PLANT_NEVER};
	if (world_chance(w, 0.3))
		p->opens_s = world_between(w, 5, 40);
	if (world_chance(w, 0.4))
		plant_waves(p, world_between(w, 0.2, 0.6), world_between(w, 20, 150));
}

void plant_waves(struct plant *p, double swing, double period_s)
{
	p->swing = swing;
	p->period_s = period_s;
	p->phase = world_between(p->w, 0, CIRCLE);
}

static struct line *next_line(struct plant *p)
{
	struct line *next = &p->lines[0];

	for (uint32_t i = 1; i < p->count; i++)
		if (p->lines[i].due_s < next->due_s)
			next = &p->lines[i];
	return next;
}

void plant_run(struct plant *p)
{
	struct line *l = next_line(p);

	while (world_wait(p->w, l->due_s - world_now(p->w))) {
		l->due_s = world_now(p->w) + l->act(p, l);
		tell_evidence(p);
		l = next_line(p);
	}
	for (uint32_t i = 0; i < p->count; i++)
		free(p->lines[i].slots);
}
