/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs that leak: servers and gateways. What stays and why is said above each. */
#include "blind4.h"

/* When both sides begin to agree on new keys at the same time, the loser's half-done handshake stays. */
void blind4_vpn_daemon(struct world *w)
{
	struct plant p;

	plant_open(&p, w);
	line_leak(&p, "handshake", plant_scale(&p, 0.03, 0.3), world_between(w, 0.1, 0.3),
		  ages_early, world_between(w, 2, 10));
	line_versions(&p, "session_key", plant_scale(&p, 0.05, 0.3), plant_some(&p, 20, 120),
		      world_between(w, 1, 6));
	line_objects(&p, "packet", plant_scale(&p, 0.002, 0.02), ages_early,
		     plant_scale(&p, 0.01, 0.3));
	line_queue(&p, "send_queue", plant_scale(&p, 0.01, 0.08), world_between(w, 2, 10),
		   plant_some(&p, 100, 600));
	line_names(&p, "peer", world_between(w, 15, 90), plant_some(&p, 10, 120));
	line_expiring(&p, "cookie", plant_scale(&p, 0.05, 0.5), world_between(w, 10, 30),
		      world_between(w, 5, 15));
	plant_run(&p);
}

/* A message is parsed, stored and acknowledged. When the acknowledgement does not come in time, its tree is forgotten. */
void blind4_hospital_gateway(struct world *w)
{
	static const struct stage message[] = {
		{"raw_frame", 0, 0.3, false},	{"segment", 0.05, 0.9, true},
		{"field_text", 0.1, 0.9, true}, {"ack_timer", 0.3, 1, false},
		{"archive_row", 0.6, 1, false}, {0},
	};
	struct plant p;

	plant_open(&p, w);
	line_jobs(&p, message, plant_scale(&p, 0.04, 0.25), world_between(w, 0.08, 0.25), 150,
		  world_between(w, 1, 8));
	line_cache(&p, "patient", plant_scale(&p, 5, 100), plant_some(&p, 40, 400));
	line_reload(&p, "code_table", world_between(w, 12, 45), plant_some(&p, 30, 300));
	line_ring(&p, "audit_line", plant_scale(&p, 0.05, 0.3), plant_some(&p, 60, 300));
	plant_run(&p);
}

/* Tokens of telephones that are no longer there are noted so that they are not tried again, and never dropped: with the load. */
void blind4_push_gateway(struct world *w)
{
	struct plant p;

	plant_open(&p, w);
	plant_waves(&p, world_between(w, 0.3, 0.7), world_between(w, 40, 120));
	line_leak(&p, "stale_token", plant_scale(&p, 0.05, 1), 1, ages_fixed, 0);
	line_objects(&p, "notification", plant_scale(&p, 0.004, 0.03), ages_lognormal,
		     world_between(w, 1, 8))
		->group = 2;
	line_objects(&p, "retry", plant_scale(&p, 0.05, 0.4), ages_backoff,
		     world_between(w, 8, 28));
	line_sessions(&p, "stream", plant_scale(&p, 0.02, 0.15), plant_some(&p, 10, 60), ages_split,
		      20);
	line_watermark(&p, "receipt", world_between(w, 8, 60), plant_some(&p, 200, 1500),
		       world_between(w, 0.2, 0.9));
	line_slabs(&p, "frame_slab", world_between(w, 20, 110), plant_some(&p, 20, 150));
	plant_run(&p);
}

/* A tombstone of a deleted series is kept for a compaction that skips it: small, one each few seconds, beside much else. */
void blind4_time_series(struct world *w)
{
	struct plant p;
	struct line *tombstone;

	plant_open(&p, w);
	tombstone = line_leak(&p, "tombstone", world_between(w, 1.2, 3.2), 1, ages_fixed, 0);
	tombstone->bytes = 40 + world_below(w, 200);
	tombstone->steady = world_chance(w, 0.5);
	tombstone->clumps = false;
	line_batch(&p, "head_chunk", plant_scale(&p, 0.01, 0.06), world_between(w, 8, 40),
		   world_between(w, 1, 5));
	line_growing(&p, "index_page", plant_scale(&p, 2, 20), plant_some(&p, 2, 12),
		     plant_some(&p, 60, 600));
	line_cache(&p, "postings", plant_scale(&p, 10, 110), plant_some(&p, 50, 500));
	line_objects(&p, "query_series", plant_scale(&p, 0.01, 0.1), ages_lognormal,
		     world_between(w, 2, 15))
		->group = 5;
	line_hash(&p, "series_hash", world_between(w, 10, 80), plant_some(&p, 500, 6000));
	plant_run(&p);
}

