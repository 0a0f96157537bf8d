/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Goroutines counted by where they come from and what they do. Origins and groups stay once they are there: a program has as many of them
 * as it has go statements; what comes when there is no room is counted together. Counts are made anew from the slots at each reading,
 * which is one walk through memory; what has ended is noticed when its slot is looked at.
 */
#include <stdlib.h>
#include <string.h>

#include "../base/xalloc.h"
#include "go_watch.h"
#include "link_map.h"

#define ORIGINS_ROOM 4096u
#define GROUPS_ROOM  16384u
#define SCANNED	     0x1000u /* a bit beside the state: the collector looks at its stack */
#define STATES	     12u

enum { RUNNABLE = 1, RUNNING = 2, SYSCALL = 3, WAITING = 4, LEAKED = 10 };

/* gStatusStrings of runtime/traceback.go; NULL: there is no goroutine. */
static const char *const states[STATES] = {
	[RUNNABLE] = "runnable", [RUNNING] = "running", [SYSCALL] = "syscall",
	[WAITING] = "waiting",	 [8] = "copystack",	[9] = "preempted",
	[LEAKED] = "leaked",
};

static uint32_t tick(uint64_t ns)
{
	return (uint32_t)(ns >> GO_TICK_SHIFT);
}

/* ---- tables ---- */

static uint32_t hash(uint64_t creator, uint64_t start)
{
	uint64_t h = (creator ^ start << 21 ^ start >> 43) * 0x9e3779b97f4a7c15ull;

	return (uint32_t)(h >> 40) % GO_ORIGIN_HASH;
}

static void make_room(struct go_watch *w)
{
	if (w->origins)
		return;
	w->origins = xcalloc(ORIGINS_ROOM, sizeof(*w->origins));
	w->groups = xcalloc(GROUPS_ROOM, sizeof(*w->groups));
	w->origin_count = 1;
	w->group_count = GO_GROUP_FIRST;
}

/* 0: no room. */
static uint32_t find_origin(struct go_watch *w, uint64_t creator, uint64_t start)
{
	uint32_t *head = &w->heads[hash(creator, start)], i;

	for (i = *head; i; i = w->origins[i].next) {
		if (w->origins[i].o.creator == creator && w->origins[i].o.start == start)
			return i;
	}
	if (w->origin_count == ORIGINS_ROOM)
		return 0;
	w->origins[w->origin_count] =
		(struct go_origin_entry){.o = {.creator = creator, .start = start}, .next = *head};
	*head = w->origin_count;
	return w->origin_count++;
}

static uint32_t find_group(struct go_watch *w, uint32_t origin, uint8_t state, uint8_t reason)
{
	uint32_t *head = &w->origins[origin].groups, i;

	if (!origin)
		return GO_GROUP_LEFT_OUT;
	for (i = *head; i; i = w->groups[i].next) {
		if (w->groups[i].state == state && w->groups[i].reason == reason)
			return i;
	}
	if (w->group_count == GROUPS_ROOM)
		return GO_GROUP_LEFT_OUT;
	w->groups[w->group_count] = (struct go_group_entry){
		.origin = origin, .state = state, .reason = reason, .next = *head};
	*head = w->group_count;
	return w->group_count++;
}

/* ---- one goroutine ---- */

static bool has_reason(uint32_t state)
{
	return state == WAITING || state == LEAKED;
}

/* Its strings are there for as long as the program; how many, only its code knows. */
static void learn_reason(struct go_watch *w, const struct go_runtime *r, uint8_t reason)
{
	uint64_t strings = r->at[GO_SYMBOL_WAIT_REASON_STRINGS], text[2];
	char *to = w->reasons[reason];

	if (!strings || to[0] ||
	    !link_map_read_memory(r->memory, strings + reason * 16u, text, sizeof(text)))
		return;
	if (text[1] >= GO_REASON_MAX)
		text[1] = GO_REASON_MAX - 1;
	if (text[1] && !link_map_read_memory(r->memory, text[0], to, text[1]))
		to[0] = '\0';
}

static uint32_t group_of(struct go_watch *w, const struct go_runtime *r, const struct go_seen *g,
			 uint32_t state)
{
	/* goroutines of calls from C begin nowhere */
	if (g->start && go_system_has(&r->system, g->start - r->bias))
		return GO_GROUP_SYSTEM;
	if (has_reason(state))
		learn_reason(w, r, (uint8_t)g->reason);
	return find_group(w, find_origin(w, g->creator, g->start), (uint8_t)state,
			  has_reason(state) ? (uint8_t)g->reason : 0);
}

static void end(struct go_watch *w, const struct go_slot *slot, uint32_t now, uint32_t elder)
{
	struct go_origin_entry *o;
	uint32_t life = now - slot->seen;

	if (slot->group < GO_GROUP_FIRST)
		return;
	o = &w->origins[w->groups[slot->group].origin];
	o->o.elder_ends += life >= elder;
	o->o.lives_ns += (uint64_t)life << GO_TICK_SHIFT;
	if (life > o->longest)
		o->longest = life;
}

