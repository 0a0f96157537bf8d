/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs that leak: servers and devices. What stays and why is said above each. */
#include "blind3.h"

/* Who drops out of a match in the middle of a trade leaves the inventory: one session in ten. */
void blind3_game_server(struct world *w)
{
	struct shop s = {.w = w};

	has_leaky_sessions(&s, "inventory_item", shop_scale(&s, 0.02, 0.15), 0.1,
			   shop_some(&s, 8, 30), world_between(w, 8, 20));
	has_population(&s, "monster", shop_scale(&s, 0.02, 0.3), shop_some(&s, 40, 300));
	has_objects(&s, "projectile", shop_scale(&s, 0.005, 0.05), lives_exponential, 0.4, 3)
		->traffic = traffic_clumps;
	has_sessions(&s, "player_effect", shop_scale(&s, 0.02, 0.1), shop_some(&s, 6, 40),
		     lives_even, 1, 20);
	has_universe(&s, "animation", shop_scale(&s, 0.05, 0.3), shop_some(&s, 20, 90));
	has_window(&s, "rewind_state", 1.0 / 30, shop_some(&s, 60, 400))->traffic = traffic_ticks;
	shop_open(&s);
}

/* The reason that a printer gives for each job is kept: one long line every few seconds. */
void blind3_print_spooler(struct world *w)
{
	struct shop s = {.w = w};

	has_registry(&s, "status_reason", world_between(w, 1.2, 3.5))->bytes =
		(uint64_t)world_scale(w, 80, 3000);
	has_batch(&s, "raster_band", shop_scale(&s, 0.02, 0.1), world_between(w, 3, 12),
		  world_between(w, 1, 20));
	has_backlog(&s, "job_page", shop_scale(&s, 0.05, 0.4), world_between(w, 4, 14),
		    shop_some(&s, 50, 400));
	has_objects(&s, "ipp_attribute", shop_scale(&s, 0.01, 0.1), lives_two_kinds, 0.02, 9)
		->group = 5;
	has_universe(&s, "font_name", shop_scale(&s, 0.05, 0.4), shop_some(&s, 15, 60));
	shop_open(&s);
}

/* At each poll the headers of what has come are put in a table that is never emptied; some polls find much, some little. */
void blind3_mail_client(struct world *w)
{
	struct shop s = {.w = w};

	has_harvest(&s, "seen_header", world_between(w, 7, 16), shop_some(&s, 6, 70));
	has_lru(&s, "message_text", shop_scale(&s, 0.05, 0.4), world_between(w, 0.3, 0.8),
		shop_some(&s, 30, 200));
	has_generations(&s, "folder_index", shop_scale(&s, 0.02, 0.1), shop_some(&s, 50, 250));
	has_objects(&s, "mime_part", shop_scale(&s, 0.02, 0.1), lives_stages, 0.3, 4)->group = 3;
	has_startup(&s, "account", shop_some(&s, 60, 600), 4 + world_below(w, 5),
		    world_between(w, 4, 25));
	has_texts(&s, "draft", shop_scale(&s, 5, 25), 1 + world_below(w, 4),
		  shop_some(&s, 50, 300));
	shop_open(&s);
}

/* Types that refer to themselves, and the scopes that hold them, are never collected: one translation unit in four or so. */
void blind3_compiler_daemon(struct world *w)
{
	struct shop s = {.w = w};
	struct worker *type =
		has_leak(&s, "recursive_type", shop_scale(&s, 0.15, 0.7),
			 world_between(w, 0.15, 0.4), lives_stages, 3, world_between(w, 8, 18));

	type->companion = world_leak(w, "type_scope");
	type->group = 2 + world_below(w, 10);
	has_stack(&s, "parser_scope", shop_scale(&s, 0.003, 0.03), shop_some(&s, 10, 120));
	has_batch(&s, "syntax_node", shop_scale(&s, 0.005, 0.02), world_between(w, 2, 10),
		  world_between(w, 0.2, 4));
	has_universe(&s, "identifier", shop_scale(&s, 0.02, 0.08), shop_some(&s, 60, 300));
	has_byte_cache(&s, "header_file", shop_scale(&s, 0.05, 0.3), shop_some(&s, 40, 160));
	has_objects(&s, "diagnostic", shop_scale(&s, 0.05, 1), lives_tail, 0.1, 6);
	shop_open(&s);
}

