/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the fourth blind set is built of. A plant is one program; its lines work beside each other, most of them the more the
 * higher the load of the whole plant is, which opens slowly or goes in waves. A line has one site, or two whose blocks share
 * their fate, or one for each stage of a job.
 *
 * Evidence of a leak: when the third loss is as old as blocks of that site become that are freed, and no sooner than
 * PLANT_SPAN_S after the first loss. In bursts: the third loss of the second burst, and no sooner than the third of the first
 * is that old. Evidence of a healthy site that begins with a pile: when the pile has reached its bound, or is freed for the
 * first time, or its oldest part is first due to be freed.
 */
#ifndef TESTS_LEAKS_BLIND4_H
#define TESTS_LEAKS_BLIND4_H

#include "world.h"

#define PLANT_LINES  16
#define PLANT_NEVER  1e6
#define PLANT_SPAN_S 3.0
#define LINE_STAGES  6

struct plant;
struct line;

/* How long a block is needed, in seconds; at most `longest`. */
typedef double ages_fn(struct world *w, double longest);
/* Does one thing; the seconds until the next, or PLANT_NEVER. */
typedef double act_fn(struct plant *p, struct line *l);

struct slot {
	uint64_t block, bytes;
	double since, until, length;
	uint32_t state;
	bool lost;
};

/* Part of a job: its block is there from `at` to `until`, as shares of the job's time. */
struct stage {
	const char *name; /* NULL ends the list */
	double at, until;
	bool lost; /* when the job fails */
};

struct line {
	double due_s;
	act_fn *act;
	ages_fn *ages;
	double gap_s, longest_s;
	double share;		    /* of what is lost, or is freed */
	double from_s, on_s, off_s; /* losses: from when on, in bursts of about that long */
	double work_s, rest_s, until_s;
	uint64_t bytes;
	uint32_t site, companion; /* the second: WORLD_SITES is none */
	const struct stage *stages;
	uint32_t stage_sites[LINE_STAGES];
	struct slot *slots;
	uint32_t count, limit, head, state, round, burst;
	uint32_t group, grows; /* blocks at once; times that each is made larger */
	bool on, leaks, piles, own_thread;
	bool steady, clumps; /* by the clock; most follow soon after the one before */
};

/* What is known of a site. */
struct fate {
	double first_s, pile_s, evidence_s;
	uint32_t count, burst, in_burst;
};

struct plant {
	struct world *w;
	struct line lines[PLANT_LINES];
	struct fate fates[WORLD_SITES];
	uint32_t count;
	double swing, period_s, phase, opens_s;
};

/* ---- the frame ---- */

void plant_open(struct plant *p, struct world *w);
void plant_waves(struct plant *p, double swing, double period_s);
void plant_run(struct plant *p);
double plant_gap(struct plant *p, const struct line *l);
double plant_scale(struct plant *p, double low, double high);
uint32_t plant_some(struct plant *p, double low, double high);
/* The evidence of `site` is at `when`, or earlier when that was said. */
void plant_seen(struct plant *p, uint32_t site, double when);
/* One loss: blocks of that site that are freed become `life_s` old. `burst` counts from 1; 0: not in bursts. */
void plant_lost(struct plant *p, uint32_t site, double life_s, uint32_t burst);

struct line *line_new(struct plant *p, uint32_t site, double gap_s, act_fn *act);
void line_room(struct line *l, uint32_t slots);
uint64_t line_bytes(struct plant *p, const struct line *l);
uint64_t line_block(struct plant *p, const struct line *l);

ages_fn ages_even, ages_early, ages_fixed, ages_bell, ages_split, ages_lognormal, ages_backoff;

/* ---- blocks with an age each ---- */

struct line *line_objects(struct plant *p, const char *name, double gap_s, ages_fn *ages,
			  double longest_s);
/* As objects, but `share` of them is never freed; 1 is all. */
struct line *line_leak(struct plant *p, const char *name, double gap_s, double share, ages_fn *ages,
		       double longest_s);
