/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the second blind set is built of. A scene is one program; its actors take turns, each does one thing at one site, or at
 * two whose blocks share their fate (the companion: a key beside its value).
 *
 * Evidence. Of a leak: when the third lost object has become as old as objects of that site become that are freed; in bursts: the
 * third of the second burst, and no sooner than those of the first have become that old. Of a healthy site that begins with a pile:
 * when the pile has reached its bound, or is freed for the first time, or its oldest part is first due to be freed.
 */
#ifndef TESTS_LEAKS_BLIND2_H
#define TESTS_LEAKS_BLIND2_H

#include "world.h"

#define SCENE_ACTORS 16
#define SCENE_NEVER  1e6

struct scene;

struct slot {
	uint64_t block;
	double mark; /* last used, or in use until */
	uint32_t key;
};

struct actor {
	double at;					  /* when it is due */
	double (*step)(struct scene *s, struct actor *a); /* seconds until it is due again */
	uint32_t site, companion;			  /* WORLD_SITES: none */
	double mean, low, high;				  /* seconds between two; lifetimes */
	double swing, period, phase, ramp_s;		  /* how its traffic changes */
	double chance;					  /* that an object is lost */
	double from, on, off;				  /* it loses from then on; in bursts */
	double first_s, evidence_s;
	uint64_t bytes;
	struct slot *slots;
	uint32_t count, limit, head, kinds, group, grows, state;
	uint32_t lost, burst, in_burst;
	bool even, piles, own_thread;
};

struct scene {
	struct world *w;
	struct actor actors[SCENE_ACTORS];
	uint32_t count;
};

/* ---- the frame ---- */

struct actor *scene_actor(struct scene *s, uint32_t site,
			  double (*step)(struct scene *, struct actor *));
void scene_room(struct actor *a, uint32_t slots);
void scene_run(struct scene *s);
void scene_wave(struct scene *s, struct actor *a, double swing, double period_s);
double scene_due(struct scene *s, const struct actor *a);
uint64_t scene_size(struct scene *s, const struct actor *a);
uint32_t scene_count(struct scene *s, double low, double high);

/* ---- objects, each with its own lifetime between low and high seconds ---- */

struct actor *cast_objects(struct scene *s, const char *name, double mean, double low, double high);
/* One is lost about every `gap` seconds; all are when `gap` is `mean`. */
struct actor *cast_leak(struct scene *s, const char *name, double mean, double gap, double low,
			double high);
/* Kept `high` seconds at most, and piled up until then: expiring entries. */
struct actor *cast_expiring(struct scene *s, const char *name, double mean, double low,
			    double high);

/* ---- healthy stores ---- */

struct actor *cast_ring(struct scene *s, const char *name, double mean, uint32_t limit);
struct actor *cast_lru(struct scene *s, const char *name, double mean, uint32_t kinds,
		       uint32_t limit);
struct actor *cast_memo(struct scene *s, const char *name, double mean, uint32_t kinds,
			double age_s);
struct actor *cast_labels(struct scene *s, const char *name, double mean, uint32_t kinds);
struct actor *cast_shared(struct scene *s, const char *name, double mean, uint32_t kinds,
			  double low, double high);
struct actor *cast_pool(struct scene *s, const char *name, double mean, double high,
			uint32_t limit);
struct actor *cast_saw(struct scene *s, const char *name, double mean, double period);
struct actor *cast_batch(struct scene *s, const char *name, double mean, double period,
			 double work_s, double hold_s);
struct actor *cast_startup(struct scene *s, const char *name, double over_s, uint32_t blocks);
struct actor *cast_replaced(struct scene *s, const char *name, double period, uint32_t blocks);
struct actor *cast_vector(struct scene *s, const char *name, double mean, uint32_t limit);
struct actor *cast_queue(struct scene *s, const char *name, double mean, double load,
			 uint32_t limit);

/* ---- programs ---- */

void blind2_mail_relay(struct world *w);
void blind2_tls_terminator(struct world *w);
void blind2_event_loop(struct world *w);
void blind2_render_threads(struct world *w);
void blind2_json_gateway(struct world *w);
void blind2_signal_slots(struct world *w);
void blind2_document_view(struct world *w);
void blind2_packet_filter(struct world *w);
void blind2_shell_strings(struct world *w);
void blind2_script_engine(struct world *w);
void blind2_retry_storm(struct world *w);
void blind2_native_bridge(struct world *w);
void blind2_video_calls(struct world *w);
void blind2_metrics_agent(struct world *w);
void blind2_sql_driver(struct world *w);
void blind2_image_service(struct world *w);

void blind2_build_cache(struct world *w);
void blind2_text_editor(struct world *w);
void blind2_browser(struct world *w);
void blind2_etl(struct world *w);
void blind2_resolver(struct world *w);
void blind2_level_streaming(struct world *w);
void blind2_event_bus(struct world *w);
void blind2_inference(struct world *w);

#endif /* TESTS_LEAKS_BLIND2_H */
