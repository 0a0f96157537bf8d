/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The CSV files: which rows there are and what stands in each column. Input is one snapshot (and
 * the outstanding blocks of that moment).
 */
#include "csv.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../base/clock.h"
#include "../base/xalloc.h"
#include "../probe/plan.h"
#include "number.h"
#include "stack_text.h"

/* What a row is made with. */
struct csv {
	struct buffer *rows;
	struct buffer cell; /* scratch */
	char time[25];
};

static void add_u64(struct buffer *out, uint64_t value)
{
	buffer_printf(out, ",%" PRIu64, value);
}

static void add_known_u64(struct buffer *out, uint64_t value)
{
	if (value == UINT64_MAX)
		buffer_add_char(out, ',');
	else
		add_u64(out, value);
}

static void add_decimal(struct buffer *out, double value)
{
	buffer_add_char(out, ',');
	number_add(out, value);
}

static void add_quoted(struct buffer *out, const char *text)
{
	const char *p;

	buffer_add_char(out, ',');
	if (!text[strcspn(text, ",\"\r\n")]) {
		buffer_add_string(out, text);
		return;
	}
	buffer_add_char(out, '"');
	for (p = text; *p; p++) {
		if (*p == '"')
			buffer_add_char(out, '"');
		buffer_add_char(out, *p);
	}
	buffer_add_char(out, '"');
}

void csv_add_text(struct buffer *out, const char *text)
{
	struct buffer cell = {0};

	buffer_add(&cell, "", 0);
	buffer_add_clean(&cell, text);
	add_quoted(out, cell.length ? cell.data : "");
	buffer_done(&cell);
}

/* The scratch cell, empty. */
static struct buffer *cell_begin(struct csv *c)
{
	buffer_reset(&c->cell);
	buffer_add(&c->cell, "", 0);
	return &c->cell;
}

static void cell_end(struct csv *c)
{
	add_quoted(c->rows, c->cell.length ? c->cell.data : "");
}

static void add_text(struct csv *c, const char *text)
{
	struct buffer *cell = cell_begin(c);

	if (text)
		buffer_add_clean(cell, text);
	cell_end(c);
}

static void add_frame_name(struct buffer *out, const struct frame_name *frame)
{
	if (frame->function) {
		buffer_add_clean(out, frame->function);
	} else if (frame->module) {
		buffer_add_clean(out, frame->module);
		buffer_printf(out, "+0x%" PRIx64, frame->offset);
	}
}

static void add_stack(struct csv *c, const struct stack_names *names)
{
	stack_text_add(cell_begin(c), names);
	cell_end(c);
}

/* function,source,module,stack */
static void add_names(struct csv *c, const struct stack_names *names)
{
	const struct frame_name *frame = NULL;
	struct buffer *cell;

	if (names->frame_count > 0)
		frame = &names->frames[names->function_frame < names->frame_count
					       ? names->function_frame
					       : 0];
	cell = cell_begin(c);
	if (frame)
		add_frame_name(cell, frame);
	cell_end(c);
	cell = cell_begin(c);
	if (frame && frame->file) {
		buffer_add_clean(cell, frame->file);
		if (frame->line > 0)
			buffer_printf(cell, ":%d", frame->line);
	}
	cell_end(c);
	add_text(c, frame ? frame->module : NULL);
	add_stack(c, names);
}

static void add_totals(struct buffer *out, const struct totals *t)
{
	add_u64(out, t->outstanding_bytes);
	add_u64(out, t->outstanding_count);
	add_u64(out, t->alloc_bytes);
	add_u64(out, t->alloc_count);
	add_u64(out, t->free_bytes);
	add_u64(out, t->free_count);
	add_u64(out, t->peak_bytes);
}

static void add_process(struct csv *c, const struct snapshot_process *process)
{
	if (!process) {
		buffer_add_string(c->rows, ",,");
		return;
	}
	add_u64(c->rows, process->pid);
	add_text(c, process->comm);
}

static const struct snapshot_process *site_process(const struct snapshot *s,
						   const struct snapshot_site *site)
{
	return site->process < s->process_count ? &s->processes[site->process] : NULL;
}

static void add_site(struct csv *c, const struct snapshot *s, const struct snapshot_site *site,
		     const struct stack_names *names)
{
	struct buffer *out = c->rows;

	buffer_add_string(out, c->time);
	add_decimal(out, s->elapsed_s);
	add_process(c, site_process(s, site));
	buffer_printf(out, ",%016" PRIx64 ",%" PRIu32, names->site_id, site->rank);
	add_totals(out, &site->totals);
	add_known_u64(out, site->bulk ? UINT64_MAX : site->totals.temporary_count);
	add_decimal(out, site->growth_bytes_per_s);
	add_decimal(out, site->score);
	add_text(c, verdict_name(site->verdict));
	add_decimal(out, site->oldest_s < 0 ? (double)NAN : site->oldest_s);
	add_u64(out, s->sampled || s->coverage.partial || site->call == CALL_ID_GO ? 1 : 0);
	add_text(c, site->call < CALL_ID_COUNT ? call_name((enum call_id)site->call) : NULL);
	add_names(c, names);
	buffer_add_char(out, '\n');
}