/* Blocks are made at any time of a session and freed at its end; those of `share` of the sessions are not. */
struct line *line_sessions(struct plant *p, const char *name, double gap_s, uint32_t at_once,
			   ages_fn *ages, double longest_s);
struct line *line_leaky_sessions(struct plant *p, const char *name, double gap_s, uint32_t at_once,
				 double share, double longest_s);
/* `keys` values are replaced in turn; readers of an old one hold it for a while, and of `share` for ever. */
struct line *line_versions(struct plant *p, const char *name, double gap_s, uint32_t keys,
			   double readers_s);
struct line *line_leaky_versions(struct plant *p, const char *name, double gap_s, uint32_t keys,
				 double share, double readers_s);
/* `share` of the jobs fails somewhere, and loses the blocks of some stages. */
struct line *line_jobs(struct plant *p, const struct stage *stages, double gap_s, double share,
		       uint32_t at_once, double longest_s);

/* ---- healthy stores ---- */

struct line *line_startup(struct plant *p, const char *name, uint32_t blocks, uint32_t phases,
			  double over_s);
struct line *line_names(struct plant *p, const char *name, double fill_s, uint32_t names);
struct line *line_slabs(struct plant *p, const char *name, double fill_s, uint32_t blocks);
struct line *line_hash(struct plant *p, const char *name, double fill_s, uint32_t entries);
struct line *line_cache(struct plant *p, const char *name, double fill_s, uint32_t blocks);
struct line *line_expiring(struct plant *p, const char *name, double gap_s, double keep_s,
			   double sweep_s);
struct line *line_watermark(struct plant *p, const char *name, double fill_s, uint32_t blocks,
			    double dropped);
struct line *line_ring(struct plant *p, const char *name, double gap_s, uint32_t blocks);
struct line *line_undo(struct plant *p, const char *name, double gap_s, uint32_t groups,
		       uint32_t group);

/* ---- work in rounds ---- */

struct line *line_batch(struct plant *p, const char *name, double gap_s, double work_s,
			double rest_s);
/* Of each round about `left` blocks are left. */
struct line *line_leaky_batch(struct plant *p, const char *name, double gap_s, double work_s,
			      double rest_s, double left);
struct line *line_reload(struct plant *p, const char *name, double period_s, uint32_t blocks);
/* The old ones are not freed. */
struct line *line_leaky_reload(struct plant *p, const char *name, double period_s, uint32_t blocks);
struct line *line_collector(struct plant *p, const char *name, double gap_s, uint32_t blocks,
			    double longest_s);
struct line *line_buckets(struct plant *p, const char *name, double gap_s, double bucket_s,
			  uint32_t buckets);
struct line *line_queue(struct plant *p, const char *name, double gap_s, double stall_s,
			uint32_t limit);
struct line *line_crowd(struct plant *p, const char *name, double period_s, uint32_t most);
struct line *line_growing(struct plant *p, const char *name, double typical_s, uint32_t open,
			  uint32_t pieces);

/* ---- programs ---- */

void blind4_vpn_daemon(struct world *w);
void blind4_hospital_gateway(struct world *w);
void blind4_cad_viewer(struct world *w);
void blind4_push_gateway(struct world *w);
void blind4_time_series(struct world *w);
void blind4_route_daemon(struct world *w);
void blind4_directory_server(struct world *w);
void blind4_debugger(struct world *w);
void blind4_radio_streamer(struct world *w);
void blind4_matching_engine(struct world *w);
void blind4_genome_aligner(struct world *w);
void blind4_compositor(struct world *w);
void blind4_git_server(struct world *w);
void blind4_pod_agent(struct world *w);
void blind4_file_server(struct world *w);

void blind4_weather_model(struct world *w);
void blind4_text_recogniser(struct world *w);
void blind4_aircraft_tracker(struct world *w);
void blind4_torrent_client(struct world *w);
void blind4_virus_scanner(struct world *w);

#endif /* TESTS_LEAKS_BLIND4_H */
