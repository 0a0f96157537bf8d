/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Collects the symbols of one file that are in the table of allocators and judges them by what the
 * file itself holds: symbols, relocations, first instructions. Which file a name is bound to is
 * decided by discover.c. Invariant: a candidate's address is inside executable bytes of the file, a
 * (symbol, address) pair occurs once.
 */
#include "candidates.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include "../base/log.h"
#include "../base/xalloc.h"
#include "elf.h"
#include "files.h"
#include "link_map.h"

#define CANDIDATES_MAX 4096

struct collecting {
	struct candidates *candidates;
	struct elf_file *elf;
	bool ranges;
};

static bool is_known(const struct candidates *c, const struct elf_symbol *symbol)
{
	for (size_t i = 0; i < c->count; i++) {
		if (c->data[i].entry == symbol->address &&
		    strcmp(c->data[i].symbol, symbol->name) == 0)
			return true;
	}
	return false;
}

static bool collect(void *context, const struct elf_symbol *symbol)
{
	struct collecting *collecting = context;
	struct candidates *c = collecting->candidates;
	struct allocator_name meaning;
	struct candidate *candidate;

	if (symbol->type == STT_OBJECT || !allocators_find(symbol->name, &meaning) ||
	    (meaning.class == ALLOCATOR_RANGE && !collecting->ranges) || is_known(c, symbol) ||
	    !elf_file_is_code(collecting->elf, symbol->address))
		return true;
	if (c->count == c->capacity) {
		c->capacity = c->capacity ? c->capacity * 2 : 32;
		c->data = xrealloc(c->data, c->capacity * sizeof(*c->data));
	}
	candidate = &c->data[c->count++];
	memset(candidate, 0, sizeof(*candidate));
	candidate->meaning = meaning;
	candidate->symbol = xstrdup(symbol->name);
	candidate->entry = symbol->address;
	candidate->address = symbol->address;
	candidate->size = symbol->size;
	candidate->ifunc = symbol->type == STT_GNU_IFUNC;
	candidate->is_local = symbol->is_local;
	candidate->is_dynamic = symbol->is_dynamic && !symbol->is_local;
	return c->count < CANDIDATES_MAX;
}

/* What people call a function comes first: malloc before mi_malloc before __libc_malloc. */
static int compare_candidates(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->meaning.call != y->meaning.call)
		return x->meaning.call < y->meaning.call ? -1 : 1;
	if (x->meaning.class != y->meaning.class)
		return x->meaning.class < y->meaning.class ? -1 : 1;
	return strcmp(x->symbol, y->symbol);
}

void candidates_collect(struct candidates *c, struct elf_file *elf, bool ranges)
{
	struct collecting collecting = {c, elf, ranges};

	elf_file_symbols(elf, collect, &collecting);
	if (c->count)
		qsort(c->data, c->count, sizeof(*c->data), compare_candidates);
	for (size_t i = 0; i < c->count; i++) {
		const struct allocator_name *meaning = &c->data[i].meaning;

		if (meaning->call == CALL_ID_MALLOC &&
		    (meaning->class == ALLOCATOR_C || meaning->class == ALLOCATOR_PREFIXED))
			c->has_malloc = true;
	}
}

void candidates_done(struct candidates *c)
{
	for (size_t i = 0; i < c->count; i++)
		free(c->data[i].symbol);
	free(c->data);
	memset(c, 0, sizeof(*c));
}

struct candidate *candidates_at(const struct candidates *c, uint64_t address)
{
	for (size_t i = 0; i < c->count; i++) {
		if (c->data[i].chosen && c->data[i].entry == address)
			return &c->data[i];
	}
	return NULL;
}

struct candidate *candidates_named(const struct candidates *c, const char *symbol)
{
	for (size_t i = 0; i < c->count; i++) {
		if (strcmp(c->data[i].symbol, symbol) == 0)
			return &c->data[i];
	}
	return NULL;
}

static bool has_other_name(const struct candidates *c, const struct candidate *candidate)
{
	for (size_t i = 0; i < c->count; i++) {
		if (c->data[i].entry == candidate->entry &&
		    c->data[i].meaning.class != ALLOCATOR_LIBC)
			return true;
	}
	return false;
}

/*
 * "tc_new" may be anybody's function: it counts only beside "tc_malloc". "__..." is reserved for
 * the allocator.
 */
static bool has_family(const struct candidates *c, const char *symbol)
{
	char name[32];
	const char *end = strchr(symbol + 1, '_');
	size_t length;

	if (strncmp(symbol, "__", 2) == 0)
		return true;
	length = end ? (size_t)(end - symbol) + 1 : 0;
	if (length == 0 || length + sizeof("malloc") > sizeof(name))
		return false;
	memcpy(name, symbol, length);
	memcpy(name + length, "malloc", sizeof("malloc"));
	return candidates_named(c, name) != NULL;
}

/*
 * Plain names are looked for where the linker binds them, and in the program also among its other
 * global symbols. A local "free" of a program that uses a libc is something else; in a static
 * program it may be the linker's doing.
 */
static bool is_bindable(const struct candidates *c, const struct candidate *candidate)
{
	return candidate->is_dynamic || (c->is_program && (!candidate->is_local || c->is_static));
}

