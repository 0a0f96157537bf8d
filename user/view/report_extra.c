/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * None of these lines looks like one of memleak's: scripts that parse the report pass over them.
 */
#include "report_extra.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "../analyse/pools.h"
#include "../base/units.h"
#include "../base/xalloc.h"
#include "frames.h"

/* A limit that is farther away is said only with -v. */
#define NEAR_S 3600.0
/* In one line. */
#define PROCESSES_MAX 8

/* ---- the baseline ---- */

static void add_signed(struct buffer *out, const struct change *c)
{
	buffer_printf(out, "%+" PRId64 " bytes in %+" PRId64 " allocations", c->outstanding_bytes,
		      c->outstanding_count);
}

void report_add_baseline(struct buffer *out, const struct snapshot *s)
{
	if (!s->changes)
		return;
	buffer_printf(out,
		      "\t(change since the baseline, %.1f s after the start: sites with more "
		      "outstanding, then those with less",
		      s->baseline_s);
	for (size_t i = 0; i < s->process_count && i < PROCESSES_MAX; i++) {
		buffer_printf(out, "; %" PRIu32 " ", s->processes[i].pid);
		buffer_add_clean(out, s->processes[i].comm);
		buffer_add_string(out, ": ");
		add_signed(out, s->processes[i].change);
	}
	buffer_add_string(out, ")\n");
}

/* Blocks of then that are still there count on both sides: an upper bound. */
static void add_change_margin(struct buffer *out, const struct snapshot_site *site)
{
	const struct uncertain *u = site->uncertain;
	double variance = errors_of(&u->errors, FIGURE_OUTSTANDING).bytes_variance;
	double change = (double)site->change->outstanding_bytes;
	char text[INTERVAL_TEXT];
	struct interval i = interval_of_change(change, variance + site->change->variance_then,
					       (double)u->sample_bytes);

	buffer_printf(out, "\t\t[bytes %s]\n", interval_change_text(change, i, text, sizeof(text)));
}

void report_add_change(struct buffer *out, const struct snapshot_site *site)
{
	const struct totals *t = &site->totals;
	const struct change *c = site->change;

	if (!c)
		return;
	buffer_add_string(out, "\t\t[since the baseline: ");
	add_signed(out, c);
	buffer_printf(out, ", of %+" PRId64 " allocated; now %" PRIu64 " bytes in %" PRIu64 "]\n",
		      c->alloc_count, t->outstanding_bytes, t->outstanding_count);
	if (site->uncertain)
		add_change_margin(out, site);
}

/* Behind a function that is named in one line. */
#define CALLERS 3u

static void add_function(struct buffer *out, const struct stack_names *names)
{
	if (names->function_frame < names->frame_count)
		frames_add(out, &names->frames[names->function_frame]);
	else
		buffer_add_string(out, "an unknown stack");
}

/* Lines of one function differ in its callers. */
static void add_function_and_callers(struct buffer *out, const struct stack_names *names)
{
	size_t i = names->function_frame, end = i + 1 + CALLERS;

	add_function(out, names);
	for (i++; i < names->frame_count && i < end; i++) {
		buffer_add_string(out, " < ");
		frames_add_short(out, &names->frames[i]);
	}
}

static int compare_changes(const void *left, const void *right)
{
	const struct snapshot_site *a = *(const struct snapshot_site *const *)left;
	const struct snapshot_site *b = *(const struct snapshot_site *const *)right;
	int64_t x = a->change->outstanding_bytes, y = b->change->outstanding_bytes;

	if (x != y)
		return x < y ? -1 : 1;
	return (a->site > b->site) - (a->site < b->site);
}

static void add_shrunk(struct buffer *out, const struct snapshot *s,
		       const struct snapshot_site *site, const struct stack_names *names)
{
	buffer_add_string(out, "\t(less: ");
	add_signed(out, site->change);
	if (s->process_count > 1)
		buffer_printf(out, " in %" PRIu32, s->processes[site->process].pid);
	buffer_add_string(out, " from ");
	add_function_and_callers(out, names);
	buffer_add_string(out, ")\n");
}

void report_add_shrunk(struct buffer *out, const struct snapshot *s, uint64_t top,
		       report_names_fn *names, void *context)
{
	const struct snapshot_site **sites;
	size_t count = 0, i;

	if (!s->changes)
		return;
	sites = xcalloc(s->site_count + 1, sizeof(*sites));
	for (i = 0; i < s->site_count; i++) {
		if (s->sites[i].change->outstanding_bytes < 0)
			sites[count++] = &s->sites[i];
	}
	qsort(sites, count, sizeof(*sites), compare_changes);
	for (i = 0; i < count && i < top; i++)
		add_shrunk(out, s, sites[i], names(context, sites[i]));
	free(sites);
}

