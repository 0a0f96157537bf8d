/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs without a leak. What each site is bounded by is said where its worker is. */
#include "blind3.h"

/* Cells are computed anew, sheets grow while they are written, and what was done can be undone so many times. */
void blind3_spreadsheet(struct world *w)
{
	struct shop s = {.w = w};

	has_generations(&s, "formula_value", shop_scale(&s, 0.01, 0.08), shop_some(&s, 80, 600));
	has_texts(&s, "column", shop_scale(&s, 5, 25), shop_some(&s, 3, 20),
		  shop_some(&s, 200, 2000));
	has_window(&s, "undo", shop_scale(&s, 0.1, 0.6), shop_some(&s, 50, 200));
	has_universe(&s, "cell_style", shop_scale(&s, 0.05, 0.3), shop_some(&s, 20, 120));
	has_stack(&s, "evaluation", shop_scale(&s, 0.002, 0.02), shop_some(&s, 6, 80));
	has_objects(&s, "selection", shop_scale(&s, 0.2, 1.5), lives_exponential, 2, 15);
	has_startup(&s, "sheet_cell", shop_some(&s, 500, 3000), 5 + world_below(w, 20),
		    world_between(w, 3, 45));
	shop_open(&s);
}

/* Tiles are kept by bytes, requests come in clumps, and the view moves on. */
void blind3_map_tiles(struct world *w)
{
	struct shop s = {.w = w};

	has_byte_cache(&s, "tile", shop_scale(&s, 0.03, 0.4), shop_some(&s, 60, 300))->traffic =
		traffic_clumps;
	has_lru(&s, "vector_layer", shop_scale(&s, 0.05, 0.3), world_between(w, 0.4, 0.9),
		shop_some(&s, 30, 150));
	has_objects(&s, "tile_request", shop_scale(&s, 0.02, 0.2), lives_tail, 0.1, 10)->traffic =
		traffic_clumps;
	has_objects(&s, "label", shop_scale(&s, 0.02, 0.1), lives_even, 3, world_between(w, 6, 20))
		->group = 4;
	has_universe(&s, "place_name", shop_scale(&s, 0.03, 0.12), shop_some(&s, 80, 260));
	has_pool(&s, "decoder", shop_scale(&s, 0.05, 0.2), 4, 60);
	has_halves(&s, "route_node", shop_scale(&s, 0.01, 0.06), shop_some(&s, 300, 1500));
	shop_open(&s);
}

/* Periods are closed one after the other, each with its own pile; between them people enter and look. */
void blind3_accounting(struct world *w)
{
	struct shop s = {.w = w};

	has_batch(&s, "ledger_line", shop_scale(&s, 0.005, 0.03), world_between(w, 15, 55),
		  world_between(w, 10, 40));
	has_batch(&s, "open_item", shop_scale(&s, 0.02, 0.1), world_between(w, 5, 20),
		  world_between(w, 2, 10));
	has_sessions(&s, "clerk_form", shop_scale(&s, 0.03, 0.2), shop_some(&s, 4, 30),
		     lives_stages, 8, 20);
	has_universe(&s, "account", shop_scale(&s, 0.05, 0.15), shop_some(&s, 60, 220));
	has_memtable(&s, "journal", shop_scale(&s, 0.02, 0.1), shop_some(&s, 80, 400),
		     world_between(w, 0.1, 3));
	has_texts(&s, "report", shop_scale(&s, 4, 25), 1 + world_below(w, 3),
		  shop_some(&s, 300, 1500));
	shop_open(&s);
}

/* Files are walked in depth, chunks wait for the tape, and marks are known until the run is over. */
void blind3_backup(struct world *w)
{
	struct shop s = {.w = w};

	has_stack(&s, "directory", shop_scale(&s, 0.01, 0.1), shop_some(&s, 5, 40));
	has_backlog(&s, "chunk", shop_scale(&s, 0.01, 0.08), world_between(w, 3, 15),
		    shop_some(&s, 100, 800));
	has_batch(&s, "fingerprint", shop_scale(&s, 0.01, 0.05), world_between(w, 30, 70),
		  world_between(w, 3, 15));
	has_snapshots(&s, "volume_page", shop_scale(&s, 0.02, 0.1), shop_some(&s, 100, 800),
		      world_between(w, 8, 25));
	has_objects(&s, "open_file", shop_scale(&s, 0.02, 0.3), lives_two_kinds, 0.3, 20);
	has_levels(&s, "catalogue", shop_scale(&s, 0.1, 0.6));
	shop_open(&s);
}

/* Lists are read at the start, what depends on what is solved again and again, and packages are unpacked. */
void blind3_package_manager(struct world *w)
{
	struct shop s = {.w = w};

	has_startup(&s, "package_list", shop_some(&s, 1000, 5000), 10 + world_below(w, 30),
		    world_between(w, 8, 50));
	has_stack(&s, "decision", shop_scale(&s, 0.003, 0.02), shop_some(&s, 20, 200));
	has_batch(&s, "clause", shop_scale(&s, 0.005, 0.04), world_between(w, 4, 18),
		  world_between(w, 0.5, 8));
	has_objects(&s, "download", shop_scale(&s, 0.1, 0.8), lives_even, 0.5, 18);
	has_buckets(&s, "progress_sample", shop_scale(&s, 0.05, 0.3), world_between(w, 1, 5),
		    5 + world_below(w, 6));
	has_population(&s, "mirror", shop_scale(&s, 0.2, 1), shop_some(&s, 10, 60));
	has_window(&s, "log_line", shop_scale(&s, 0.02, 0.2), shop_some(&s, 100, 400));
	shop_open(&s);
}
