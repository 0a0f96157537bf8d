/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One list of pools for a process, which only grows: what is no more in use stays known by its name. Memory is read without stopping
 * anything, so a word may be of another moment than its neighbour: each is checked alone.
 */
#include "go_pools.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../base/xalloc.h"
#include "files.h"
#include "go_pool_type.h"
#include "go_private.h"
#include "link_map.h"

#define GET "sync.(*Pool).Get"
#define PUT "sync.(*Pool).Put"
/* Pool.New: a pointer to a closure, whose first word is its code. */
#define POOL_NEW 32

struct pool {
	struct go_pool_facts facts;
	uint64_t new_code;
	bool named;
};

struct go_pools {
	/* a copy, with a descriptor of its own: it stays when the process has ended */
	struct go_runtime runtime;
	unsigned int minor;
	struct go_types types;
	struct go_function get, put;
	bool race;
	struct pool *v;
	size_t count;
};

static bool read_function(struct elf_file *elf, const struct go_functions *f, const char *name,
			  struct go_function *out)
{
	uint64_t start, end;

	if (!go_functions_find(f, name, &start, &end) || end - start > sizeof(out->bytes) ||
	    !elf_file_is_code(elf, start) || !elf_file_to_offset(elf, start, &out->offset))
		return false;
	out->start = start;
	out->size = (size_t)(end - start);
	return elf_file_read(elf, start, out->bytes, out->size) == (ssize_t)out->size;
}

static bool read_code(struct go_pools *p, struct mapped_file *program)
{
	struct go_place place = {p->runtime.memory, p->runtime.bias, p->minor};
	struct go_functions f;
	bool found = go_functions_load(&f, program->elf, &place) &&
		     read_function(program->elf, &f, GET, &p->get) &&
		     read_function(program->elf, &f, PUT, &p->put);

	go_functions_done(&f);
	return found;
}

struct go_pools *go_pools_open(const struct go_process *go)
{
	struct go_pools *p = xcalloc(1, sizeof(*p));
	struct mapped_file *program;
	struct files files;
	bool found = false;

	p->runtime = *go_runtime_of(go);
	p->minor = p->runtime.layout->minor;
	p->runtime.memory = fcntl(p->runtime.memory, F_DUPFD_CLOEXEC, 0);
	if (!files_load(&files, p->runtime.pid)) {
		program = go_program_find(&files);
		found = program && program->bias == p->runtime.bias && read_code(p, program);
		p->race = found && go_build_has(program->elf, "-race=true");
	}
	files_done(&files);
	go_types_init(&p->types, &p->runtime);
	p->runtime.layout = NULL; /* it goes with *go */
	if (found)
		return p;
	go_pools_close(p);
	return NULL;
}

void go_pools_close(struct go_pools *p)
{
	if (!p)
		return;
	if (p->runtime.memory >= 0)
		close(p->runtime.memory);
	free(p->v);
	free(p);
}

const struct go_function *go_pools_get_code(const struct go_pools *p)
{
	return &p->get;
}

const struct go_function *go_pools_put_code(const struct go_pools *p)
{
	return &p->put;
}

static bool read_at(const struct go_pools *p, uint64_t address, void *out, size_t size)
{
	return link_map_read_memory(p->runtime.memory, address, out, size);
}

bool go_pools_read_code(const struct go_pools *p, uint64_t address, void *out, size_t size)
{
	return read_at(p, address + p->runtime.bias, out, size);
}

bool go_pools_race(const struct go_pools *p)
{
	return p->race;
}

bool go_pools_lists(const struct go_pools *p)
{
	return p->runtime.at[GO_SYMBOL_ALL_POOLS] && p->runtime.at[GO_SYMBOL_OLD_POOLS];
}

static struct pool *find(const struct go_pools *p, uint64_t address)
{
	size_t i;

	for (i = 0; i < p->count; i++) {
		if (p->v[i].facts.address == address)
			return &p->v[i];
	}
	return NULL;
}

