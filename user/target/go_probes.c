/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Patterns, not offsets: each place is found from what Go's compiler has made of the same lines of the runtime in all versions
 * from 1.19 on, byte by byte, and where anything else stands there is no place.
 *
 *   refill  in (*mcache).nextFree, behind `c.refill(spc)`:
 *               mov class(%rsp),%rcx; mov cache(%rsp),%rdx; mov spans(%rdx,%rcx,8),%rax; mov %rax,span(%rsp)
 *               call nextFreeIndex; some loads from the stack; jmp
 *           At that jump the three are on the stack, and AX is the index of the object.
 *   large   in (*mcache).allocLarge, behind `mheap_.alloc()`: test %rax,%rax; je. AX is the span, which is in use already.
 *   flush   in (*mcache).releaseAll: cmp 0x10(%r14),%rsp; jbe. AX is the mcache still. When the stack must grow the function begins
 *           again, and then it finds nothing more to do.
 */
#include "go_probes.h"

#include <stdio.h>
#include <string.h>

#include "elf.h"
#include "go_private.h"

#define FUNCTION_MAX 1024
#define LOADS_MOST   4
#define CALL_LENGTH  5

enum { NEXT_FREE, REFILL, ALLOC_LARGE, HEAP_ALLOC, RELEASE_ALL, FUNCTIONS };

static const char *const functions[FUNCTIONS] = {
	[NEXT_FREE] = "runtime.(*mcache).nextFree",	[REFILL] = "runtime.(*mcache).refill",
	[ALLOC_LARGE] = "runtime.(*mcache).allocLarge", [HEAP_ALLOC] = "runtime.(*mheap).alloc",
	[RELEASE_ALL] = "runtime.(*mcache).releaseAll",
};

/* ---- instructions ---- */

static bool has(const struct go_code *c, size_t at, const char *bytes, size_t count)
{
	return at <= c->size && count <= c->size - at && !memcmp(c->bytes + at, bytes, count);
}

/* Behind the call of that function; 0: there is none. */
static size_t behind_call(const struct go_code *c, uint64_t function)
{
	int32_t distance;
	size_t at;

	for (at = 0; at + CALL_LENGTH <= c->size; at++) {
		uint64_t next = c->start + at + CALL_LENGTH;

		if (c->bytes[at] != 0xe8)
			continue;
		memcpy(&distance, c->bytes + at + 1, sizeof(distance));
		if (next + (uint64_t)(int64_t)distance == function)
			return at + CALL_LENGTH;
	}
	return 0;
}

/* The compiler keeps branches from the ends of cache lines with these. */
static size_t behind_nops(const struct go_code *c, size_t at)
{
	static const struct {
		const char *bytes;
		uint8_t count, length;
	} nops[] = {{"\x90", 1, 1},	    {"\x66\x90", 2, 2},	    {"\x0f\x1f\x00", 3, 3},
		    {"\x0f\x1f\x40", 3, 4}, {"\x0f\x1f\x44", 3, 5}, {"\x66\x0f\x1f\x44", 4, 6}};
	size_t i;

	for (i = 0; i < sizeof(nops) / sizeof(nops[0]); i++) {
		if (has(c, at, nops[i].bytes, nops[i].count))
			return behind_nops(c, at + nops[i].length);
	}
	return at;
}

/* The length of an instruction that loads a register from the stack; 0: it is another. */
static size_t load_length(const struct go_code *c, size_t at)
{
	bool wide = at < c->size && (c->bytes[at] & 0xfb) == 0x48;

	/* mov disp8(%rsp),%reg, movzwl disp8(%rsp),%reg */
	if (wide && at + 5 <= c->size && c->bytes[at + 1] == 0x8b &&
	    (c->bytes[at + 2] & 0xc7) == 0x44 && c->bytes[at + 3] == 0x24)
		return 5;
	if (has(c, at, "\x0f\xb7", 2) && at + 5 <= c->size && (c->bytes[at + 2] & 0xc7) == 0x44 &&
	    c->bytes[at + 3] == 0x24)
		return 5;
	return 0;
}

static void set(const struct go_code *c, size_t at, size_t length, enum call_id call,
		const char *name, struct go_probe *probe)
{
	*probe = (struct go_probe){
		.call = call, .address = c->start + at, .length = (uint8_t)length};
	memcpy(probe->code, c->bytes + at, length);
	snprintf(probe->name, sizeof(probe->name), "%s+%zu", name, at);
}

/* ---- places ---- */

bool go_probes_refill(const struct go_code *c, uint64_t refill, struct go_probe *probe,
		      struct go_shape *shape)
{
	size_t at = behind_call(c, refill), length;
	int loads;

	if (!at || !has(c, at, "\x48\x8b\x4c\x24", 4) || !has(c, at + 5, "\x48\x8b\x54\x24", 4) ||
	    !has(c, at + 10, "\x48\x8b\x44\xca", 4) || !has(c, at + 15, "\x48\x89\x44\x24", 4) ||
	    !has(c, at + 20, "\xe8", 1))
		return false;
	shape->class_slot = c->bytes[at + 4];
	shape->cache_slot = c->bytes[at + 9];
	shape->cache_spans = c->bytes[at + 14];
	shape->span_slot = c->bytes[at + 19];
	at += 20 + CALL_LENGTH;
	for (loads = 0; loads < LOADS_MOST && (length = load_length(c, at)); loads++)
		at += length;
	if (!loads || at + 2 > c->size || c->bytes[at] != 0xeb)
		return false;
	set(c, at, 2, CALL_ID_GO, functions[NEXT_FREE], probe);
	return true;
}

