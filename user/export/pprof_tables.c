/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Processes have the same file at different addresses, and sites are one whatever these are. So the profile has an address
 * space of its own, in which each file has one place: its mapping begins where its code does, and addresses lie in it as they
 * do in the file. Tools that find functions by themselves (in files, by build id) undo this as they would for a process.
 */
#include "pprof_tables.h"

#include <stdlib.h>
#include <string.h>
#include "../base/xalloc.h"
#include "../symbol/image.h"
#include "frame_key.h"

/* Room of each file in the address space, far more than any file has. */
#define PLACE_SHIFT 36
#define PAGE_MASK   4095ull

static void *list_add(struct pprof_tables *t, struct pprof_list *l, size_t size)
{
	void *item = arena_get(t->arena, 1, size);

	if (l->count == l->capacity) {
		l->capacity = l->capacity ? 2 * l->capacity : 64;
		l->v = xrealloc(l->v, l->capacity * sizeof(*l->v));
	}
	l->v[l->count++] = item;
	return item;
}

int64_t pprof_string(struct pprof_tables *t, const char *text)
{
	if (t->strings.count == 0)
		intern_put(&t->strings, "", 0, NULL);
	if (!text)
		return 0;
	buffer_reset(&t->text);
	buffer_add_clean(&t->text, text);
	return (int64_t)intern_put(&t->strings, t->text.data, t->text.length, NULL);
}

static uint64_t put_function(struct pprof_tables *t, const char *name, const char *symbol,
			     const char *file)
{
	const int64_t key[] = {pprof_string(t, name), pprof_string(t, symbol ? symbol : name),
			       pprof_string(t, file)};
	size_t number;
	bool added;

	number = intern_put(&t->function_keys, key, sizeof(key), &added);
	if (added) {
		Pprof__Function *f = list_add(t, &t->functions, sizeof(*f));

		pprof__function__init(f);
		f->id = number + 1;
		f->name = key[0];
		f->system_name = key[1];
		f->filename = key[2];
	}
	return number + 1;
}

/* Where the code of a file begins, on a page. */
static void code_start(const struct image *image, uint64_t *address, uint64_t *offset)
{
	uint64_t least = UINT64_MAX;
	size_t i;

	*address = *offset = 0;
	for (i = 0; i < image->segment_count; i++) {
		const struct image_segment *s = &image->segments[i];
		uint64_t into = s->address & PAGE_MASK;

		if (!s->executable || s->address >= least || s->offset < into)
			continue;
		least = s->address;
		*address = s->address - into;
		*offset = s->offset - into;
	}
}

static Pprof__Mapping *put_mapping(struct pprof_tables *t, const struct image *image)
{
	char build_id[2 * IMAGE_BUILD_ID_MAX + 1];
	uint64_t address, offset;
	Pprof__Mapping *m;
	size_t number;
	bool added;

	number = intern_put(&t->mapping_keys, &image, sizeof(image), &added);
	if (!added)
		return t->mappings.v[number];
	m = list_add(t, &t->mappings, sizeof(*m));
	pprof__mapping__init(m);
	code_start(image, &address, &offset);
	m->id = number + 1;
	m->memory_start = m->memory_limit = (number + 1) << PLACE_SHIFT;
	m->file_offset = offset;
	m->filename = pprof_string(t, image->path);
	m->build_id = pprof_string(t, image_build_id(image, build_id));
	m->has_functions = m->has_filenames = m->has_line_numbers = m->has_inline_frames = true;
	return m;
}

/* Threads begin in a library, programs in their dynamic linker or in themselves. */
static bool is_library(const char *name)
{
	return strncmp(name, "lib", 3) == 0 || strncmp(name, "ld", 2) == 0 || name[0] == '[';
}

bool pprof_find_program(struct pprof_tables *t, const struct stack_names *names)
{
	size_t i;

	for (i = names->frame_count; i-- > 0;) {
		const struct image *image = names->frames[i].image;

		if (!image || is_library(image->name))
			continue;
		put_mapping(t, image);
		return true;
	}
	return false;
}

