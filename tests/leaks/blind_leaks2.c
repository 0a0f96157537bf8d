/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Blind programs that leak in ways of their own: registries, bursts, arrays, timers. */
#include "blind.h"

static double step_reconnect(struct program *g, struct part *p)
{
	world_alloc(g->w, p->loss[0]->site, p->bytes);
	lose(g, p->loss[0]);
	if (world_chance(g->w, p->chance)) { /* with a filter of its own */
		world_alloc(g->w, p->loss[1]->site, part_size(g, p));
		lose(g, p->loss[1]);
	}
	world_free(g->w, p->blocks[0]); /* of the connection before */
	p->blocks[0] = world_alloc(g->w, p->healthy, part_size(g, p));
	return part_due(g, p);
}

/*
 * A client registers its listeners anew each time it connects, and never removes the old ones. The
 * connection itself is replaced: there is one. Nothing of the leaking sites is ever freed, so the
 * third listener is evidence.
 */
void blind_reconnect(struct world *w)
{
	struct program g = {.w = w};
	struct part *p = part_new(&g, step_reconnect);

	part_room(p, 1);
	p->mean = world_scale(w, 0.3, 4);
	p->chance = world_between(w, 0.6, 1);
	p->loss[0] = loss_new(&g, "listener", 0);
	p->loss[1] = loss_new(&g, "filter", 0);
	p->healthy = world_healthy(w, "connection");
	add_scratch(&g, "packet");
	add_retry(&g, "publish");
	add_ttl(&g, "resolver");
	add_queue(&g, "inbox");
	add_window(&g, "latency_samples");
	add_vector(&g, "batch_body");
	program_run(&g);
}

/* What is freed of a burst; evidence is the second that has lost something. */
static void end_burst(struct program *g, struct part *p)
{
	bool lost = false;

	for (uint32_t i = 0; i < p->count; i++)
		if (world_chance(g->w, p->chance))
			lost = true;
		else
			world_free(g->w, p->blocks[i]);
	p->count = 0;
	p->state += lost;
	if (p->state == 2)
		world_evidence(g->w, p->site);
}

static double step_night(struct program *g, struct part *p)
{
	if (p->count == p->limit) {
		end_burst(g, p);
		return p->period * world_between(g->w, 0.7, 1.3);
	}
	p->blocks[p->count++] = world_alloc(g->w, p->site, part_size(g, p));
	return p->count < p->limit ? world_exponential(g->w, p->mean) : world_between(g->w, 0, 3);
}

/*
 * The job of the night: it runs each 15 to 60 s here, loads records, and at its end frees all but
 * some of them, or none. Between two jobs nothing happens at the site. A running job has lost
 * nothing, so the evidence is the end of the second one that has.
 */
void blind_nightly_batch(struct world *w)
{
	struct program g = {.w = w};
	struct part *p = part_new(&g, step_night);

	p->site = world_leak(w, "record");
	part_room(p, (uint32_t)world_scale(w, 30, 600));
	p->period = world_between(w, 15, 60);
	p->at = world_between(w, 1, p->period); /* not at the start of the program */
	p->mean = world_between(w, 0.5, 5) / p->limit;
	p->chance = world_chance(w, 0.4) ? 1 : world_between(w, 0.15, 0.6);
	add_batch(&g, "aggregate");
	add_scratch(&g, "row");
	add_sessions(&g, "user");
	add_log(&g, "journal");
	add_startup(&g, "catalogue");
	add_connections(&g, "db_connection");
	program_run(&g);
}

static double step_reload(struct program *g, struct part *p)
{
	uint64_t fresh[256];
	uint32_t nodes = p->limit - world_below(g->w, 5);

	for (uint32_t i = 0; i < nodes; i++)
		fresh[i] = world_alloc(g->w, p->site, part_size(g, p));
	end_burst(g, p); /* the tree before */
	for (; p->count < nodes; p->count++)
		p->blocks[p->count] = fresh[p->count];
	return p->period * world_between(g->w, 0.7, 1.3);
}

/*
 * The settings are read again each 5 to 15 s. The new tree is built, then the old one freed,
 * except for the nodes of included files, which the walk does not reach. The trees are of about
 * the same size. When the second tree is freed what is left of the first has become older than
 * nodes do: that is the evidence.
 */
void blind_config_reload(struct world *w)
{
	struct program g = {.w = w};
	struct part *p = part_new(&g, step_reload);

	p->site = world_leak(w, "config_node");
	part_room(p, 20 + world_below(w, 200));
	p->period = world_between(w, 5, 15);
	p->chance = world_between(w, 0.05, 0.4);
	add_scratch(&g, "lexer");
	add_interned(&g, "keys");
	add_lru(&g, "responses");
	add_table(&g, "vhosts", add_startup(&g, "vhost"));
	add_threads(&g, "worker");
	program_run(&g);
}

static double step_array(struct program *g, struct part *p)
{
	if (p->count++ >= p->head) {
		p->head += p->chance > 0 ? 1 + (uint32_t)(p->head * p->chance) : p->limit;
		p->blocks[0] = world_realloc(g->w, p->site, p->blocks[0], p->head * p->bytes);
		if (++p->state == BLIND_PILE)
			world_evidence(g->w, p->site);
	}
	return part_due(g, p);
}

