/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the blind set is built of. A program is a number of parts that take turns; each part is a
 * habit of real programs with parameters of its own (a cache, a queue, sessions), drawn by the
 * seed.
 *
 * Evidence of a leak is the same everywhere here, unless a program says otherwise: one block that
 * stays may be meant to, so it is when the third lost block has become older than any block of its
 * site is when it is freed.
 */
#ifndef TESTS_LEAKS_BLIND_H
#define TESTS_LEAKS_BLIND_H

#include "world.h"

#define BLIND_PARTS  32
#define BLIND_LOSSES 8
#define BLIND_PILE   3
#define BLIND_NEVER  1e6

struct program;

/* A site that leaks. */
struct loss {
	uint32_t site, count;
	double life_s; /* the oldest that its blocks become when they are freed */
	double pile_s; /* when the third was lost */
};

struct part {
	double at;					   /* when it is due */
	double (*step)(struct program *g, struct part *p); /* seconds until it is due again */
	double (*life)(struct program *g, const struct part *p);
	uint32_t site, healthy; /* the second is a companion of what is lost */
	struct loss *loss[3];
	double chance; /* of a loss, or of what the step says */
	double mean;   /* seconds between two */
	double low, high;
	double swing, period, phase; /* traffic that comes and goes */
	double from, on, off; /* when it loses: from then on, for a while, and not for a while */
	double until, mark;
	uint64_t bytes;
	uint64_t *blocks;
	uint32_t count, limit, head, old, state;
	bool oldest_first;
	const struct part *of;
};

struct program {
	struct world *w;
	struct part parts[BLIND_PARTS];
	struct loss losses[BLIND_LOSSES];
	uint32_t part_count, loss_count;
};

/* ---- the frame ---- */

struct part *part_new(struct program *g, double (*step)(struct program *, struct part *));
void part_room(struct part *p, uint32_t limit);
void part_swing(struct program *g, struct part *p, double low_s, double high_s);
uint64_t part_size(struct program *g, const struct part *p);
double part_due(struct program *g, const struct part *p);
/* 1 on average, by the time of day */
double part_busy(const struct program *g, const struct part *p);
void part_free_all(struct program *g, struct part *p);
struct loss *loss_new(struct program *g, const char *name, double life_s);
void lose(struct program *g, struct loss *l);
void program_run(struct program *g);

/* ---- lifetimes ---- */

double life_uniform(struct program *g, const struct part *p);
double life_exponential(struct program *g, const struct part *p);
double life_tail(struct program *g, const struct part *p);
double life_retry(struct program *g, const struct part *p);

/* ---- healthy habits ---- */

struct part *add_scratch(struct program *g, const char *name);
struct part *add_sessions(struct program *g, const char *name);
struct part *add_retry(struct program *g, const char *name);
struct part *add_ttl(struct program *g, const char *name);
struct part *add_queue(struct program *g, const char *name);
struct part *add_startup(struct program *g, const char *name);
struct part *add_lru(struct program *g, const char *name);
struct part *add_index(struct program *g, const char *name);
struct part *add_window(struct program *g, const char *name);
struct part *add_log(struct program *g, const char *name);
struct part *add_arena(struct program *g, const char *name);
struct part *add_batch(struct program *g, const char *name);
struct part *add_table(struct program *g, const char *name, const struct part *of);
struct part *add_vector(struct program *g, const char *name);
struct part *add_pool(struct program *g, const char *name);
struct part *add_connections(struct program *g, const char *name);
struct part *add_interned(struct program *g, const char *name);
struct part *add_threads(struct program *g, const char *name);

/* ---- programs ---- */

void blind_session_table(struct world *w);
void blind_reconnect(struct world *w);
void blind_request_cache(struct world *w);
void blind_string_builder(struct world *w);
void blind_thread_buffers(struct world *w);
void blind_nightly_batch(struct world *w);
void blind_growing_array(struct world *w);
void blind_large_slow(struct world *w);
void blind_cycles(struct world *w);
void blind_double_timer(struct world *w);
void blind_busy_site(struct world *w);
void blind_late(struct world *w);
void blind_flapping_peer(struct world *w);
void blind_config_reload(struct world *w);
void blind_lost_replies(struct world *w);
void blind_label_cardinality(struct world *w);

void blind_web_daytime(struct world *w);
void blind_database_proxy(struct world *w);
void blind_key_value(struct world *w);
void blind_log_shipper(struct world *w);
void blind_lsm_store(struct world *w);
void blind_broker(struct world *w);
void blind_game_server(struct world *w);
void blind_managed_runtime(struct world *w);
void blind_compiler_daemon(struct world *w);
void blind_search_index(struct world *w);
void blind_media_pool(struct world *w);
void blind_report_jobs(struct world *w);
void blind_monitor(struct world *w);

#endif /* TESTS_LEAKS_BLIND_H */