/* A detail record of 48 bytes a second is lost among hundreds of signals a second. */
void blind3_telephone_exchange(struct world *w)
{
	struct shop s = {.w = w};
	struct worker *record = has_registry(&s, "detail_record", world_between(w, 0.8, 1.2));

	record->bytes = 48;
	record->traffic = traffic_ticks;
	has_objects(&s, "signal", shop_scale(&s, 0.001, 0.004), lives_exponential, 0.01, 0.2);
	has_sessions(&s, "call_leg", shop_scale(&s, 0.005, 0.05), shop_some(&s, 30, 120),
		     lives_two_kinds, 3, 20);
	has_objects(&s, "billing_slot", shop_scale(&s, 0.05, 0.5), lives_fixed, 15, 15);
	has_pool(&s, "tone_buffer", shop_scale(&s, 0.02, 0.1), 3, 200);
	has_population(&s, "trunk", shop_scale(&s, 0.2, 2), shop_some(&s, 30, 120));
	shop_open(&s);
}

/* A line is put together by realloc. If its reader has left meanwhile, one in fifty, nobody frees it. */
void blind3_chat_server(struct world *w)
{
	struct shop s = {.w = w};
	struct worker *line = has_leak(&s, "outgoing_line", shop_scale(&s, 0.005, 0.03), 0.02,
				       lives_tail, 0.02, world_scale(w, 0.5, 6));

	line->grows = 2 + world_below(w, 4);
	line->bytes = (uint64_t)world_scale(w, 16, 200);
	has_sessions(&s, "user", shop_scale(&s, 0.02, 0.2), shop_some(&s, 20, 100),
		     lives_exponential, 6, 20)
		->traffic = traffic_opening;
	has_window(&s, "scrollback", shop_scale(&s, 0.03, 0.2), shop_some(&s, 100, 500));
	has_universe(&s, "room", shop_scale(&s, 0.1, 0.6), shop_some(&s, 10, 50));
	has_buckets(&s, "flood_counter", shop_scale(&s, 0.02, 0.2), world_between(w, 2, 6),
		    3 + world_below(w, 4));
	shop_open(&s);
}

/* Each job has a thread, and each thread that is stopped by its time limit leaves what it kept for itself. */
void blind3_ci_runner(struct world *w)
{
	struct shop s = {.w = w};
	struct worker *local =
		has_leak(&s, "thread_log", shop_scale(&s, 0.1, 0.6), world_between(w, 0.1, 0.3),
			 lives_two_kinds, 2, world_between(w, 6, 20));

	local->own_thread = true;
	local->group = 1 + world_below(w, 8);
	has_objects(&s, "job_process", shop_scale(&s, 0.1, 0.8), lives_even, 1, 20)->own_thread =
		true;
	has_batch(&s, "artifact_chunk", shop_scale(&s, 0.02, 0.1), world_between(w, 8, 25),
		  world_between(w, 5, 30));
	has_lru(&s, "layer", shop_scale(&s, 0.1, 0.5), 0.6, shop_some(&s, 30, 120));
	has_texts(&s, "console_text", shop_scale(&s, 3, 20), shop_some(&s, 2, 12),
		  shop_some(&s, 100, 800));
	shop_open(&s);
}