bool candidates_eligible(const struct candidates *c, const struct candidate *candidate)
{
	if (c->forced)
		return candidate->meaning.class != ALLOCATOR_LIBC || !has_other_name(c, candidate);
	switch (candidate->meaning.class) {
	case ALLOCATOR_C:
	case ALLOCATOR_RANGE: return is_bindable(c, candidate);
	case ALLOCATOR_CXX: return is_bindable(c, candidate) && c->has_malloc;
	case ALLOCATOR_PREFIXED: return has_family(c, candidate->symbol);
	case ALLOCATOR_LIBC: return is_bindable(c, candidate) && !has_other_name(c, candidate);
	}
	return false;
}

/* Which word of which file tells where an IFUNC went. */
struct resolving {
	struct files *files;
	const struct mapped_file *owner, *file; /* of the function; of the word */
	const struct candidate *candidate;
	uint64_t address; /* 0: not found */
};

/* A word that is not written yet still has what the file says: the way to the resolver. */
static bool is_written(const struct resolving *resolving, uint64_t slot, uint64_t value)
{
	uint64_t initial = 0;

	if (elf_file_read(resolving->file->elf, slot, &initial, sizeof(initial)) !=
	    (ssize_t)sizeof(initial))
		return value != 0;
	return value != 0 && value != initial && value != initial + resolving->file->bias;
}

static bool resolve_by_word(void *context, const struct elf_relocation *relocation)
{
	struct resolving *resolving = context;
	const struct candidate *candidate = resolving->candidate;
	const struct files *files = resolving->files;
	const struct file_mapping *mapping;
	uint64_t value;
	bool fits;

	if (relocation->type == R_X86_64_IRELATIVE)
		fits = resolving->file == resolving->owner &&
		       relocation->addend == candidate->entry;
	else
		fits = relocation->name && strcmp(relocation->name, candidate->symbol) == 0 &&
		       relocation->addend == 0;
	if (!fits ||
	    !link_map_read_memory(files->memory, relocation->slot + resolving->file->bias, &value,
				  sizeof(value)) ||
	    !is_written(resolving, relocation->slot, value))
		return true;
	mapping = files_find(files, value);
	if (!mapping || &files->data[mapping->file] != resolving->owner ||
	    !elf_file_is_code(resolving->owner->elf, value - resolving->owner->bias))
		return true;
	resolving->address = value - resolving->owner->bias;
	return false;
}

static void resolve_one(struct candidate *candidate, struct files *files,
			const struct mapped_file *owner)
{
	struct resolving resolving = {files, owner, NULL, candidate, 0};
	uint64_t start, end;

	for (size_t i = 0; i < files->count && !resolving.address; i++) {
		struct mapped_file *file = &files->data[i];
		bool was_open = file->elf != NULL;

		if (files_open(files, file))
			continue;
		resolving.file = file;
		elf_file_relocations(file->elf, resolve_by_word, &resolving);
		if (!was_open)
			files_close(file);
	}
	candidate->chosen = resolving.address != 0;
	if (!candidate->chosen) {
		log_verbose("'%s' of '%s' is chosen at run time and nobody has bound it: no probe",
			    candidate->symbol, owner->path);
		return;
	}
	candidate->entry = resolving.address;
	candidate->address = resolving.address;
	candidate->ifunc = false;
	candidate->size = 0;
	if (elf_file_function(owner->elf, candidate->address, &start, &end) &&
	    start == candidate->address)
		candidate->size = end - start;
}

void candidates_resolve(struct candidates *c, struct files *files, const struct mapped_file *file)
{
	for (size_t i = 0; i < c->count; i++) {
		if (c->data[i].chosen && c->data[i].ifunc)
			resolve_one(&c->data[i], files, file);
	}
}

/* The chosen function to which the code at `address` jumps, directly or by a PLT stub. */
static const struct candidate *jump_candidate(const struct candidates *c, struct elf_file *elf,
					      uint64_t address)
{
	const struct candidate *found = NULL;
	const char *symbol;
	uint64_t target;

	if (elf_file_jump(elf, address, &target)) {
		found = candidates_at(c, target);
		if (found)
			return found;
		symbol = elf_file_stub(elf, target);
	} else {
		symbol = elf_file_stub(elf, address);
	}
	if (symbol)
		found = candidates_named(c, symbol);
	return found && found->chosen && found->is_dynamic ? found : NULL;
}

void candidates_follow_jumps(struct candidates *c, struct elf_file *elf)
{
	/* More than one round: aliased -> mi_aliased -> inner; a ring of jumps ends with the
	 * rounds. */
	for (int round = 0; round < 4; round++) {
		bool changed = false;

		for (size_t i = 0; i < c->count; i++) {
			struct candidate *candidate = &c->data[i];
			const struct candidate *inner;

			if (!candidate->chosen)
				continue;
			inner = jump_candidate(c, elf, candidate->address);
			if (!inner || inner->address == candidate->address ||
			    allocators_kind(inner->meaning.call) !=
				    allocators_kind(candidate->meaning.call))
				continue;
			candidate->address = inner->address;
			candidate->size = inner->size;
			changed = true;
		}
		if (!changed)
			return;
	}
}
