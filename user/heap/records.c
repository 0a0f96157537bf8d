/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Is a record one that the kernel side could have sent? Input is what capture/ hands out: of a size that lies within its
 * ring. Called for every record before anything of it but its header is used.
 */
#include "records.h"

const uint16_t record_sizes[RECORD_TYPES] = {
	[EVENT_NONE] = UINT16_MAX,
	[EVENT_ALLOC] = sizeof(struct event_alloc),
	[EVENT_FREE] = sizeof(struct event_free),
	[EVENT_REALLOC] = sizeof(struct event_realloc),
	[EVENT_RESIZE] = sizeof(struct event_alloc),
	[EVENT_STACK] = sizeof(struct event_stack),
	[EVENT_FORK] = sizeof(struct event_fork),
	[EVENT_EXEC] = sizeof(struct event_process),
	[EVENT_EXIT] = sizeof(struct event_process),
	[EVENT_MODULES] = sizeof(struct event_process),
	[EVENT_MMAP] = sizeof(struct event_alloc),
	[EVENT_MUNMAP] = sizeof(struct event_range),
	[EVENT_MREMAP] = sizeof(struct event_range),
	[EVENT_STRANGER] = sizeof(struct event_fork),
	[EVENT_BULK] = sizeof(struct event_bulk),
	[EVENT_SAMPLE] = sizeof(struct event_sample),
	[EVENT_COLLECTED] = sizeof(struct event_process),
};

const uint8_t record_call_flags[CALL_ID_COUNT] = {
#define X(id, name, kind, flags) [CALL_ID_##id] = flags,
	CALLS(X)
#undef X
};

const bool record_pair_calls[2][UINT8_MAX + 1] = {
#define X(id, name, kind, flags) [CALL_ID_##id] = true,
	{CALLS(X)},
#undef X
#define X(id, name, kind, flags) [CALL_ID_##id] = !((flags) & (CALL_RANGE | CALL_DRAWN)),
	{CALLS(X)},
#undef X
};

static bool range_is_sane(uint64_t address, uint64_t bytes)
{
	return address && address < BYTES_MAX && address % RANGE_PAGE == 0 && bytes &&
	       bytes < BYTES_MAX;
}

static bool alloc_is_sane(const struct event_header *h)
{
	const struct event_alloc *e = (const void *)h;

	return e->address && e->bytes < BYTES_MAX &&
	       !(record_call_flags[h->call] & (CALL_RANGE | CALL_DRAWN));
}

/* What it stands for, in bytes, is bounded as one block is. */
static bool sample_is_sane(const struct event_header *h)
{
	const struct event_sample *e = (const void *)h;

	return e->address && e->bytes && e->bytes < BYTES_MAX && e->count &&
	       e->count < BYTES_MAX / e->bytes && h->call == CALL_ID_GO;
}

static bool realloc_is_sane(const struct event_header *h)
{
	const struct event_realloc *e = (const void *)h;

	return (e->address || e->old_address) && e->bytes < BYTES_MAX &&
	       !(record_call_flags[h->call] & (CALL_RANGE | CALL_DRAWN));
}

static bool stack_is_sane(const struct event_header *h)
{
	const struct event_stack *e = (const void *)h;

	return e->id && e->frame_count <= STACK_MAX_FRAMES &&
	       h->size >= sizeof(*e) + e->frame_count * sizeof(e->pcs[0]);
}

static bool mmap_is_sane(const struct event_header *h)
{
	const struct event_alloc *e = (const void *)h;

	return range_is_sane(e->address, e->bytes) && record_call_flags[h->call] & CALL_RANGE;
}

static bool range_event_is_sane(const struct event_header *h)
{
	const struct event_range *e = (const void *)h;

	if (!(record_call_flags[h->call] & CALL_RANGE))
		return false;
	if (h->type == EVENT_MUNMAP)
		return range_is_sane(e->old_address, e->old_bytes);
	/* mremap of length 0 makes a second mapping of the same pages. */
	return range_is_sane(e->address, e->bytes) &&
	       range_is_sane(e->old_address, e->old_bytes ? e->old_bytes : 1);
}

static bool bulk_is_sane(const struct event_header *h)
{
	const struct event_bulk *e = (const void *)h;

	return e->stack && e->alloc_bytes < BYTES_MAX && e->alloc_count < BYTES_MAX &&
	       e->free_bytes < BYTES_MAX && e->free_count < BYTES_MAX &&
	       !(record_call_flags[h->call] & CALL_RANGE);
}

bool record_is_sane_any(const struct event_header *h)
{
	switch (h->type) {
	case EVENT_RESIZE: return alloc_is_sane(h);
	case EVENT_REALLOC: return realloc_is_sane(h);
	case EVENT_STACK: return stack_is_sane(h);
	case EVENT_SAMPLE: return sample_is_sane(h);
	case EVENT_MMAP: return mmap_is_sane(h);
	case EVENT_MUNMAP:
	case EVENT_MREMAP: return range_event_is_sane(h);
	case EVENT_BULK: return bulk_is_sane(h);
	default: return true;
	}
}
