/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "restore.h"

#include <string.h>
#include "tables.h"

void heap_restore_clock(struct heap *h, uint64_t now_ns)
{
	heap_advance(h, now_ns);
}

void heap_restore_process(struct heap *h, uint32_t index, const struct heap_process *like)
{
	struct heap_process *p = h->processes[index];

	blocks_done(&p->blocks);
	blocks_done(&p->resized);
	blocks_done(&p->weights);
	ranges_done(&p->ranges);
	p->exited = like->exited;
	p->exit_code = like->exit_code;
	p->ended_ns = like->ended_ns;
	p->exec_count = like->exec_count;
	p->totals = like->totals;
	p->ranges_totals = like->ranges_totals;
	p->event_count = like->event_count;
	memcpy(p->counts, like->counts, sizeof(p->counts));
	p->errors = like->errors;
	memcpy(p->peaks, like->peaks, sizeof(p->peaks));
	h->version++;
}

static bool restore_bulk(struct heap *h, struct site *s, const struct bulk *like)
{
	struct carried *before = &h->processes[s->process]->before;
	struct bulk *b = bulk_of(h, s);

	if (!b)
		return false;
	before->bytes += like->before.bytes - b->before.bytes;
	before->count += like->before.count - b->before.count;
	*b = *like;
	return true;
}

bool heap_restore_site(struct heap *h, const struct site *like, const struct lifetimes *lifetimes,
		       const struct errors *errors, const struct bulk *bulk)
{
	uint32_t index = sites_get(h, like->process, like->stack_id, like->call);
	struct site *s = index ? site_at(h, index) : NULL;

	if (!s)
		return false;
	/* nothing has happened at it since: it is no change */
	if (s->version && s->last_ns == like->last_ns &&
	    !memcmp(&s->totals, &like->totals, sizeof(s->totals)))
		return true;
	s->inherited = like->inherited;
	s->totals = like->totals;
	s->previous = like->previous;
	s->older = like->older;
	s->peak_bytes = like->peak_bytes;
	s->peak = like->peak;
	s->elder_frees = like->elder_frees;
	s->resizes = like->resizes;
	s->longest_ns = like->longest_ns;
	histories_restore(h, index, lifetimes);
	s->first_ns = like->first_ns;
	s->last_ns = like->last_ns;
	s->version = ++h->version;
	generations_done(&s->generations);
	if (errors && (h->sample_bytes || (like->call == CALL_ID_GO && sites_draw(h))))
		*errors_at(h, index) = *errors;
	if (bulk && !restore_bulk(h, s, bulk))
		return false;
	return generations_copy(&s->generations, &like->generations);
}
