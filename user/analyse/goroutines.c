/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A history for each origin, which is judged, and one for each of its groups, of which only the trend is wanted: goroutines that change
 * from one wait to another are neither new nor gone. A group has its origin's verdict when it grew itself, or when none of them did and it is
 * the largest.
 *
 * What has not been there for a while is forgotten, so that there are never many more histories than there are origins and groups now.
 */
#include "goroutines.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../base/clamp.h"
#include "../base/clock.h"
#include "../base/mix.h"
#include "../base/xalloc.h"
#include "reasons.h"

#define HEADS 1024u
/* Windows after which what is not there is forgotten: then an elder of its is remembered no more, either. */
#define FORGET_WINDOWS 4

/* What a history is of. */
struct key {
	uint64_t creator, start;
	uint32_t process;
	char reason[GO_REASON_MAX]; /* "": of the origin */
};

struct history {
	struct history *next;
	struct key key;
	struct series series;
	struct judge_site site;
	struct judgement judgement;
	uint64_t there_ns; /* the last sample that it was in */
};

struct goroutines {
	struct history *heads[HEADS];
};

struct goroutines *goroutines_new(void)
{
	return xcalloc(1, sizeof(struct goroutines));
}

static void free_history(struct history *h)
{
	series_done(&h->series);
	free(h);
}

void goroutines_free(struct goroutines *g)
{
	uint32_t i;

	for (i = 0; g && i < HEADS; i++) {
		while (g->heads[i]) {
			struct history *next = g->heads[i]->next;

			free_history(g->heads[i]);
			g->heads[i] = next;
		}
	}
	free(g);
}

/* ---- by key ---- */

static struct key key_of(uint32_t process, const struct go_origin *o, const struct go_group *group)
{
	struct key k = {.creator = o->creator, .start = o->start, .process = process};

	if (group)
		memcpy(k.reason, group->reason, sizeof(k.reason));
	return k;
}

static uint32_t slot_of(const struct key *k)
{
	uint64_t place = mix_u64(mix_u64(k->process, k->creator), k->start);

	return (uint32_t)mix_text(place, k->reason) % HEADS;
}

static bool is_same(const struct key *a, const struct key *b)
{
	return a->creator == b->creator && a->start == b->start && a->process == b->process &&
	       !strcmp(a->reason, b->reason);
}

static struct history *find(const struct goroutines *g, const struct key *k)
{
	struct history *h;

	for (h = g->heads[slot_of(k)]; h; h = h->next) {
		if (is_same(&h->key, k))
			return h;
	}
	return NULL;
}

/* It is there now. */
static struct history *get(struct goroutines *g, const struct key *k, uint64_t now_ns)
{
	struct history *h = find(g, k);

	if (!h) {
		h = xcalloc(1, sizeof(*h));
		h->key = *k;
		h->site.first_ns = now_ns;
		h->next = g->heads[slot_of(k)];
		g->heads[slot_of(k)] = h;
	}
	h->there_ns = now_ns;
	return h;
}

/* ---- a sample ---- */

/* A goroutine is a block of one byte. */
static int add_point(struct history *h, uint64_t count, const struct go_origin *o,
		     const struct judging *by)
{
	const struct series_point *last = series_last(&h->series);
	struct series_point p = {.time_ns = by->window.now_ns,
				 .bytes = count,
				 .count = count,
				 .allocs = o && o->begun > count ? o->begun : count,
				 .recorded = clamp_u32(count),
				 .elders = o ? clamp_u32(o->elders) : 0,
				 .elder_frees = o ? (uint32_t)o->elder_ends : 0};

	if (!o && last) {
		p.elder_frees = last->elder_frees;
		p.allocs = last->allocs > count ? last->allocs : count;
	}
	if (last && last->count == p.count && last->allocs == p.allocs &&
	    last->elders == p.elders && last->elder_frees == p.elder_frees)
		return 0;
	return series_add(&h->series, &p, &by->limits);
}

static int add_origin(struct goroutines *g, uint32_t process, const struct go_origin *o,
		      const struct judging *by)
{
	struct key k = key_of(process, o, NULL);
	struct history *h = get(g, &k, by->window.now_ns);
	uint64_t ended = o->begun > o->count ? o->begun - o->count : 0;

	h->site.begun_ns = by->begun_ns;
	h->site.survivors.outlived_s = (double)o->outlived_ns / NS_PER_S;
	h->site.survivors.life_s = ended ? (double)o->lives_ns / NS_PER_S / (double)ended : 0;
	return add_point(h, o->count, o, by);
}

static int add_group(struct goroutines *g, uint32_t process, const struct go_origin *o,
		     const struct go_group *group, const struct judging *by)
{
	struct key k = key_of(process, o, group);

	return add_point(get(g, &k, by->window.now_ns), group->count, NULL, by);
}

/* Not in this sample: it has no goroutine any more, or, when that is long ago, it is to be forgotten: false. */
static bool settle_history(struct history *h, const struct judging *by, int *err)
{
	const struct judge_options *o = &by->options;
	uint64_t now_ns = by->window.now_ns;
	uint64_t forget_ns = (uint64_t)(fmin(FORGET_WINDOWS * o->window_s, 1e9) * NS_PER_S);

	if (h->there_ns + forget_ns < now_ns)
		return false;
	if (h->there_ns != now_ns)
		*err |= add_point(h, 0, NULL, by);
	if (h->key.reason[0])
		judge_trends(&by->window, &h->series, &h->judgement);
	else
		judge(o, &by->window, &h->series, &h->site, &h->judgement);
	return true;
}