/* What is remembered of a page has its full address as the key, with a number that differs each time: never found again. */
void blind3_search_crawler(struct world *w)
{
	struct shop s = {.w = w};
	struct worker *page = has_registry(&s, "page_record", shop_scale(&s, 0.03, 0.8));

	page->companion = world_leak(w, "page_address");
	has_universe(&s, "host", shop_scale(&s, 0.03, 0.15), shop_some(&s, 40, 150));
	has_backlog(&s, "frontier", shop_scale(&s, 0.02, 0.1), world_between(w, 3, 12),
		    shop_some(&s, 200, 900));
	has_objects(&s, "fetch", shop_scale(&s, 0.05, 0.4), lives_tail, 0.3, 15);
	has_memtable(&s, "posting", shop_scale(&s, 0.005, 0.05), shop_some(&s, 200, 900),
		     world_between(w, 0.5, 4));
	has_objects(&s, "robots_rule", shop_scale(&s, 0.1, 0.6), lives_even, 20,
		    world_between(w, 25, 50));
	shop_open(&s);
}

/* Of a hundred readings that come by the clock one has a wrong checksum, and its frame is not freed. */
void blind3_sensor_gateway(struct world *w)
{
	struct shop s = {.w = w};
	struct worker *frame = has_leak(&s, "frame", shop_scale(&s, 0.005, 0.03), 0.01, lives_even,
					0.01, world_scale(w, 0.1, 2));

	frame->bytes = 16u + world_below(w, 100);
	frame->traffic = traffic_ticks;
	has_window(&s, "history", shop_scale(&s, 0.05, 0.3), shop_some(&s, 60, 400));
	has_backlog(&s, "uplink_packet", shop_scale(&s, 0.05, 0.3), world_between(w, 5, 15),
		    shop_some(&s, 40, 300));
	has_buckets(&s, "average", shop_scale(&s, 0.1, 0.5), world_between(w, 5, 12), 4);
	has_population(&s, "device", shop_scale(&s, 0.3, 2), shop_some(&s, 8, 60));
	has_startup(&s, "driver", shop_some(&s, 10, 80), 3, world_between(w, 1, 8));
	shop_open(&s);
}

/* The health of a backend is replaced with each probe; an old one that was `down` is not freed. */
void blind3_load_balancer(struct world *w)
{
	struct shop s = {.w = w};

	has_overwritten(&s, "backend_health", shop_scale(&s, 0.03, 0.12),
			world_between(w, 0.05, 0.2), shop_some(&s, 8, 30));
	has_objects(&s, "connection", shop_scale(&s, 0.01, 0.1), lives_tail, 0.2, 20)->traffic =
		traffic_clumps;
	has_pool(&s, "splice_buffer", shop_scale(&s, 0.02, 0.1), 2, 250);
	has_objects(&s, "sticky_entry", shop_scale(&s, 0.05, 0.3), lives_fixed, 0,
		    world_between(w, 20, 60));
	has_generations(&s, "ring_point", shop_scale(&s, 0.02, 0.1), shop_some(&s, 40, 300));
	shop_open(&s);
}

/* Beside each picture its side data, and these stay: large, fast, by the clock. */
void blind3_video_encoder(struct world *w)
{
	struct shop s = {.w = w};
	double picture_s = 1 / world_between(w, 15, 60);
	struct worker *side = has_registry(&s, "side_data", picture_s), *picture;

	side->traffic = traffic_ticks;
	side->bytes = (uint64_t)world_scale(w, 500, 50000);
	picture = has_window(&s, "reference_picture", picture_s, shop_some(&s, 8, 64));
	picture->bytes = 1000000;
	has_batch(&s, "lookahead_cost", picture_s, world_between(w, 1, 4), 0.05);
	has_objects(&s, "bitstream", picture_s, lives_stages, 0.2, 2);
	has_generations(&s, "rate_model", shop_scale(&s, 0.02, 0.2), shop_some(&s, 20, 120));
	shop_open(&s);
}

