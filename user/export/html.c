/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The page, piece by piece: the first half, the data, the second half. Sites come before the frames and texts that they
 * refer to, which are known only then.
 */
#include "html.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "../analyse/reasons.h"
#include "../base/xalloc.h"
#include "../probe/plan.h"
#include "../view/frames.h"
#include "html_names.h"
#include "html_pass.h"
#include "html_run.h"
#include "json_text.h"

/* The halves of web/page.html. */
extern const char html_page_head[], html_page_head_end[];
extern const char html_page_tail[], html_page_tail_end[];

struct writer {
	const struct export_input *in;
	struct sink *sink;
	struct buffer json; /* what has not passed yet */
	struct html_names names;
	struct buffer words; /* scratch */
};

/* ---- sites ---- */

/* In this order in each row. */
static const char *const site_columns[] = {
	"process",
	"id",
	"rank",
	"api",
	"mapped",
	"outstanding_bytes",
	"outstanding_count",
	"alloc_bytes",
	"alloc_count",
	"free_bytes",
	"free_count",
	"peak_bytes",
	"temporary_count",
	"low",
	"high",
	"growth",
	"rate",
	"score",
	"verdict",
	"oldest",
	"median_age",
	"median_life",
	"young_share",
	"at_peak",
	"why",
	"cut",
	"type",
	"function",
	"frames",
};

static void add_text(struct writer *w, const char *text)
{
	json_u64(&w->json, NULL, html_names_text(&w->names, text));
}

static void add_reason(struct writer *w, const struct snapshot_site *site)
{
	buffer_reset(&w->words);
	reasons_add(&w->words, site);
	add_text(w, w->words.data);
}

static void add_cut(struct writer *w, const struct stack_names *names, uint32_t flags)
{
	buffer_reset(&w->words);
	add_text(w, frames_add_cut(&w->words, names, flags) ? w->words.data : NULL);
}

/* Below 0: there is none. */
static void add_seconds(struct buffer *out, double seconds)
{
	json_number(out, NULL, seconds < 0 ? (double)NAN : seconds);
}

static void add_figures(struct buffer *out, const struct snapshot_site *site)
{
	html_totals_write(&site->totals, out);
	html_range_write(site->uncertain, out);
	json_number(out, NULL, site->growth_bytes_per_s);
	json_number(out, NULL, site->allocs_per_s);
	json_number(out, NULL, site->score);
	json_string(out, NULL, verdict_name(site->verdict));
	add_seconds(out, site->oldest_s);
	add_seconds(out, site->median_age_s);
	add_seconds(out, site->lifetimes.median_s);
	json_number(out, NULL, site->lifetimes.young_share);
	json_u64(out, NULL, site->bytes_at_peak);
}

static void add_site(struct writer *w, const struct snapshot_site *site)
{
	const struct stack_names *names = w->in->names(w->in->context, site);
	bool known = site->call < CALL_ID_COUNT;
	char id[17];

	snprintf(id, sizeof(id), "%016" PRIx64, names->site_id);
	json_open(&w->json, NULL, '[');
	json_u64(&w->json, NULL, site->process);
	json_string(&w->json, NULL, id);
	json_u64(&w->json, NULL, site->rank);
	add_text(w, known ? call_name((enum call_id)site->call) : NULL);
	json_u64(&w->json, NULL, site->range);
	add_figures(&w->json, site);
	add_reason(w, site);
	add_cut(w, names, site->stack_flags);
	add_text(w, names->type);
	json_u64(&w->json, NULL,
		 names->function_frame < names->frame_count ? names->function_frame : 0);
	html_names_stack(&w->names, &w->json, names);
	json_close(&w->json, ']');
}

/* Largest first. */
static int compare_sites(const void *left, const void *right)
{
	const struct snapshot_site *const *a = left, *const *b = right;
	uint64_t x = (*a)->totals.outstanding_bytes, y = (*b)->totals.outstanding_bytes;

	if (x != y)
		return x > y ? -1 : 1;
	return (*a)->site == (*b)->site ? 0 : (*a)->site < (*b)->site ? -1 : 1;
}