static int settle(struct goroutines *g, uint32_t process, const struct judging *by)
{
	uint32_t i;
	int err = 0;

	for (i = 0; i < HEADS; i++) {
		struct history **at = &g->heads[i], *h;

		while ((h = *at)) {
			if (h->key.process != process || settle_history(h, by, &err)) {
				at = &h->next;
				continue;
			}
			*at = h->next;
			free_history(h);
		}
	}
	return err;
}

int goroutines_sample(struct goroutines *g, uint32_t process, const struct go_goroutines *now,
		      const struct judging *by)
{
	struct judging j = *by;
	uint32_t i;
	int err = 0;

	if (!now->known || !now->whole)
		return 0;
	/* no probe is in this: nothing goes unseen in gaps of the coverage */
	j.options.gaps = false;
	j.options.scale = 1;
	for (i = 0; i < now->origin_count; i++)
		err |= add_origin(g, process, &now->origins[i], &j);
	for (i = 0; i < now->group_count; i++)
		err |= add_group(g, process, &now->origins[now->groups[i].origin], &now->groups[i],
				 &j);
	err |= settle(g, process, &j);
	return err ? -ENOMEM : 0;
}

/* ---- rows ---- */

static struct snapshot_goroutines row_of(const struct goroutines *g, const struct snapshot *s,
					 uint32_t process, const struct go_goroutines *now,
					 const struct go_group *group)
{
	const struct go_origin *o = &now->origins[group->origin];
	struct key k = key_of(s->processes[process].number, o, group);
	const struct history *h = find(g, &k);
	struct snapshot_goroutines row = {.process = process,
					  .creator = o->creator,
					  .start = o->start,
					  .count = group->count,
					  .longest_wait_s = -1,
					  .trend = {.p = 1}};

	memcpy(row.reason, group->reason, sizeof(row.reason));
	if (group->waiting_since_ns)
		row.longest_wait_s =
			fmax((double)s->time_ns - (double)group->waiting_since_ns, 0) / NS_PER_S;
	if (h)
		row.trend = h->judgement.blocks;
	return row;
}

/* The verdict of an origin is that of its groups which grew; there are `count` of them, the largest first. */
static void give_verdict(const struct goroutines *g, uint32_t process, const struct go_origin *o,
			 struct snapshot_goroutines *rows, size_t count)
{
	struct key k = key_of(process, o, NULL);
	const struct history *h = find(g, &k);
	bool any = false;
	size_t i;

	for (i = 0; i < count; i++)
		any |= rows[i].trend.slope > 0;
	for (i = 0; h && i < count; i++) {
		bool is_it = any ? rows[i].trend.slope > 0 : i == 0;

		rows[i].watched_s = h->judgement.watched_s;
		rows[i].survival = h->judgement.survival;
		rows[i].verdict = is_it || h->judgement.verdict == VERDICT_NEW
					  ? h->judgement.verdict
					  : VERDICT_STEADY;
		rows[i].score = is_it ? h->judgement.score : 0;
	}
}

static size_t groups_of_origin(const struct go_goroutines *now, uint32_t first)
{
	uint32_t i = first;

	while (i < now->group_count && now->groups[i].origin == now->groups[first].origin)
		i++;
	return i - first;
}

void goroutines_fill(const struct goroutines *g, struct snapshot *s, uint32_t process,
		     const struct go_goroutines *now)
{
	struct snapshot_process *p = &s->processes[process];
	struct snapshot_goroutines *rows;
	uint32_t i, first;

	p->goroutines = (struct goroutine_figures){.known = now->known};
	if (!now->known)
		return;
	p->goroutines.whole = now->whole;
	p->goroutines.groups = now->all_groups;
	p->goroutines.largest = now->largest;
	p->goroutines.left_out = now->left_out;
	p->goroutines.round_s = (double)now->round_ns / NS_PER_S;
	s->goroutines = xrealloc(s->goroutines, (s->goroutine_count + now->group_count + 1) *
							sizeof(*s->goroutines));
	rows = s->goroutines + s->goroutine_count;
	for (i = 0; i < now->group_count; i++)
		rows[i] = row_of(g, s, process, now, &now->groups[i]);
	for (first = 0; first < now->group_count; first += (uint32_t)groups_of_origin(now, first))
		give_verdict(g, p->number, &now->origins[now->groups[first].origin], rows + first,
			     groups_of_origin(now, first));
	for (i = 0; i < now->group_count; i++)
		p->goroutines.leak_count += rows[i].verdict == VERDICT_LEAK;
	s->goroutine_count += now->group_count;
}

void goroutines_add_reasons(struct buffer *out, const struct snapshot_goroutines *row)
{
	reasons_add_growth_of(out, row->verdict, &row->trend, row->watched_s);
	if (row->watched_s > 0 && row->verdict != VERDICT_NEW)
		reasons_add_survival(out, &row->survival, "goroutine");
}
