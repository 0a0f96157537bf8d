/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The batch report. Input is one snapshot, so that all figures agree; output is text in a buffer,
 * which the owner writes in one go. The line "N bytes in M allocations from stack" is bcc memleak's
 * to the letter: scripts parse it, so everything that memleak does not say goes on lines of its
 * own. Only sites with something outstanding are listed, and whatever makes the figures wrong
 * (losses, sampling, a heap from before the attach) is said in the same report.
 */
#include "report.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include "../analyse/reasons.h"
#include "../analyse/counter_text.h"
#include "../base/clock.h"
#include "../base/units.h"
#include "../base/xalloc.h"
#include "frames.h"
#include "report_extra.h"
#include "report_go_pools.h"
#include "report_go.h"
#include "report_goroutines.h"

/* A site that is listed, with the figures to show: those of the site, or of its old blocks (-o). */
struct row {
	const struct snapshot_site *site;
	uint64_t bytes, count;
	struct uncertain old; /* of its old blocks, when sampled */
	const struct uncertain *uncertain;
	size_t first_block, block_count;
	size_t position; /* in the order of the snapshot */
};

struct rows {
	struct row *v;
	size_t count;
};

/* First block of a site, or the place where it would be. */
static size_t blocks_lower_bound(const struct report_options *options, uint32_t site)
{
	size_t low = 0, high = options->block_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (options->blocks[middle].site < site)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void add_block(struct error_sums *to, const struct report_block *block)
{
	struct error_sums e = error_of(block->bytes, block->chance);

	error_sums_add(to, &e);
}

static void row_find_blocks(struct row *row, const struct report_options *options)
{
	struct error_sums sums = {0};
	size_t i;

	row->first_block = blocks_lower_bound(options, row->site->site);
	for (i = row->first_block; i < options->block_count; i++) {
		if (options->blocks[i].site != row->site->site)
			break;
		if (options->only_blocks)
			add_block(&sums, &options->blocks[i]);
	}
	row->block_count = i - row->first_block;
	if (!options->only_blocks)
		return;
	row->bytes = sums.seen_bytes + (uint64_t)llround(sums.missing_bytes);
	row->count = sums.seen_count + (uint64_t)llround(sums.missing_count);
	if (!row->uncertain)
		return;
	row->old = *row->uncertain;
	row->old.errors.alloc = sums;
	row->old.errors.free = (struct error_sums){0};
}

static int compare_u64_descending(uint64_t a, uint64_t b)
{
	return a == b ? 0 : a > b ? -1 : 1;
}

static int compare_positions(const struct row *a, const struct row *b)
{
	return a->position == b->position ? 0 : a->position < b->position ? -1 : 1;
}

static int compare_bytes(const void *left, const void *right)
{
	const struct row *a = left, *b = right;
	int order = compare_u64_descending(a->bytes, b->bytes);

	return order ? order : compare_positions(a, b);
}

static int compare_counts(const void *left, const void *right)
{
	const struct row *a = left, *b = right;
	int order = compare_u64_descending(a->count, b->count);

	return order ? order : compare_positions(a, b);
}

/* What has not become more is not listed here: report_add_shrunk(). */
static void row_take_change(struct row *row, const struct change *c)
{
	bool more = c->outstanding_bytes > 0 || (!c->outstanding_bytes && c->outstanding_count > 0);

	row->bytes = more ? (uint64_t)c->outstanding_bytes : 0;
	row->count = more && c->outstanding_count > 0 ? (uint64_t)c->outstanding_count : 0;
}

/* The snapshot is sorted by the sites' own figures; those of the old blocks have another order. */
static bool has_own_order(const struct report_options *options)
{
	return options->only_blocks &&
	       (options->sort == SORT_OUTSTANDING || options->sort == SORT_COUNT);
}

/* Of very many sites no more than are listed, when these are the first. */
static void rows_collect(struct rows *rows, const struct snapshot *s,
			 const struct report_options *options)
{
	size_t i, most = s->site_count;

	if (!has_own_order(options) && options->top < most)
		most = options->top;
	rows->v = xcalloc(most ? most : 1, sizeof(*rows->v));
	rows->count = 0;
	for (i = 0; i < s->site_count && rows->count < most; i++) {
		struct row row = {
			.site = &s->sites[i], .uncertain = s->sites[i].uncertain, .position = i};

		row.bytes = row.site->totals.outstanding_bytes;
		row.count = row.site->totals.outstanding_count;
		if (row.site->change)
			row_take_change(&row, row.site->change);
		if (options->blocks || options->only_blocks)
			row_find_blocks(&row, options);
		if (row.bytes == 0 && row.count == 0)
			continue;
		rows->v[rows->count++] = row;
	}
	if (has_own_order(options))
		qsort(rows->v, rows->count, sizeof(*rows->v),
		      options->sort == SORT_COUNT ? compare_counts : compare_bytes);
}

static const struct snapshot_process *site_process(const struct snapshot *s,
						   const struct snapshot_site *site)
{
	return site->process < s->process_count ? &s->processes[site->process] : NULL;
}

static void add_process(struct buffer *out, const struct snapshot *s,
			const struct snapshot_site *site)
{
	const struct snapshot_process *process = site_process(s, site);

	if (!process)
		return;
	buffer_printf(out, "\t%" PRIu32 " ", process->pid);
	buffer_add_clean(out, process->comm);
	buffer_add_char(out, '\n');
}

static void add_resident(struct buffer *out, const struct row *row,
			 const struct report_options *options, void *context)
{
	struct resident r;

	if (!options->resident || !row->block_count ||
	    !options->resident(context, row->site, &options->blocks[row->first_block],
			       row->block_count, &r))
		return;
	buffer_printf(out,
		      "\t\t[resident %" PRIu64 " of %" PRIu64 " bytes in %" PRIu64
		      " blocks looked at, swapped out %" PRIu64 "]\n",
		      r.resident_bytes, r.looked_bytes, r.looked_blocks, r.swapped_bytes);
}

/* With a baseline those that are younger than it. */
static void add_blocks(struct buffer *out, const struct snapshot *s, const struct row *row,
		       const struct report_options *options)
{
	double longest = s->changes ? s->elapsed_s - s->baseline_s : HUGE_VAL;
	size_t i;

	for (i = 0; i < row->block_count; i++) {
		const struct report_block *block = &options->blocks[row->first_block + i];

		if (block->age_s > longest)
			continue;
		buffer_printf(out, "\t\taddr = 0x%" PRIx64 " size = %" PRIu64 " age = %.1fs\n",
			      block->address, block->bytes, block->age_s);
	}
}

static void add_figures(struct buffer *out, const struct snapshot_site *site)
{
	const struct totals *t = &site->totals;
	const struct change *c = site->change;
	char growth[16], life[32];

	if (c)
		buffer_printf(out,
			      "\t\t[since the baseline: allocated %" PRId64 " bytes in %" PRId64
			      ", freed %" PRId64 " bytes in %" PRId64,
			      c->alloc_bytes, c->alloc_count, c->free_bytes, c->free_count);
	else
		buffer_printf(out,
			      "\t\t[allocated %" PRIu64 " bytes in %" PRIu64 ", freed %" PRIu64
			      " bytes in %" PRIu64,
			      t->alloc_bytes, t->alloc_count, t->free_bytes, t->free_count);
	buffer_printf(out, ", peak %" PRIu64 " bytes", t->peak_bytes);
	if (!site->bulk)
		buffer_printf(out, ", temporary %" PRId64,
			      c ? c->temporary_count : (int64_t)t->temporary_count);
	buffer_printf(out, ", growth %s/s",
		      units_signed_bytes(site->growth_bytes_per_s, growth, sizeof(growth)));
	if (site->bytes_at_peak)
		buffer_printf(out, ", %" PRIu64 " at the peak of the process", site->bytes_at_peak);
	if (t->free_count && site->lifetimes.median_s >= 0)
		buffer_printf(out, ", half of the freed lived less than %s",
			      units_life(site->lifetimes.median_s, life, sizeof(life)));
	if (site->before.bytes)
		buffer_printf(out, ", %" PRIu64 " bytes of the allocated from before tracing began",
			      site->before.bytes);
	if (site->oldest_s >= 0)
		buffer_printf(out, ", oldest %.1fs", site->oldest_s);
	buffer_printf(out, ", verdict %s, score %.0f]\n",
		      site->verdict == VERDICT_NONE ? "suppressed" : verdict_name(site->verdict),
		      site->score);
	buffer_add_string(out, "\t\t[");
	reasons_add(out, site);
	buffer_add_string(out, "]\n");
}

static void add_stack(struct buffer *out, const struct stack_names *names, uint32_t stack_flags)
{
	size_t i;

	for (i = 0; i < names->frame_count; i++) {
		buffer_add_string(out, "\t\t");
		frames_add(out, &names->frames[i]);
		buffer_add_char(out, '\n');
	}
	i = out->length;
	buffer_add_string(out, "\t\t");
	if (frames_add_cut(out, names, stack_flags))
		buffer_add_char(out, '\n');
	else
		out->data[out->length = i] = '\0';
}

static uint64_t samples_of(const struct uncertain *u)
{
	return errors_of(&u->errors, FIGURE_OUTSTANDING).seen_count;
}

static void add_margin(struct buffer *out, const struct uncertain *u, enum figure figure,
		       uint64_t bytes, uint64_t count)
{
	char of_bytes[INTERVAL_TEXT], of_count[INTERVAL_TEXT];

	interval_text((double)bytes, uncertain_bytes(u, figure), units_bytes, of_bytes,
		      sizeof(of_bytes));
	uncertain_count_text(u, figure, count, of_count, sizeof(of_count));
	buffer_printf(out, "bytes %s, allocations %s", of_bytes, of_count);
}

/* How far the figures of a site may be off. */
static void add_margins(struct buffer *out, const struct row *row,
			const struct report_options *options)
{
	const struct uncertain *u = options->only_blocks ? &row->old : row->uncertain;
	const struct totals *t = &row->site->totals;
	double growth = row->site->growth_bytes_per_s;
	char text[INTERVAL_TEXT];

	buffer_add_string(out, "\t\t[");
	add_margin(out, u, FIGURE_OUTSTANDING, row->bytes, row->count);
	if (options->verbose) {
		u = row->uncertain;
		buffer_add_string(out, "; allocated: ");
		add_margin(out, u, FIGURE_ALLOC, t->alloc_bytes, t->alloc_count);
		buffer_add_string(out, "; freed: ");
		add_margin(out, u, FIGURE_FREE, t->free_bytes, t->free_count);
		buffer_printf(out, "; growth %s/s",
			      interval_change_text(growth, uncertain_growth(u, growth), text,
						   sizeof(text)));
	}
	buffer_printf(out, ", from %" PRIu64 " samples]\n",
		      samples_of(options->only_blocks ? &row->old : row->uncertain));
}

static void add_type(struct buffer *out, const struct stack_names *names)
{
	if (!names->type)
		return;
	buffer_add_string(out, "\t\t[type ");
	buffer_add_clean(out, names->type);
	buffer_add_string(out, "]\n");
}

static void add_site(struct buffer *out, const struct snapshot *s, const struct row *row,
		     const struct report_options *options, report_names_fn *find_names,
		     void *context)
{
	const struct stack_names *names;

	names = find_names(context, row->site);
	if (options->show_process)
		add_process(out, s, row->site);
	buffer_printf(out, "\t%" PRIu64 " bytes in %" PRIu64 " allocations from stack\n",
		      row->bytes, row->count);
	if (row->site->range)
		buffer_add_string(out, "\t\t[mapped range]\n");
	add_type(out, names);
	report_add_change(out, row->site);
	if (row->uncertain && !row->site->change)
		add_margins(out, row, options);
	if (options->verbose)
		add_figures(out, row->site);
	if (options->show_allocs) {
		add_blocks(out, s, row, options);
		add_resident(out, row, options, context);
	}
	add_stack(out, names, row->site->stack_flags);
}

/* Of all sites together, listed or not. */
static void add_totals(struct buffer *out, const struct snapshot *s)
{
	size_t i;

	for (i = 0; s->uncertain && i < s->process_count; i++) {
		const struct snapshot_process *p = &s->processes[i];
		uint64_t bytes = p->totals.outstanding_bytes, count = p->totals.outstanding_count;

		if (!p->uncertain)
			continue;
		buffer_printf(out, "\t(%" PRIu32 " ", p->pid);
		buffer_add_clean(out, p->comm);
		buffer_printf(out, ": %" PRIu64 " bytes in %" PRIu64 " allocations outstanding; ",
			      bytes, count);
		add_margin(out, p->uncertain, FIGURE_OUTSTANDING, bytes, count);
		buffer_printf(out, ", from %" PRIu64 " samples)\n", samples_of(p->uncertain));
	}
}

static void add_coverage(struct buffer *out, const struct coverage_figures *c)
{
	if (!c->partial)
		return;
	buffer_printf(out,
		      "\t(traced %.1f%% of the time in %" PRIu64
		      " windows: figures are estimates, for all of it; ",
		      c->time_percent, c->windows);
	if (c->error_known)
		buffer_printf(out, "allocated bytes +-%.1f%%, outstanding bytes +-%.1f%%)\n",
			      c->alloc_bytes_error, c->kept_bytes_error);
	else
		buffer_add_string(out, "their error is not known yet)\n");
}

/* What the reader must know before the figures. */
static void add_remarks(struct buffer *out, const struct snapshot *s)
{
	size_t i;

	if (s->sampled)
		buffer_printf(
			out,
			"\t(sampled: one sample per %" PRIu64
			" bytes on average, figures are estimates, their ranges hold 95 times "
			"in 100)\n",
			s->sample_bytes);
	report_add_baseline(out, s);
	add_totals(out, s);
	add_coverage(out, &s->coverage);
	for (i = 0; i < s->process_count; i++) {
		const struct snapshot_process *process = &s->processes[i];

		if (process->go_only)
			report_add_go_only(out, process);
		if (process->go_only || !process->attached || !process->notable_first)
			continue;
		buffer_printf(out, "\t(%" PRIu32 " ", process->pid);
		buffer_add_clean(out, process->comm);
		buffer_add_string(out,
				  process->go_heap.source == GO_HEAP_PROFILE
					  ? ": its C heap from before the attach is not shown, its "
					    "Go heap is)\n"
					  : ": its heap from before the attach is not shown)\n");
	}
}

uint64_t report_lost_events(const struct snapshot *s)
{
	uint64_t counted = 0, by_process = 0;
	size_t i;

	for (i = 0; i < counter_text_count; i++) {
		if (counter_texts[i].lost)
			counted += s->counts[counter_texts[i].id];
	}
	for (i = 0; i < s->process_count; i++)
		by_process += s->processes[i].lost_events;
	/* The same losses seen from two sides, and neither side need know all of them. */
	return by_process > counted ? by_process : counted;
}

/* With windows the share of now says little. */
static void add_cost(struct buffer *out, const struct snapshot *s)
{
	const struct snapshot_cost *cost = &s->cost;

	if (!cost->known)
		return;
	buffer_printf(out,
		      "\t(tracing takes about %.1f%% of the processor time of the traced "
		      "processes, %.1f%% of a core",
		      cost->percent, cost->core_percent);
	if (s->coverage.partial)
		buffer_printf(out, "; %.1f%% since the start", cost->total_percent);
	buffer_add_string(out, ")\n");
}

static void add_losses(struct buffer *out, const struct snapshot *s)
{
	const char *separator = ": ";
	uint64_t total = report_lost_events(s);
	size_t i;

	if (total == 0)
		return;
	buffer_printf(out, "\t(%" PRIu64 " events lost", total);
	for (i = 0; i < counter_text_count; i++) {
		uint64_t count = s->counts[counter_texts[i].id];

		if (!counter_texts[i].lost || count == 0)
			continue;
		buffer_printf(out, "%s%s %" PRIu64, separator, counter_texts[i].name, count);
		separator = ", ";
	}
	buffer_add_string(out, "; figures are too low by that much)\n");
}

static void add_counters(struct buffer *out, const struct snapshot *s, bool verbose)
{
	uint64_t unknown = s->counts[COUNTER_UNKNOWN_FREE];
	size_t i;

	if (unknown > 0)
		buffer_printf(out,
			      "\t(%" PRIu64 " frees of unknown blocks: from before the attach%s or "
			      "filtered)\n",
			      unknown, s->coverage.partial ? ", between two windows" : "");
	if (!verbose)
		return;
	for (i = 0; i < counter_text_count; i++) {
		const struct counter_text *text = &counter_texts[i];

		if (text->lost || text->id == COUNTER_UNKNOWN_FREE || s->counts[text->id] == 0)
			continue;
		buffer_printf(out, "\t(%s %" PRIu64 ": %s)\n", text->name, s->counts[text->id],
			      text->help);
	}
}

void report_write(struct buffer *out, struct snapshot *s, const struct report_options *options,
		  report_names_fn *names, void *context)
{
	struct rows rows;
	char time[9];
	size_t i;

	snapshot_sort(s, options->sort, false);
	rows_collect(&rows, s, options);
	clock_format_local(s->realtime_ns, time);
	buffer_printf(out, "[%s] Top %" PRIu64 " stacks with outstanding allocations:\n", time,
		      options->top);
	add_remarks(out, s);
	for (i = 0; i < rows.count && i < options->top; i++)
		add_site(out, s, &rows.v[i], options, names, context);
	report_add_shrunk(out, s, options->top, names, context);
	for (i = 0; i < s->process_count; i++) {
		report_add_process(out, &s->processes[i], options->verbose);
		report_add_go(out, &s->processes[i], options->verbose);
		report_add_go_advice(out, &s->processes[i]);
		report_add_goroutines(out, s, (uint32_t)i, options, context);
	}
	for (i = 0; options->pools && i < s->process_count; i++)
		report_add_go_pools(out, &s->processes[i], options->top, options->verbose);
	if (options->pools)
		report_add_pools(out, s, options->top, names, context);
	add_cost(out, s);
	add_losses(out, s);
	add_counters(out, s, options->verbose);
	free(rows.v);
}
