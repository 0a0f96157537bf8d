/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report_go_pools.h"

#include <inttypes.h>
#include "../base/units.h"

static void add_coverage(struct buffer *out, const struct go_pools_figures *f)
{
	if (!f->sees_calls)
		buffer_add_string(out, "; their calls cannot be counted");
	else if (!f->slices)
		buffer_add_string(out, "; their calls are not counted yet");
	else
		buffer_printf(out,
			      "; their calls were counted in %" PRIu64 " %s of the time, %.2f s",
			      f->slices, f->slices == 1 ? "slice" : "slices",
			      (double)f->covered_ns / 1e9);
}

void report_go_pools_head(struct buffer *out, const struct go_pools_figures *f)
{
	buffer_printf(out, "%zu pools (sync.Pool)%s", f->count,
		      f->lists ? "" : " seen in use, which may not be all");
	add_coverage(out, f);
	if (f->left_out)
		buffer_printf(out, "; %" PRIu64 " more pools are not shown", f->left_out);
	if (f->lost)
		buffer_printf(out, "; %" PRIu64 " calls lost: too many pools at a time", f->lost);
	if (f->race)
		buffer_add_string(out, "; built with -race, which drops one Put in four");
}

void report_go_pool_hits(struct buffer *out, const struct go_pools_figures *f,
			 const struct go_pool *pool)
{
	struct interval range;
	double rate;

	if (go_pool_hit_rate(f, pool, &rate, &range))
		buffer_printf(out, "%.1f%% hits (%.1f..%.1f)", 100 * rate, 100 * range.low,
			      100 * range.high);
}

static void add_rate(struct buffer *out, uint64_t count, const struct go_pools_figures *f,
		     const char *what)
{
	char text[16];
	double rate = f->covered_ns ? (double)count * 1e9 / (double)f->covered_ns : 0;

	buffer_printf(out, "%s %s/s", units_count((uint64_t)rate, text, sizeof(text)), what);
}

static void add_facts(struct buffer *out, const struct go_pools_figures *f,
		      const struct go_pool *pool)
{
	const struct go_pool_facts *facts = &pool->facts;

	buffer_printf(out, "\t\t[at 0x%" PRIx64 ", ", facts->address);
	if (facts->type[0]) {
		buffer_add_string(out, "of ");
		buffer_add_clean(out, facts->type);
		buffer_printf(out, " (%" PRIu64 " bytes), ", facts->bytes);
	}
	if (facts->made_by[0]) {
		buffer_add_string(out, "New is ");
		buffer_add_clean(out, facts->made_by);
	} else {
		buffer_add_string(out, facts->has_new ? "New is not known" : "no New");
	}
	buffer_printf(out, "; %" PRIu64 " gets, %" PRIu64 " puts", pool->gets, pool->puts);
	if (f->sees_misses)
		buffer_printf(out, ", %" PRIu64 " misses, %" PRIu64 " calls of New", pool->misses,
			      pool->made);
	if (f->lists && !facts->listed)
		buffer_add_string(out, "; not in the program's list of pools now");
	buffer_add_string(out, "]\n");
}

static void add_pool(struct buffer *out, const struct go_pools_figures *f,
		     const struct go_pool *pool, bool verbose)
{
	struct buffer text = {0};

	buffer_add_string(out, "\t");
	add_rate(out, pool->gets, f, "gets");
	buffer_add_string(out, ", ");
	add_rate(out, pool->puts, f, "puts");
	report_go_pool_hits(&text, f, pool);
	if (text.length)
		buffer_printf(out, ", %s", text.data);
	buffer_add_string(out, ": pool ");
	go_pool_add_name(pool, out);
	buffer_add_char(out, '\n');
	if (verbose)
		add_facts(out, f, pool);
	buffer_reset(&text);
	go_pool_add_advice(f, pool, &text);
	if (text.length)
		buffer_printf(out, "\t\t[%s]\n", text.data);
	buffer_done(&text);
}

void report_add_go_pools(struct buffer *out, const struct snapshot_process *p, uint64_t top,
			 bool verbose)
{
	const struct go_pools_figures *f = &p->go_pools;
	size_t i;

	if (!f->known)
		return;
	buffer_printf(out, "\t(%" PRIu32 " ", p->pid);
	buffer_add_clean(out, p->comm);
	buffer_add_string(out, ": ");
	report_go_pools_head(out, f);
	buffer_add_string(out, ")\n");
	for (i = 0; i < f->count && i < top; i++)
		add_pool(out, f, &f->v[i], verbose);
}
