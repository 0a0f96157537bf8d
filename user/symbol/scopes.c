/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Walks DWARF: address -> compilation unit -> function -> the inlined functions around the address,
 * each with the line it was called at. libdw parses; the walk is our own, for two reasons. libdw's
 * walk recurses as deep as the file says, and finds units by .debug_aranges only, which clang and
 * rustc do not write. Here the units are indexed once by the ranges of their first entry, and the
 * functions of a unit when an address in it is first asked for.
 *
 * The entries are the target's data and may be a cycle, a tree of any depth, or one list of ranges
 * named a million times, and strings may have no end. Invariant: the lookups of a file together spend
 * at most SCOPES_BUDGET steps (entries and ranges looked at) and SCOPES_TIME_NS, and a little more for
 * each of them, and nesting is limited; what lies beyond has no inlined frames, which is never an error.
 */
#include "scopes.h"

#include <dwarf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "../base/clock.h"
#include "../base/guard.h"
#include "../base/mix.h"
#include "../base/xalloc.h"
#include "pages.h"
#include "strings.h"
#include "table.h"
#include "texts.h"

#define SCOPES_BUDGET		   (16u << 20)
#define SCOPES_LOOKUP_STEPS	   (1u << 20)
#define SCOPES_TIME_NS		   (20 * NS_PER_S)
#define SCOPES_LOOKUP_NS	   (20 * NS_PER_MS)
#define SCOPES_STEPS_BETWEEN_LOOKS 32
#define SCOPES_MAX_NAMESPACES	   32
#define SCOPES_MAX_BLOCKS	   128
#define SCOPES_MAX_NAME		   1024
/* Ranges of live code do not overlap; those of removed code may. */
#define SCOPES_MAX_OVERLAPS 32
/* The line table of one unit takes 70 times its size in memory. */
#define SCOPES_MAX_LINE_BYTES (1u << 20)
/* Every unit lies on other pages, and entries of one unit mostly on the same. */
#define SCOPES_STEPS_BETWEEN_RELAXES 1024
#define SCOPES_UNITS_BETWEEN_RELAXES 64

struct scopes_range {
	uint64_t start, end;
	Dwarf_Off entry;
};

struct scopes_ranges {
	struct scopes_range *v;
	size_t count, capacity;
};

struct scopes_unit {
	Dwarf_Off entry;
	struct scopes_ranges functions;
	bool has_lines;
};

struct scopes {
	Dwarf *dwarf;
	uint64_t bias; /* module address - DWARF address */
	struct scopes_ranges units;
	struct table cache; /* struct scopes_unit by entry */
	Elf_Data *lines;    /* .debug_line */
	struct texts texts;
	struct strings qualified;
	struct pages *pages;
	uint32_t budget;
	uint64_t left_ns, end_ns; /* of this thread's time; of it in this lookup */
};

static uint64_t scopes_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

/* A step to the next entry takes as long as everything below this one is large. */
static bool scopes_spend(struct scopes *s)
{
	if (s->budget == 0 || guard_failed())
		return false;
	s->budget--;
	if (s->budget % SCOPES_STEPS_BETWEEN_LOOKS == 0 && scopes_now_ns() > s->end_ns)
		s->budget = 0;
	if (s->budget % SCOPES_STEPS_BETWEEN_RELAXES == 0)
		pages_relax(s->pages);
	return true;
}

static void scopes_begin(struct scopes *s)
{
	s->end_ns = scopes_now_ns() + s->left_ns;
}

/* A file that has used its time up gets no more. */
static void scopes_end(struct scopes *s)
{
	uint64_t now = scopes_now_ns(), left = s->end_ns > now ? s->end_ns - now : 0;

	s->left_ns = left && left < SCOPES_TIME_NS ? left + SCOPES_LOOKUP_NS : left;
	s->budget = s->budget < SCOPES_BUDGET ? s->budget + SCOPES_LOOKUP_STEPS : SCOPES_BUDGET;
}

