/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Blind programs that leak a share of what one place of the code allocates: error paths, early
 * returns, references.
 */
#include "blind.h"
#include <math.h>

static bool loses(struct program *g, const struct part *p)
{
	double since = world_now(g->w) - p->from;

	return since >= 0 && fmod(since, p->on + p->off) < p->on && world_chance(g->w, p->chance);
}

/* Some objects that belong together, and one that is always freed: lost or freed, all of them. */
static double step_lossy(struct program *g, struct part *p)
{
	bool lost = loses(g, p);
	double life = p->life(g, p);

	for (uint32_t i = 0; i < 3 && p->loss[i]; i++) {
		uint64_t block = world_alloc(g->w, p->loss[i]->site, part_size(g, p));

		if (lost)
			lose(g, p->loss[i]);
		else {
			p->loss[i]->life_s = fmax(p->loss[i]->life_s, life);
			world_free_after(g->w, block, life);
		}
	}
	if (p->healthy != WORLD_SITES)
		world_free_after(g->w, world_alloc(g->w, p->healthy, part_size(g, p) / 4 + 1),
				 life);
	return part_due(g, p);
}

/* `gap` is the mean time between two losses. */
static struct part *add_lossy(struct program *g, double mean, double gap, double low, double high)
{
	struct part *p = part_new(g, step_lossy);

	p->mean = mean;
	p->chance = fmin(mean / gap, 1);
	p->low = low;
	p->high = high;
	p->life = life_uniform;
	p->healthy = WORLD_SITES;
	return p;
}

/*
 * A server erases the session from its table when the connection is closed, but not when the read
 * has failed: then the session and its TLS state stay for ever. The peer's address is freed by its
 * own owner in both cases.
 */
void blind_session_table(struct world *w)
{
	struct program g = {.w = w};
	double high = world_between(w, 2, 20);
	struct part *p =
		add_lossy(&g, world_scale(w, 0.02, 0.3), world_scale(w, 0.2, 5), 0.05, high);

	p->loss[0] = loss_new(&g, "session", high);
	p->loss[1] = loss_new(&g, "tls_state", high);
	p->healthy = world_healthy(w, "peer_address");
	add_scratch(&g, "read_buffer");
	add_scratch(&g, "header_map");
	add_startup(&g, "routes");
	add_lru(&g, "tls_tickets");
	add_queue(&g, "accept_queue");
	add_log(&g, "access_log");
	add_pool(&g, "io_buffers");
	program_run(&g);
}

/*
 * Answers are kept by the number of the request so that a repeated request finds its answer;
 * numbers are never used twice and nothing is ever put out. Entry and key leak; the answer's text
 * is a copy that is freed when it has been sent.
 */
void blind_request_cache(struct world *w)
{
	struct program g = {.w = w};
	double mean = world_scale(w, 0.03, 4);
	struct part *p = add_lossy(&g, mean, mean, 0.01, 0.5);

	p->loss[0] = loss_new(&g, "cache_entry", 0);
	p->loss[1] = loss_new(&g, "cache_key", 0);
	p->healthy = world_healthy(w, "answer");
	if (mean < 0.3)
		part_swing(&g, p, 30, 120);
	add_scratch(&g, "parse");
	add_sessions(&g, "session");
	add_lru(&g, "page_cache");
	add_connections(&g, "backend_connection");
	add_interned(&g, "header_names");
	program_run(&g);
}

/*
 * A string builder is freed at the end of the function, but there is a return before it, which is
 * taken once in 300 calls or so. All other builders die at once; the lost ones stay.
 */
void blind_string_builder(struct world *w)
{
	struct program g = {.w = w};
	double mean = world_scale(w, 0.003, 0.012);
	struct part *p = add_lossy(&g, mean, mean * world_between(w, 200, 400), 0.0001,
				   world_scale(w, 0.001, 0.5));

	p->loss[0] = loss_new(&g, "builder", p->high);
	add_scratch(&g, "format");
	add_scratch(&g, "tokens");
	add_vector(&g, "rows");
	add_interned(&g, "column_names");
	add_batch(&g, "export");
	program_run(&g);
}

static double step_lossy_thread(struct program *g, struct part *p)
{
	double due;

	world_thread(g->w, 2 + p->state++);
	due = step_lossy(g, p);
	world_thread(g->w, 1);
	return due;
}

/*
 * Each thread has a buffer, freed by the destructor of its thread-local storage. Threads that are
 * cancelled, or all of them where the destructor was forgotten, leave it behind. Threads come and
 * go: their numbers do not come again.
 */
void blind_thread_buffers(struct world *w)
{
	struct program g = {.w = w};
	double high = world_between(w, 1, 15), gap = world_scale(w, 0.3, 4);
	struct part *p = add_lossy(&g, gap * world_between(w, 0.1, 1), gap, 0.1, high);

	if (world_chance(w, 0.3))
		p->chance = 1;
	p->step = step_lossy_thread;
	p->bytes = 512u << world_below(w, 8);
	p->loss[0] = loss_new(&g, "thread_buffer", p->chance < 1 ? high : 0);
	p->healthy = world_healthy(w, "thread_name");
	add_threads(&g, "stack_cache");
	add_queue(&g, "jobs");
	add_scratch(&g, "job_data");
	add_startup(&g, "pool_setup");
	add_retry(&g, "upload");
	program_run(&g);
}

