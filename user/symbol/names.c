/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stacks -> names. Modules know which file an address lies in (modules.c), the resolver's thread knows
 * the functions there (resolver.c); this file owns what is in between: for each stack where its frames
 * are (locations, shared by all processes and stacks), and for each location its names, while there is
 * room for them.
 *
 * Invariant: where the frames of a stack are is decided when the stack is first asked for, and again
 * only when modules that were not known then have been read since: later modules at the same addresses
 * mean nothing for it. A site id is made of the call and of (file identity, address in the file) of
 * each frame, nothing else. Names can come, get better, and be forgotten when others need the room;
 * those that the present pass has used are not.
 */
#include "names.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "../base/clock.h"
#include "../base/guard.h"
#include "../base/log.h"
#include "../base/mix.h"
#include "../base/xalloc.h"
#include "modules.h"
#include "resolver.h"
#include "skip.h"
#include "table.h"
#include "trim.h"

/* The first value that goes into a site id: a new number makes all ids new, and files of before
 * cannot be compared. */
#define NAMES_SITE_SEED 1
/* In place of a frame that lies in no known file. */
#define NAMES_NO_MODULE 0

#define NAMES_MAX_BYTES	      (48ul << 20)
#define NAMES_MAX_STACK_BYTES (96ul << 20)
/* Programs that generate code write its names late. */
#define NAMES_AGAIN_NS NS_PER_S

struct names_stack_entry {
	uint32_t number;
	uint8_t call;
	uint64_t stack_id;
	uint64_t site_id;
	uint32_t unknown_count; /* pcs outside of every known module */
	uint32_t generation;	/* of the modules, when last looked at */
	uint32_t epoch;		/* of the modules, when added */
	uint32_t pc_count;
	uint32_t *locations; /* index of each pc's; 0: none */
};

struct names {
	struct modules *modules;
	struct resolver *resolver; /* NULL: not needed yet */
	bool no_resolver;	   /* could not be started (said) */
	int wake_fd;
	struct skip skip;
	struct table places; /* struct location */
	struct location **locations;
	size_t location_count, location_capacity;
	struct table stacks; /* struct names_stack_entry */
	size_t stack_bytes, name_bytes;
	size_t hand; /* where the search for names to forget goes on */
	uint32_t pass;
	uint32_t full;		 /* the pass in which nothing more could be forgotten */
	uint64_t forgotten;	 /* names for which there was no room */
	names_source_fn *source; /* NULL: all names are looked for */
	void *source_context;
	/* the answer of names_stack() */
	struct stack_names current;
	size_t frame_capacity;
};

struct names *names_new(void)
{
	struct names *n = xcalloc(1, sizeof(*n));

	guard_install();
	n->modules = modules_new();
	n->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	n->locations = xcalloc(1, sizeof(*n->locations));
	n->location_count = n->location_capacity = 1; /* 0 is none */
	n->pass = 1;
	return n;
}

static void names_forget_stacks(struct names *n)
{
	struct names_stack_entry *entry;

	for (size_t at = 0; (entry = table_next(&n->stacks, &at));) {
		free(entry->locations);
		free(entry);
	}
	table_done(&n->stacks);
	n->stack_bytes = 0;
}

void names_free(struct names *n)
{
	/* a thread that does not end keeps what it uses, and the program ends with it */
	if (!n || !resolver_stop(n->resolver))
		return;
	names_forget_stacks(n);
	for (size_t i = 1; i < n->location_count; i++) {
		free((void *)(uintptr_t)n->locations[i]->names);
		free(n->locations[i]);
	}
	free(n->locations);
	free(n->current.frames);
	table_done(&n->places);
	skip_done(&n->skip);
	modules_free(n->modules);
	if (n->wake_fd >= 0)
		close(n->wake_fd);
	free(n);
}

bool names_add_skip(struct names *n, const char *regex, const char **error)
{
	return skip_add(&n->skip, regex, error);
}

int names_read_process(struct names *n, uint32_t number, pid_t pid)
{
	return modules_read(n->modules, number, pid);
}

void names_fork(struct names *n, uint32_t parent, uint32_t child)
{
	modules_fork(n->modules, parent, child);
}

void names_exec(struct names *n, uint32_t number)
{
	modules_forget(n->modules, number);
}

bool names_knows(const struct names *n, uint32_t number, uint64_t address)
{
	return modules_find(n->modules, number, address) != NULL;
}

/* ---- locations ---- */

