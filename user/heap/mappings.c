/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mmap class: ranges of a process, from the events of mmap, munmap and mremap.
 *
 * Outstanding count is the number of live pieces: a hole that splits a range counts as one
 * allocation of 0 bytes at its site, a piece that is unmapped whole as one free; parts that go only
 * reduce the bytes. One record is one event for what it released, however many ranges that was, and
 * one for what it mapped.
 *
 * A mapping at live pages without MAP_FIXED means that an unmap was missed or is still to come
 * (reuses.c). With it, and for mremap, which may say the same, the old pages are released by the
 * call itself.
 */
#include "charge.h"
#include <errno.h>

struct removal {
	struct heap *heap;
	struct heap_process *process;
	uint64_t time_ns;
	bool reuse; /* the pages were handed out again: note it */
};

static void piece_gone(void *context, const struct range *piece, int whole)
{
	const struct removal *r = context;

	if (r->reuse && !is_carried(r->heap, piece->born_ns))
		reuses_note(r->process, piece->start, piece->bytes, true, r->time_ns);
	if (whole)
		lifetimes_end(r->heap, piece->site, piece->born_ns, r->time_ns, 1);
	sites_free(r->heap, r->process, piece->site,
		   (struct weight){.bytes = piece->bytes, .count = whole ? 1 : 0}, piece->born_ns,
		   r->time_ns);
}

static void piece_split(void *context, const struct range *right)
{
	const struct removal *r = context;

	sites_alloc_at(r->heap, r->process, right->site, (struct weight){.count = 1},
		       right->born_ns, r->time_ns);
}

/* Says whether anything was there. */
static bool remove_pages(const struct removal *r, uint64_t start, uint64_t bytes, uint64_t at_ns)
{
	struct removal context = *r;
	int64_t gone = ranges_remove(&r->process->ranges, start, bytes, at_ns, piece_gone,
				     piece_split, &context);

	if (gone < 0)
		r->process->counts[COUNTER_NO_MEMORY]++;
	return gone != 0;
}

static void add_range(struct heap *h, struct heap_process *p, uint32_t process,
		      const struct event_header *e, uint64_t address, uint64_t bytes,
		      uint64_t stack)
{
	uint32_t site = sites_get(h, process, stack, e->call);
	struct range range = {.start = address,
			      .bytes = bytes,
			      .born_ns = e->time_ns,
			      .site = site,
			      .tid = e->tid};

	if (!site || ranges_insert(&p->ranges, &range)) {
		p->counts[COUNTER_NO_MEMORY]++;
		return;
	}
	p->event_count++;
	lifetimes_begin(h, site, bytes, 1);
	sites_alloc(h, p, site, (struct weight){.bytes = bytes, .count = 1}, e->time_ns);
}

void mappings_mmap(struct heap *h, struct heap_process *p, uint32_t process,
		   const struct event_alloc *e)
{
	bool fixed = e->h.flags & EVENT_F_FIXED;
	struct removal r = {
		.heap = h,
		.process = p,
		.time_ns = e->h.time_ns,
		.reuse = !fixed,
	};

	/* Whatever is there cannot be there any more, also when its event claims to be younger. */
	if (remove_pages(&r, e->address, e->bytes, UINT64_MAX) && fixed)
		p->event_count++;
	add_range(h, p, process, &e->h, e->address, e->bytes, e->stack);
}

static void release_pages(const struct removal *r, uint64_t start, uint64_t bytes, uint64_t at_ns)
{
	bool explained = reuses_explain(r->process, start, bytes, true, at_ns);

	if (remove_pages(r, start, bytes, at_ns) || explained)
		r->process->event_count++;
	else
		r->process->counts[COUNTER_UNKNOWN_UNMAP]++;
}

void mappings_munmap(struct heap *h, struct heap_process *p, const struct event_range *e)
{
	struct removal r = {.heap = h, .process = p, .time_ns = e->h.time_ns};

	release_pages(&r, e->old_address, e->old_bytes, e->entry_ns);
}

void mappings_mremap(struct heap *h, struct heap_process *p, uint32_t process,
		     const struct event_range *e)
{
	struct removal r = {.heap = h, .process = p, .time_ns = e->h.time_ns};

	if (e->old_bytes)
		release_pages(&r, e->old_address, e->old_bytes, e->entry_ns);
	remove_pages(&r, e->address, e->bytes, UINT64_MAX);
	add_range(h, p, process, &e->h, e->address, e->bytes, e->stack);
}
