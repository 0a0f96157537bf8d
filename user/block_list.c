/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * There may be millions of them, and one sort of all would keep keys waiting: they are counted out by site first, then each
 * site's are sorted.
 */
#include "block_list.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "consumer.h"
#include "heap/heap.h"

/* A breath after so many. */
#define PIECE 1024u

struct taking {
	struct block_list *list;
	const struct heap *heap;
	const struct heap_process *process;
	uint64_t now_ns, older_ns;
};

static void add(struct taking *t, struct report_block block, uint64_t born_ns)
{
	struct block_list *l = t->list;
	uint64_t age = t->now_ns > born_ns ? t->now_ns - born_ns : 0;

	if (age < t->older_ns)
		return;
	if (l->count == l->capacity) {
		l->capacity = l->capacity ? l->capacity * 2 : 1024;
		l->v = xrealloc(l->v, l->capacity * sizeof(*l->v));
	}
	block.age_s = (double)age / 1e9;
	l->v[l->count++] = block;
}

static void add_block(void *taking, const struct block *b)
{
	struct taking *t = taking;

	add(t,
	    (struct report_block){.address = b->address,
				  .bytes = b->bytes,
				  .chance = chance_of(t->heap, t->process, b),
				  .tid = b->tid,
				  .site = b->site},
	    b->born_ns);
}

static void add_range(struct taking *t, const struct range *r)
{
	add(t,
	    (struct report_block){.address = r->start,
				  .bytes = r->bytes,
				  .chance = 1,
				  .tid = r->tid,
				  .site = r->site},
	    r->born_ns);
}

void block_list_take(struct block_list *l, struct tracker *tracker, uint64_t now_ns,
		     uint64_t older_ns, struct breath *breath)
{
	struct consumer *c = tracker->consumer;
	struct heap *h = tracker->heap;
	struct taking t = {.list = l, .heap = h, .now_ns = now_ns, .older_ns = older_ns};

	block_list_done(l);
	consumer_lock(c);
	for (uint32_t i = 1; i <= heap_process_count(h); i++) {
		struct heap_process *p = heap_process(h, i);
		uint64_t position = 0;

		t.process = p;
		while (blocks_walk(&p->blocks, &position, add_block, &t)) {
			consumer_breathe(c, breath);
			t.process = p = heap_process(h, i);
		}
		for (size_t n = 0; n < p->ranges.count; n++)
			add_range(&t, &p->ranges.v[n]);
	}
	consumer_unlock(c);
}

/* ---- order ---- */

static int by_address(const void *a, const void *b)
{
	const struct report_block *x = a, *y = b;

	return x->address < y->address ? -1 : x->address > y->address;
}

/* Puts each block's row in the place of its site. Returns how many numbers rows may have. */
static uint32_t set_rows(struct block_list *l, const struct rows *rows, struct breath *breath)
{
	uint32_t most = 0;

	for (size_t i = 0; i < l->count; i++) {
		struct report_block *b = &l->v[i];

		if (b->site < rows->count && rows->primary[b->site])
			b->site = rows->primary[b->site];
		if (b->site > most)
			most = b->site;
		if (i % PIECE == 0)
			breath_take(breath);
	}
	return most + 1;
}

/* starts[k]: how many blocks have a row before k. */
static size_t *count_rows(const struct block_list *l, uint32_t rows, struct breath *breath)
{
	size_t *starts = xcalloc((size_t)rows + 1, sizeof(*starts));

	for (size_t i = 0; i < l->count; i++) {
		starts[l->v[i].site + 1]++;
		if (i % PIECE == 0)
			breath_take(breath);
	}
	for (uint32_t k = 0; k < rows; k++)
		starts[k + 1] += starts[k];
	return starts;
}

void block_list_sort(struct block_list *l, const struct rows *rows, struct breath *breath)
{
	uint32_t count = set_rows(l, rows, breath);
	size_t *starts = count_rows(l, count, breath), from = 0;
	struct report_block *sorted = xcalloc(l->count + 1, sizeof(*sorted));

	for (size_t i = 0; i < l->count; i++) {
		sorted[starts[l->v[i].site]++] = l->v[i];
		if (i % PIECE == 0)
			breath_take(breath);
	}
	free(l->v);
	l->v = sorted;
	l->capacity = l->count + 1;
	/* each start has moved to the end of its row */
	for (uint32_t k = 0; k < count; k++) {
		if (starts[k] > from)
			qsort(&l->v[from], starts[k] - from, sizeof(*l->v), by_address);
		from = starts[k];
		breath_take(breath);
	}
	free(starts);
}

void block_list_done(struct block_list *l)
{
	free(l->v);
	*l = (struct block_list){.v = NULL};
}
