/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs without a leak. What each site is bounded by is said where its actor is (blind2_objects.c, blind2_stores.c). */
#include "blind2.h"

/* Results are kept until nobody has asked for them for a while: those in demand stay for ever, and are as many as there are. */
void blind2_build_cache(struct world *w)
{
	struct scene s = {.w = w};

	cast_memo(&s, "result", world_scale(w, 0.02, 0.2), scene_count(&s, 100, 500),
		  world_between(w, 10, 45));
	cast_shared(&s, "source_file", world_scale(w, 0.05, 0.3), scene_count(&s, 40, 200), 0.5,
		    20);
	cast_batch(&s, "link_job", world_scale(w, 0.005, 0.03), world_between(w, 15, 50), 6, 3);
	cast_objects(&s, "compile_job", world_scale(w, 0.1, 0.6), 0.3, 20);
	cast_ring(&s, "build_log", world_scale(w, 0.03, 0.2), scene_count(&s, 200, 800));
	scene_run(&s);
}

/* Undo has so many steps, the clipboard so many entries; the tree is parsed anew after each pause. */
void blind2_text_editor(struct world *w)
{
	struct scene s = {.w = w};

	cast_ring(&s, "undo_step", world_scale(w, 0.1, 0.5), scene_count(&s, 100, 300));
	cast_replaced(&s, "syntax_tree", world_between(w, 1, 6), scene_count(&s, 100, 600));
	cast_ring(&s, "clipboard", world_between(w, 2, 6), 10 + world_below(w, 15));
	cast_labels(&s, "completion_word", world_scale(w, 0.03, 0.12), scene_count(&s, 50, 250));
	cast_batch(&s, "autosave", 0.01, world_between(w, 20, 60), 1, 0.5);
	cast_startup(&s, "plugins", world_between(w, 3, 40), scene_count(&s, 60, 500));
	scene_run(&s);
}

/* Tabs of the last time are loaded one after the other; new ones come and go. */
void blind2_browser(struct world *w)
{
	struct scene s = {.w = w};
	struct actor *tab;

	cast_startup(&s, "restored_tab", world_between(w, 25, 70), scene_count(&s, 15, 200));
	tab = cast_objects(&s, "tab", world_scale(w, 0.3, 1.5), 0.5, 20);
	tab->even = true;
	tab->group = 6;
	cast_lru(&s, "image", world_scale(w, 0.04, 0.3), 800, scene_count(&s, 80, 250));
	cast_saw(&s, "script_heap", world_scale(w, 0.01, 0.05), world_between(w, 4, 25));
	cast_expiring(&s, "dns_entry", world_scale(w, 0.1, 0.8), 58, 60);
	cast_pool(&s, "socket", world_scale(w, 0.05, 0.2), 4, 120);
	scene_run(&s);
}

/* Load, group, write, free; and again after some time. */
void blind2_etl(struct world *w)
{
	struct scene s = {.w = w};
	double period = world_between(w, 25, 75), work = period * world_between(w, 0.2, 0.6);

	cast_batch(&s, "row", world_scale(w, 0.005, 0.03), period, work, 0.2 * period);
	cast_batch(&s, "group", world_scale(w, 0.02, 0.1), period, work, 0.3 * period);
	cast_batch(&s, "dictionary", world_scale(w, 0.05, 0.3), 3 * period, 2 * period, period / 2);
	cast_vector(&s, "column", work / 2000, 2000);
	cast_queue(&s, "chunk", world_scale(w, 0.02, 0.1), 0.95, scene_count(&s, 50, 400));
	scene_run(&s);
}

/* Entries live as long as their zone says; questions wait for 15 s at most. */
void blind2_resolver(struct world *w)
{
	struct scene s = {.w = w};

	cast_expiring(&s, "record", world_scale(w, 0.03, 0.3), 5, world_between(w, 60, 120));
	cast_expiring(&s, "negative", world_scale(w, 0.1, 1), 10, world_between(w, 10.5, 40));
	cast_objects(&s, "question", world_scale(w, 0.01, 0.1), 0.005, 15);
	cast_labels(&s, "server_rtt", world_scale(w, 0.03, 0.2), scene_count(&s, 30, 150));
	cast_startup(&s, "root_hints", 0.1, 26);
	cast_ring(&s, "query_log", world_scale(w, 0.02, 0.1), scene_count(&s, 300, 2000));
	scene_run(&s);
}

/* What is near is loaded and shared; a level goes as a whole when the next begins. */
void blind2_level_streaming(struct world *w)
{
	struct scene s = {.w = w};
	double level = world_between(w, 40, 100);

	cast_batch(&s, "level_object", world_scale(w, 0.005, 0.03), level, level * 0.2,
		   level * 0.8);
	cast_shared(&s, "material", world_scale(w, 0.03, 0.2), scene_count(&s, 50, 300), 2, 30);
	cast_pool(&s, "particle", world_scale(w, 0.01, 0.05), 3, 500);
	cast_saw(&s, "frame_arena", world_scale(w, 0.005, 0.02), 0.2);
	cast_expiring(&s, "corpse", world_scale(w, 0.1, 0.6), 19, 20);
	cast_objects(&s, "sound", world_scale(w, 0.05, 0.4), 0.2, 6);
	scene_run(&s);
}

/* Segments wait for the commit of their reader; numbers of messages are kept to know them again. */
void blind2_event_bus(struct world *w)
{
	struct scene s = {.w = w};
	struct actor *subscriber;

	cast_saw(&s, "segment", world_scale(w, 0.03, 0.3), world_between(w, 10, 45));
	cast_expiring(&s, "seen_message", world_scale(w, 0.02, 0.1), 44, 45);
	cast_ring(&s, "log_ring", world_scale(w, 0.05, 0.15), scene_count(&s, 600, 1400));
	subscriber = cast_objects(&s, "subscriber", world_scale(w, 0.1, 0.8), 0.5, 20);
	subscriber->ramp_s = world_between(w, 30, 90);
	cast_replaced(&s, "assignment", world_between(w, 20, 60), scene_count(&s, 20, 200));
	cast_objects(&s, "frame", world_scale(w, 0.005, 0.02), 0.0003, 0.1);
	scene_run(&s);
}

/* Weights are loaded over some time, sizes of tensors are met one by one, conversations last up to 20 s. */
void blind2_inference(struct world *w)
{
	struct scene s = {.w = w};
	struct actor *cache;

	cast_startup(&s, "weights", world_between(w, 15, 50), scene_count(&s, 40, 400));
	cast_labels(&s, "kernel_by_shape", world_scale(w, 0.05, 0.3), scene_count(&s, 15, 80));
	cache = cast_objects(&s, "conversation_cache", world_scale(w, 0.2, 1), 1, 20);
	cache->even = true;
	cache->group = 5;
	scene_wave(&s, cache, 0.6, world_between(w, 60, 200));
	cast_saw(&s, "step_tensors", world_scale(w, 0.01, 0.05), world_between(w, 0.5, 4));
	cast_memo(&s, "prefix", world_scale(w, 0.1, 0.5), scene_count(&s, 30, 200),
		  world_between(w, 15, 40));
	cast_pool(&s, "pinned_buffer", world_scale(w, 0.05, 0.2), 2, 64);
	scene_run(&s);
}