/* The call that returns to pc: when it is the last instruction of its mapping, pc lies outside. */
static const struct mapping *names_find_mapping(const struct names *n, uint32_t number, uint64_t pc)
{
	return pc ? modules_find(n->modules, number, pc - 1) : NULL;
}

static uint64_t names_address_of(const struct mapping *mapping, uint64_t pc)
{
	return mapping_address(mapping, pc - 1) + 1;
}

static uint32_t names_add_location(struct names *n, uint64_t hash, const struct location *like)
{
	struct location *location = xcalloc(1, sizeof(*location));

	if (n->location_count == n->location_capacity) {
		n->location_capacity *= 2;
		n->locations = xrealloc(n->locations, n->location_capacity * sizeof(*n->locations));
	}
	*location = *like;
	location->index = (uint32_t)n->location_count;
	n->locations[n->location_count++] = location;
	table_insert(&n->places, hash, location);
	return location->index;
}

static uint32_t names_get_location(struct names *n, const struct location *like)
{
	uint64_t hash = mix_u64(mix_u64(mix_u64(0, (uintptr_t)like->image), (uintptr_t)like->jit),
				like->address);
	struct location *found;

	for (size_t at = 0; (found = table_find(&n->places, hash, &at));) {
		if (found->image == like->image && found->jit == like->jit &&
		    found->address == like->address)
			return found->index;
	}
	return names_add_location(n, hash, like);
}

static uint32_t names_locate(struct names *n, uint32_t number, uint64_t pc)
{
	const struct mapping *mapping = names_find_mapping(n, number, pc);
	struct location like = {0};

	if (!mapping)
		return 0;
	like.image = mapping->image;
	if (mapping_has_code(mapping)) {
		like.address = names_address_of(mapping, pc);
	} else {
		like.jit = modules_jit(n->modules, number);
		like.address = pc;
		if (!like.jit)
			return 0;
	}
	return names_get_location(n, &like);
}

/* ---- stacks ---- */

static uint64_t names_make_site_id(struct names *n, uint32_t number, uint8_t call,
				   const uint64_t *pcs, size_t frame_count)
{
	uint64_t id = mix_u64(NAMES_SITE_SEED, call);

	for (size_t i = 0; i < frame_count; i++) {
		const struct mapping *mapping = names_find_mapping(n, number, pcs[i]);

		if (mapping && mapping->image) {
			id = mix_u64(id, mapping->image->identity);
			id = mix_u64(id, names_address_of(mapping, pcs[i]));
		} else {
			id = mix_u64(id, NAMES_NO_MODULE);
		}
	}
	return id;
}

static uint32_t names_count_unknown(const struct names *n, uint32_t number, const uint64_t *pcs,
				    size_t count)
{
	uint32_t unknown = 0;

	for (size_t i = 0; i < count; i++)
		unknown += names_find_mapping(n, number, pcs[i]) == NULL;
	return unknown;
}

static struct names_stack_entry *names_find_stack(const struct names *n, uint64_t hash,
						  uint32_t number, uint64_t stack_id, uint8_t call)
{
	struct names_stack_entry *entry;

	for (size_t at = 0; (entry = table_find(&n->stacks, hash, &at));) {
		if (entry->number == number && entry->stack_id == stack_id && entry->call == call)
			return entry;
	}
	return NULL;
}

static struct names_stack_entry *names_add_stack(struct names *n, uint64_t hash, uint32_t number,
						 uint64_t stack_id, uint8_t call)
{
	struct names_stack_entry *entry;

	if (n->stack_bytes > NAMES_MAX_STACK_BYTES)
		names_forget_stacks(n);
	entry = xcalloc(1, sizeof(*entry));
	entry->number = number;
	entry->stack_id = stack_id;
	entry->call = call;
	entry->epoch = modules_epoch(n->modules, number);
	table_insert(&n->stacks, hash, entry);
	n->stack_bytes += sizeof(*entry) + 2 * sizeof(struct table_slot);
	return entry;
}

static void names_place_stack(struct names *n, struct names_stack_entry *entry, const uint64_t *pcs,
			      size_t count)
{
	n->stack_bytes -= entry->pc_count * sizeof(*entry->locations);
	entry->locations = xrealloc(entry->locations, (count + 1) * sizeof(*entry->locations));
	for (size_t i = 0; i < count; i++)
		entry->locations[i] = names_locate(n, entry->number, pcs[i]);
	entry->site_id = names_make_site_id(n, entry->number, entry->call, pcs, count);
	entry->pc_count = (uint32_t)count;
	n->stack_bytes += count * sizeof(*entry->locations);
}