static void scopes_add_range(struct scopes_ranges *r, uint64_t start, uint64_t end, Dwarf_Off entry)
{
	if (r->count == r->capacity) {
		r->capacity = r->capacity ? 2 * r->capacity : 16;
		r->v = xrealloc(r->v, r->capacity * sizeof(*r->v));
	}
	r->v[r->count++] = (struct scopes_range){start, end, entry};
}

/* Linkers leave functions that they removed at address 0. */
static void scopes_add_entry(struct scopes *s, struct scopes_ranges *r, Dwarf_Die *entry)
{
	Dwarf_Addr base, start, end;
	ptrdiff_t at = 0;

	while (scopes_spend(s) && (at = dwarf_ranges(entry, at, &base, &start, &end)) > 0) {
		if (start != 0 && start < end)
			scopes_add_range(r, start, end, dwarf_dieoffset(entry));
	}
}

/* 1: covers the address, 0: does not, -1: has no addresses. */
static int scopes_covers(struct scopes *s, Dwarf_Die *entry, uint64_t address)
{
	Dwarf_Addr base, start, end;
	ptrdiff_t at = 0;
	int found = -1;

	while (scopes_spend(s) && (at = dwarf_ranges(entry, at, &base, &start, &end)) > 0) {
		found = 0;
		if (start <= address && address < end)
			return 1;
	}
	return found;
}

static int scopes_compare(const void *a, const void *b)
{
	const struct scopes_range *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return (x->end > y->end) - (x->end < y->end);
}

static void scopes_sort(struct scopes_ranges *r)
{
	if (r->count)
		qsort(r->v, r->count, sizeof(*r->v), scopes_compare);
}

