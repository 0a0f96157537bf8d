/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs that leak: servers and daemons whose error paths, registries and handles lose what they have allocated. */
#include "blind2.h"

/* Rejected recipients: the header of the bounce is lost, one in a hundred messages. All else waits, is tried again, and goes. */
void blind2_mail_relay(struct world *w)
{
	struct scene s = {.w = w};
	double mean = world_scale(w, 0.005, 0.03);

	cast_leak(&s, "bounce_header", mean, 100 * mean, 0.005, world_scale(w, 0.1, 4));
	cast_objects(&s, "message_body", world_scale(w, 0.02, 0.2), 0.02, world_between(w, 2, 18));
	cast_expiring(&s, "deferred", world_scale(w, 0.1, 1), 4, world_between(w, 16, 40));
	cast_labels(&s, "domain_stats", world_scale(w, 0.02, 0.1), scene_count(&s, 30, 150));
	cast_ring(&s, "delivery_log", world_scale(w, 0.03, 0.2), scene_count(&s, 100, 500));
	scene_run(&s);
}

static double step_reload(struct scene *s, struct actor *a)
{
	for (uint32_t i = 0; i < a->limit; i++)
		world_alloc(s->w, a->site, scene_size(s, a));
	if (++a->state == 3)
		a->evidence_s = world_now(s->w);
	return a->mean * world_between(s->w, 0.7, 1.3);
}

/*
 * Certificates are loaded again each 10 to 30 s, and the old chains are not freed. The first load is start-up, so the second
 * burst is the third load. The routes beside them are replaced as they should be.
 */
void blind2_tls_terminator(struct world *w)
{
	struct scene s = {.w = w};
	struct actor *chains = scene_actor(&s, world_leak(w, "chain"), step_reload);

	chains->mean = world_between(w, 14, 23);
	chains->limit = scene_count(&s, 5, 80);
	cast_replaced(&s, "route_table", world_between(w, 8, 30), scene_count(&s, 20, 200));
	cast_objects(&s, "handshake", world_scale(w, 0.02, 0.2), 0.03, 2)->ramp_s = 40;
	cast_expiring(&s, "ticket", world_scale(w, 0.05, 0.3), 20, world_between(w, 25, 50));
	cast_pool(&s, "record_buffer", world_scale(w, 0.02, 0.1), 1, 400);
	cast_objects(&s, "session", world_scale(w, 0.05, 0.4), 0.1, 20)->even = true;
	scene_run(&s);
}

/* A timer that fires is freed; one that is cancelled is only taken from the heap of timers. */
void blind2_event_loop(struct world *w)
{
	struct scene s = {.w = w};
	double mean = world_scale(w, 0.02, 0.3);
	struct actor *timer = cast_leak(&s, "timer", mean, mean / world_between(w, 0.1, 0.6), 0.05,
					world_between(w, 3, 15));

	timer->companion = world_leak(w, "timer_closure");
	timer->bytes = 96;
	cast_vector(&s, "ready_list", world_scale(w, 0.002, 0.02), scene_count(&s, 500, 4000));
	cast_objects(&s, "task", world_scale(w, 0.005, 0.05), 0.0005, 0.4);
	cast_queue(&s, "callback_queue", world_scale(w, 0.01, 0.05), 0.9, 400);
	cast_objects(&s, "connection_state", world_scale(w, 0.05, 0.5), 1, 20);
	scene_run(&s);
}

/* Each thread fills some small arenas; those of threads that end by an exception are forgotten. */
void blind2_render_threads(struct world *w)
{
	struct scene s = {.w = w};
	double mean = world_scale(w, 0.05, 0.4);
	struct actor *arena =
		cast_leak(&s, "arena", mean, world_scale(w, 0.5, 3), 0.2, world_between(w, 2, 14));
	struct actor *stack;

	arena->own_thread = true;
	arena->group = 1 + world_below(w, 6);
	stack = cast_objects(&s, "thread_stack", world_scale(w, 0.1, 0.6), 0.3, 15);
	stack->own_thread = true;
	stack->bytes = 8192;
	cast_saw(&s, "frame_commands", world_scale(w, 0.01, 0.1), world_between(w, 0.5, 5));
	cast_lru(&s, "texture", world_scale(w, 0.03, 0.2), 400, scene_count(&s, 40, 120));
	cast_startup(&s, "meshes", world_between(w, 2, 25), scene_count(&s, 50, 800));
	scene_run(&s);
}