static const struct snapshot_site **sort_sites(const struct snapshot *s)
{
	const struct snapshot_site **sites = xcalloc(s->site_count + 1, sizeof(*sites));
	size_t i;

	for (i = 0; i < s->site_count; i++)
		sites[i] = &s->sites[i];
	qsort(sites, s->site_count, sizeof(*sites), compare_sites);
	return sites;
}

/* ---- the sites that are too many ---- */

struct rest {
	struct snapshot_site sum;
	uint64_t sites;
};

/* Without an id and frames; "function" says how many they are. */
static void add_rest(struct writer *w, size_t process, const struct rest *r)
{
	json_open(&w->json, NULL, '[');
	json_u64(&w->json, NULL, process);
	json_string(&w->json, NULL, "");
	json_u64(&w->json, NULL, 0);
	add_text(w, NULL);
	json_u64(&w->json, NULL, 0);
	add_figures(&w->json, &r->sum);
	add_text(w, NULL);
	add_text(w, NULL);
	add_text(w, NULL);
	json_u64(&w->json, NULL, r->sites);
	json_open(&w->json, NULL, '[');
	json_close(&w->json, ']');
	json_close(&w->json, ']');
}

static void add_rests(struct writer *w, const struct snapshot_site **sites, size_t count)
{
	const struct snapshot *s = w->in->snapshot;
	struct rest *rests = xcalloc(s->process_count + 1, sizeof(*rests));
	size_t i;

	for (i = 0; i < count; i++) {
		struct rest *r = &rests[sites[i]->process];

		r->sum.verdict = VERDICT_NONE;
		totals_add(&r->sum.totals, &sites[i]->totals);
		r->sum.growth_bytes_per_s += sites[i]->growth_bytes_per_s;
		r->sum.allocs_per_s += sites[i]->allocs_per_s;
		r->sum.oldest_s = r->sum.median_age_s = r->sum.lifetimes.median_s = -1;
		r->sites++;
	}
	for (i = 0; i < s->process_count; i++) {
		if (rests[i].sites)
			add_rest(w, i, &rests[i]);
	}
	free(rests);
}

static void add_sites(struct writer *w)
{
	const struct snapshot *s = w->in->snapshot;
	const struct snapshot_site **sites = sort_sites(s);
	size_t count = s->site_count < HTML_SITES_MAX ? s->site_count : HTML_SITES_MAX, i;

	json_open(&w->json, "site_columns", '[');
	for (i = 0; i < sizeof(site_columns) / sizeof(site_columns[0]); i++)
		json_string(&w->json, NULL, site_columns[i]);
	json_close(&w->json, ']');
	json_open(&w->json, "sites", '[');
	for (i = 0; i < count && !html_pass(w->sink, &w->json); i++)
		add_site(w, sites[i]);
	add_rests(w, sites + count, s->site_count - count);
	json_close(&w->json, ']');
	free(sites);
}

/* ---- the page ---- */

static void add_data(struct writer *w)
{
	json_open(&w->json, NULL, '{');
	json_int(&w->json, "format", HTML_FORMAT);
	html_run_write(w->in, &w->json);
	html_series_write(w->in->html->series, &w->json);
	add_sites(w);
	html_names_end(&w->names, &w->json);
	json_close(&w->json, '}');
	html_pass_last(w->sink, &w->json);
}

void html_write(struct sink *out, const struct export_input *in)
{
	struct writer w = {.in = in, .sink = out};

	buffer_add(&out->text, html_page_head, (size_t)(html_page_head_end - html_page_head));
	add_data(&w);
	buffer_add(&out->text, html_page_tail, (size_t)(html_page_tail_end - html_page_tail));
	html_names_done(&w.names);
	buffer_done(&w.words);
}
