/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A walk over blocks in pieces. Its position is a hash: segments hold ranges of hashes, so that
 * splits and merges between two pieces move no block from before the position to behind it or back.
 */
#include "blocks.h"
#include "segment.h"

/* Which hashes begin with the same `depth` bits as this one: the first of them, and after the last
 * (0: there is none). */
static uint64_t range_start(uint64_t hash, uint32_t depth)
{
	return depth ? hash >> (64 - depth) << (64 - depth) : 0;
}

static uint64_t range_end(uint64_t hash, uint32_t depth)
{
	return depth ? range_start(hash, depth) + (1ull << (64 - depth)) : 0;
}

bool blocks_walk(const struct blocks *b, uint64_t *position, blocks_visit_fn *visit, void *context)
{
	const struct blocks_segment *s;
	bool part;

	if (!b->segments)
		return false;
	s = segment_of(b, *position);
	/* merged with the one before it, whose blocks were visited */
	part = range_start(*position, s->depth) != *position;
	for (uint32_t ref = 0; ref < s->capacity; ref++) {
		const struct block *block = block_at(s, ref);

		if (!block->address || (part && hash_of(b, block->address) < *position))
			continue;
		visit(context, block);
	}
	*position = range_end(*position, s->depth);
	return *position != 0;
}