/* Modules of after an exec say nothing about a stack of before it. */
static bool names_may_know_more(const struct names *n, const struct names_stack_entry *entry)
{
	return entry->unknown_count && entry->epoch == modules_epoch(n->modules, entry->number) &&
	       entry->generation != modules_generation(n->modules, entry->number);
}

static struct names_stack_entry *names_get_stack(struct names *n, uint32_t number,
						 uint64_t stack_id, uint8_t call,
						 const uint64_t *pcs, size_t frame_count)
{
	uint64_t hash = mix_u64(mix_u64(mix_u64(0, number), stack_id), call);
	struct names_stack_entry *entry = names_find_stack(n, hash, number, stack_id, call);
	bool renew = !entry || entry->pc_count != frame_count;
	uint32_t unknown;

	if (!renew && !names_may_know_more(n, entry))
		return entry;
	if (!entry)
		entry = names_add_stack(n, hash, number, stack_id, call);
	unknown = names_count_unknown(n, number, pcs, frame_count);
	if (renew || unknown < entry->unknown_count || !entry->locations) {
		names_place_stack(n, entry, pcs, frame_count);
		entry->unknown_count = unknown;
	}
	entry->generation = modules_generation(n->modules, number);
	return entry;
}

uint64_t names_site_id(struct names *n, uint32_t number, uint64_t stack_id, uint8_t call,
		       const uint64_t *pcs, size_t frame_count, bool *settled)
{
	const struct names_stack_entry *entry =
		names_get_stack(n, number, stack_id, call, pcs, frame_count);

	if (settled)
		*settled = frame_count && !entry->unknown_count;
	return entry->site_id;
}

/* ---- answers of the resolver ---- */

static void names_drop(struct names *n, struct location *location)
{
	n->name_bytes -= location->names->bytes;
	free((void *)(uintptr_t)location->names);
	location->names = NULL;
}

/* Not what this pass has used, or nobody would get anywhere. All are looked at in vain only once in a
 * pass: each answer would else cost as much as there are locations. */
static bool names_make_room(struct names *n, size_t bytes)
{
	for (size_t step = 0; n->name_bytes + bytes > NAMES_MAX_BYTES; step++) {
		struct location *location;

		if (n->full == n->pass)
			return false;
		if (step == n->location_count) {
			n->full = n->pass;
			return false;
		}
		n->hand = n->hand + 1 < n->location_count ? n->hand + 1 : 1;
		location = n->locations[n->hand];
		if (location->names && location->used != n->pass)
			names_drop(n, location);
	}
	return true;
}

static void names_accept(struct names *n, struct resolver_answer *answer)
{
	struct location *location = answer->location;

	if (answer->last)
		location->waiting = false;
	if (location->names)
		names_drop(n, location);
	if (names_make_room(n, answer->names->bytes)) {
		location->names = answer->names;
		n->name_bytes += answer->names->bytes;
		return;
	}
	n->forgotten++;
	location->no_room = n->pass;
	free(answer->names);
}

static void names_take(struct names *n)
{
	struct resolver_answer *answer, *next;

	if (!n->resolver)
		return;
	for (answer = resolver_take(n->resolver); answer; answer = next) {
		next = answer->next;
		names_accept(n, answer);
		free(answer);
	}
}

void names_collect(struct names *n)
{
	uint64_t count;

	while (read(n->wake_fd, &count, sizeof(count)) < 0 && errno == EINTR)
		;
	names_take(n);
}

static struct resolver *names_get_resolver(struct names *n)
{
	if (n->resolver || n->no_resolver)
		return n->resolver;
	n->resolver = resolver_start(&n->skip, n->wake_fd);
	if (!n->resolver) {
		log_warn("cannot start a thread: %s; functions have no names", strerror(errno));
		n->no_resolver = true;
	}
	return n->resolver;
}

/* True: there is nothing else to ask. */
static bool names_from_source(struct names *n, struct location *location)
{
	struct location_names *names;

	if (!n->source)
		return false;
	names = location->names ? NULL : n->source(n->source_context, location);
	if (names) {
		location->names = names;
		n->name_bytes += names->bytes;
	}
	return location->names || location->jit || location->image->fd < 0;
}