/* Attributes are shared by routes. A route that is withdrawn while it is damped does not give its reference back. */
void blind4_route_daemon(struct world *w)
{
	struct plant p;
	uint32_t keys;
	double gap_s;

	plant_open(&p, w);
	keys = plant_some(&p, 20, 150);
	gap_s = world_between(w, 3, 12) / keys;
	/* one is lost each 0.7 to 3 s */
	line_leaky_versions(&p, "attribute_set", gap_s, keys, gap_s / plant_scale(&p, 0.7, 3),
			    world_between(w, 0.5, 5));
	line_objects(&p, "update", plant_scale(&p, 0.005, 0.05), ages_early,
		     plant_scale(&p, 0.05, 1));
	line_startup(&p, "route", plant_some(&p, 500, 4000), plant_some(&p, 2, 20),
		     world_between(w, 4, 50));
	line_expiring(&p, "damped_route", plant_scale(&p, 0.1, 0.6), world_between(w, 15, 40),
		      world_between(w, 2, 10));
	line_names(&p, "as_path", world_between(w, 20, 80), plant_some(&p, 40, 300));
	plant_run(&p);
}

/* Results are given in pages. A client that does not come back for the next page leaves its cursor and what was found so far. */
void blind4_directory_server(struct world *w)
{
	struct plant p;

	plant_open(&p, w);
	line_leaky_sessions(&p, "paged_result", plant_scale(&p, 0.02, 0.12), plant_some(&p, 10, 40),
			    world_between(w, 0.12, 0.3), world_between(w, 6, 18));
	line_crowd(&p, "bound_user", world_between(w, 80, 160), plant_some(&p, 60, 400));
	line_cache(&p, "entry", plant_scale(&p, 4, 120), plant_some(&p, 100, 800));
	line_objects(&p, "filter_node", plant_scale(&p, 0.01, 0.08), ages_early,
		     plant_scale(&p, 0.05, 2))
		->group = 4;
	line_undo(&p, "change_log", plant_scale(&p, 0.1, 0.5), plant_some(&p, 20, 100), 3);
	line_reload(&p, "access_rule", world_between(w, 15, 50), plant_some(&p, 20, 150));
	plant_run(&p);
}

/* With each new title the listeners are told; who is slow then has a copy of it, which is not freed. In bursts. */
void blind4_radio_streamer(struct world *w)
{
	struct plant p;
	struct line *title;

	plant_open(&p, w);
	title = line_leak(&p, "title_copy", plant_scale(&p, 0.03, 0.15), world_between(w, 0.3, 0.9),
			  ages_even, world_between(w, 0.5, 6));
	title->from_s = world_between(w, 5, 40);
	title->on_s = world_between(w, 3, 7);
	title->off_s = world_between(w, 8, 18);
	title->clumps = false;
	line_crowd(&p, "listener", world_between(w, 90, 180), plant_some(&p, 50, 500));
	line_ring(&p, "audio_block", 1 / world_between(w, 10, 50), plant_some(&p, 100, 500))
		->steady = true;
	line_buckets(&p, "listener_minute", plant_scale(&p, 0.05, 0.3), world_between(w, 3, 8), 5);
	line_sessions(&p, "client_buffer", plant_scale(&p, 0.02, 0.1), plant_some(&p, 8, 50),
		      ages_bell, 20);
	plant_run(&p);
}

