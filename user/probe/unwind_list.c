// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Neighbours that are left alike are one mapping. A file whose table is not there yet is left out,
 * so that its code is unknown rather than without information: the BPF side asks for what is
 * unknown, and user space knows how to call it.
 */
#include "unwind_list.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../base/xalloc.h"
#include "../target/process.h"

static void release(struct unwind_files *files, struct unwind_file *f)
{
	if (f)
		unwind_file_release(files, f);
}

void unwind_list_done(struct unwind_list *l, struct unwind_files *files)
{
	size_t i;

	for (i = 0; i < l->count; i++)
		release(files, l->files[i]);
	for (i = 0; i < l->wait_count; i++)
		release(files, l->waits[i]);
	free(l->mappings);
	free(l->files);
	free(l->waits);
	*l = (struct unwind_list){0};
}

bool unwind_list_equal(const struct unwind_list *a, const struct unwind_list *b)
{
	return a->count == b->count &&
	       (!a->count || !memcmp(a->mappings, b->mappings, a->count * sizeof(*a->mappings)));
}

bool unwind_list_has(const struct unwind_list *l, const struct unwind_mapping *m)
{
	size_t low = 0, high = l->count;
	const struct unwind_mapping *o;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (l->mappings[middle].end <= m->start)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == l->count)
		return false;
	o = &l->mappings[low];
	return o->start <= m->start && m->end <= o->end && o->base == m->base &&
	       o->table == m->table && o->pages == m->pages;
}

bool unwind_list_extends(const struct unwind_list *l, const struct unwind_list *old)
{
	size_t i;

	for (i = 0; i < old->count; i++) {
		if (!unwind_list_has(l, &old->mappings[i]))
			return false;
	}
	return true;
}

bool unwind_list_waits(const struct unwind_list *l, const struct unwind_file *file)
{
	size_t i;

	for (i = 0; i < l->wait_count; i++) {
		if (l->waits[i] == file)
			return true;
	}
	return false;
}

static void wait_for(struct unwind_list *l, struct unwind_file *f)
{
	if (unwind_list_waits(l, f))
		return;
	unwind_file_hold(f);
	l->waits = xrealloc(l->waits, (l->wait_count + 1) * sizeof(*l->waits));
	l->waits[l->wait_count++] = f;
}

void unwind_list_take_waits(struct unwind_list *to, struct unwind_list *from,
			    struct unwind_files *files)
{
	struct unwind_list old = *to;
	size_t i;

	to->waits = from->waits;
	to->wait_count = from->wait_count;
	from->waits = NULL;
	from->wait_count = 0;
	for (i = 0; i < old.wait_count; i++)
		release(files, old.waits[i]);
	free(old.waits);
}

void unwind_list_copy_waits(struct unwind_list *to, const struct unwind_list *from,
			    struct unwind_files *files)
{
	struct unwind_list copy = {0};
	size_t i;

	for (i = 0; i < from->wait_count; i++)
		wait_for(&copy, from->waits[i]);
	unwind_list_take_waits(to, &copy, files);
}

static bool continues(const struct unwind_mapping *last, const struct unwind_mapping *m)
{
	return last->end == m->start && last->base == m->base && last->table == m->table &&
	       last->pages == m->pages;
}

/* f: whose table it is, NULL: none. */
static void add(struct unwind_list *l, const struct unwind_mapping *m, struct unwind_file *f)
{
	if (l->count && continues(&l->mappings[l->count - 1], m)) {
		l->mappings[l->count - 1].end = m->end;
		return;
	}
	if (l->count == l->capacity) {
		l->capacity = l->capacity ? l->capacity * 2 : 32;
		l->mappings = xrealloc(l->mappings, l->capacity * sizeof(*l->mappings));
		l->files = xrealloc(l->files, l->capacity * sizeof(*l->files));
	}
	if (f)
		unwind_file_hold(f);
	l->files[l->count] = f;
	l->mappings[l->count++] = *m;
}

/* When there are too many, generated code goes first: its frames are only guessed. */
static void limit(struct unwind_list *l, struct unwind_files *files)
{
	size_t i, n = 0, over;

	if (l->count <= UNWIND_MAPPINGS_MAX)
		return;
	over = l->count - UNWIND_MAPPINGS_MAX;
	for (i = 0; i < l->count; i++) {
		if (over && !l->mappings[i].pages && l->mappings[i].table == UNWIND_POINTER) {
			over--;
			continue;
		}
		l->mappings[n] = l->mappings[i];
		l->files[n++] = l->files[i];
	}
	while (n > UNWIND_MAPPINGS_MAX)
		release(files, l->files[--n]);
	l->count = n;
}

/* Files that are on most stacks of allocations, or on all: the program, the C library, allocators. */
static bool is_urgent(const struct maps_entry *e, const char *program)
{
	const char *name = strrchr(e->path, '/');

	name = name ? name + 1 : e->path;
	return !strcmp(name, program) || !strncmp(name, "libc.", 5) || !strncmp(name, "libc-", 5) ||
	       !strncmp(name, "ld-", 3) || strstr(name, "alloc") != NULL;
}

/* Generated code, or the kernel's own ([uprobes] and the like). */
static uint32_t kind_of_anonymous(const char *path)
{
	if (path[0] != '[' || !strncmp(path, "[anon", 5) || !strcmp(path, "[heap]") ||
	    !strcmp(path, "[stack]"))
		return UNWIND_POINTER;
	return UNWIND_NO_INFO;
}

static bool has_table(const struct unwind_file *f, const struct maps_entry *e, uint64_t *base)
{
	return f && f->state == UNWIND_FILE_READY && unwind_file_base(f, e->start, e->offset, base);
}

static void add_file(struct unwind_list *l, struct unwind_files *files, pid_t pid,
		     const struct maps_entry *e, struct unwind_effort *effort)
{
	struct unwind_mapping m = {.start = e->start, .end = e->end, .table = UNWIND_NO_INFO};
	uint64_t base;
	bool later;
	struct unwind_file *f = unwind_files_get(files, pid, e, effort, &later);

	if (f && f->state == UNWIND_FILE_MAKING) {
		wait_for(l, f);
		later = true;
	}
	l->incomplete |= later;
	if (later)
		return;
	if (has_table(f, e, &base)) {
		m.base = base;
		m.table = f->table;
		m.pages = f->pages;
	}
	add(l, &m, m.pages ? f : NULL);
}

static void add_entry(struct unwind_list *l, struct unwind_files *files, pid_t pid,
		      const struct maps_entry *e, struct unwind_effort *effort)
{
	struct unwind_mapping m = {.start = e->start, .end = e->end};

	if (maps_is_file(e) || !strcmp(e->path, "[vdso]")) {
		add_file(l, files, pid, e, effort);
		return;
	}
	m.table = kind_of_anonymous(e->path);
	add(l, &m, NULL);
}

int unwind_list_read(struct unwind_list *l, struct unwind_files *files, pid_t pid,
		     struct unwind_effort *effort)
{
	struct maps_entry e;
	struct maps maps;
	char program[256];
	int err = maps_open(&maps, pid);

	process_exe_name(pid, program, sizeof(program));
	*l = (struct unwind_list){0};
	while (!err && maps_next(&maps, &e)) {
		if (!e.execute)
			continue;
		effort->urgent = is_urgent(&e, program);
		add_entry(l, files, pid, &e, effort);
	}
	maps_close(&maps);
	limit(l, files);
	return err;
}