static void names_want(struct names *n, struct location *location)
{
	uint64_t now;

	location->used = n->pass;
	if (names_from_source(n, location))
		return;
	if (location->waiting || (location->names && !location->names->unknown) ||
	    location->no_room == n->pass || !names_get_resolver(n))
		return;
	now = clock_monotonic_ns();
	if (location->names && now - location->asked_ns < NAMES_AGAIN_NS)
		return;
	location->asked_ns = now;
	location->waiting = true;
	resolver_ask(n->resolver, location);
}

struct modules *names_modules(struct names *n)
{
	return n->modules;
}

const struct location *names_next_location(const struct names *n, size_t *at)
{
	*at += !*at; /* 0 is none */
	return *at < n->location_count ? n->locations[(*at)++] : NULL;
}

void names_set_source(struct names *n, names_source_fn *source, void *context)
{
	n->source = source;
	n->source_context = context;
}

bool names_skips(const struct names *n, const char *function)
{
	return skip_matches(&n->skip, function);
}

int names_fd(const struct names *n)
{
	return n->wake_fd;
}

size_t names_pending(const struct names *n)
{
	return n->resolver ? resolver_pending(n->resolver) : 0;
}

uint64_t names_forgotten(const struct names *n)
{
	return n->forgotten;
}

void names_pass(struct names *n)
{
	n->pass++;
}

size_t names_wait(struct names *n, int timeout_ms)
{
	uint64_t until = clock_monotonic_ns() + (uint64_t)timeout_ms * NS_PER_MS;
	struct pollfd wake = {.fd = n->wake_fd, .events = POLLIN};

	for (;;) {
		uint64_t now = clock_monotonic_ns();

		if (names_pending(n) == 0 || now >= until)
			break;
		poll(&wake, 1, (int)((until - now) / NS_PER_MS) + 1);
		names_collect(n);
	}
	names_collect(n);
	return names_pending(n);
}

/* ---- frames ---- */

static struct frame_name *names_add_frames(struct names *n, size_t count)
{
	struct stack_names *s = &n->current;
	size_t wanted = s->frame_count + count;

	if (wanted > n->frame_capacity) {
		n->frame_capacity = 2 * wanted;
		s->frames = xrealloc(s->frames, n->frame_capacity * sizeof(*s->frames));
	}
	s->frame_count = wanted;
	return s->frames + wanted - count;
}

static void names_fill_pc(struct names *n, uint32_t index, uint64_t pc)
{
	struct location *location = n->locations[index];
	const struct location_names *names;
	struct frame_name *frames;

	if (!location) {
		*names_add_frames(n, 1) = (struct frame_name){.pc = pc};
		return;
	}
	names_want(n, location);
	n->current.waiting |= location->waiting;
	names = location->names;
	if (!names) {
		*names_add_frames(n, 1) = (struct frame_name){
			.pc = pc,
			.offset = location->address,
			.module = location->image ? location->image->name : NULL,
			.image = location->jit ? NULL : location->image,
			.address = location->address,
		};
		return;
	}
	frames = names_add_frames(n, names->count);
	memcpy(frames, names->frames, names->count * sizeof(*frames));
	for (size_t i = 0; i < names->count; i++) {
		frames[i].pc = pc;
		frames[i].image = location->jit ? NULL : location->image;
		frames[i].address = location->address;
	}
}

const struct stack_names *names_stack(struct names *n, uint32_t number, uint64_t stack_id,
				      uint8_t call, const uint64_t *pcs, size_t frame_count)
{
	struct names_stack_entry *entry;

	names_take(n);
	entry = names_get_stack(n, number, stack_id, call, pcs, frame_count);
	n->current.frame_count = 0;
	n->current.waiting = false;
	n->current.type = NULL;
	for (size_t i = 0; i < frame_count; i++)
		names_fill_pc(n, entry->locations[i], pcs[i]);
	n->current.site_id = entry->site_id;
	trim_mark_skipped(&n->current);
	return &n->current;
}

const struct stack_names *names_caller(struct names *n)
{
	trim_to_caller(&n->current);
	return &n->current;
}

const struct stack_names *names_innermost(struct names *n)
{
	trim_to_innermost(&n->current);
	trim_to_caller(&n->current);
	return &n->current;
}

size_t names_memory(const struct names *n)
{
	return sizeof(*n) + n->stack_bytes + n->name_bytes +
	       n->location_count * (sizeof(struct location) + sizeof(*n->locations)) +
	       table_memory(&n->places) + modules_memory(n->modules);
}
