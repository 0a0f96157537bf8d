/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The page of a difference: as html.c, of web/difference.html. */
#include "difference_formats.h"

#include <inttypes.h>
#include <stdio.h>
#include "../base/clock.h"
#include "difference.h"
#include "html.h"
#include "html_names.h"
#include "html_pass.h"
#include "json_text.h"

/* The halves of web/difference.html. */
extern const char html_difference_head[], html_difference_head_end[];
extern const char html_difference_tail[], html_difference_tail_end[];

/* In this order in each row. */
static const char *const site_columns[] = {
	"id",	   "change",  "bytes_a",       "bytes_b",	"count_a", "count_b",
	"alloc_a", "alloc_b", "alloc_count_a", "alloc_count_b", "api",	   "name",
	"source",  "module",  "function",      "frames",
};

struct writer {
	struct sink *sink;
	struct buffer json; /* what has not passed yet */
	struct html_names names;
	struct difference_names stack;
};

static void add_text(struct writer *w, const char *text)
{
	json_u64(&w->json, NULL, html_names_text(&w->names, *text ? text : NULL));
}

static void add_site(struct writer *w, const struct difference_site *s, const char *id)
{
	const struct stack_names *names = difference_names(&w->stack, s->site);
	struct buffer *out = &w->json;

	json_open(out, NULL, '[');
	json_string(out, NULL, id);
	json_string(out, NULL, difference_kind_name(s->kind));
	json_u64(out, NULL, s->a->outstanding_bytes);
	json_u64(out, NULL, s->b->outstanding_bytes);
	json_u64(out, NULL, s->a->outstanding_count);
	json_u64(out, NULL, s->b->outstanding_count);
	json_u64(out, NULL, s->a->alloc_bytes);
	json_u64(out, NULL, s->b->alloc_bytes);
	json_u64(out, NULL, s->a->alloc_count);
	json_u64(out, NULL, s->b->alloc_count);
	add_text(w, s->site->api);
	add_text(w, s->site->function);
	add_text(w, s->site->source);
	add_text(w, s->site->module);
	json_u64(out, NULL, names->function_frame < names->frame_count ? names->function_frame : 0);
	html_names_stack(&w->names, out, names);
	json_close(out, ']');
}

static void sum_up(struct csv_site *sum, const struct csv_site *site)
{
	sum->outstanding_bytes += site->outstanding_bytes;
	sum->outstanding_count += site->outstanding_count;
	sum->alloc_bytes += site->alloc_bytes;
	sum->alloc_count += site->alloc_count;
}

/* The sites that are too many, as one without an id; its name says how many they are. */
static void add_rest(struct writer *w, const struct difference_site *sites, size_t count)
{
	char name[48];
	struct csv_site a = {.site = 0}, b = {.site = 0};
	const struct csv_site site = {
		.api = "", .function = name, .source = "", .module = "", .stack = ""};
	struct difference_site rest = {.a = &a, .b = &b, .site = &site, .kind = DIFFERENCE_NONE};
	size_t i;

	if (!count)
		return;
	snprintf(name, sizeof(name), "%zu more call sites, together", count);
	for (i = 0; i < count; i++) {
		sum_up(&a, sites[i].a);
		sum_up(&b, sites[i].b);
	}
	add_site(w, &rest, "");
}

static void add_sites(struct writer *w, const struct difference *d)
{
	size_t count = d->site_count < HTML_SITES_MAX ? d->site_count : HTML_SITES_MAX, i;

	json_open(&w->json, "site_columns", '[');
	for (i = 0; i < sizeof(site_columns) / sizeof(site_columns[0]); i++)
		json_string(&w->json, NULL, site_columns[i]);
	json_close(&w->json, ']');
	json_open(&w->json, "sites", '[');
	for (i = 0; i < count && !html_pass(w->sink, &w->json); i++) {
		char id[17];

		snprintf(id, sizeof(id), "%016" PRIx64, d->sites[i].site->site);
		add_site(w, &d->sites[i], id);
	}
	add_rest(w, d->sites + count, d->site_count - count);
	json_close(&w->json, ']');
}

static void add_side(struct buffer *out, const char *key, const struct difference_side *side)
{
	json_open(out, key, '{');
	json_string(out, "path", side->path);
	json_u64(out, "bytes", side->bytes);
	json_u64(out, "count", side->count);
	json_u64(out, "sites", side->sites.count);
	json_close(out, '}');
}

static void add_data(struct writer *w, const struct export_input *in)
{
	json_open(&w->json, NULL, '{');
	json_int(&w->json, "format", HTML_FORMAT);
	json_string(&w->json, "version", TRACER_VERSION);
	json_u64(&w->json, "time_ms", in->realtime_ns / NS_PER_MS);
	add_side(&w->json, "a", &in->difference->a);
	add_side(&w->json, "b", &in->difference->b);
	add_sites(w, in->difference);
	html_names_end(&w->names, &w->json);
	json_close(&w->json, '}');
	html_pass_last(w->sink, &w->json);
}

void difference_write_html(struct sink *out, const struct export_input *in)
{
	struct writer w = {.sink = out};

	buffer_add(&out->text, html_difference_head,
		   (size_t)(html_difference_head_end - html_difference_head));
	add_data(&w, in);
	buffer_add(&out->text, html_difference_tail,
		   (size_t)(html_difference_tail_end - html_difference_tail));
	html_names_done(&w.names);
	difference_names_done(&w.stack);
}
