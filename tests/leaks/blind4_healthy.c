/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs without a leak. What each site is bounded by is said where its line is. */
#include "blind4.h"

/* Steps by the clock, the fields of two of them, and what is written out now and then. */
void blind4_weather_model(struct world *w)
{
	struct plant p;
	double step_s = world_between(w, 0.2, 2);

	plant_open(&p, w);
	line_reload(&p, "field", step_s, plant_some(&p, 10, 60));
	line_batch(&p, "output_record", plant_scale(&p, 0.01, 0.08), world_between(w, 20, 70),
		   world_between(w, 2, 20));
	line_ring(&p, "time_level", step_s, plant_some(&p, 3, 40))->steady = true;
	line_startup(&p, "station", plant_some(&p, 300, 3000), plant_some(&p, 5, 40),
		     world_between(w, 5, 80));
	line_objects(&p, "halo_message", plant_scale(&p, 0.003, 0.03), ages_early, 0.3);
	line_slabs(&p, "particle_slab", world_between(w, 30, 140), plant_some(&p, 30, 300));
	line_growing(&p, "trajectory", plant_scale(&p, 5, 30), plant_some(&p, 3, 25),
		     plant_some(&p, 50, 500));
	plant_run(&p);
}

/* Pages one after the other, each with all that is found on it; words and shapes are learnt until all are known. */
void blind4_text_recogniser(struct world *w)
{
	static const struct stage page[] = {
		{"page_image", 0, 1, false},
		{"binary_image", 0.05, 0.5, false},
		{"text_line", 0.2, 0.95, false},
		{"word_lattice", 0.4, 0.9, false},
		{0},
	};
	struct plant p;

	plant_open(&p, w);
	line_jobs(&p, page, plant_scale(&p, 0.1, 0.8), 0, 60, world_between(w, 2, 8));
	line_batch(&p, "connected_part", plant_scale(&p, 0.004, 0.03), world_between(w, 1, 12),
		   world_between(w, 0.2, 4));
	line_names(&p, "word_shape", world_between(w, 30, 130), plant_some(&p, 60, 600));
	line_cache(&p, "classifier_result", plant_scale(&p, 5, 150), plant_some(&p, 100, 1000));
	line_hash(&p, "dictionary_hash", world_between(w, 5, 60), plant_some(&p, 1000, 9000));
	plant_run(&p);
}

/* Aircraft come into range and are forgotten some time after the last signal; by day there are more of them. */
void blind4_aircraft_tracker(struct world *w)
{
	struct plant p;

	plant_open(&p, w);
	line_crowd(&p, "aircraft", world_between(w, 100, 240), plant_some(&p, 40, 400));
	line_expiring(&p, "position", plant_scale(&p, 0.02, 0.1), world_between(w, 15, 60),
		      world_between(w, 2, 20));
	line_objects(&p, "message", plant_scale(&p, 0.003, 0.02), ages_early, 0.1);
	line_buckets(&p, "range_histogram", plant_scale(&p, 0.05, 0.4), world_between(w, 4, 15),
		     3 + world_below(w, 5));
	line_names(&p, "airline", world_between(w, 40, 150), plant_some(&p, 30, 250));
	line_growing(&p, "flight_path", plant_scale(&p, 8, 40), plant_some(&p, 5, 40),
		     plant_some(&p, 30, 200));
	line_objects(&p, "alert", plant_scale(&p, 0.3, 2), ages_fixed, world_between(w, 20, 60));
	plant_run(&p);
}

/* Pieces are asked for, come, are written; peers come and go, and what is known of them expires. */
void blind4_torrent_client(struct world *w)
{
	struct plant p;

	plant_open(&p, w);
	line_sessions(&p, "piece_request", plant_scale(&p, 0.01, 0.06), plant_some(&p, 15, 80),
		      ages_lognormal, world_between(w, 15, 40));
	line_objects(&p, "peer", plant_scale(&p, 0.05, 0.4), ages_split, world_between(w, 15, 50));
	line_queue(&p, "disk_block", plant_scale(&p, 0.01, 0.06), world_between(w, 4, 15),
		   plant_some(&p, 100, 900));
	line_watermark(&p, "hash_cache", world_between(w, 20, 120), plant_some(&p, 200, 2000),
		       world_between(w, 0.05, 0.5));
	line_versions(&p, "tracker_entry", plant_scale(&p, 0.1, 0.5), plant_some(&p, 20, 120), 2);
	line_expiring(&p, "node_contact", plant_scale(&p, 0.05, 0.3), world_between(w, 20, 70),
		      world_between(w, 5, 30));
	line_startup(&p, "piece_map", plant_some(&p, 100, 2000), plant_some(&p, 2, 15),
		     world_between(w, 2, 50));
	plant_run(&p);
}

/* Signatures are loaded in parts and again when there are new ones; files are unpacked within files. */
void blind4_virus_scanner(struct world *w)
{
	struct plant p;

	plant_open(&p, w);
	line_reload(&p, "signature", world_between(w, 40, 100), plant_some(&p, 200, 2000));
	line_collector(&p, "emulator_value", plant_scale(&p, 0.003, 0.02),
		       plant_some(&p, 200, 1500), world_between(w, 5, 35));
	line_growing(&p, "unpacked_file", plant_scale(&p, 0.5, 12), plant_some(&p, 2, 10),
		     plant_some(&p, 50, 800));
	line_objects(&p, "scan_job", plant_scale(&p, 0.05, 0.5), ages_lognormal,
		     world_between(w, 8, 30))
		->own_thread = true;
	line_watermark(&p, "clean_file", world_between(w, 30, 130), plant_some(&p, 150, 1500),
		       world_between(w, 0.1, 1));
	line_undo(&p, "quarantine_step", plant_scale(&p, 0.2, 1), plant_some(&p, 20, 100), 2);
	line_objects(&p, "heuristic_flag", plant_scale(&p, 0.02, 0.2), ages_bell,
		     world_between(w, 10, 30));
	plant_run(&p);
}