/*
 * A history is appended to and never cut: one array, which realloc() makes larger by a fixed
 * number of entries (or by an eighth, as lists of Python do it). There is one block, but what it
 * holds has no bound. It has grown three times when it can be seen.
 */
void blind_growing_array(struct world *w)
{
	struct program g = {.w = w};
	struct part *p = part_new(&g, step_array);

	p->site = world_leak(w, "history");
	part_room(p, 1 + world_below(w, 32));
	p->chance = world_chance(w, 0.3) ? 0.125 : 0;
	p->bytes = 8u << world_below(w, 6);
	p->mean = world_scale(w, 0.02, 1) / (p->chance > 0 ? 4 : p->limit);
	add_vector(&g, "frame");
	add_table(&g, "object_index", add_lru(&g, "objects"));
	add_scratch(&g, "undo_text");
	add_pool(&g, "vertices");
	add_window(&g, "fps");
	program_run(&g);
}

static double step_large(struct program *g, struct part *p)
{
	world_alloc(g->w, p->loss[0]->site, part_size(g, p));
	lose(g, p->loss[0]);
	return p->mean * world_between(g->w, 0.5, 1.5);
}

/*
 * A picture is decoded each 3 to 9 s and kept by a closure that nobody calls: few blocks, each of
 * megabytes. None is ever freed, so the third is evidence.
 */
void blind_large_slow(struct world *w)
{
	struct program g = {.w = w};
	struct part *p = part_new(&g, step_large);

	p->mean = world_between(w, 3, 9);
	p->bytes = (uint64_t)world_scale(w, 500e3, 16e6);
	p->loss[0] = loss_new(&g, "bitmap", 0);
	add_scratch(&g, "scanline");
	add_lru(&g, "tiles");
	add_batch(&g, "thumbnail_job");
	add_startup(&g, "fonts");
	add_arena(&g, "scene");
	add_ttl(&g, "metadata");
	program_run(&g);
}

static double step_timer(struct program *g, struct part *p)
{
	uint32_t registered = world_chance(g->w, p->chance) ? 2 : 1;

	if (p->blocks[0]) /* the one that is known is cancelled */
		world_free(g->w, p->blocks[0]);
	for (uint32_t i = 0; i < registered; i++)
		p->blocks[0] = world_alloc(g->w, p->loss[0]->site, p->bytes);
	if (registered == 2) {
		lose(g, p->loss[0]);
		p->count++;
	}
	return p->mean * world_between(g->w, 0.9, 1.1);
}

/* Each timer that is still registered fires twice a second, those too that nobody knows of. */
static double step_fire(struct program *g, struct part *p)
{
	for (uint32_t i = 0; i <= p->of->count; i++)
		world_free(g->w, world_alloc(g->w, p->site, part_size(g, p)));
	return 0.5;
}

/*
 * A timer is cancelled and registered again each second or so; often two places register it, only
 * the last is known, and the other is never cancelled. What the timers allocate when they fire is
 * freed in the call: more and more of it, but none stays.
 */
void blind_double_timer(struct world *w)
{
	struct program g = {.w = w};
	struct part *fire, *p = part_new(&g, step_timer);

	part_room(p, 1);
	p->mean = world_scale(w, 0.3, 3);
	p->chance = world_between(w, 0.5, 1);
	p->loss[0] = loss_new(&g, "timer", p->mean * 1.1);
	fire = part_new(&g, step_fire);
	fire->site = world_healthy(w, "tick_data");
	fire->of = p;
	add_scratch(&g, "callback");
	add_sessions(&g, "subscription");
	add_queue(&g, "run_queue");
	add_lru(&g, "templates");
	add_retry(&g, "webhook");
	program_run(&g);
}

/*
 * A new value of a label: series and label texts, never freed. The series of the start are there
 * from the start.
 */
static double step_series(struct program *g, struct part *p)
{
	uint32_t texts = 1 + world_below(g->w, 4);

	world_alloc(g->w, p->loss[0]->site, p->bytes);
	lose(g, p->loss[0]);
	for (uint32_t i = 0; i < texts; i++) {
		world_alloc(g->w, p->loss[1]->site, 8 + world_below(g->w, 64));
		lose(g, p->loss[1]);
	}
	return part_due(g, p);
}

/*
 * A library of metrics keeps a series for each value of its labels, and somebody has put the
 * number of the user into a label. Users are new without end, faster by day than by night. Nothing
 * is ever freed at both sites: the third series is evidence.
 */
void blind_label_cardinality(struct world *w)
{
	struct program g = {.w = w};
	struct part *p = part_new(&g, step_series);

	p->mean = world_scale(w, 0.05, 2);
	p->loss[0] = loss_new(&g, "series", 0);
	p->loss[1] = loss_new(&g, "label_text", 0);
	part_swing(&g, p, 40, 200);
	if (p->swing > 0.6)
		p->swing = 0.6;
	add_scratch(&g, "scrape_body");
	add_window(&g, "histogram_window");
	add_interned(&g, "metric_names");
	add_sessions(&g, "request");
	add_log(&g, "trace_spans");
	program_run(&g);
}