/* The range that starts last before the address and covers it. */
static const struct scopes_range *scopes_search(const struct scopes_ranges *r, uint64_t address)
{
	size_t low = 0, high = r->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (r->v[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	for (size_t step = 0; low > 0 && step < SCOPES_MAX_OVERLAPS; step++) {
		if (address < r->v[--low].end)
			return &r->v[low];
	}
	return NULL;
}

static void scopes_index_units(struct scopes *s)
{
	Dwarf_Off at = 0, next;
	size_t header, count = 0;

	while (scopes_spend(s) &&
	       dwarf_nextcu(s->dwarf, at, &next, &header, NULL, NULL, NULL) == 0 && next > at) {
		Dwarf_Die unit;

		if (dwarf_offdie(s->dwarf, at + header, &unit))
			scopes_add_entry(s, &s->units, &unit);
		if (++count % SCOPES_UNITS_BETWEEN_RELAXES == 0)
			pages_relax(s->pages);
		at = next;
	}
	scopes_sort(&s->units);
}

static Elf_Data *scopes_find_section(Elf *elf, const char *wanted)
{
	Elf_Scn *section = NULL;
	size_t names;

	if (!elf || elf_getshdrstrndx(elf, &names) != 0)
		return NULL;
	while ((section = elf_nextscn(elf, section))) {
		GElf_Shdr header;
		const char *name;

		if (!gelf_getshdr(section, &header))
			continue;
		name = elf_strptr(elf, names, header.sh_name);
		if (name && strcmp(name, wanted) == 0)
			return elf_getdata(section, NULL);
	}
	return NULL;
}

bool scopes_attach(struct scopes *s, Dwfl_Module *module)
{
	Dwarf_Addr bias;

	s->dwarf = dwfl_module_getdwarf(module, &bias);
	if (!s->dwarf)
		return false;
	s->bias = bias;
	s->lines = scopes_find_section(dwarf_getelf(s->dwarf), ".debug_line");
	texts_find(&s->texts, dwarf_getelf(s->dwarf));
	return true;
}

struct scopes *scopes_new(Dwfl_Module *module, struct pages *pages)
{
	struct scopes *s = xcalloc(1, sizeof(*s));

	s->pages = pages;
	if (!scopes_attach(s, module)) {
		free(s);
		return NULL;
	}
	s->budget = SCOPES_BUDGET;
	s->left_ns = SCOPES_TIME_NS;
	scopes_begin(s);
	scopes_index_units(s);
	scopes_end(s);
	return s;
}

void scopes_free(struct scopes *s)
{
	struct scopes_unit *unit;

	if (!s)
		return;
	for (size_t at = 0; (unit = table_next(&s->cache, &at));) {
		free(unit->functions.v);
		free(unit);
	}
	table_done(&s->cache);
	strings_done(&s->qualified);
	free(s->units.v);
	free(s);
}

static bool scopes_holds_functions(int tag)
{
	switch (tag) {
	case DW_TAG_namespace:
	case DW_TAG_module:
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
	case DW_TAG_union_type:
	case DW_TAG_enumeration_type:
	case DW_TAG_interface_type: return true;
	default: return false;
	}
}

/* C++ compilers place the machine code of a method beside its class, not into it. */
static bool scopes_has_empty_classes(Dwarf_Die *unit)
{
	switch (dwarf_srclang(unit)) {
	case DW_LANG_C_plus_plus:
	case DW_LANG_C_plus_plus_03:
	case DW_LANG_C_plus_plus_11:
	case DW_LANG_C_plus_plus_14: return true;
	default: return false;
	}
}

static void scopes_index_functions(struct scopes *s, Dwarf_Die *unit,
				   struct scopes_ranges *functions)
{
	bool namespaces_only = scopes_has_empty_classes(unit);
	Dwarf_Die path[SCOPES_MAX_NAMESPACES];
	int depth = 0;

	if (dwarf_child(unit, &path[0]) != 0)
		return;
	while (scopes_spend(s)) {
		Dwarf_Die *entry = &path[depth];
		int tag = dwarf_tag(entry);

		if (tag == DW_TAG_subprogram)
			scopes_add_entry(s, functions, entry);
		if ((namespaces_only ? tag == DW_TAG_namespace : scopes_holds_functions(tag)) &&
		    depth + 1 < SCOPES_MAX_NAMESPACES &&
		    dwarf_child(entry, &path[depth + 1]) == 0) {
			depth++;
			continue;
		}
		while (dwarf_siblingof(&path[depth], &path[depth]) != 0) {
			if (depth-- == 0)
				return;
		}
	}
}

/* libdw 0.192 asks for the length of the directory's name, also when there is none. */
static bool scopes_lines_are_safe(const struct scopes *s, Dwarf_Die *unit)
{
	Dwarf_Attribute attribute;
	Dwarf_Word offset;
	uint32_t bytes;

	if (!texts_check(&s->texts,
			 dwarf_formstring(dwarf_attr_integrate(unit, DW_AT_comp_dir, &attribute))))
		return false;
	if (!s->lines || !s->lines->d_buf || s->lines->d_size < sizeof(bytes) ||
	    dwarf_formudata(dwarf_attr(unit, DW_AT_stmt_list, &attribute), &offset) != 0 ||
	    offset > s->lines->d_size - sizeof(bytes))
		return false;
	memcpy(&bytes, (const char *)s->lines->d_buf + offset, sizeof(bytes));
	return bytes <= SCOPES_MAX_LINE_BYTES;
}

static struct scopes_unit *scopes_get_unit(struct scopes *s, Dwarf_Off entry, Dwarf_Die *die)
{
	uint64_t hash = mix_u64(0, entry);
	struct scopes_unit *unit;

	for (size_t at = 0; (unit = table_find(&s->cache, hash, &at));) {
		if (unit->entry == entry)
			return unit;
	}
	unit = xcalloc(1, sizeof(*unit));
	unit->entry = entry;
	unit->has_lines = scopes_lines_are_safe(s, die);
	scopes_index_functions(s, die, &unit->functions);
	scopes_sort(&unit->functions);
	table_insert(&s->cache, hash, unit);
	return unit;
}

struct scopes_chain {
	Dwarf_Die v[DEBUG_MAX_FRAMES]; /* outermost first */
	size_t count;
};

/* True when an entry below parent covers the address: its brothers need not be looked at. */
static bool scopes_descend(struct scopes *s, Dwarf_Die *parent, uint64_t address,
			   struct scopes_chain *chain, int depth)
{
	Dwarf_Die entry;

	if (depth >= SCOPES_MAX_BLOCKS || dwarf_child(parent, &entry) != 0)
		return false;
	do {
		int tag = dwarf_tag(&entry), covers;
		bool inlined = tag == DW_TAG_inlined_subroutine;

		if (!scopes_spend(s))
			return false;
		if (!inlined && tag != DW_TAG_lexical_block && tag != DW_TAG_try_block &&
		    tag != DW_TAG_catch_block)
			continue;
		covers = scopes_covers(s, &entry, address);
		if (covers == 0 || (covers < 0 && inlined))
			continue;
		if (inlined && chain->count < DEBUG_MAX_FRAMES)
			chain->v[chain->count++] = entry;
		if (scopes_descend(s, &entry, address, chain, depth + 1) || covers > 0)
			return true;
	} while (dwarf_siblingof(&entry, &entry) == 0);
	return false;
}

static void scopes_find_chain(struct scopes *s, const struct scopes_unit *unit, uint64_t address,
			      struct scopes_chain *chain)
{
	const struct scopes_range *function = scopes_search(&unit->functions, address);

	chain->count = 0;
	if (!function || !dwarf_offdie(s->dwarf, function->entry, &chain->v[0]))
		return;
	chain->count = 1;
	scopes_descend(s, &chain->v[0], address, chain, 0);
}

/* From an inlined or concrete function to where it was declared: that is the place that tells its
 * scope. */
static Dwarf_Die scopes_declaration(Dwarf_Die entry)
{
	static const unsigned int links[] = {DW_AT_abstract_origin, DW_AT_specification};

	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		Dwarf_Attribute attribute;
		Dwarf_Die target;

		if (dwarf_formref_die(dwarf_attr(&entry, links[i], &attribute), &target))
			entry = target;
	}
	return entry;
}

/* Entries are stored parents first: the parent is the last one on each level that does not lie
 * behind. */
static size_t scopes_find_parents(struct scopes *s, Dwarf_Die *unit, Dwarf_Die *entry,
				  Dwarf_Die path[SCOPES_MAX_NAMESPACES])
{
	Dwarf_Off wanted = dwarf_dieoffset(entry);
	Dwarf_Die parent = *unit;

	for (size_t depth = 0; depth < SCOPES_MAX_NAMESPACES; depth++) {
		Dwarf_Die next;

		if (dwarf_child(&parent, &next) != 0 || dwarf_dieoffset(&next) > wanted)
			return 0;
		do {
			parent = next;
			if (!scopes_spend(s))
				return 0;
		} while (dwarf_siblingof(&parent, &next) == 0 && dwarf_dieoffset(&next) <= wanted);
		if (dwarf_dieoffset(&parent) == wanted)
			return depth;
		path[depth] = parent;
	}
	return 0;
}

static bool scopes_has_no_namespaces(Dwarf_Die *unit)
{
	switch (dwarf_srclang(unit)) {
	case DW_LANG_C:
	case DW_LANG_C89:
	case DW_LANG_C99:
	case DW_LANG_C11:
	case DW_LANG_Mips_Assembler: return true;
	default: return false;
	}
}

static const char *scopes_nameless(int tag, const char *function)
{
	if (tag == DW_TAG_namespace)
		return "(anonymous namespace)";
	return strcmp(function, "operator()") == 0 ? "{lambda}" : "{unnamed}";
}

/* Lambdas and functions of nameless namespaces have no symbol in the debug information:
 * "operator()" says nothing. */
static const char *scopes_qualified_name(struct scopes *s, Dwarf_Die *entry, const char *name)
{
	Dwarf_Die declaration = scopes_declaration(*entry), unit, path[SCOPES_MAX_NAMESPACES];
	char text[SCOPES_MAX_NAME];
	size_t length = 0, count;

	if (!name || !dwarf_diecu(&declaration, &unit, NULL, NULL) ||
	    scopes_has_no_namespaces(&unit))
		return name;
	count = scopes_find_parents(s, &unit, &declaration, path);
	for (size_t i = 0; i < count; i++) {
		const char *scope = texts_check(&s->texts, dwarf_diename(&path[i]));
		int tag = dwarf_tag(&path[i]);

		if (!scopes_holds_functions(tag) && tag != DW_TAG_subprogram)
			continue;
		if (!scope)
			scope = scopes_nameless(tag, name);
		if (strlen(scope) + 2 + strlen(name) >= sizeof(text) - length)
			return name;
		length = (size_t)(stpcpy(stpcpy(text + length, scope), "::") - text);
	}
	if (length == 0)
		return name;
	strcpy(text + length, name);
	return strings_get(&s->qualified, text);
}

static const char *scopes_name(struct scopes *s, Dwarf_Die *entry)
{
	Dwarf_Attribute attribute;
	const char *name;

	name = dwarf_formstring(dwarf_attr_integrate(entry, DW_AT_linkage_name, &attribute));
	if (!name)
		name = dwarf_formstring(
			dwarf_attr_integrate(entry, DW_AT_MIPS_linkage_name, &attribute));
	if (name)
		return texts_check(&s->texts, name);
	return scopes_qualified_name(s, entry, texts_check(&s->texts, dwarf_diename(entry)));
}

static uint64_t scopes_start(const struct scopes *s, Dwarf_Die *entry, uint64_t address)
{
	Dwarf_Addr start;

	if (dwarf_entrypc(entry, &start) != 0 || start > address)
		return address + s->bias;
	return start + s->bias;
}

static void scopes_set_line(const struct scopes *s, Dwarf_Die *unit, uint64_t address,
			    struct debug_frame *frame)
{
	Dwarf_Line *line = dwarf_getsrc_die(unit, address);

	if (!line)
		return;
	frame->file = texts_check(&s->texts, dwarf_linesrc(line, NULL, NULL));
	if (dwarf_lineno(line, &frame->line) != 0 || frame->line < 0)
		frame->line = 0;
}

/* Where the inlined function was called: the line of the frame around it. */
static void scopes_set_call(const struct scopes *s, Dwarf_Die *unit, Dwarf_Die *inlined,
			    struct debug_frame *frame)
{
	Dwarf_Attribute attribute;
	Dwarf_Word file, line;
	Dwarf_Files *files;
	size_t count;

	if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_line, &attribute), &line) != 0 ||
	    line > INT32_MAX)
		return;
	if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_file, &attribute), &file) != 0 ||
	    dwarf_getsrcfiles(unit, &files, &count) != 0 || file >= count)
		return;
	frame->file = texts_check(&s->texts, dwarf_filesrc(files, file, NULL, NULL));
	frame->line = frame->file ? (int)line : 0;
}

