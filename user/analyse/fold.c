/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One row for each site id of a process. The heap keeps sites by addresses, because it knows no
 * modules; people and files know them by code. Rows are sorted by (process, id, heap index) and
 * runs are added up.
 */
#include "build.h"
#include <errno.h>
#include <stdlib.h>

struct fold_key {
	uint64_t id;
	uint32_t process;
	uint32_t position;
};

static int compare_keys(const void *left, const void *right)
{
	const struct fold_key *a = left, *b = right;

	if (a->process != b->process)
		return a->process < b->process ? -1 : 1;
	if (a->id != b->id)
		return a->id < b->id ? -1 : 1;
	return (a->position > b->position) - (a->position < b->position);
}

/* The largest peak that is certain. */
static void fold_totals(struct totals *to, const struct totals *t)
{
	totals_add(to, t);
	if (to->peak_bytes < t->peak_bytes)
		to->peak_bytes = t->peak_bytes;
	if (to->peak_bytes < to->outstanding_bytes)
		to->peak_bytes = to->outstanding_bytes;
}

static void add_trend(struct trend *to, const struct trend *t)
{
	to->slope += t->slope;
	to->low += t->low;
	to->high += t->high;
	if (to->p > t->p)
		to->p = t->p;
}

/* What has no sum is that of the row that has more of it. */
static void add_ages(struct snapshot_site *to, const struct snapshot_site *row)
{
	if (to->totals.free_count < row->totals.free_count)
		to->lifetimes = row->lifetimes;
	if (to->totals.outstanding_count < row->totals.outstanding_count)
		to->median_age_s = row->median_age_s;
	if (to->oldest_s < row->oldest_s)
		to->oldest_s = row->oldest_s;
	if (to->survival.age_s < row->survival.age_s)
		to->survival.age_s = row->survival.age_s;
	to->survival.elders += row->survival.elders;
	to->survival.alive += row->survival.alive;
}

static void add_row(struct snapshot *s, struct snapshot_site *to, const struct snapshot_site *row)
{
	struct snapshot_process *p = &s->processes[to->process];

	if (to->totals.outstanding_count && row->totals.outstanding_count)
		p->site_count--;
	if (to->verdict == VERDICT_LEAK && row->verdict == VERDICT_LEAK)
		p->leak_site_count--;
	add_ages(to, row);
	to->bulk |= row->bulk;
	to->before.bytes += row->before.bytes;
	to->before.count += row->before.count;
	fold_totals(&to->totals, &row->totals);
	if (to->uncertain && row->uncertain)
		uncertain_add(to->uncertain, row->uncertain);
	to->growth_bytes_per_s += row->growth_bytes_per_s;
	add_trend(&to->bytes_trend, &row->bytes_trend);
	add_trend(&to->blocks_trend, &row->blocks_trend);
	if (to->watched_s < row->watched_s)
		to->watched_s = row->watched_s;
	to->bytes_at_peak += row->bytes_at_peak;
	to->allocs_per_s += row->allocs_per_s;
	to->frees_per_s += row->frees_per_s;
	if (to->score < row->score)
		to->score = row->score;
	if (to->verdict < row->verdict)
		to->verdict = row->verdict;
	if (to->version < row->version)
		to->version = row->version;
}

/* Moves the rows that stay to the front, in their order. */
static void compact(struct snapshot *s, const bool *gone)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->site_count; i++) {
		if (!gone[i])
			s->sites[kept++] = s->sites[i];
	}
	s->site_count = kept;
}

int snapshot_fold(struct snapshot *s, const uint64_t *ids, uint32_t *primary)
{
	struct fold_key *keys = malloc((s->site_count + 1) * sizeof(*keys));
	bool *gone = calloc(s->site_count + 1, sizeof(*gone));
	size_t first = 0;
	int err = -ENOMEM;

	if (!keys || !gone)
		goto out;
	for (uint32_t i = 0; i < s->site_count; i++)
		keys[i] = (struct fold_key){
			.id = ids[i], .process = s->sites[i].process, .position = i};
	qsort(keys, s->site_count, sizeof(*keys), compare_keys);
	for (size_t i = 0; i < s->site_count; i++) {
		struct snapshot_site *row = &s->sites[keys[i].position], *to;

		if (!i || keys[i].process != keys[first].process || keys[i].id != keys[first].id)
			first = i;
		to = &s->sites[keys[first].position];
		if (primary)
			primary[row->site] = to->site;
		if (i == first)
			continue;
		add_row(s, to, row);
		gone[keys[i].position] = true;
	}
	compact(s, gone);
	err = 0;
out:
	free(keys);
	free(gone);
	return err;
}
