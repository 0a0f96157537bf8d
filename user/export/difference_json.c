/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines of two kinds, so that a reader needs no more memory than for one site: the whole first, then site by site. Keys are
 * those of the CSV. The fields are documented in docs/json.md and docs/tracer-diff.schema.json.
 */
#include "difference_formats.h"

#include <inttypes.h>
#include <stdio.h>
#include "../base/clock.h"
#include "difference.h"
#include "json.h"
#include "json_text.h"

static void begin_line(struct buffer *line, const char *kind)
{
	buffer_reset(line);
	json_open(line, NULL, '{');
	json_int(line, "version", JSON_VERSION);
	json_string(line, "kind", kind);
}

static void end_line(struct buffer *line, struct sink *out)
{
	json_close(line, '}');
	buffer_add_char(line, '\n');
	buffer_add(&out->text, line->data, line->length);
}

static void add_side(struct buffer *out, const char *key, const struct difference_side *side)
{
	json_open(out, key, '{');
	json_string(out, "path", side->path);
	json_u64(out, "outstanding_bytes", side->bytes);
	json_u64(out, "outstanding_count", side->count);
	json_u64(out, "sites", side->sites.count);
	json_close(out, '}');
}

static void add_whole(struct buffer *out, const struct export_input *in)
{
	const struct difference *d = in->difference;
	char time[25];
	size_t i;

	begin_line(out, "diff");
	clock_format_utc(in->realtime_ns, time);
	json_string(out, "time", time);
	add_side(out, "a", &d->a);
	add_side(out, "b", &d->b);
	json_i64(out, "bytes_change", d->bytes);
	json_i64(out, "count_change", d->count);
	json_open(out, "sites", '{');
	for (i = 0; i < DIFFERENCE_KINDS; i++)
		json_u64(out, difference_kind_name((enum difference_kind)i), d->counts[i]);
	json_close(out, '}');
}

/* An empty cell of the CSV is what was not known. */
static void add_known(struct buffer *out, const char *key, const char *text)
{
	json_string(out, key, text && *text ? text : NULL);
}

static void add_names(struct buffer *out, const struct csv_site *site,
		      const struct stack_names *names)
{
	size_t i;

	add_known(out, "api", site->api);
	add_known(out, "function", site->function);
	add_known(out, "source", site->source);
	add_known(out, "module", site->module);
	json_open(out, "stack", '[');
	for (i = 0; i < names->frame_count; i++)
		json_string(out, NULL, names->frames[i].function);
	json_close(out, ']');
}

static void add_site(struct buffer *out, const struct difference_site *s,
		     const struct stack_names *names)
{
	char id[17];

	begin_line(out, "diff_site");
	snprintf(id, sizeof(id), "%016" PRIx64, s->site->site);
	json_string(out, "site", id);
	json_string(out, "change", difference_kind_name(s->kind));
	json_u64(out, "bytes_a", s->a->outstanding_bytes);
	json_u64(out, "bytes_b", s->b->outstanding_bytes);
	json_i64(out, "bytes_change", s->bytes);
	json_u64(out, "count_a", s->a->outstanding_count);
	json_u64(out, "count_b", s->b->outstanding_count);
	json_i64(out, "count_change", s->count);
	json_u64(out, "alloc_bytes_a", s->a->alloc_bytes);
	json_u64(out, "alloc_bytes_b", s->b->alloc_bytes);
	json_u64(out, "alloc_count_a", s->a->alloc_count);
	json_u64(out, "alloc_count_b", s->b->alloc_count);
	add_names(out, s->site, names);
}

void difference_write_json(struct sink *out, const struct export_input *in)
{
	const struct difference *d = in->difference;
	struct difference_names names = {.text = NULL};
	struct buffer line = {0};
	size_t i;

	add_whole(&line, in);
	end_line(&line, out);
	for (i = 0; i < d->site_count && !sink_spill(out); i++) {
		add_site(&line, &d->sites[i], difference_names(&names, d->sites[i].site));
		end_line(&line, out);
	}
	difference_names_done(&names);
	buffer_done(&line);
}