/* The answer is built by realloc in some steps; when the client has gone meanwhile, it is not freed. */
void blind2_json_gateway(struct world *w)
{
	struct scene s = {.w = w};
	struct actor *text = cast_leak(&s, "response_text", world_scale(w, 0.01, 0.1),
				       world_scale(w, 0.4, 2.5), 0.001, world_scale(w, 0.05, 2));

	text->grows = 3 + world_below(w, 5);
	text->bytes = (uint64_t)world_scale(w, 64, 1000);
	cast_objects(&s, "json_node", world_scale(w, 0.005, 0.02), 0.001, 0.3)->group = 8;
	cast_vector(&s, "batch_body", world_scale(w, 0.003, 0.03), scene_count(&s, 1000, 8000));
	cast_memo(&s, "schema", world_scale(w, 0.05, 0.3), scene_count(&s, 30, 200),
		  world_between(w, 8, 30));
	cast_objects(&s, "upstream", world_scale(w, 0.1, 0.5), 0.5, world_between(w, 5, 20));
	scene_run(&s);
}

/* A registry that only grows: each dialog connects a listener, and none is ever disconnected. */
void blind2_signal_slots(struct world *w)
{
	struct scene s = {.w = w};
	double gap = world_scale(w, 0.1, 2.5);
	struct actor *listener = cast_leak(&s, "listener", gap, gap, 0.001, 0.001);

	listener->companion = world_leak(w, "listener_name");
	listener->bytes = (uint64_t)world_scale(w, 32, 200);
	cast_objects(&s, "dialog", gap, 0.5, world_between(w, 4, 20));
	cast_objects(&s, "paint_region", world_scale(w, 0.005, 0.03), 0.0002, 0.05);
	cast_shared(&s, "icon", world_scale(w, 0.1, 0.5), scene_count(&s, 20, 80), 1, 15);
	cast_ring(&s, "undo", world_scale(w, 0.2, 0.8), scene_count(&s, 30, 120));
	scene_run(&s);
}

/* A closed document that its own observers refer to is never collected: nodes and observers in cycles. */
void blind2_document_view(struct world *w)
{
	struct scene s = {.w = w};
	double mean = world_scale(w, 0.15, 0.8);
	struct actor *nodes = cast_leak(&s, "node", mean, mean / world_between(w, 0.15, 0.4), 0.5,
					world_between(w, 4, 20));

	nodes->group = 3 + world_below(w, 15);
	nodes->companion = world_leak(w, "observer");
	cast_batch(&s, "style_rules", world_scale(w, 0.01, 0.05), world_between(w, 15, 40), 3, 6);
	cast_saw(&s, "layout_box", world_scale(w, 0.005, 0.03), world_between(w, 0.3, 3));
	cast_labels(&s, "atom", world_scale(w, 0.02, 0.08), scene_count(&s, 50, 250));
	cast_lru(&s, "glyph", world_scale(w, 0.01, 0.08), 500, scene_count(&s, 60, 150));
	scene_run(&s);
}

/* A block of 48 bytes a second among many hundred packets a second. */
void blind2_packet_filter(struct world *w)
{
	struct scene s = {.w = w};
	double gap = world_between(w, 0.7, 1.5);
	struct actor *route = cast_leak(&s, "route_hint", gap, gap, 0.001, 0.001), *packet;

	route->bytes = 48;
	packet = cast_objects(&s, "packet", world_scale(w, 0.001, 0.003), 0.0002, 0.1);
	scene_wave(&s, packet, 0.7, world_between(w, 20, 120));
	cast_objects(&s, "flow", world_scale(w, 0.01, 0.1), 0.05, 20);
	cast_expiring(&s, "fragment", world_scale(w, 0.05, 0.5), 29, 30);
	cast_pool(&s, "descriptor", world_scale(w, 0.005, 0.02), 0.5, 300);
	scene_run(&s);
}

