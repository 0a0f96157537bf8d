/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Blind programs without a leak. Why each of their sites is bounded is said where the habit is
 * (blind_parts.c, blind_stores.c); they differ in what they put together, and in the traffic.
 */
#include "blind.h"

/*
 * Traffic goes up and down with the day: all that follows it grows for a minute or two, and
 * shrinks again.
 */
void blind_web_daytime(struct world *w)
{
	struct program g = {.w = w};
	double day = world_between(w, 80, 240);

	add_sessions(&g, "session");
	add_scratch(&g, "request");
	add_scratch(&g, "response");
	add_ttl(&g, "token");
	add_lru(&g, "page");
	add_connections(&g, "backend");
	for (uint32_t i = 0; i < g.part_count; i++) {
		g.parts[i].swing = world_between(w, 0.3, 0.8);
		g.parts[i].period = day;
		g.parts[i].phase = 0;
	}
	program_run(&g);
}

/*
 * Connections to clients and to the database, statements that are prepared once and kept up to a
 * number, results that are read.
 */
void blind_database_proxy(struct world *w)
{
	struct program g = {.w = w};
	struct part *statements = add_lru(&g, "statement");

	add_table(&g, "statement_map", statements);
	add_connections(&g, "server_connection");
	add_connections(&g, "client_connection");
	add_scratch(&g, "row_description");
	add_vector(&g, "result_set");
	add_pool(&g, "packet_pool");
	program_run(&g);
}

/*
 * A store with a bound on its keys: it fills up over minutes, its table doubles meanwhile, then
 * keys are put out.
 */
void blind_key_value(struct world *w)
{
	struct program g = {.w = w};
	struct part *keys = add_index(&g, "key");

	add_table(&g, "dict", keys);
	add_lru(&g, "value");
	add_ttl(&g, "expiring_key");
	add_scratch(&g, "command");
	add_threads(&g, "background_save");
	program_run(&g);
}

/* Lines are gathered and written each minute, sent in batches, and sent again when that fails. */
void blind_log_shipper(struct world *w)
{
	struct program g = {.w = w};

	add_log(&g, "line");
	add_log(&g, "spool");
	add_retry(&g, "batch");
	add_queue(&g, "unsent");
	add_interned(&g, "source_names");
	add_vector(&g, "compressed");
	program_run(&g);
}

/*
 * Tables in memory become runs on the disk (here: their indexes), and four runs become one level,
 * which replaces the one before.
 */
static double step_compaction(struct program *g, struct part *p)
{
	uint32_t fresh = 5 + world_below(g->w, 10), merged = p->limit / 2;

	if (p->state == 4) {
		part_free_all(g, p);
		while (p->count < merged)
			p->blocks[p->count++] = world_alloc(g->w, p->site, part_size(g, p));
		p->state = 0;
		world_evidence(g->w, p->site);
	}
	for (uint32_t i = 0; i < fresh; i++)
		p->blocks[p->count++] = world_alloc(g->w, p->site, part_size(g, p));
	p->state++;
	return p->period;
}

/*
 * A store of merged logs: a saw of a minute or so in the table, a slower one in the runs. The runs
 * are first freed at the first compaction, which is the evidence for them; the keys are bounded,
 * so the merged level is.
 */
void blind_lsm_store(struct world *w)
{
	struct program g = {.w = w};
	struct part *runs, *table = add_log(&g, "memtable");

	table->low = table->high = world_between(w, 20, 60);
	runs = part_new(&g, step_compaction);
	runs->site = world_healthy(w, "run_index");
	runs->period = table->low;
	part_room(runs, 120 + 2 * world_below(w, 100));
	add_lru(&g, "block_cache");
	add_scratch(&g, "iterator");
	add_batch(&g, "compaction");
	add_vector(&g, "write_batch");
	program_run(&g);
}

/*
 * Messages wait for consumers that are slower at times; the queues have a bound. Consumers come
 * and go.
 */
void blind_broker(struct world *w)
{
	struct program g = {.w = w};

	add_queue(&g, "topic_a");
	add_queue(&g, "topic_b");
	add_queue(&g, "dead_letters");
	add_retry(&g, "unacknowledged");
	add_sessions(&g, "consumer");
	add_scratch(&g, "frame");
	program_run(&g);
}

/*
 * Players stay for some seconds to the limit of 20 s, with long tails; the world around them is
 * loaded once.
 */
void blind_game_server(struct world *w)
{
	struct program g = {.w = w};

	add_sessions(&g, "player")->life = life_tail;
	add_sessions(&g, "projectile");
	add_sessions(&g, "chat");
	add_startup(&g, "map");
	add_pool(&g, "particles");
	add_window(&g, "positions");
	program_run(&g);
}

/*
 * Objects in arenas that a collector frees each 15 to 45 s, code that is compiled while it warms
 * up, names that are kept once.
 */
void blind_managed_runtime(struct world *w)
{
	struct program g = {.w = w};
	struct part *code;

	add_arena(&g, "young");
	add_arena(&g, "large_objects");
	code = add_interned(&g, "compiled_code");
	code->high = 1;
	code->bytes = (uint64_t)world_scale(w, 1000, 30000);
	add_table(&g, "name_table", add_interned(&g, "names"));
	add_scratch(&g, "compiler_graph");
	program_run(&g);
}

/* Each unit is loaded, worked on and freed; headers are kept up to a bound; identifiers once. */
void blind_compiler_daemon(struct world *w)
{
	struct program g = {.w = w};

	add_batch(&g, "syntax_tree");
	add_batch(&g, "machine_code");
	add_interned(&g, "identifier");
	add_lru(&g, "header");
	add_vector(&g, "diagnostics");
	add_scratch(&g, "token");
	add_threads(&g, "worker_arena");
	program_run(&g);
}

/* The index is built over minutes up to its bound and then only changed; queries are short. */
void blind_search_index(struct world *w)
{
	struct program g = {.w = w};
	struct part *postings = add_index(&g, "postings");

	add_table(&g, "term_table", postings);
	add_index(&g, "documents");
	add_interned(&g, "terms");
	add_scratch(&g, "query");
	add_lru(&g, "results");
	program_run(&g);
}

/*
 * Pools that never give back: as many buffers as were once needed at the same time, at most as
 * many as are permitted.
 */
void blind_media_pool(struct world *w)
{
	struct program g = {.w = w};

	add_pool(&g, "video_frame");
	add_pool(&g, "audio_frame");
	add_pool(&g, "packet");
	add_queue(&g, "jitter_buffer");
	add_sessions(&g, "stream");
	add_startup(&g, "codec");
	program_run(&g);
}

/* Reports at intervals: load, work, free; between them nearly nothing. */
void blind_report_jobs(struct world *w)
{
	struct program g = {.w = w};

	add_batch(&g, "rows");
	add_batch(&g, "groups");
	add_batch(&g, "mail");
	add_vector(&g, "pdf");
	add_connections(&g, "db");
	add_log(&g, "audit");
	program_run(&g);
}

/*
 * Windows of samples that slide, names of what is watched, alarms that are sent until somebody
 * answers.
 */
void blind_monitor(struct world *w)
{
	struct program g = {.w = w};

	add_window(&g, "cpu_samples");
	add_window(&g, "disk_samples");
	add_ttl(&g, "host_state");
	add_retry(&g, "notification");
	add_interned(&g, "host_names");
	add_threads(&g, "probe");
	add_scratch(&g, "reply");
	program_run(&g);
}
