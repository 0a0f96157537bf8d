/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs that leak: what people and laboratories run. What stays and why is said above each. */
#include "blind4.h"

/* Faces and their loops refer to each other: those of a cut that fails are never collected. */
void blind4_cad_viewer(struct world *w)
{
	struct plant p;
	struct line *face;

	plant_open(&p, w);
	face = line_leak(&p, "face", plant_scale(&p, 0.2, 0.6), world_between(w, 0.2, 0.5),
			 ages_bell, world_between(w, 2, 14));
	face->companion = world_leak(w, "edge_loop");
	face->clumps = false;
	face->group = 2 + world_below(w, 12);
	line_undo(&p, "undo_step", plant_scale(&p, 0.1, 0.6), plant_some(&p, 15, 80), 4);
	line_startup(&p, "part", plant_some(&p, 200, 2500), plant_some(&p, 3, 30),
		     world_between(w, 5, 60));
	line_growing(&p, "vertex_array", plant_scale(&p, 1, 15), plant_some(&p, 2, 10),
		     plant_some(&p, 100, 1500));
	line_cache(&p, "mesh_detail", plant_scale(&p, 5, 120), plant_some(&p, 30, 300));
	line_objects(&p, "pick_ray", plant_scale(&p, 0.01, 0.1), ages_early, 0.5);
	plant_run(&p);
}

/* The text of a type is put together by realloc. When the symbol has no end (a broken file), it is not freed. */
void blind4_debugger(struct world *w)
{
	struct plant p;
	struct line *text;

	plant_open(&p, w);
	text = line_leak(&p, "type_text", plant_scale(&p, 0.01, 0.06), world_between(w, 0.02, 0.08),
			 ages_lognormal, plant_scale(&p, 0.2, 5));
	text->grows = 2 + world_below(w, 5);
	text->bytes = 16 + world_below(w, 100);
	line_startup(&p, "symbol", plant_some(&p, 800, 5000), plant_some(&p, 5, 40),
		     world_between(w, 5, 60));
	line_names(&p, "line_table", world_between(w, 10, 90), plant_some(&p, 20, 150));
	line_batch(&p, "frame", plant_scale(&p, 0.005, 0.05), world_between(w, 0.5, 6),
		   world_between(w, 0.5, 10));
	line_undo(&p, "command", plant_scale(&p, 0.2, 0.8), plant_some(&p, 20, 80), 2);
	line_objects(&p, "value", plant_scale(&p, 0.01, 0.1), ages_lognormal,
		     world_between(w, 3, 15));
	plant_run(&p);
}

/* Each lane has a thread. A lane that is cancelled does not run what would free the seeds of its thread. */
void blind4_genome_aligner(struct world *w)
{
	struct plant p;
	struct line *seed;

	plant_open(&p, w);
	seed = line_leaky_sessions(&p, "thread_seed", plant_scale(&p, 0.01, 0.08),
				   plant_some(&p, 8, 30), world_between(w, 0.15, 0.35),
				   world_between(w, 4, 16));
	seed->own_thread = true;
	line_objects(&p, "read", plant_scale(&p, 0.003, 0.02), ages_bell, world_between(w, 0.5, 4))
		->own_thread = true;
	line_startup(&p, "reference_index", plant_some(&p, 100, 1500), plant_some(&p, 2, 10),
		     world_between(w, 3, 40));
	line_batch(&p, "sort_record", plant_scale(&p, 0.005, 0.03), world_between(w, 10, 45),
		   world_between(w, 1, 8));
	line_slabs(&p, "matrix_row", world_between(w, 10, 100), plant_some(&p, 30, 300));
	line_queue(&p, "output_block", plant_scale(&p, 0.02, 0.1), world_between(w, 2, 9),
		   plant_some(&p, 60, 400));
	plant_run(&p);
}

/*
 * A surface that goes while it waits for its picture leaves the callback; and each window that gets the focus makes an offer of
 * what is on the clipboard, which is kept for ever.
 */
void blind4_compositor(struct world *w)
{
	static const struct stage surface[] = {
		{"surface_state", 0, 1, false},
		{"frame_callback", 0.2, 0.6, true},
		{"damage_region", 0.3, 0.5, false},
		{0},
	};
	struct plant p;

	plant_open(&p, w);
	line_jobs(&p, surface, plant_scale(&p, 0.02, 0.2), world_between(w, 0.1, 0.3), 200,
		  plant_scale(&p, 0.3, 7));
	line_leak(&p, "clipboard_offer", world_between(w, 0.5, 2), 1, ages_fixed, 0)->clumps =
		false;
	line_ring(&p, "frame_timing", 1 / world_between(w, 20, 60), plant_some(&p, 100, 600))
		->steady = true;
	line_cache(&p, "glyph_texture", plant_scale(&p, 4, 90), plant_some(&p, 50, 400));
	line_objects(&p, "window", plant_scale(&p, 0.2, 1), ages_lognormal, 25)->clumps = false;
	line_slabs(&p, "shared_buffer", world_between(w, 10, 90), plant_some(&p, 10, 80));
	plant_run(&p);
}
