/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A collection marks what it reaches; then span after span is swept, in the background or when it is needed: its mark bits become
 * its allocBits, and it says with which sweepgen that was. Allocating from a span does not change its allocBits: objects that come later than
 * the sweep have none set. So the bit of an object that is older than the collection says of a swept span whether it has survived,
 * whatever lies at its place by now, until the next collection ends. Before the sweep nothing is asked: in newer versions the mark
 * bits of small objects are elsewhere until then.
 *
 * Memory is read while the runtime runs on. The bits are read with the pointer to them again, and the number of the collection once more
 * at the end; an mspan stays one for ever, and one that belongs to other pages by now says so.
 */
#include "go_spans.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "../base/xalloc.h"
#include "go_private.h"
#include "link_map.h"

#define SPAN_BYTES 128
#define BATCH	   256
#define IN_USE	   1
#define CACHED	   3 /* what sweepgen has more than that of the heap */

struct go_spans {
	struct go_process *go;
	const struct go_runtime *runtime;
};

/* Of one object, as it was read. */
struct reading {
	uint8_t span[SPAN_BYTES];
	uint64_t bits; /* address of its allocBits, when it is to be looked at; 0: it is not */
	size_t index;
	uint64_t bits_again;
	uint8_t byte;
};

struct go_spans *go_spans_open(pid_t pid, struct go_builds *builds, char why[GO_WHY_MAX])
{
	struct go_process *go = go_open(pid, builds, why);
	struct go_spans *s;

	if (!go)
		return NULL;
	s = xcalloc(1, sizeof(*s));
	s->go = go;
	s->runtime = go_runtime_of(go);
	return s;
}

void go_spans_close(struct go_spans *s)
{
	if (!s)
		return;
	go_close(s->go);
	free(s);
}

int go_spans_cycle(struct go_spans *s, uint32_t *cycle)
{
	const struct go_runtime *r = s->runtime;
	uint64_t at = r->at[GO_SYMBOL_MHEAP] + (uint64_t)r->layout->at[GO_HEAP_SWEEPGEN];

	return link_map_read_memory(r->memory, at, cycle, sizeof(*cycle)) ? 0 : -ESRCH;
}

static uint64_t member(const struct go_spans *s, const struct reading *r, enum go_member m,
		       size_t bytes)
{
	int32_t at = s->runtime->layout->at[m];
	uint64_t value = 0;

	if (at >= 0 && (size_t)at + bytes <= SPAN_BYTES)
		memcpy(&value, r->span + at, bytes);
	return value;
}

/* Pieces that cannot be read end it: the rest is left as zeros, which no span is. */
static void read_pieces(const struct go_spans *s, struct iovec *local, struct iovec *remote,
			size_t count)
{
	if (count)
		process_vm_readv(s->runtime->pid, local, count, remote, count, 0);
}

static void read_spans(const struct go_spans *s, const struct go_object *objects, size_t count,
		       struct reading *readings)
{
	struct iovec local[BATCH], remote[BATCH];
	size_t i;

	memset(readings, 0, count * sizeof(*readings));
	for (i = 0; i < count; i++) {
		local[i] = (struct iovec){readings[i].span, SPAN_BYTES};
		remote[i] = (struct iovec){(void *)(uintptr_t)objects[i].span, SPAN_BYTES};
	}
	read_pieces(s, local, remote, count);
}

/* What the span alone says; GO_ALIVE: its bit is to be asked. */
static enum go_verdict look_at_span(const struct go_spans *s, uint32_t cycle,
				    const struct go_object *o, struct reading *r)
{
	uint64_t start = member(s, r, GO_SPAN_START, 8), bytes = member(s, r, GO_SPAN_ELEMSIZE, 8);
	uint64_t elems = member(s, r, GO_SPAN_NELEMS, 2);
	uint32_t swept = (uint32_t)member(s, r, GO_SPAN_SWEEPGEN, 4);

	if (!start)
		return GO_LATER;
	if (member(s, r, GO_SPAN_STATE, 1) != IN_USE || bytes != o->bytes || o->address < start ||
	    (o->address - start) / bytes >= elems)
		return GO_DEAD;
	if (swept != cycle && swept != cycle + CACHED)
		return GO_LATER;
	r->index = (o->address - start) / bytes;
	r->bits = member(s, r, GO_SPAN_ALLOC_BITS, 8);
	return r->bits ? GO_ALIVE : GO_LATER;
}

static void read_bits(const struct go_spans *s, const struct go_object *objects, size_t count,
		      struct reading *readings)
{
	uint64_t pointer = (uint64_t)s->runtime->layout->at[GO_SPAN_ALLOC_BITS];
	struct iovec local[2 * BATCH], remote[2 * BATCH];
	size_t i, n = 0;

	for (i = 0; i < count; i++) {
		struct reading *r = &readings[i];

		if (objects[i].verdict != GO_ALIVE)
			continue;
		local[n] = (struct iovec){&r->byte, 1};
		remote[n++] = (struct iovec){(void *)(uintptr_t)(r->bits + r->index / 8), 1};
		local[n] = (struct iovec){&r->bits_again, 8};
		remote[n++] = (struct iovec){(void *)(uintptr_t)(objects[i].span + pointer), 8};
	}
	read_pieces(s, local, remote, n);
}

static int judge_batch(struct go_spans *s, uint32_t cycle, struct go_object *objects, size_t count,
		       struct reading *readings)
{
	uint32_t now;
	size_t i;

	read_spans(s, objects, count, readings);
	for (i = 0; i < count; i++)
		objects[i].verdict = look_at_span(s, cycle, &objects[i], &readings[i]);
	read_bits(s, objects, count, readings);
	for (i = 0; i < count; i++) {
		const struct reading *r = &readings[i];

		if (objects[i].verdict != GO_ALIVE)
			continue;
		if (r->bits_again != r->bits)
			objects[i].verdict = GO_LATER;
		else if (!(r->byte >> (r->index & 7) & 1))
			objects[i].verdict = GO_DEAD;
	}
	/* of this program: process_vm_readv() reads whatever runs as this process */
	if (go_spans_cycle(s, &now))
		return -ESRCH;
	return now == cycle ? 0 : -EAGAIN;
}

int go_spans_judge(struct go_spans *s, uint32_t cycle, struct go_object *objects, size_t count)
{
	struct reading *readings = xcalloc(BATCH, sizeof(*readings));
	size_t at, i;
	int err = 0;

	for (at = 0; !err && at < count; at += BATCH) {
		size_t part = count - at < BATCH ? count - at : BATCH;

		err = judge_batch(s, cycle, objects + at, part, readings);
		for (i = at; err && i < count; i++)
			objects[i].verdict = GO_LATER;
	}
	free(readings);
	return err;
}
