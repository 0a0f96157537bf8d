/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stacks -> names. Modules know which file an address lies in (modules.c), debug information knows
 * the functions there (debug.c); this file owns the results: names of each address of each file,
 * shared by all processes, and frames of each stack.
 *
 * Invariant: what names_stack() has returned stays valid and is computed again only when modules
 * that were not known then have been read since; frames that were handed out are kept all the same.
 * A site id is made of the call and of (file identity, address in the file) of each frame, nothing
 * else.
 */
#include "names.h"

#include <stdlib.h>
#include <string.h>
#include "../base/xalloc.h"
#include "debug.h"
#include "demangle.h"
#include "mix.h"
#include "modules.h"
#include "skip.h"
#include "strings.h"
#include "table.h"

/* The first value that goes into a site id: a new number makes all ids new, and files of before
 * cannot be compared. */
#define NAMES_SITE_SEED 1
/* In place of a frame that lies in no known file. */
#define NAMES_NO_MODULE 0

/* Frames of one return address in one file; pc is not set, offsets are. */
struct names_address {
	const struct image *image;
	uint64_t address;
	size_t count;
	struct frame_name frames[];
};

struct names_stack_entry {
	uint32_t number;
	uint8_t call;
	uint64_t stack_id;
	size_t pc_count;
	size_t unknown_count; /* pcs outside of every known module */
	uint32_t generation;  /* of the modules, when last looked at */
	uint32_t epoch;	      /* of the modules, when added */
	struct stack_names names;
	struct names_retired *retired;
};

/* Frames that were replaced by better ones: a reader may still hold them. */
struct names_retired {
	struct names_retired *next;
	struct frame_name *frames;
};

struct names {
	struct modules *modules;
	struct debug *debug;
	struct skip skip;
	struct strings strings;
	struct table addresses; /* struct names_address */
	struct table stacks;	/* struct names_stack_entry */
	size_t bytes;		/* of the entries of both */
};

struct names *names_new(void)
{
	struct names *n = xcalloc(1, sizeof(*n));

	n->modules = modules_new();
	n->debug = debug_new();
	return n;
}

static void names_free_stack(struct names_stack_entry *entry)
{
	while (entry->retired) {
		struct names_retired *next = entry->retired->next;

		free(entry->retired->frames);
		free(entry->retired);
		entry->retired = next;
	}
	free(entry->names.frames);
	free(entry);
}

