/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A third set of programs that were written without sight of the rules; the frame in which their workers take turns, the kinds
 * of traffic and of lives.
 */
#include "blind3.h"
#include <math.h>
#include <stdlib.h>

const struct workload blind3_workloads[] = {
	{"game_server", blind3_game_server, 300},
	{"print_spooler", blind3_print_spooler, 260},
	{"mail_client", blind3_mail_client, 260},
	{"compiler_daemon", blind3_compiler_daemon, 280},
	{"telephone_exchange", blind3_telephone_exchange, 200},
	{"chat_server", blind3_chat_server, 260},
	{"ci_runner", blind3_ci_runner, 300},
	{"search_crawler", blind3_search_crawler, 240},
	{"sensor_gateway", blind3_sensor_gateway, 280},
	{"load_balancer", blind3_load_balancer, 280},
	{"video_encoder", blind3_video_encoder, 160},
	{"kv_store", blind3_kv_store, 340},
	{"notebook_kernel", blind3_notebook_kernel, 300},
	{"pdf_viewer", blind3_pdf_viewer, 300},
	{"file_sync", blind3_file_sync, 360},
	{"spreadsheet", blind3_spreadsheet, 400},
	{"map_tiles", blind3_map_tiles, 400},
	{"accounting", blind3_accounting, 420},
	{"backup", blind3_backup, 400},
	{"package_manager", blind3_package_manager, 380},
	{0},
};

/* ---- traffic ---- */

double traffic_random(struct shop *s, struct worker *k)
{
	return world_exponential(s->w, k->gap_s);
}

/* By the clock, but for some jitter. */
double traffic_ticks(struct shop *s, struct worker *k)
{
	return k->gap_s * world_between(s->w, 0.9, 1.1);
}

/* Four of five follow soon after the one before. */
double traffic_clumps(struct shop *s, struct worker *k)
{
	if (world_chance(s->w, 0.8))
		return k->gap_s / 20;
	return world_exponential(s->w, 4.8 * k->gap_s);
}

/* Busy and quiet times, each of some seconds. */
double traffic_phases(struct shop *s, struct worker *k)
{
	if (world_now(s->w) >= k->phase_end_s) {
		k->pace = k->pace > 1 ? 0.4 : world_between(s->w, 1.5, 3);
		k->phase_end_s = world_now(s->w) + fmin(2 + world_exponential(s->w, 8), 25);
	}
	return world_exponential(s->w, k->gap_s / k->pace);
}

/* Users arrive one by one in the first 40 s. */
double traffic_opening(struct shop *s, struct worker *k)
{
	return world_exponential(s->w, k->gap_s / fmin(1, 0.1 + 0.9 * world_now(s->w) / 40));
}

/* ---- lives ---- */

double lives_fixed(struct world *w, double typical, double longest)
{
	(void)w;
	(void)typical;
	return longest;
}

double lives_even(struct world *w, double typical, double longest)
{
	return world_between(w, typical, longest);
}

double lives_exponential(struct world *w, double typical, double longest)
{
	return fmin(world_exponential(w, typical), longest);
}

/* Three things have to be done one after the other. */
double lives_stages(struct world *w, double typical, double longest)
{
	double life = 0;

	for (int i = 0; i < 3; i++)
		life += world_exponential(w, typical / 3);
	return fmin(life, longest);
}

/* One of ten is needed much longer than the others. */
double lives_two_kinds(struct world *w, double typical, double longest)
{
	if (world_chance(w, 0.1))
		return world_between(w, longest / 2, longest);
	return typical * world_between(w, 0.5, 1.5);
}

/* Most are short, some are of any length (Pareto, cut). */
double lives_tail(struct world *w, double typical, double longest)
{
	return fmin(typical * pow(1 - world_between(w, 0, 1), -0.8), longest);
}

/* ---- the frame ---- */

struct worker *shop_worker(struct shop *s, uint32_t site,
			   void (*act)(struct shop *, struct worker *), double gap_s)
{
	static traffic_fn *const usual[] = {traffic_random, traffic_ticks, traffic_phases};
	struct worker *k = &s->workers[s->count++];

	if (s->count > SHOP_WORKERS)
		abort();
	*k = (struct worker){.act = act,
			     .traffic = usual[world_below(s->w, 3)],
			     .site = site,
			     .companion = WORLD_SITES,
			     .gap_s = gap_s,
			     .pace = 1,
			     .pile_s = -1,
			     .evidence_s = SHOP_NEVER};
	k->due_s = world_between(s->w, 0, fmin(gap_s, 3));
	k->bytes = (uint64_t)world_scale(s->w, 24, 5000);
	return k;
}

void shop_items(struct worker *k, uint32_t count)
{
	k->items = calloc(count, sizeof(*k->items));
	if (!k->items)
		abort();
}

void shop_seen(struct shop *s, struct worker *k)
{
	k->evidence_s = fmin(k->evidence_s, world_now(s->w));
}

/* A skewed size: half to twice what is usual. */
uint64_t shop_bytes(struct shop *s, const struct worker *k)
{
	return 1 + (uint64_t)((double)k->bytes * world_scale(s->w, 0.5, 2));
}

uint64_t shop_block(struct shop *s, const struct worker *k)
{
	return world_alloc(s->w, k->site, shop_bytes(s, k));
}

uint32_t shop_some(struct shop *s, double low, double high)
{
	return (uint32_t)world_scale(s->w, low, high);
}

double shop_scale(struct shop *s, double low, double high)
{
	return world_scale(s->w, low, high);
}

static void tell_evidence(struct shop *s)
{
	for (uint32_t i = 0; i < s->count; i++) {
		const struct worker *k = &s->workers[i];

		if (world_now(s->w) < k->evidence_s)
			continue;
		world_evidence(s->w, k->site);
		if (k->companion != WORLD_SITES)
			world_evidence(s->w, k->companion);
	}
}

static struct worker *next_worker(struct shop *s)
{
	struct worker *next = &s->workers[0];

	for (uint32_t i = 1; i < s->count; i++)
		if (s->workers[i].due_s < next->due_s)
			next = &s->workers[i];
	return next;
}

void shop_open(struct shop *s)
{
	struct worker *k = next_worker(s);

	while (world_wait(s->w, k->due_s - world_now(s->w))) {
		k->due_s = SHOP_NEVER;
		k->act(s, k);
		if (k->due_s >= SHOP_NEVER && k->traffic)
			k->due_s = world_now(s->w) + k->traffic(s, k);
		tell_evidence(s);
		k = next_worker(s);
	}
	for (uint32_t i = 0; i < s->count; i++)
		free(s->workers[i].items);
}