bool go_probes_large(const struct go_code *c, uint64_t alloc, struct go_probe *probe)
{
	size_t at = behind_call(c, alloc);

	if (!at)
		return false;
	at = behind_nops(c, at);
	if (!has(c, at, "\x48\x85\xc0", 3))
		return false;
	at += 3;
	if (has(c, at, "\x0f\x84", 2) && at + 6 <= c->size)
		set(c, at, 6, CALL_ID_GO_LARGE, functions[ALLOC_LARGE], probe);
	else if (has(c, at, "\x74", 1) && at + 2 <= c->size)
		set(c, at, 2, CALL_ID_GO_LARGE, functions[ALLOC_LARGE], probe);
	else
		return false;
	return true;
}

bool go_probes_flush(const struct go_code *c, struct go_probe *probe)
{
	if (!has(c, 0, "\x49\x3b\x66\x10\x0f\x86", 6) || c->size < 10)
		return false;
	set(c, 4, 6, CALL_ID_GO_FLUSH, functions[RELEASE_ALL], probe);
	return true;
}

static struct go_code code_at(const struct elf_file *elf, uint64_t start, uint8_t *buffer)
{
	ssize_t n = elf_file_read(elf, start, buffer, FUNCTION_MAX);

	return (struct go_code){.bytes = buffer, .size = n > 0 ? (size_t)n : 0, .start = start};
}

static const char *find_all(const struct elf_file *elf, const uint64_t at[FUNCTIONS],
			    struct go_probes *probes)
{
	uint8_t buffer[FUNCTION_MAX];
	struct go_code code = code_at(elf, at[NEXT_FREE], buffer);

	if (!at[REFILL] || !go_probes_refill(&code, at[REFILL], &probes->v[0], &probes->shape))
		return functions[NEXT_FREE];
	code = code_at(elf, at[ALLOC_LARGE], buffer);
	if (!at[HEAP_ALLOC] || !go_probes_large(&code, at[HEAP_ALLOC], &probes->v[1]))
		return functions[ALLOC_LARGE];
	code = code_at(elf, at[RELEASE_ALL], buffer);
	return go_probes_flush(&code, &probes->v[2]) ? NULL : functions[RELEASE_ALL];
}

/* 0: there is none of that name. False: there is no table of functions. */
static bool find_functions(struct elf_file *elf, const struct go_place *place,
			   uint64_t at[FUNCTIONS])
{
	struct go_functions table;
	bool found = go_functions_load(&table, elf, place);
	uint64_t end;
	size_t i;

	for (i = 0; i < FUNCTIONS; i++) {
		if (!found || !go_functions_find(&table, functions[i], &at[i], &end))
			at[i] = 0;
	}
	go_functions_done(&table);
	return found;
}

static void fill_shape(const struct go_layout *layout, struct go_shape *shape)
{
	shape->start = (uint16_t)layout->at[GO_SPAN_START];
	shape->elems = (uint16_t)layout->at[GO_SPAN_NELEMS];
	shape->sweepgen = (uint16_t)layout->at[GO_SPAN_SWEEPGEN];
	shape->alloc_count = (uint16_t)layout->at[GO_SPAN_ALLOC_COUNT];
	shape->count_before = (uint16_t)layout->at[GO_SPAN_COUNT_BEFORE];
	shape->elem_size = (uint16_t)layout->at[GO_SPAN_ELEMSIZE];
	shape->state = (uint16_t)layout->at[GO_SPAN_STATE];
}

bool go_probes_find(struct elf_file *elf, int memory, uint64_t bias, struct go_probes *probes,
		    char why[GO_WHY_MAX])
{
	struct go_place place = {.memory = memory, .bias = bias};
	const struct go_layout *layout;
	char version[GO_VERSION_MAX];
	uint64_t at[FUNCTIONS];
	const char *missing;

	why[0] = '\0';
	*probes = (struct go_probes){0};
	if (!go_build_version(elf, version))
		return false;
	place.minor = go_build_minor(version);
	layout = go_layout_find(place.minor);
	if (!layout) {
		snprintf(why, GO_WHY_MAX, "built with %s, whose runtime is not known", version);
		return false;
	}
	if (!find_functions(elf, &place, at)) {
		snprintf(why, GO_WHY_MAX, "built with %s, but its table of functions is not there",
			 version);
		return false;
	}
	missing = find_all(elf, at, probes);
	if (missing || probes->shape.cache_spans != layout->at[GO_CACHE_ALLOC]) {
		snprintf(why, GO_WHY_MAX, "built with %s, but '%s' is not what that has", version,
			 missing ? missing : functions[NEXT_FREE]);
		return false;
	}
	fill_shape(layout, &probes->shape);
	return true;
}