/* One wrapper makes all strings. Nearly all are freed soon; one in two hundred or so is lost by a return too early. */
void blind2_shell_strings(struct world *w)
{
	struct scene s = {.w = w};
	double mean = world_scale(w, 0.002, 0.01);
	struct actor *text = cast_leak(&s, "xstrdup", mean, mean * world_between(w, 100, 300),
				       0.0001, world_scale(w, 0.01, 3));

	text->bytes = (uint64_t)world_scale(w, 12, 80);
	cast_ring(&s, "history", world_scale(w, 0.1, 0.5), scene_count(&s, 50, 300));
	cast_labels(&s, "command_hash", world_scale(w, 0.03, 0.2), scene_count(&s, 20, 100));
	cast_batch(&s, "pipeline", world_scale(w, 0.01, 0.05), world_between(w, 6, 30), 2, 1);
	scene_run(&s);
}

/* Compiled code fills its cache, which is emptied as a whole; what a deoptimisation notes, one in ten, stays. */
void blind2_script_engine(struct world *w)
{
	struct scene s = {.w = w};
	double mean = world_scale(w, 0.03, 0.2);
	struct actor *deopt =
		cast_leak(&s, "deopt_record", mean, 10 * mean, 0.01, world_scale(w, 0.2, 10));

	deopt->from = world_between(w, 10, 90);
	cast_saw(&s, "code_cache", world_scale(w, 0.05, 0.3), world_between(w, 35, 120));
	cast_saw(&s, "young_generation", world_scale(w, 0.004, 0.02), world_between(w, 1, 12));
	cast_memo(&s, "inline_cache", world_scale(w, 0.02, 0.1), scene_count(&s, 50, 300),
		  world_between(w, 5, 20));
	cast_startup(&s, "builtins", world_between(w, 1, 8), scene_count(&s, 200, 1500));
	cast_objects(&s, "regexp_match", world_scale(w, 0.01, 0.1), 0.0002, 0.5);
	scene_run(&s);
}

/* Now and then the peer is away for some seconds: requests of that time lose the context for another try. */
void blind2_retry_storm(struct world *w)
{
	struct scene s = {.w = w};
	struct actor *retry = cast_leak(&s, "retry_context", world_scale(w, 0.02, 0.15),
					world_scale(w, 0.1, 0.4), 0.01, world_between(w, 1, 10));

	retry->from = world_between(w, 5, 40);
	retry->on = world_between(w, 3, 7);
	retry->off = world_between(w, 12, 24);
	cast_objects(&s, "request", world_scale(w, 0.01, 0.1), 0.005, world_scale(w, 0.5, 8));
	cast_expiring(&s, "backoff_timer", world_scale(w, 0.1, 0.6), 1, 20);
	cast_queue(&s, "outbox", world_scale(w, 0.01, 0.08), world_between(w, 0.7, 0.95), 500);
	cast_expiring(&s, "circuit_state", world_scale(w, 0.3, 2), 30, 60);
	scene_run(&s);
}

/* References from native code that nobody deletes: fast, with the traffic. Local ones go with their frame. */
void blind2_native_bridge(struct world *w)
{
	struct scene s = {.w = w};
	double gap = world_scale(w, 0.005, 0.05);
	struct actor *global = cast_leak(&s, "global_reference", gap, gap, 0.001, 0.001), *local;

	global->bytes = (uint64_t)world_scale(w, 24, 128);
	scene_wave(&s, global, world_between(w, 0.2, 0.8), world_between(w, 15, 60));
	local = cast_objects(&s, "local_reference", world_scale(w, 0.005, 0.02), 0.0001, 0.02);
	local->group = 4;
	cast_saw(&s, "heap_region", world_scale(w, 0.02, 0.1), world_between(w, 5, 30));
	cast_labels(&s, "class_name", world_scale(w, 0.02, 0.1), scene_count(&s, 40, 200));
	cast_objects(&s, "pinned_array", world_scale(w, 0.05, 0.4), 0.01, world_between(w, 2, 12));
	scene_run(&s);
}