void go_origins_see(struct go_watch *w, const struct go_runtime *r, struct go_slot *slot,
		    const struct go_seen *g, uint64_t now_ns, uint64_t elder_ns)
{
	uint32_t state = g->status & ~SCANNED, now = tick(now_ns), goid = (uint32_t)g->goid;
	bool alive, begun;

	if (state >= STATES)
		return;
	make_room(w);
	alive = states[state] != NULL;
	if (slot->group && (!alive || slot->goid != goid)) {
		end(w, slot, now, tick(elder_ns));
		slot->group = GO_GROUP_NONE;
	}
	if (!alive)
		return;
	if (!slot->group)
		slot->seen = now;
	slot->goid = goid;
	begun = !slot->group;
	slot->group = group_of(w, r, g, state);
	if (begun && slot->group >= GO_GROUP_FIRST)
		w->origins[w->groups[slot->group].origin].o.begun++;
	slot->since = state == WAITING || state == SYSCALL ? tick(g->since_ns) : 0;
	if (slot->since > now)
		slot->since = 0;
}

/* ---- counts ---- */

static void count_slot(struct go_watch *w, const struct go_slot *slot, uint32_t now, uint32_t elder)
{
	struct go_group_entry *g = &w->groups[slot->group];
	uint32_t age = now - slot->seen;
	struct go_origin_entry *o;

	g->count++;
	if (slot->group < GO_GROUP_FIRST)
		return;
	if (slot->since && (!g->since || slot->since < g->since))
		g->since = slot->since;
	o = &w->origins[g->origin];
	o->o.count++;
	o->o.elders += age >= elder;
	if (age > o->longest)
		o->o.outlived_ns += (uint64_t)(age - o->longest) << GO_TICK_SHIFT;
}

static void count_slots(struct go_watch *w, uint32_t now, uint32_t elder)
{
	uint32_t i;

	for (i = 0; i < w->group_count; i++)
		w->groups[i].count = w->groups[i].since = 0;
	for (i = 1; i < w->origin_count; i++)
		w->origins[i].o.count = w->origins[i].o.elders = w->origins[i].o.outlived_ns = 0;
	for (i = 0; i < w->known; i++) {
		if (w->slots[i].group)
			count_slot(w, &w->slots[i], now, elder);
	}
}

/* ---- what is shown of it ---- */

static int compare_origins(const void *left, const void *right)
{
	const struct go_origin *a = left, *b = right;

	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	if (a->creator != b->creator)
		return a->creator < b->creator ? -1 : 1;
	return (a->start > b->start) - (a->start < b->start);
}

static int compare_groups(const void *left, const void *right)
{
	const struct go_group *a = left, *b = right;

	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	return strcmp(a->reason, b->reason);
}

static void copy_reason(const struct go_watch *w, const struct go_group_entry *g,
			char out[GO_REASON_MAX])
{
	const char *text = states[g->state];

	if (has_reason(g->state) && w->reasons[g->reason][0])
		text = w->reasons[g->reason];
	memcpy(out, text, strnlen(text, GO_REASON_MAX - 1));
}

static void take_groups(const struct go_watch *w, uint32_t entry, uint32_t origin,
			struct go_goroutines *out)
{
	uint32_t first = out->group_count, i;

	for (i = w->origins[entry].groups; i; i = w->groups[i].next) {
		const struct go_group_entry *g = &w->groups[i];
		struct go_group *to = &out->groups[out->group_count];

		if (!g->count)
			continue;
		if (out->group_count == GO_GROUPS_MAX) {
			out->left_out += g->count;
			continue;
		}
		*to = (struct go_group){.origin = origin,
					.count = g->count,
					.waiting_since_ns = (uint64_t)g->since << GO_TICK_SHIFT};
		copy_reason(w, g, to->reason);
		out->group_count++;
	}
	qsort(out->groups + first, out->group_count - first, sizeof(*out->groups), compare_groups);
}

/* The largest, in order. */
static void take_origins(struct go_watch *w, struct go_goroutines *out)
{
	struct go_origin *all = xcalloc(w->origin_count + 1, sizeof(*all));
	uint32_t count = 0, i;

	for (i = 1; i < w->origin_count; i++) {
		if (w->origins[i].o.count)
			all[count++] = w->origins[i].o;
	}
	qsort(all, count, sizeof(*all), compare_origins);
	for (i = GO_ORIGINS_MAX; i < count; i++)
		out->left_out += all[i].count;
	out->origins = all;
	out->origin_count = count < GO_ORIGINS_MAX ? count : GO_ORIGINS_MAX;
	out->groups = xcalloc(GO_GROUPS_MAX, sizeof(*out->groups));
	for (i = 0; i < out->origin_count; i++)
		take_groups(w, find_origin(w, all[i].creator, all[i].start), i, out);
}

void go_origins_count(struct go_watch *w, uint64_t now_ns, uint64_t elder_ns, uint64_t total,
		      struct go_goroutines *out)
{
	uint32_t i;

	make_room(w);
	count_slots(w, tick(now_ns), tick(elder_ns));
	*out = (struct go_goroutines){
		.known = true,
		.whole = w->whole,
		.left_out = w->groups[GO_GROUP_LEFT_OUT].count + (total - w->known),
	};
	take_origins(w, out);
	for (i = GO_GROUP_FIRST; i < w->group_count; i++) {
		out->all_groups += w->groups[i].count > 0;
		if (w->groups[i].count > out->largest)
			out->largest = w->groups[i].count;
	}
}
