/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the third blind set is built of. A shop is one program; its workers take turns, each at a site of its own, or at two whose
 * blocks share their fate (the companion). How often a worker acts is its traffic, how long a block is needed its life:
 * both are functions, so that any of them goes with any worker.
 *
 * Evidence of a leak: when the third loss is as old as blocks of that site become that are freed. In bursts: the third loss
 * of the second burst, and no sooner than the third of the first is that old.
 * Evidence of what begins with a healthy pile: when the pile has reached its bound, or is freed for the first time, or its
 * oldest part is first due to be freed.
 */
#ifndef TESTS_LEAKS_BLIND3_H
#define TESTS_LEAKS_BLIND3_H

#include "world.h"

#define SHOP_WORKERS 16
#define SHOP_NEVER   1e6

struct shop;
struct worker;

/* Seconds until the next act. */
typedef double traffic_fn(struct shop *s, struct worker *k);
/* Seconds that a block is needed. */
typedef double life_fn(struct world *w, double typical, double longest);

struct item {
	uint64_t block, bytes;
	double since; /* made, last used, or in use until */
	uint32_t state;
};

struct worker {
	double due_s;
	void (*act)(struct shop *s, struct worker *k);
	traffic_fn *traffic;
	life_fn *life;
	double gap_s, typical_s, longest_s;
	double phase_end_s, pace;		/* of traffic that changes */
	double lost_share, from_s, on_s, off_s; /* what is lost, from when, in which bursts */
	double until_s, work_s, rest_s;		/* of work that goes in rounds */
	double share, pile_s, evidence_s;
	uint32_t site, companion; /* the second: WORLD_SITES is none */
	uint64_t bytes, total, most;
	struct item *items;
	uint32_t count, limit, head, spare, state, round;
	uint32_t losses, burst, in_burst, group, grows;
	bool on, own_thread, piles;
};

struct shop {
	struct world *w;
	struct worker workers[SHOP_WORKERS];
	uint32_t count;
};

/* ---- the frame ---- */

struct worker *shop_worker(struct shop *s, uint32_t site,
			   void (*act)(struct shop *, struct worker *), double gap_s);
void shop_items(struct worker *k, uint32_t count);
void shop_seen(struct shop *s, struct worker *k);
uint64_t shop_bytes(struct shop *s, const struct worker *k);
uint64_t shop_block(struct shop *s, const struct worker *k);
uint32_t shop_some(struct shop *s, double low, double high);
double shop_scale(struct shop *s, double low, double high);
void shop_open(struct shop *s);

traffic_fn traffic_random, traffic_ticks, traffic_clumps, traffic_phases, traffic_opening;
life_fn lives_fixed, lives_even, lives_exponential, lives_stages, lives_two_kinds, lives_tail;

/* ---- blocks with a life each ---- */

struct worker *has_objects(struct shop *s, const char *name, double gap_s, life_fn *life,
			   double typical_s, double longest_s);
/* As objects, but of `share` of them nothing is freed; 1 is all. */
struct worker *has_leak(struct shop *s, const char *name, double gap_s, double share, life_fn *life,
			double typical_s, double longest_s);
/* Nothing is ever freed. */
struct worker *has_registry(struct shop *s, const char *name, double gap_s);
/* Blocks are made at any time of a session, and all freed at its end, but those of `share` of the sessions. */
struct worker *has_sessions(struct shop *s, const char *name, double gap_s, uint32_t at_once,
			    life_fn *life, double typical_s, double longest_s);
struct worker *has_leaky_sessions(struct shop *s, const char *name, double gap_s, double share,
				  uint32_t at_once, double longest_s);
/* The value of a key is replaced, and `share` of the old ones forgotten. */
struct worker *has_overwritten(struct shop *s, const char *name, double gap_s, double share,
			       uint32_t keys);
/* So many at once, about each `period_s`, and none is freed. */
struct worker *has_harvest(struct shop *s, const char *name, double period_s, uint32_t blocks);
/* Kept until its bucket of `bucket_s` is the oldest of `buckets`. */
struct worker *has_buckets(struct shop *s, const char *name, double gap_s, double bucket_s,
			   uint32_t buckets);

/* ---- healthy stores ---- */

struct worker *has_startup(struct shop *s, const char *name, uint32_t blocks, uint32_t phases,
			   double over_s);
struct worker *has_window(struct shop *s, const char *name, double gap_s, uint32_t blocks);
struct worker *has_lru(struct shop *s, const char *name, double gap_s, double hits,
		       uint32_t blocks);
struct worker *has_byte_cache(struct shop *s, const char *name, double gap_s, uint32_t blocks);
struct worker *has_halves(struct shop *s, const char *name, double gap_s, uint32_t blocks);
struct worker *has_universe(struct shop *s, const char *name, double gap_s, uint32_t keys);
struct worker *has_population(struct shop *s, const char *name, double gap_s, uint32_t blocks);
struct worker *has_pool(struct shop *s, const char *name, double gap_s, double use_s,
			uint32_t blocks);
struct worker *has_stack(struct shop *s, const char *name, double gap_s, uint32_t depth);

/* ---- healthy work in rounds ---- */

struct worker *has_memtable(struct shop *s, const char *name, double gap_s, uint32_t blocks,
			    double flush_s);
struct worker *has_levels(struct shop *s, const char *name, double gap_s);
struct worker *has_generations(struct shop *s, const char *name, double gap_s, uint32_t blocks);
struct worker *has_backlog(struct shop *s, const char *name, double gap_s, double outage_s,
			   uint32_t limit);
struct worker *has_batch(struct shop *s, const char *name, double gap_s, double work_s,
			 double rest_s);
struct worker *has_snapshots(struct shop *s, const char *name, double gap_s, uint32_t pages,
			     double hold_s);
struct worker *has_texts(struct shop *s, const char *name, double typical_s, uint32_t open,
			 uint32_t pieces);

/* ---- programs ---- */

void blind3_game_server(struct world *w);
void blind3_print_spooler(struct world *w);
void blind3_mail_client(struct world *w);
void blind3_compiler_daemon(struct world *w);
void blind3_telephone_exchange(struct world *w);
void blind3_chat_server(struct world *w);
void blind3_ci_runner(struct world *w);
void blind3_search_crawler(struct world *w);
void blind3_sensor_gateway(struct world *w);
void blind3_load_balancer(struct world *w);
void blind3_video_encoder(struct world *w);
void blind3_kv_store(struct world *w);
void blind3_notebook_kernel(struct world *w);
void blind3_pdf_viewer(struct world *w);
void blind3_file_sync(struct world *w);

void blind3_spreadsheet(struct world *w);
void blind3_map_tiles(struct world *w);
void blind3_accounting(struct world *w);
void blind3_backup(struct world *w);
void blind3_package_manager(struct world *w);

#endif /* TESTS_LEAKS_BLIND3_H */