/* From some moment on (an update of a client) calls that end badly leave a large report behind. */
void blind2_video_calls(struct world *w)
{
	struct scene s = {.w = w};
	struct actor *report = cast_leak(&s, "call_report", world_scale(w, 0.2, 1),
					 world_scale(w, 1, 3), 1, world_between(w, 6, 20));
	struct actor *call;

	report->from = world_between(w, 30, 100);
	report->bytes = (uint64_t)world_scale(w, 8000, 100000);
	call = cast_objects(&s, "call", world_scale(w, 0.2, 1), 1, 20);
	call->even = true;
	call->ramp_s = world_between(w, 20, 60);
	cast_queue(&s, "jitter_frame", world_scale(w, 0.01, 0.04), 0.9, 300);
	cast_pool(&s, "codec", world_scale(w, 0.1, 0.4), 6, 100);
	cast_ring(&s, "quality_sample", world_scale(w, 0.05, 0.2), scene_count(&s, 200, 600));
	scene_run(&s);
}

/* A label that holds the number of the request: a new series each time, for ever. Hosts are as many as there are. */
void blind2_metrics_agent(struct world *w)
{
	struct scene s = {.w = w};
	double gap = world_scale(w, 0.05, 1.5);
	struct actor *series = cast_leak(&s, "series", gap, gap, 0.001, 0.001);

	series->companion = world_leak(w, "label_pair");
	cast_labels(&s, "host_label", world_scale(w, 0.05, 0.25), scene_count(&s, 30, 120));
	cast_ring(&s, "sample_ring", world_scale(w, 0.02, 0.1), scene_count(&s, 300, 1500));
	cast_batch(&s, "scrape", 0.005, world_between(w, 5, 15), 0.5, 0.5);
	cast_replaced(&s, "rule_set", world_between(w, 15, 45), scene_count(&s, 30, 150));
	scene_run(&s);
}

/* An exception between open and close: the cursor and its buffer stay. */
void blind2_sql_driver(struct world *w)
{
	struct scene s = {.w = w};
	struct actor *cursor = cast_leak(&s, "cursor", world_scale(w, 0.02, 0.2),
					 world_scale(w, 0.4, 3), 0.005, world_between(w, 1, 16));

	cursor->companion = world_leak(w, "cursor_buffer");
	cast_lru(&s, "plan", world_scale(w, 0.05, 0.3), 500, scene_count(&s, 40, 150));
	cast_objects(&s, "row_batch", world_scale(w, 0.005, 0.05), 0.001, 0.8);
	cast_batch(&s, "sort_run", world_scale(w, 0.01, 0.05), world_between(w, 20, 60), 8, 4);
	cast_objects(&s, "transaction", world_scale(w, 0.05, 0.3), 0.01, world_between(w, 5, 20));
	scene_run(&s);
}

/* Each upload leaves its thumbnail: fast and large. */
void blind2_image_service(struct world *w)
{
	struct scene s = {.w = w};
	double gap = world_scale(w, 0.05, 0.5);
	struct actor *thumbnail = cast_leak(&s, "thumbnail", gap, gap, 0.001, 0.001);

	thumbnail->bytes = (uint64_t)world_scale(w, 20000, 300000);
	cast_objects(&s, "pixels", gap, 0.05, world_scale(w, 0.5, 5))->bytes = 800000;
	cast_objects(&s, "exif", gap, 0.001, 0.05);
	cast_lru(&s, "tile", world_scale(w, 0.05, 0.4), 600, scene_count(&s, 60, 200));
	cast_objects(&s, "upload", world_scale(w, 0.1, 0.6), 0.2, 20);
	scene_run(&s);
}