void names_free(struct names *n)
{
	struct names_stack_entry *entry;
	struct names_address *address;

	if (!n)
		return;
	for (size_t at = 0; (entry = table_next(&n->stacks, &at));)
		names_free_stack(entry);
	for (size_t at = 0; (address = table_next(&n->addresses, &at));)
		free(address);
	table_done(&n->stacks);
	table_done(&n->addresses);
	strings_done(&n->strings);
	skip_done(&n->skip);
	debug_free(n->debug);
	modules_free(n->modules);
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

/* The call that returns to pc: when it is the last instruction of its mapping, pc lies outside. */
static const struct mapping *names_find_mapping(const struct names *n, uint32_t number, uint64_t pc)
{
	return pc ? modules_find(n->modules, number, pc - 1) : NULL;
}

static uint64_t names_address_of(const struct mapping *mapping, uint64_t pc)
{
	return mapping_address(mapping, pc - 1) + 1;
}

static const char *names_function(struct names *n, const char *symbol)
{
	char name[DEMANGLE_MAX];

	if (!symbol || !symbol[0])
		return NULL;
	demangle(symbol, name, sizeof(name));
	return strings_get(&n->strings, name);
}

static void names_fill_frame(struct names *n, const struct debug_frame *from,
			     const struct image *image, uint64_t address, struct frame_name *to)
{
	to->function = names_function(n, from->function);
	to->offset = to->function ? address - from->start : address;
	to->module = strings_get(&n->strings, image->name);
	to->file = strings_get(&n->strings, from->file);
	to->line = to->file ? from->line : 0;
	to->inlined = from->inlined;
	to->skipped = skip_matches(&n->skip, to->function);
}

static const struct names_address *names_get_address(struct names *n, const struct image *image,
						     uint64_t address)
{
	uint64_t hash = mix_u64(mix_u64(0, (uintptr_t)image), address);
	struct debug_frame frames[DEBUG_MAX_FRAMES];
	struct names_address *found;
	size_t count, bytes;

	for (size_t at = 0; (found = table_find(&n->addresses, hash, &at));) {
		if (found->image == image && found->address == address)
			return found;
	}
	count = debug_resolve(n->debug, image, address, frames);
	bytes = sizeof(*found) + count * sizeof(found->frames[0]);
	found = xcalloc(1, bytes);
	found->image = image;
	found->address = address;
	found->count = count;
	for (size_t i = 0; i < count; i++)
		names_fill_frame(n, &frames[i], image, address, &found->frames[i]);
	table_insert(&n->addresses, hash, found);
	n->bytes += bytes;
	return found;
}

/* Adds the frames of one pc; returns how many there are now. */
static size_t names_add_frames(struct names *n, uint32_t number, uint64_t pc,
			       struct frame_name **frames, size_t count)
{
	const struct mapping *mapping = names_find_mapping(n, number, pc);
	const struct names_address *address = NULL;
	size_t added = 1;

	if (mapping && mapping->image) {
		address = names_get_address(n, mapping->image, names_address_of(mapping, pc));
		added = address->count;
	}
	*frames = xrealloc(*frames, (count + added) * sizeof(**frames));
	if (address)
		memcpy(*frames + count, address->frames, added * sizeof(**frames));
	else
		(*frames)[count] = (struct frame_name){0};
	for (size_t i = count; i < count + added; i++)
		(*frames)[i].pc = pc;
	return count + added;
}

/* Only the innermost run of allocator internals is skipped: a comparison function that malloc calls
 * is not. */
static void names_mark_skipped(struct stack_names *names)
{
	size_t i = 0;

	while (i < names->frame_count && names->frames[i].skipped)
		i++;
	names->function_frame = i < names->frame_count ? i : 0;
	for (; i < names->frame_count; i++)
		names->frames[i].skipped = false;
}

uint64_t names_site_id(struct names *n, uint32_t number, uint8_t call, const uint64_t *pcs,
		       size_t frame_count)
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

static size_t names_count_unknown(const struct names *n, uint32_t number, const uint64_t *pcs,
				  size_t count)
{
	size_t unknown = 0;

	for (size_t i = 0; i < count; i++)
		unknown += names_find_mapping(n, number, pcs[i]) == NULL;
	return unknown;
}

static void names_retire(struct names *n, struct names_stack_entry *entry)
{
	struct names_retired *retired;

	if (!entry->names.frames)
		return;
	retired = xcalloc(1, sizeof(*retired));
	retired->frames = entry->names.frames;
	retired->next = entry->retired;
	entry->retired = retired;
	n->bytes += sizeof(*retired);
}

static void names_resolve(struct names *n, struct names_stack_entry *entry, const uint64_t *pcs,
			  size_t count)
{
	struct stack_names *names = &entry->names;

	names_retire(n, entry);
	*names = (struct stack_names){0};
	for (size_t i = 0; i < count; i++)
		names->frame_count = names_add_frames(n, entry->number, pcs[i], &names->frames,
						      names->frame_count);
	names_mark_skipped(names);
	names->site_id = names_site_id(n, entry->number, entry->call, pcs, count);
	entry->pc_count = count;
	n->bytes += names->frame_count * sizeof(*names->frames);
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
	struct names_stack_entry *entry = xcalloc(1, sizeof(*entry));

	entry->number = number;
	entry->stack_id = stack_id;
	entry->call = call;
	entry->epoch = modules_epoch(n->modules, number);
	table_insert(&n->stacks, hash, entry);
	n->bytes += sizeof(*entry);
	return entry;
}

/* Modules of after an exec say nothing about a stack of before it. */
static bool names_may_know_more(const struct names *n, const struct names_stack_entry *entry)
{
	return entry->unknown_count && entry->epoch == modules_epoch(n->modules, entry->number) &&
	       entry->generation != modules_generation(n->modules, entry->number);
}

const struct stack_names *names_stack(struct names *n, uint32_t number, uint64_t stack_id,
				      uint8_t call, const uint64_t *pcs, size_t frame_count,
				      uint32_t flags)
{
	uint64_t hash = mix_u64(mix_u64(mix_u64(0, number), stack_id), call);
	struct names_stack_entry *entry = names_find_stack(n, hash, number, stack_id, call);
	bool renew = !entry || entry->pc_count != frame_count;
	size_t unknown;

	(void)flags; /* an incomplete stack is a site like any other: what was seen of it is its
			name */
	if (!renew && !names_may_know_more(n, entry))
		return &entry->names;
	if (!entry)
		entry = names_add_stack(n, hash, number, stack_id, call);
	unknown = names_count_unknown(n, number, pcs, frame_count);
	if (renew || unknown < entry->unknown_count) {
		names_resolve(n, entry, pcs, frame_count);
		entry->unknown_count = unknown;
	}
	entry->generation = modules_generation(n->modules, number);
	return &entry->names;
}

size_t names_memory(const struct names *n)
{
	return sizeof(*n) + n->bytes + table_memory(&n->addresses) + table_memory(&n->stacks) +
	       strings_memory(&n->strings) + modules_memory(n->modules) + debug_memory(n->debug);
}