/* From some moment on (a new kind of query) iterators that meet their end too early are not closed. */
void blind3_kv_store(struct world *w)
{
	struct shop s = {.w = w};
	struct worker *iterator =
		has_leak(&s, "iterator", shop_scale(&s, 0.02, 0.15), world_between(w, 0.08, 0.3),
			 lives_exponential, 0.5, world_between(w, 3, 10));

	iterator->from_s = world_between(w, 30, 90);
	has_memtable(&s, "memtable_entry", shop_scale(&s, 0.01, 0.06), shop_some(&s, 150, 800),
		     world_between(w, 0.3, 5));
	has_levels(&s, "segment", shop_scale(&s, 0.1, 0.8));
	has_snapshots(&s, "page", shop_scale(&s, 0.02, 0.2), shop_some(&s, 60, 500),
		      world_between(w, 4, 20));
	has_byte_cache(&s, "block_cache", shop_scale(&s, 0.02, 0.2), shop_some(&s, 60, 250));
	shop_open(&s);
}

/* Each result can be asked for again by its number: all are kept. People type, then think. */
void blind3_notebook_kernel(struct world *w)
{
	struct shop s = {.w = w};
	struct worker *result = has_registry(&s, "cell_result", world_between(w, 0.8, 3));

	result->traffic = traffic_phases;
	result->group = 1 + world_below(w, 5);
	has_objects(&s, "array", shop_scale(&s, 0.01, 0.1), lives_tail, 0.05, 12)->bytes = 100000;
	has_stack(&s, "frame", shop_scale(&s, 0.005, 0.05), shop_some(&s, 5, 60));
	has_startup(&s, "module", shop_some(&s, 200, 2000), 3 + world_below(w, 10),
		    world_between(w, 5, 40));
	has_halves(&s, "completion", shop_scale(&s, 0.03, 0.2), shop_some(&s, 80, 400));
	shop_open(&s);
}

/* The appearance of a note is lost when its page is left while it is drawn: one in twelve, of lives of any length. */
void blind3_pdf_viewer(struct world *w)
{
	struct shop s = {.w = w};

	has_leak(&s, "appearance", shop_scale(&s, 0.03, 0.25), world_between(w, 0.05, 0.12),
		 lives_tail, 0.5, world_between(w, 5, 18))
		->companion = world_leak(w, "appearance_stream");
	has_lru(&s, "page_bitmap", shop_scale(&s, 0.1, 0.6), 0.5, shop_some(&s, 10, 60));
	has_stack(&s, "graphics_state", shop_scale(&s, 0.003, 0.03), shop_some(&s, 4, 30));
	has_universe(&s, "glyph_outline", shop_scale(&s, 0.02, 0.08), shop_some(&s, 60, 250));
	has_batch(&s, "text_run", shop_scale(&s, 0.01, 0.06), world_between(w, 2, 8),
		  world_between(w, 2, 15));
	shop_open(&s);
}

/* While the other side cannot be reached for some seconds, conflicts are noted and forgotten; otherwise each note is freed. */
void blind3_file_sync(struct world *w)
{
	struct shop s = {.w = w};
	struct worker *note =
		has_leak(&s, "conflict_note", shop_scale(&s, 0.03, 0.15), world_between(w, 0.4, 1),
			 lives_even, 0.05, world_between(w, 1, 8));

	note->traffic = traffic_random;
	note->from_s = world_between(w, 5, 30);
	note->on_s = world_between(w, 4, 8);
	note->off_s = world_between(w, 10, 20);
	has_backlog(&s, "change", shop_scale(&s, 0.03, 0.2), world_between(w, 4, 14),
		    shop_some(&s, 100, 600));
	has_batch(&s, "scan_entry", shop_scale(&s, 0.01, 0.05), world_between(w, 5, 20),
		  world_between(w, 10, 40));
	has_objects(&s, "transfer", shop_scale(&s, 0.1, 0.6), lives_two_kinds, 1, 20);
	has_halves(&s, "checksum", shop_scale(&s, 0.03, 0.15), shop_some(&s, 100, 500));
	shop_open(&s);
}