/* A return address says where the call ends: the call itself is what is meant. */
static void place(struct pprof_tables *t, Pprof__Location *l, const struct frame_name *frame)
{
	uint64_t start, offset, at;
	Pprof__Mapping *m;

	l->address = frame->pc ? frame->pc - 1 : 0;
	if (!frame->image)
		return;
	code_start(frame->image, &start, &offset);
	at = frame->address - 1 - start;
	if (frame->address <= start || at >= 1ull << PLACE_SHIFT)
		return;
	m = put_mapping(t, frame->image);
	l->mapping_id = m->id;
	l->address = m->memory_start + at;
	if (m->memory_limit <= l->address)
		m->memory_limit = (l->address | PAGE_MASK) + 1;
	m->has_functions &= frame->function != NULL;
	m->has_filenames &= frame->file != NULL;
	m->has_line_numbers &= frame->line > 0;
	m->has_inline_frames &= frame->file != NULL;
}

static void add_lines(struct pprof_tables *t, Pprof__Location *l, const struct frame_name *frames,
		      size_t count)
{
	size_t i;

	l->line = arena_get(t->arena, count, sizeof(*l->line));
	for (i = 0; i < count; i++) {
		Pprof__Line *line;

		if (!frames[i].function)
			continue;
		line = l->line[l->n_line++] = arena_get(t->arena, 1, sizeof(*line));
		pprof__line__init(line);
		line->function_id =
			put_function(t, frames[i].function, frames[i].symbol, frames[i].file);
		line->line = frames[i].line;
	}
}

/*
 * Of names->frames[from..to] together. For two calls in one line a Go program may have the same address, or none, and tell them
 * apart only by what was inlined there.
 */
static void location_key(struct pprof_tables *t, const struct stack_names *names, size_t from,
			 size_t to)
{
	size_t i;

	frame_key(&t->key, names, to);
	for (i = from; i < to; i++) {
		const struct frame_name *frame = &names->frames[i];

		buffer_add(&t->key, &frame->line, sizeof(frame->line));
		if (frame->function)
			buffer_add_string(&t->key, frame->function);
		buffer_add_char(&t->key, '\0');
	}
}

/* names->frames[from..to] are at one address: what was inlined there, and the function that it is in. */
static uint64_t put_location(struct pprof_tables *t, const struct stack_names *names, size_t from,
			     size_t to)
{
	Pprof__Location *l;
	size_t number;
	bool added;

	location_key(t, names, from, to);
	number = intern_put(&t->location_keys, t->key.data, t->key.length, &added);
	if (!added)
		return number + 1;
	l = list_add(t, &t->locations, sizeof(*l));
	pprof__location__init(l);
	l->id = number + 1;
	place(t, l, &names->frames[to]);
	add_lines(t, l, &names->frames[from], to - from + 1);
	return number + 1;
}

size_t pprof_stack(struct pprof_tables *t, const struct stack_names *names, uint64_t **ids)
{
	static struct frame_name unknown = {.function = "[unknown]"};
	static const struct stack_names none = {.frame_count = 1, .frames = &unknown};
	size_t count = 0, from = 0, to;

	if (!names->frame_count)
		names = &none;
	*ids = arena_get(t->arena, names->frame_count, sizeof(**ids));
	for (to = 0; to < names->frame_count; to++) {
		if (names->frames[to].inlined && to + 1 < names->frame_count)
			continue;
		(*ids)[count++] = put_location(t, names, from, to);
		from = to + 1;
	}
	return count;
}

void pprof_tables_fill(struct pprof_tables *t, Pprof__Profile *profile)
{
	size_t i;

	profile->n_string_table = t->strings.count;
	profile->string_table =
		arena_get(t->arena, t->strings.count, sizeof(*profile->string_table));
	for (i = 0; i < t->strings.count; i++)
		profile->string_table[i] = (char *)(uintptr_t)intern_text(&t->strings, i, NULL);
	profile->n_function = t->functions.count;
	profile->function = (Pprof__Function **)t->functions.v;
	profile->n_location = t->locations.count;
	profile->location = (Pprof__Location **)t->locations.v;
	profile->n_mapping = t->mappings.count;
	profile->mapping = (Pprof__Mapping **)t->mappings.v;
}

void pprof_tables_done(struct pprof_tables *t)
{
	intern_done(&t->strings);
	intern_done(&t->function_keys);
	intern_done(&t->location_keys);
	intern_done(&t->mapping_keys);
	free(t->functions.v);
	free(t->locations.v);
	free(t->mappings.v);
	buffer_done(&t->key);
	buffer_done(&t->text);
}