/* chain is outermost first, frames innermost first. */
static size_t scopes_fill(struct scopes *s, Dwarf_Die *unit, bool lines, uint64_t address,
			  struct scopes_chain *chain, struct debug_frame *frames)
{
	size_t count = chain->count ? chain->count : 1;

	memset(frames, 0, count * sizeof(*frames));
	if (lines)
		scopes_set_line(s, unit, address, &frames[0]);
	for (size_t i = 0; i < chain->count; i++) {
		struct debug_frame *frame = &frames[count - 1 - i];

		frame->function = scopes_name(s, &chain->v[i]);
		frame->start = scopes_start(s, &chain->v[i], address);
		frame->inlined = i > 0;
		if (lines && i > 0)
			scopes_set_call(s, unit, &chain->v[i], frame + 1);
	}
	return count;
}

size_t scopes_find(struct scopes *s, uint64_t address, struct debug_frame frames[DEBUG_MAX_FRAMES])
{
	const struct scopes_range *range = scopes_search(&s->units, address - s->bias);
	struct scopes_chain chain;
	struct scopes_unit *unit;
	Dwarf_Die entry;
	size_t count;

	if (s->left_ns == 0 || !range || !dwarf_offdie(s->dwarf, range->entry, &entry))
		return 0;
	scopes_begin(s);
	unit = scopes_get_unit(s, range->entry, &entry);
	scopes_find_chain(s, unit, address - s->bias, &chain);
	count = scopes_fill(s, &entry, unit->has_lines, address - s->bias, &chain, frames);
	scopes_end(s);
	return count;
}
