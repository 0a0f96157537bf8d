/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Owns a sorted index of the functions in a module's symbol tables (.symtab, else .dynsym and the
 * compressed one of .gnu_debugdata, here or in the separate debug file: libdwfl chooses). libdwfl's
 * own search walks the whole table for each address, which is too slow for a target with a million
 * symbols and as many call sites.
 *
 * Invariant: entries are sorted by address; names stay in the module and are fetched by index,
 * which libelf checks.
 */
#include "symbols.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "../base/guard.h"
#include "../base/log.h"
#include "../base/xalloc.h"
#include "pages.h"

#define SYMBOLS_MAX		(1u << 20)
#define SYMBOLS_BETWEEN_RELAXES 1024
/* Symbols without a size are labels in assembly: they say nothing about what is far behind them. */
#define SYMBOLS_MAX_LABEL_BYTES 4096
/* Aliases at one address, and sizes that reach over the next symbol. */
#define SYMBOLS_MAX_STEPS 64

struct symbols_entry {
	uint64_t address, size;
	int index;
	int rank; /* of several names for one address the lowest is taken */
};

struct symbols {
	Dwfl_Module *module;
	struct symbols_entry *v;
	size_t count, capacity;
	Elf *checked; /* the names of this one end, or not */
	bool names_end;
};

static int symbols_rank(const GElf_Sym *symbol)
{
	int rank = GELF_ST_TYPE(symbol->st_info) == STT_NOTYPE ? 4 : 0;

	switch (GELF_ST_BIND(symbol->st_info)) {
	case STB_GLOBAL: return rank;
	case STB_WEAK: return rank + 1;
	default: return rank + 2;
	}
}

static bool symbols_is_function(const GElf_Sym *symbol, const char *name, GElf_Word section)
{
	int type = GELF_ST_TYPE(symbol->st_info);

	return name && name[0] && section != SHN_UNDEF && section != SHN_ABS &&
	       (type == STT_FUNC || type == STT_GNU_IFUNC || type == STT_NOTYPE);
}

static void symbols_add(struct symbols *s, const struct symbols_entry *entry)
{
	if (s->count == s->capacity) {
		s->capacity = s->capacity ? 2 * s->capacity : 256;
		s->v = xrealloc(s->v, s->capacity * sizeof(*s->v));
	}
	s->v[s->count++] = *entry;
}

static int symbols_compare(const void *a, const void *b)
{
	const struct symbols_entry *x = a, *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	if (x->rank != y->rank)
		return x->rank > y->rank ? -1 : 1;
	return (x->index < y->index) - (x->index > y->index);
}

/*
 * libdwfl gives names from where a symbol says that its name begins, whether it ends there or not. It
 * takes one of these tables, or by program headers one that cannot be found here.
 */
static bool symbols_names_end(Elf *elf)
{
	Elf_Scn *section = NULL;
	bool any = false;

	while ((section = elf_nextscn(elf, section))) {
		GElf_Shdr header, strings;
		Elf_Data *data;
		Elf_Scn *link;

		if (!gelf_getshdr(section, &header) || header.sh_entsize == 0 ||
		    (header.sh_type != SHT_SYMTAB && header.sh_type != SHT_DYNSYM))
			continue;
		link = elf_getscn(elf, header.sh_link);
		if (!link || !gelf_getshdr(link, &strings) || strings.sh_flags & SHF_COMPRESSED)
			return false;
		data = elf_getdata(link, NULL);
		if (!data || !data->d_buf || data->d_size == 0 ||
		    ((const char *)data->d_buf)[data->d_size - 1] != '\0')
			return false;
		any = true;
	}
	return any;
}

/* NULL also for a name that may have no end. */
static const char *symbols_read(struct symbols *s, int index, GElf_Sym *symbol, GElf_Addr *address,
				GElf_Word *section)
{
	Elf *elf = NULL;
	const char *name =
		dwfl_module_getsym_info(s->module, index, symbol, address, section, &elf, NULL);

	if (elf && elf != s->checked) {
		s->checked = elf;
		s->names_end = symbols_names_end(elf);
		if (!s->names_end)
			log_verbose("no symbols of '%s': their names have no end",
				    dwfl_module_info(s->module, NULL, NULL, NULL, NULL, NULL, NULL,
						     NULL));
	}
	return elf && s->names_end ? name : NULL;
}

struct symbols *symbols_new(Dwfl_Module *module, struct pages *pages)
{
	struct symbols *s = xcalloc(1, sizeof(*s));
	int count = dwfl_module_getsymtab(module);

	s->module = module;
	for (int i = 0; i < count && s->count < SYMBOLS_MAX; i++) {
		GElf_Sym symbol;
		GElf_Addr address;
		GElf_Word section;
		const char *name;

		if (i % SYMBOLS_BETWEEN_RELAXES == 0)
			pages_relax(pages);
		if (guard_failed())
			break;
		name = symbols_read(s, i, &symbol, &address, &section);
		if (name && symbols_is_function(&symbol, name, section))
			symbols_add(s, &(struct symbols_entry){address, symbol.st_size, i,
							       symbols_rank(&symbol)});
	}
	if (s->count)
		qsort(s->v, s->count, sizeof(*s->v), symbols_compare);
	return s;
}

void symbols_attach(struct symbols *s, Dwfl_Module *module)
{
	s->module = module;
	/* another one may lie at the same address */
	s->checked = NULL;
	dwfl_module_getsymtab(module);
}

void symbols_free(struct symbols *s)
{
	if (!s)
		return;
	free(s->v);
	free(s);
}

static bool symbols_covers(const struct symbols_entry *e, uint64_t address, bool nearest)
{
	if (e->size)
		return address - e->address < e->size;
	return nearest && address - e->address < SYMBOLS_MAX_LABEL_BYTES;
}

/* Number of entries that start at or before the address. */
static size_t symbols_count_before(const struct symbols *s, uint64_t address)
{
	size_t low = 0, high = s->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (s->v[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static const char *symbols_name(struct symbols *s, const struct symbols_entry *e)
{
	GElf_Sym symbol;
	GElf_Addr address;

	return symbols_read(s, e->index, &symbol, &address, NULL);
}

/* Less is better: underscores at the beginning, and what a compiler has added behind a dot. */
static size_t symbols_ugliness(const char *name)
{
	return strspn(name, "_") + (strchr(name, '.') ? 16 : 0);
}

/* "malloc" rather than "__libc_malloc" when both are the same function. */
static const char *symbols_best_name(struct symbols *s, size_t at)
{
	const struct symbols_entry *first = &s->v[at];
	const char *best = symbols_name(s, first);

	for (int step = 0; at-- > 0 && step < SYMBOLS_MAX_STEPS; step++) {
		const struct symbols_entry *e = &s->v[at];
		const char *name;

		if (e->address != first->address || e->rank != first->rank)
			break;
		name = symbols_name(s, e);
		if (name && strncmp(name, "_Z", 2) != 0 && strncmp(name, "_R", 2) != 0 && best &&
		    symbols_ugliness(name) < symbols_ugliness(best))
			best = name;
	}
	return best;
}

const char *symbols_find(struct symbols *s, uint64_t address, uint64_t *start)
{
	size_t before = symbols_count_before(s, address);
	uint64_t nearest = before ? s->v[before - 1].address : 0;

	for (size_t i = before; i > 0 && before - i < SYMBOLS_MAX_STEPS; i--) {
		const struct symbols_entry *e = &s->v[i - 1];

		if (symbols_covers(e, address, e->address == nearest)) {
			*start = e->address;
			return symbols_best_name(s, i - 1);
		}
	}
	return NULL;
}
