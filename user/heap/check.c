/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * heap_check(): every invariant of the heap against a walk over all that is in it. For tests; slow.
 */
#include "tables.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct sum {
	uint64_t bytes, count, blocks;
	struct error_sums errors;
	struct carried previous, older;
};

static const char *count_one(const struct heap *h, uint32_t process, struct sum *sums,
			     uint32_t site, struct weight w, bool range, uint64_t born_ns)
{
	if (!site || site > h->sites.count)
		return "a block has no site";
	if (site_at(h, site)->process != process)
		return "a block is at a site of another process";
	if (site_at(h, site)->range != range)
		return "a site is of the wrong class";
	sums[site].bytes += w.bytes;
	sums[site].count += w.count;
	sums[site].blocks++;
	if (is_carried(h, born_ns)) {
		struct carried *c =
			born_ns < h->window_before_ns ? &sums[site].older : &sums[site].previous;

		c->bytes += w.bytes;
		c->count += w.count;
	}
	return NULL;
}

static const char *count_block(const struct heap *h, uint32_t process, struct sum *sums,
			       const struct block *block)
{
	const struct heap_process *p = h->processes[process];
	const char *wrong = count_one(h, process, sums, block->site, weight_of(h, p, block), false,
				      block->born_ns);
	struct error_sums e;

	if (wrong || !has_errors(h, block->site))
		return wrong;
	e = error_of(block->bytes, chance_of(h, p, block));
	error_sums_add(&sums[block->site].errors, &e);
	return NULL;
}

static const char *walk_process(const struct heap *h, uint32_t process, struct sum *sums)
{
	const struct heap_process *p = h->processes[process];
	const char *wrong = blocks_check(&p->blocks);
	const struct block *block;

	if (!wrong)
		wrong = ranges_check(&p->ranges);
	for (size_t it = 0; !wrong && (block = blocks_next(&p->blocks, &it));)
		wrong = count_block(h, process, sums, block);
	for (size_t i = 0; !wrong && i < p->ranges.count; i++)
		wrong = count_one(h, process, sums, p->ranges.v[i].site,
				  (struct weight){.bytes = p->ranges.v[i].bytes, .count = 1}, true,
				  p->ranges.v[i].born_ns);
	return wrong;
}

static bool is_near(double a, double b, double scale)
{
	return fabs(a - b) <= 1e-9 * scale;
}

/* All that was ever added, in all processes: what a child inherits was rounded where it was added. */
static struct error_sums all_errors(const struct heap *h)
{
	struct error_sums sums = {0};

	for (uint32_t i = 1; i <= h->process_count; i++)
		error_sums_add(&sums, &h->processes[i]->errors.alloc);
	return sums;
}

/* Variances are sums of doubles: the same but for rounding. */
static bool same_errors(const struct errors *e, const struct error_sums *outstanding,
			const struct error_sums *all)
{
	struct error_sums sums = errors_of(e, FIGURE_OUTSTANDING);

	return sums.seen_bytes == outstanding->seen_bytes &&
	       sums.seen_count == outstanding->seen_count &&
	       is_near(sums.bytes_variance, outstanding->bytes_variance, all->bytes_variance) &&
	       is_near(sums.count_variance, outstanding->count_variance, all->count_variance);
}

static const char *check_totals(const struct totals *t)
{
	if (t->alloc_bytes - t->free_bytes != t->outstanding_bytes ||
	    t->alloc_count - t->free_count != t->outstanding_count)
		return "alloc - free is not outstanding";
	if (t->peak_bytes < t->outstanding_bytes)
		return "the peak is below what is outstanding";
	return t->temporary_count > t->free_count ? "more temporary blocks than freed ones" : NULL;
}

static const char *check_site(const struct heap *h, const struct site *s, const struct sum *sum)
{
	const struct carried alive = s->bulk ? bulk_at(h, s->bulk)->alive : (struct carried){0};
	const char *wrong = check_totals(&s->totals);

	if (wrong)
		return wrong;
	if (s->totals.outstanding_bytes != sum->bytes + alive.bytes ||
	    s->totals.outstanding_count != sum->count + alive.count)
		return "a site's outstanding is not that of its blocks";
	if (memcmp(&s->previous, &sum->previous, sizeof(s->previous)) != 0 ||
	    memcmp(&s->older, &sum->older, sizeof(s->older)) != 0)
		return "what a site carries over is not that of its old blocks";
	if (generations_older(&s->generations, UINT32_MAX) != sum->blocks + alive.count)
		return "a site's generations are not its blocks";
	if (s->stack > h->stacks.count || (s->stack && stack_at(h, s->stack)->id != s->stack_id))
		return "a site's stack is another one";
	for (uint32_t i = 1; i < s->generations.count; i++)
		if (s->generations.v[i - 1].number >= s->generations.v[i].number)
			return "generations are not sorted";
	return NULL;
}

static bool same_totals(const struct totals *a, struct totals b)
{
	b.peak_bytes = a->peak_bytes;
	return !memcmp(a, &b, sizeof(b));
}

static const char *check_process(const struct heap *h, uint32_t process, const struct sum *sums)
{
	const struct heap_process *p = h->processes[process];
	struct totals classes[2] = {{0}};
	struct error_sums errors = {0}, all = all_errors(h);
	uint32_t sites = 0;

	for (uint32_t i = p->first_site; i; i = site_at(h, i)->next) {
		const struct site *s = site_at(h, i);
		const char *wrong = check_site(h, s, &sums[i]);

		if (wrong)
			return wrong;
		if (s->process != process || sites++ > h->sites.count)
			return "a process has sites of another one";
		totals_add(&classes[s->range], &s->totals);
		if (!has_errors(h, i))
			continue;
		if (!same_errors(errors_at(h, i), &sums[i].errors, &all))
			return "a site's errors are not those of its blocks";
		error_sums_add(&errors, &sums[i].errors);
	}
	if (sites != p->site_count)
		return "a process has another number of sites than counted";
	if (!same_totals(&p->totals, classes[0]) || !same_totals(&p->ranges_totals, classes[1]))
		return "the totals of a process are not those of its sites";
	if (!same_errors(&p->errors, &errors, &all))
		return "the errors of a process are not those of its sites";
	return check_totals(&p->totals) ? check_totals(&p->totals)
					: check_totals(&p->ranges_totals);
}

const char *heap_check(struct heap *h)
{
	struct sum *sums = calloc((size_t)h->sites.count + 1, sizeof(*sums));
	const char *wrong = sums ? NULL : "no memory for the check";

	for (uint32_t i = 1; !wrong && i <= h->process_count; i++) {
		wrong = heap_find_process(h, h->processes[i]->number) == i
				? walk_process(h, i, sums)
				: "a process is not found by its number";
		if (!wrong)
			wrong = check_process(h, i, sums);
	}
	free(sums);
	return wrong;
}