/*
 * Objects that count references: a view and its handler refer to each other if it was opened from
 * a menu, and neither is ever freed, nor the closure that both hold. All others die when they are
 * closed.
 */
void blind_cycles(struct world *w)
{
	struct program g = {.w = w};
	double high = world_scale(w, 0.5, 15);
	struct part *p =
		add_lossy(&g, world_scale(w, 0.02, 0.5), world_scale(w, 0.3, 4), 0.01, high);

	p->loss[0] = loss_new(&g, "view", high);
	p->loss[1] = loss_new(&g, "handler", high);
	p->loss[2] = loss_new(&g, "closure", high);
	p->healthy = world_healthy(w, "title");
	add_scratch(&g, "layout");
	add_lru(&g, "glyphs");
	add_arena(&g, "script_heap");
	add_interned(&g, "atoms");
	add_ttl(&g, "thumbnails");
	program_run(&g);
}

/*
 * It goes well until something changes after one to two minutes: a feature is switched on, a disk
 * is full. From then on a share of the blocks of a site that was healthy is lost.
 */
void blind_late(struct world *w)
{
	struct program g = {.w = w};
	double high = world_scale(w, 0.1, 20);
	struct part *p =
		add_lossy(&g, world_scale(w, 0.01, 0.3), world_scale(w, 0.3, 4), 0.001, high);

	p->from = world_between(w, 50, 130);
	p->loss[0] = loss_new(&g, "event", high);
	p->healthy = world_healthy(w, "payload");
	add_sessions(&g, "subscriber");
	add_window(&g, "rate_history");
	add_scratch(&g, "encode");
	add_index(&g, "topics");
	add_connections(&g, "upstream");
	program_run(&g);
}

/*
 * A peer comes up and goes down for a minute or two at a time. While it is down each failed
 * handshake loses its context: the leak stops when the peer is back, and begins again with the
 * next fault, without end. The blocks lost in between stay.
 */
void blind_flapping_peer(struct world *w)
{
	struct program g = {.w = w};
	double high = world_scale(w, 0.2, 8);
	struct part *p =
		add_lossy(&g, world_scale(w, 0.02, 0.3), world_scale(w, 0.3, 2.5), 0.01, high);

	p->from = world_between(w, 5, 60);
	p->on = world_between(w, 80, 120);
	p->off = world_between(w, 40, 90);
	p->loss[0] = loss_new(&g, "handshake", high);
	p->loss[1] = loss_new(&g, "certificate", high);
	p->healthy = world_healthy(w, "hello");
	add_retry(&g, "outbox");
	add_sessions(&g, "stream");
	add_scratch(&g, "frame");
	add_log(&g, "fault_log");
	add_ttl(&g, "dns");
	program_run(&g);
}

/*
 * A promise waits for the reply and has no time limit. Most replies come soon, some late, a few in
 * a thousand or a hundred never: those promises, and what they have caught, stay. Very late
 * replies are rare: lost ones are held against the latest so far.
 */
void blind_lost_replies(struct world *w)
{
	struct program g = {.w = w};
	double high = world_between(w, 3, 18);
	struct part *p = add_lossy(&g, world_scale(w, 0.01, 0.1), world_scale(w, 0.4, 5),
				   world_scale(w, 0.005, 0.3), high);

	p->life = life_tail;
	p->loss[0] = loss_new(&g, "promise", 0);
	p->loss[1] = loss_new(&g, "captured", 0);
	add_scratch(&g, "message");
	add_queue(&g, "send_queue");
	add_connections(&g, "channel");
	add_startup(&g, "schema");
	add_lru(&g, "stubs");
	program_run(&g);
}

/*
 * What lives long at the busy site: as many as at the start, each replaced when its time has come.
 */
static double step_long_lived(struct program *g, struct part *p)
{
	if (p->count < p->limit)
		p->blocks[p->count++] = world_alloc(g->w, p->site, part_size(g, p));
	else if (p->high > 0) {
		world_free(g->w, p->blocks[p->head]);
		p->blocks[p->head] = world_alloc(g->w, p->site, part_size(g, p));
		p->head = (p->head + 1) % p->limit;
	} else
		return BLIND_NEVER;
	return p->count < p->limit ? 0.001 : p->high / p->limit;
}

/*
 * One wrapper (make_object, xstrdup) is the site of everything: many hundred blocks a second that
 * die at once, some hundred that live as long as the program or some tens of seconds in turn, and
 * among them one each second or less that is lost.
 */
void blind_busy_site(struct world *w)
{
	struct program g = {.w = w};
	double turn = world_chance(w, 0.5) ? 0 : world_between(w, 8, 25);
	struct part *old, *p = add_lossy(&g, world_scale(w, 0.001, 0.003), world_scale(w, 0.3, 2),
					 0.0001, world_scale(w, 0.005, 0.3));

	p->loss[0] = loss_new(&g, "make_object", fmax(p->high, turn));
	p->bytes = (uint64_t)world_scale(w, 24, 300);
	p->from = 2;
	old = part_new(&g, step_long_lived);
	old->at = 0;
	old->site = p->loss[0]->site;
	old->bytes = p->bytes;
	old->high = turn;
	part_room(old, (uint32_t)world_scale(w, 20, 1000));
	add_startup(&g, "modules");
	add_table(&g, "symbol_table", add_interned(&g, "symbols"));
	add_arena(&g, "frames");
	add_scratch(&g, "arguments");
	program_run(&g);
}
