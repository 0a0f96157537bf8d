/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the runtime's variables are. With a symbol table they stand there. A stripped program has only the table of its functions
 * (go_functions.c): known instructions in known functions hold the variables' addresses, and the majority of them
 * decides. Everything is the target's: all offsets are checked against what was read.
 */
#include <elf.h>
#include <string.h>

#include "go_private.h"
#include "go_tables.h"

/* A runtime has some thousands; a table that was made to take long has as many as it has room for. */
#define RUNTIME_FUNCTIONS_MAX 32768
#define ANCHOR_MAX	      16

static const char *const names[GO_SYMBOLS] = {
	[GO_SYMBOL_MEMSTATS] = "runtime.memstats",
	[GO_SYMBOL_GC_CONTROLLER] = "runtime.gcController",
	[GO_SYMBOL_MHEAP] = "runtime.mheap_",
	[GO_SYMBOL_ALLP] = "runtime.allp",
	[GO_SYMBOL_EMPTY_SPAN] = "runtime.emptymspan",
	[GO_SYMBOL_ALLGS] = "runtime.allgs",
	[GO_SYMBOL_SCHED] = "runtime.sched",
	[GO_SYMBOL_MBUCKETS] = "runtime.mbuckets",
	[GO_SYMBOL_MPROF_CYCLE] = "runtime.mProfCycle",
	[GO_SYMBOL_MEM_PROFILE_RATE] = "runtime.MemProfileRate",
	[GO_SYMBOL_WORK] = "runtime.work",
	[GO_SYMBOL_ALL_POOLS] = "sync.allPools",
	[GO_SYMBOL_OLD_POOLS] = "sync.oldPools",
	[GO_SYMBOL_MODULE] = "runtime.firstmoduledata",
	[GO_SYMBOL_WAIT_REASON_STRINGS] = "runtime.waitReasonStrings",
};

/* ---- by the symbol table ---- */

static bool take_symbol(void *context, const struct elf_symbol *symbol)
{
	uint64_t *at = context;
	size_t i;

	if (symbol->type != STT_OBJECT)
		return true;
	for (i = 0; i < GO_SYMBOLS; i++) {
		if (!strcmp(symbol->name, names[i]))
			at[i] = symbol->address;
	}
	return true;
}

/* ---- by anchors ---- */

/* Its name, when it is one that an anchor may have; NULL: it is not. */
static const char *anchor_name(const struct go_functions *f, uint64_t index)
{
	const char *name = go_functions_name(f, index);

	if (!name || (strncmp(name, "runtime.", 8) != 0 && strncmp(name, "sync.", 5) != 0))
		return NULL;
	return name;
}

/* The variable's address by this instruction; 0: there is another one. */
static uint64_t anchor_value(const struct elf_file *elf, const struct go_anchor *a, uint64_t start)
{
	uint8_t code[ANCHOR_MAX];
	size_t length = a->prefix_length + 4;
	int32_t distance;

	if (length > sizeof(code) ||
	    elf_file_read(elf, start + a->offset, code, length) != (ssize_t)length ||
	    memcmp(code, a->prefix, a->prefix_length) != 0)
		return 0;
	memcpy(&distance, code + a->prefix_length, sizeof(distance));
	return start + a->offset + length + (uint64_t)(int64_t)distance - a->addend;
}

uint64_t go_symbols_vote(const uint64_t *candidates, size_t count)
{
	size_t i, j;

	for (i = 0; i < count; i++) {
		size_t votes = 0;

		for (j = 0; j < count; j++)
			votes += candidates[j] == candidates[i];
		if (votes * 2 > count && (votes > 1 || count == 1))
			return candidates[i];
	}
	return 0;
}

struct votes {
	uint64_t v[ANCHOR_MAX];
	size_t count;
};

static void look_at_function(struct elf_file *elf, unsigned int minor, const char *name,
			     uint64_t start, struct votes votes[GO_SYMBOLS])
{
	size_t i;

	for (i = 0; i < sizeof(go_anchors) / sizeof(go_anchors[0]); i++) {
		const struct go_anchor *a = &go_anchors[i];
		struct votes *v = &votes[a->symbol];
		uint64_t value;

		if (a->minor != minor || strcmp(a->function, name) != 0)
			continue;
		value = anchor_value(elf, a, start);
		if (value && v->count < ANCHOR_MAX)
			v->v[v->count++] = value;
	}
}

static void by_anchors(struct elf_file *elf, const struct go_place *place, uint64_t at[GO_SYMBOLS])
{
	struct votes votes[GO_SYMBOLS] = {0};
	struct go_functions f;
	uint64_t i, left = RUNTIME_FUNCTIONS_MAX;

	if (go_functions_load(&f, elf, place)) {
		for (i = 0; i < f.count && left; i++) {
			const char *name = anchor_name(&f, i);

			left -= name != NULL;
			if (name)
				look_at_function(elf, place->minor, name, go_functions_start(&f, i),
						 votes);
		}
	}
	go_functions_done(&f);
	for (i = 0; i < GO_SYMBOLS; i++) {
		if (!at[i])
			at[i] = go_symbols_vote(votes[i].v, votes[i].count);
	}
}

bool go_symbols_find(struct elf_file *elf, const struct go_place *place, uint64_t at[GO_SYMBOLS],
		     const char **missing)
{
	size_t i;

	memset(at, 0, GO_SYMBOLS * sizeof(*at));
	elf_file_symbols(elf, take_symbol, at);
	for (i = 0; i < GO_SYMBOLS && at[i]; i++)
		;
	if (i < GO_SYMBOLS)
		by_anchors(elf, place, at);
	for (i = 0; i < GO_SYMBOLS_NEEDED; i++) {
		*missing = names[i];
		if (!at[i])
			return false;
	}
	return true;
}