static struct csv csv_begin(struct sink *out, const struct export_input *in)
{
	struct csv c = {.rows = &out->text};

	clock_format_utc(in->realtime_ns, c.time);
	return c;
}

void csv_write_sites(struct sink *out, const struct export_input *in)
{
	const struct snapshot *s = in->snapshot;
	struct csv c = csv_begin(out, in);
	size_t i;

	for (i = 0; i < s->site_count && !sink_spill(out); i++) {
		const struct snapshot_site *site = &s->sites[i];

		if (in->since_version == 0 || site->version > in->since_version)
			add_site(&c, s, site, in->names(in->context, site));
	}
	buffer_done(&c.cell);
}

static int compare_sites(const void *left, const void *right)
{
	const struct snapshot_site *const *a = left, *const *b = right;

	return (*a)->site == (*b)->site ? 0 : (*a)->site < (*b)->site ? -1 : 1;
}

static const struct snapshot_site **sites_by_number(const struct snapshot *s)
{
	const struct snapshot_site **sites = xcalloc(s->site_count + 1, sizeof(*sites));
	size_t i;

	for (i = 0; i < s->site_count; i++)
		sites[i] = &s->sites[i];
	qsort(sites, s->site_count, sizeof(*sites), compare_sites);
	return sites;
}

static const struct snapshot_site *find_site(const struct snapshot_site **sites, size_t count,
					     uint32_t number)
{
	const struct snapshot_site wanted = {.site = number};
	const struct snapshot_site *key = &wanted;
	const struct snapshot_site *const *found;

	found = bsearch(&key, sites, count, sizeof(*sites), compare_sites);
	return found ? *found : NULL;
}

static void add_block(struct csv *c, const struct snapshot *s, const struct report_block *block,
		      const struct snapshot_site *site, const char *site_id)
{
	const struct snapshot_process *process = site ? site_process(s, site) : NULL;
	struct buffer *out = c->rows;

	buffer_add_string(out, c->time);
	add_known_u64(out, process ? process->pid : UINT64_MAX);
	buffer_printf(out, ",0x%" PRIx64, block->address);
	add_u64(out, block->bytes);
	add_decimal(out, block->age_s);
	add_u64(out, block->tid);
	buffer_add_char(out, ',');
	buffer_add_string(out, site_id);
	buffer_add_char(out, '\n');
}

static void site_id_format(const struct snapshot_site *site, report_names_fn *names, void *context,
			   struct buffer *out)
{
	buffer_reset(out);
	buffer_add(out, "", 0);
	if (site)
		buffer_printf(out, "%016" PRIx64, names(context, site)->site_id);
}

void csv_write_blocks(struct sink *out, const struct export_input *in)
{
	const struct snapshot *s = in->snapshot;
	const struct snapshot_site **sites = sites_by_number(s), *site = NULL;
	struct csv c = csv_begin(out, in);
	size_t i;

	for (i = 0; i < in->block_count && !sink_spill(out); i++) {
		const struct report_block *block = &in->blocks[i];

		/* Blocks come site by site: most rows need no new look-up. */
		if (i == 0 || block->site != block[-1].site) {
			site = find_site(sites, s->site_count, block->site);
			site_id_format(site, in->names, in->context, &c.cell);
		}
		add_block(&c, s, block, site, c.cell.data);
	}
	free(sites);
	buffer_done(&c.cell);
}

static void add_timeline_row(struct csv *c, const struct snapshot *s,
			     const struct snapshot_process *process)
{
	struct buffer *out = c->rows;

	buffer_add_string(out, c->time);
	add_decimal(out, s->elapsed_s);
	add_process(c, process);
	add_u64(out, process->totals.outstanding_bytes);
	add_u64(out, process->totals.outstanding_count);
	add_decimal(out, process->alloc_bytes_per_s);
	add_decimal(out, process->allocs_per_s);
	add_decimal(out, process->frees_per_s);
	add_decimal(out, process->growth_bytes_per_s);
	add_known_u64(out, process->rss_bytes);
	add_u64(out, process->site_count);
	add_u64(out, process->leak_site_count);
	add_u64(out, process->lost_events);
	add_decimal(out, s->tracer_cpu_percent);
	add_known_u64(out, s->tracer_rss_bytes);
	buffer_add_char(out, '\n');
}

void csv_write_timeline(struct sink *out, const struct export_input *in)
{
	const struct snapshot *s = in->snapshot;
	struct csv c = csv_begin(out, in);
	size_t i;

	for (i = 0; i < s->process_count; i++)
		add_timeline_row(&c, s, &s->processes[i]);
	buffer_done(&c.cell);
}