/* What may have become known since. */
static void look(struct go_pools *p, struct pool *pool)
{
	uint64_t closure = 0;

	if (!pool->new_code && read_at(p, pool->facts.address + POOL_NEW, &closure, 8) && closure) {
		pool->facts.has_new = true;
		read_at(p, closure, &pool->new_code, 8);
		pool->named = false;
	}
	if (!pool->facts.type[0])
		go_types_of_pool(&p->types, &pool->facts);
}

static struct pool *ask(struct go_pools *p, uint64_t address)
{
	struct pool *pool = find(p, address);

	if (!pool) {
		if (p->count == GO_POOLS_LISTED)
			return NULL;
		p->v = xrealloc(p->v, (p->count + 1) * sizeof(*p->v));
		pool = &p->v[p->count++];
		*pool = (struct pool){.facts = {.address = address}};
	}
	look(p, pool);
	return pool;
}

static void take_list(struct go_pools *p, enum go_symbol symbol)
{
	uint64_t slice[2], list[GO_POOLS_LISTED], i, count;
	struct pool *pool;

	if (!read_at(p, p->runtime.at[symbol], slice, sizeof(slice)))
		return;
	count = slice[1] < GO_POOLS_LISTED ? slice[1] : GO_POOLS_LISTED;
	if (!read_at(p, slice[0], list, (size_t)count * 8))
		return;
	for (i = 0; i < count; i++) {
		pool = list[i] ? ask(p, list[i]) : NULL;
		if (pool)
			pool->facts.listed = true;
	}
}

size_t go_pools_update(struct go_pools *p)
{
	size_t i;

	for (i = 0; i < p->count; i++)
		p->v[i].facts.listed = false;
	if (go_pools_lists(p)) {
		take_list(p, GO_SYMBOL_ALL_POOLS);
		take_list(p, GO_SYMBOL_OLD_POOLS);
	}
	return p->count;
}

const struct go_pool_facts *go_pools_at(const struct go_pools *p, size_t index)
{
	return &p->v[index].facts;
}

const struct go_pool_facts *go_pools_ask(struct go_pools *p, uint64_t address)
{
	struct pool *pool = ask(p, address);

	return pool ? &pool->facts : NULL;
}

/* ---- names ---- */

static bool take_symbol(void *context, const struct elf_symbol *symbol)
{
	struct go_pools *p = context;
	uint64_t start = symbol->address + p->runtime.bias;
	size_t i;

	for (i = 0; symbol->size && i < p->count; i++) {
		struct go_pool_facts *f = &p->v[i].facts;

		if (f->name[0] || f->address < start || f->address - start >= symbol->size)
			continue;
		if (f->address == start)
			snprintf(f->name, sizeof(f->name), "%s", symbol->name);
		else
			snprintf(f->name, sizeof(f->name), "%.*s+%llu", GO_POOL_TEXT - 24,
				 symbol->name, (unsigned long long)(f->address - start));
	}
	return true;
}

static void name_new(struct go_pools *p, struct elf_file *elf)
{
	struct go_place place = {p->runtime.memory, p->runtime.bias, p->minor};
	struct go_functions f;
	bool loaded = go_functions_load(&f, elf, &place);
	size_t i;

	for (i = 0; loaded && i < p->count; i++) {
		struct pool *pool = &p->v[i];
		const char *name = pool->named || !pool->new_code
					   ? NULL
					   : go_functions_around(&f, pool->new_code - place.bias);

		if (name)
			snprintf(pool->facts.made_by, sizeof(pool->facts.made_by), "%s", name);
	}
	go_functions_done(&f);
}

void go_pools_name(struct go_pools *p)
{
	struct mapped_file *program;
	struct files files;
	size_t i;

	for (i = 0; i < p->count && p->v[i].named; i++)
		;
	if (i == p->count)
		return;
	if (!files_load(&files, p->runtime.pid)) {
		program = go_program_find(&files);
		if (program && program->bias == p->runtime.bias) {
			elf_file_symbols(program->elf, take_symbol, p);
			name_new(p, program->elf);
		}
	}
	files_done(&files);
	for (i = 0; i < p->count; i++)
		p->v[i].named = true;
}
