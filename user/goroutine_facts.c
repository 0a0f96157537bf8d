/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The figures of a reading, each origin with its groups. Lists begin with how many numbers an entry has, so that a later version may add
 * some at the end, which this one passes over.
 */
#include "goroutine_facts.h"

#include "base/xalloc.h"

#define HEAD_NUMBERS   6u
#define ORIGIN_NUMBERS 8u
#define GROUP_NUMBERS  2u
#define NUMBERS_MOST   64u

static void pack_group(const struct go_group *group, struct buffer *out)
{
	pack_u64(out, group->count);
	pack_u64(out, group->waiting_since_ns);
	pack_text(out, group->reason);
}

/* From this group on. Returns the first of the next origin. */
static uint32_t pack_origin(const struct go_goroutines *g, uint32_t index, uint32_t first,
			    struct buffer *out)
{
	const struct go_origin *o = &g->origins[index];
	uint32_t end = first, i;

	while (end < g->group_count && g->groups[end].origin == index)
		end++;
	pack_u64(out, o->creator);
	pack_u64(out, o->start);
	pack_u64(out, o->count);
	pack_u64(out, o->elders);
	pack_u64(out, o->elder_ends);
	pack_u64(out, o->outlived_ns);
	pack_u64(out, o->begun);
	pack_u64(out, o->lives_ns);
	pack_u64(out, end - first);
	for (i = first; i < end; i++)
		pack_group(&g->groups[i], out);
	return end;
}

void goroutine_facts_pack(const struct go_goroutines *g, struct buffer *out)
{
	uint32_t i, group = 0;

	pack_u64(out, HEAD_NUMBERS);
	pack_u64(out, g->whole);
	pack_u64(out, g->looked_at);
	pack_u64(out, g->round_ns);
	pack_u64(out, g->left_out);
	pack_u64(out, g->largest);
	pack_u64(out, g->all_groups);
	pack_u64(out, ORIGIN_NUMBERS);
	pack_u64(out, GROUP_NUMBERS);
	pack_u64(out, g->origin_count);
	for (i = 0; i < g->origin_count; i++)
		group = pack_origin(g, i, group, out);
}

/* So many numbers, of which there is room for `most`. */
static void get_numbers(struct unpack *u, uint64_t count, uint64_t *v, uint32_t most)
{
	uint64_t i;

	if (count > NUMBERS_MOST)
		u->bad = true;
	for (i = 0; i < count && !u->bad; i++) {
		uint64_t number = unpack_u64(u);

		if (i < most)
			v[i] = number;
	}
}

static void get_group(struct go_goroutines *g, struct unpack *u, uint64_t numbers)
{
	uint64_t v[GROUP_NUMBERS] = {0};
	struct go_group *to = &g->groups[g->group_count];
	const char *reason;

	get_numbers(u, numbers, v, GROUP_NUMBERS);
	reason = unpack_text(u);
	if (u->bad)
		return;
	*to = (struct go_group){.origin = g->origin_count, .count = v[0], .waiting_since_ns = v[1]};
	if (reason)
		memcpy(to->reason, reason, strnlen(reason, GO_REASON_MAX - 1));
	g->group_count++;
}

static void get_origin(struct go_goroutines *g, struct unpack *u, uint64_t origin_numbers,
		       uint64_t group_numbers)
{
	uint64_t v[ORIGIN_NUMBERS] = {0}, groups, i;

	get_numbers(u, origin_numbers, v, ORIGIN_NUMBERS);
	groups = unpack_u64(u);
	if (groups > GO_GROUPS_MAX - g->group_count)
		u->bad = true;
	for (i = 0; i < groups && !u->bad; i++)
		get_group(g, u, group_numbers);
	if (u->bad)
		return;
	g->origins[g->origin_count++] = (struct go_origin){.creator = v[0],
							   .start = v[1],
							   .count = v[2],
							   .elders = v[3],
							   .elder_ends = v[4],
							   .outlived_ns = v[5],
							   .begun = v[6],
							   .lives_ns = v[7]};
}

bool goroutine_facts_unpack(struct go_goroutines *g, struct unpack *u)
{
	uint64_t v[HEAD_NUMBERS] = {0}, origin_numbers, group_numbers, count, i;

	get_numbers(u, unpack_u64(u), v, HEAD_NUMBERS);
	origin_numbers = unpack_u64(u);
	group_numbers = unpack_u64(u);
	count = unpack_u64(u);
	if (u->bad || count > GO_ORIGINS_MAX)
		return false;
	*g = (struct go_goroutines){.known = true,
				    .whole = v[0] != 0,
				    .looked_at = v[1],
				    .round_ns = v[2],
				    .left_out = v[3],
				    .largest = v[4],
				    .all_groups = v[5]};
	g->origins = xcalloc(GO_ORIGINS_MAX, sizeof(*g->origins));
	g->groups = xcalloc(GO_GROUPS_MAX, sizeof(*g->groups));
	for (i = 0; i < count && !u->bad; i++)
		get_origin(g, u, origin_numbers, group_numbers);
	if (u->bad)
		go_goroutines_done(g);
	return !u->bad;
}