/* Fast: of the orders that are cancelled in an auction, some in a hundred of all, neither the order nor its note is freed. */
void blind4_matching_engine(struct world *w)
{
	struct plant p;
	struct line *order;

	plant_open(&p, w);
	order = line_leak(&p, "order", plant_scale(&p, 0.003, 0.02), world_between(w, 0.02, 0.06),
			  ages_split, world_between(w, 1, 12));
	order->companion = world_leak(w, "order_note");
	order->bytes = 64 + world_below(w, 400);
	line_objects(&p, "market_message", plant_scale(&p, 0.003, 0.01), ages_early, 0.2);
	line_hash(&p, "order_index", world_between(w, 5, 60), plant_some(&p, 500, 5000));
	line_slabs(&p, "price_level", world_between(w, 10, 80), plant_some(&p, 40, 300));
	line_watermark(&p, "trade_report", world_between(w, 5, 40), plant_some(&p, 200, 1200), 1);
	plant_run(&p);
}

/* From some moment on (a client with a short time limit) clones that are broken off leave the base of a delta and its name. */
void blind4_git_server(struct world *w)
{
	static const struct stage clone[] = {
		{"want_list", 0, 0.2, false},	    {"delta_base", 0.1, 0.7, true},
		{"object_name", 0.2, 0.8, true},    {"pack_window", 0.3, 1, false},
		{"progress_line", 0.5, 0.6, false}, {0},
	};
	struct plant p;

	plant_open(&p, w);
	line_jobs(&p, clone, plant_scale(&p, 0.08, 0.3), world_between(w, 0.15, 0.5), 100,
		  world_between(w, 1, 8))
		->from_s = world_between(w, 30, 110);
	line_cache(&p, "tree_object", plant_scale(&p, 3, 130), plant_some(&p, 80, 700));
	line_collector(&p, "hook_value", plant_scale(&p, 0.005, 0.04), plant_some(&p, 100, 600),
		       world_between(w, 5, 25));
	line_names(&p, "repository", world_between(w, 20, 100), plant_some(&p, 20, 200));
	line_batch(&p, "bitmap_word", plant_scale(&p, 0.01, 0.05), world_between(w, 10, 40),
		   world_between(w, 8, 40));
	plant_run(&p);
}

/* In each round all pods are looked at; the records of those that have died during it are left in no list. */
void blind4_pod_agent(struct world *w)
{
	struct plant p;

	plant_open(&p, w);
	line_leaky_batch(&p, "pod_record", plant_scale(&p, 0.01, 0.06), world_between(w, 3, 8),
			 world_between(w, 2, 8), world_between(w, 5, 20));
	line_versions(&p, "probe_result", plant_scale(&p, 0.05, 0.3), plant_some(&p, 10, 60), 1);
	line_objects(&p, "event", plant_scale(&p, 0.02, 0.2), ages_fixed, world_between(w, 10, 45));
	line_objects(&p, "pull_backoff", plant_scale(&p, 0.1, 0.6), ages_backoff,
		     world_between(w, 6, 25));
	line_ring(&p, "log_line", plant_scale(&p, 0.01, 0.1), plant_some(&p, 100, 800));
	line_startup(&p, "volume", plant_some(&p, 30, 300), 4, world_between(w, 3, 25));
	plant_run(&p);
}

/* The table of exports is read again each ten seconds or so, and the old one is still referred to by itself. */
void blind4_file_server(struct world *w)
{
	struct plant p;

	plant_open(&p, w);
	line_leaky_reload(&p, "export", world_between(w, 7, 14), plant_some(&p, 5, 80));
	line_objects(&p, "lock", plant_scale(&p, 0.02, 0.2), ages_split, world_between(w, 5, 25));
	line_versions(&p, "lease", plant_scale(&p, 0.05, 0.4), plant_some(&p, 20, 120), 0.5);
	line_expiring(&p, "reply_cache", plant_scale(&p, 0.02, 0.1), world_between(w, 8, 30),
		      world_between(w, 3, 12));
	line_cache(&p, "name_entry", plant_scale(&p, 5, 100), plant_some(&p, 100, 900));
	line_queue(&p, "write_back", plant_scale(&p, 0.02, 0.1), world_between(w, 3, 12),
		   plant_some(&p, 50, 500));
	plant_run(&p);
}
