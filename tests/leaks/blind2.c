/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A second set of programs that were written without sight of the rules, and the frame in which their actors take turns.
 */
#include "blind2.h"
#include <math.h>
#include <stdlib.h>

#define TURN (2 * 3.14159265358979)

const struct workload blind2_workloads[] = {
	{"mail_relay", blind2_mail_relay, 240},
	{"tls_terminator", blind2_tls_terminator, 240},
	{"event_loop", blind2_event_loop, 220},
	{"render_threads", blind2_render_threads, 220},
	{"json_gateway", blind2_json_gateway, 220},
	{"signal_slots", blind2_signal_slots, 240},
	{"document_view", blind2_document_view, 260},
	{"packet_filter", blind2_packet_filter, 180},
	{"shell_strings", blind2_shell_strings, 180},
	{"script_engine", blind2_script_engine, 300},
	{"retry_storm", blind2_retry_storm, 300},
	{"native_bridge", blind2_native_bridge, 180},
	{"video_calls", blind2_video_calls, 320},
	{"metrics_agent", blind2_metrics_agent, 300},
	{"sql_driver", blind2_sql_driver, 280},
	{"image_service", blind2_image_service, 240},
	{"build_cache", blind2_build_cache, 300},
	{"text_editor", blind2_text_editor, 360},
	{"browser", blind2_browser, 320},
	{"etl", blind2_etl, 360},
	{"resolver", blind2_resolver, 360},
	{"level_streaming", blind2_level_streaming, 320},
	{"event_bus", blind2_event_bus, 360},
	{"inference", blind2_inference, 300},
	{0},
};

struct actor *scene_actor(struct scene *s, uint32_t site,
			  double (*step)(struct scene *, struct actor *))
{
	struct actor *a = &s->actors[s->count++];

	if (s->count > SCENE_ACTORS)
		abort();
	*a = (struct actor){.step = step,
			    .site = site,
			    .companion = WORLD_SITES,
			    .at = world_between(s->w, 0, 2),
			    .first_s = -1,
			    .evidence_s = SCENE_NEVER};
	a->bytes = (uint64_t)world_scale(s->w, 24, 6000);
	return a;
}

void scene_room(struct actor *a, uint32_t slots)
{
	a->slots = calloc(slots, sizeof(*a->slots));
	if (!a->slots)
		abort();
}

void scene_wave(struct scene *s, struct actor *a, double swing, double period_s)
{
	a->swing = swing;
	a->period = period_s;
	a->phase = world_between(s->w, 0, TURN);
}

double scene_due(struct scene *s, const struct actor *a)
{
	double busy = 1, now = world_now(s->w);

	if (a->swing > 0)
		busy += a->swing * sin(now / a->period * TURN + a->phase);
	if (now < a->ramp_s)
		busy *= 0.1 + 0.9 * now / a->ramp_s;
	return world_exponential(s->w, a->mean / busy);
}

uint64_t scene_size(struct scene *s, const struct actor *a)
{
	return (uint64_t)((double)a->bytes * world_between(s->w, 0.5, 1.5)) + 1;
}

uint32_t scene_count(struct scene *s, double low, double high)
{
	return (uint32_t)world_scale(s->w, low, high);
}

static void look_for_evidence(struct scene *s)
{
	for (uint32_t i = 0; i < s->count; i++) {
		const struct actor *a = &s->actors[i];

		if (world_now(s->w) < a->evidence_s)
			continue;
		world_evidence(s->w, a->site);
		if (a->companion != WORLD_SITES)
			world_evidence(s->w, a->companion);
	}
}

void scene_run(struct scene *s)
{
	for (;;) {
		struct actor *next = &s->actors[0];

		for (uint32_t i = 1; i < s->count; i++)
			if (s->actors[i].at < next->at)
				next = &s->actors[i];
		if (!world_wait(s->w, next->at - world_now(s->w)))
			break;
		next->at = world_now(s->w) + next->step(s, next);
		look_for_evidence(s);
	}
	for (uint32_t i = 0; i < s->count; i++)
		free(s->actors[i].slots);
}