/* ---- the process ---- */

static void add_who(struct buffer *out, const struct snapshot_process *p)
{
	buffer_printf(out, "\t(%" PRIu32 " ", p->pid);
	buffer_add_clean(out, p->comm);
	buffer_add_string(out, ": ");
}

void report_add_process(struct buffer *out, const struct snapshot_process *p, bool verbose)
{
	char text[160];

	if (p->beside.known) {
		add_who(out, p);
		beside_add_figures(&p->beside, out);
		buffer_add_string(out, ")\n");
	}
	if (verbose && p->beside.known) {
		add_who(out, p);
		beside_add_since(&p->beside, &p->since, out);
		buffer_add_string(out, ")\n");
	}
	if (!p->exhaustion.known || (!verbose && p->exhaustion.seconds > NEAR_S))
		return;
	add_who(out, p);
	buffer_printf(out, "growing as it does now, it meets %s)\n",
		      exhaustion_text(&p->exhaustion, text, sizeof(text)));
}

/* ---- pools ---- */

/* Go: what is allocated there when a pool of the program has nothing. */
static bool is_in_pool(const struct stack_names *names)
{
	size_t i;

	for (i = 0; i < names->frame_count; i++) {
		const char *function = names->frames[i].function;

		if (function && !strcmp(function, "sync.(*Pool).Get"))
			return true;
	}
	return false;
}

static void add_pool_use(struct buffer *out, const struct pool_row *row,
			 const struct stack_names *names)
{
	char calls[16], blocks[16], kept[16];

	units_count((uint64_t)row->calls_per_s, calls, sizeof(calls));
	if (row->advice != POOL_SYNC)
		buffer_printf(out, ": %s would spare %s calls/s, for %s blocks, %s\n",
			      pool_advice_text(row->advice), calls,
			      units_count(row->blocks, blocks, sizeof(blocks)),
			      units_bytes(row->bytes, kept, sizeof(kept)));
	else if (is_in_pool(names))
		buffer_printf(out, ": made by a sync.Pool that has nothing %s times/s\n", calls);
	else
		buffer_printf(out, ": %s would spare %s allocations/s\n",
			      pool_advice_text(row->advice), calls);
}

static void add_pool(struct buffer *out, const struct snapshot *s, const struct pool_row *row,
		     const struct stack_names *names)
{
	char allocs[16], bytes[16], text[32];
	const struct change *c = row->site->change;

	buffer_printf(out, "\t%s allocations/s of %.0f bytes (%s/s)",
		      units_count((uint64_t)row->allocs_per_s, allocs, sizeof(allocs)),
		      row->mean_bytes,
		      units_bytes((uint64_t)row->bytes_per_s, bytes, sizeof(bytes)));
	if (s->process_count > 1)
		buffer_printf(out, " in %" PRIu32, s->processes[row->site->process].pid);
	add_pool_use(out, row, names);
	if (row->advice == POOL_SYNC) {
		buffer_printf(out, "\t\t[%" PRIu64 " allocated %s, %.1f%% of like size]\n",
			      c ? (uint64_t)c->alloc_count : row->site->totals.alloc_count,
			      c ? "since the baseline" : "so far", 100 * row->alike_share);
		return;
	}
	buffer_printf(out,
		      "\t\t[%" PRIu64 " allocated %s, %.1f%% of like size, %.1f%% of the freed "
		      "temporary, ",
		      c ? (uint64_t)c->alloc_count : row->site->totals.alloc_count,
		      c ? "since the baseline" : "so far", 100 * row->alike_share,
		      100 * row->temporary_share);
	if (row->life_bound)
		buffer_printf(out, "a block lives %s at most on average]\n",
			      units_life(row->life_s, text, sizeof(text)));
	else
		buffer_printf(out, "half of them live less than %s]\n",
			      units_life(row->life_s, text, sizeof(text)));
}

void report_add_pools(struct buffer *out, const struct snapshot *s, uint64_t top,
		      report_names_fn *names, void *context)
{
	struct pool_row *rows;
	size_t count = pools_find(s, &rows), i, k;

	buffer_printf(out, "\tSites that a pool or a buffer used again would relieve: %zu\n",
		      count);
	for (i = 0; i < count && i < top; i++) {
		const struct stack_names *n = names(context, rows[i].site);

		add_pool(out, s, &rows[i], n);
		for (k = 0; k < n->frame_count; k++) {
			buffer_add_string(out, "\t\t");
			frames_add(out, &n->frames[k]);
			buffer_add_char(out, '\n');
		}
	}
	free(rows);
}
