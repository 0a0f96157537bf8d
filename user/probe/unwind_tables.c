// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Spaces and their lists. A space is an address space as far as unwinding sees it: it belongs to an
 * image, which fork's children share, or to one process that has mapped something else since. The
 * BPF side finds a process's own space first, then its image's.
 *
 * A list is written to words that nobody reads, then published by one store, under a number that was
 * not used before: rules remembered for the old list are never found again. A walk that began with
 * the old list sees at its end that another one is published, and keeps nothing of what it read. So
 * old words may be written at once.
 */
#include "unwind_tables.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../include/unwind_row.h"
#include "../base/log.h"
#include "../base/xalloc.h"
#include "../target/maps.h"
#include "../target/process.h"
#include "unwind_arena.h"
#include "unwind_files.h"

#define SPACES_BYTES  (UNWIND_SPACES * sizeof(struct unwind_space))
#define GONE_BYTES    (UNWIND_GONE_SLOTS * sizeof(struct unwind_gone))
#define LIST_CLASSES  8 /* lists have room for 8, 16, .. 1024 mappings */
#define LIST_MIN      8u
#define NUMBERS_FIRST 1u

struct space {
	uint64_t owner;
	uint32_t slot;
	unsigned int users; /* members */
	struct unwind_mapping *mappings;
	size_t count;
	uint32_t words; /* of the published list, 0: none */
	unsigned int class;
};

struct member {
	struct member *next;
	uint32_t number;
	uint64_t image;
	struct space *space;
};

struct free_list {
	uint32_t *words;
	size_t count, capacity;
};

struct unwind_tables {
	struct loader *loader;
	struct loader_unwind_maps maps;
	struct unwind_arena arena;
	struct unwind_files files;
	struct unwind_space *spaces; /* shared with BPF */
	struct unwind_gone *gone;    /* shared with BPF */
	struct space *slots[UNWIND_SPACES];
	struct member *members;
	struct free_list free[LIST_CLASSES];
	uint32_t next_number;
};

/* Mappings of a process while they are collected. */
struct collection {
	struct unwind_mapping *data;
	size_t count, capacity;
	bool incomplete; /* files were left for later */
};

static int share(int map, size_t bytes, void **memory)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);

	*memory = p == MAP_FAILED ? NULL : p;
	return *memory ? 0 : -errno;
}

struct unwind_tables *unwind_tables_open(struct loader *l)
{
	struct unwind_tables *t = xcalloc(1, sizeof(*t));
	int err;

	t->loader = l;
	t->maps = loader_unwind_maps(l);
	t->next_number = NUMBERS_FIRST;
	t->files.arena = &t->arena;
	err = unwind_arena_init(&t->arena, t->maps.chunks);
	if (!err)
		err = share(t->maps.spaces, SPACES_BYTES, (void **)&t->spaces);
	if (!err)
		err = share(t->maps.gone, GONE_BYTES, (void **)&t->gone);
	if (err) {
		unwind_tables_close(t);
		errno = -err;
		return NULL;
	}
	return t;
}

size_t unwind_tables_bytes(const struct unwind_tables *t)
{
	return (size_t)t->arena.chunk_count * UNWIND_CHUNK_WORDS * sizeof(uint64_t);
}

/* ---- lists ---- */

static unsigned int class_of(size_t count)
{
	unsigned int class = 0;

	while ((LIST_MIN << class) < count)
		class ++;
	return class;
}

static uint32_t list_take(struct unwind_tables *t, unsigned int class)
{
	struct free_list *f = &t->free[class];

	if (f->count)
		return f->words[--f->count];
	return unwind_arena_take(&t->arena, (size_t)(LIST_MIN << class) * UNWIND_MAPPING_WORDS,
				 UNWIND_MAPPING_WORDS);
}

static void list_give(struct unwind_tables *t, uint32_t words, unsigned int class)
{
	struct free_list *f = &t->free[class];

	if (!words)
		return;
	if (f->count == f->capacity) {
		f->capacity = f->capacity ? f->capacity * 2 : 16;
		f->words = xrealloc(f->words, f->capacity * sizeof(*f->words));
	}
	f->words[f->count++] = words;
}

/*
 * Numbers come round after 131,071 publications. Rules remembered that long ago may then be found
 * for another list: they are wiped first.
 */
static uint32_t take_number(struct unwind_tables *t)
{
	uint64_t empty[2] = {0};
	uint32_t i, slots = loader_rule_slots(t->loader);

	if (t->next_number == UNWIND_LIST_NUMBERS) {
		for (i = 0; i < slots; i++)
			bpf_map_update_elem(t->maps.rules, &i, empty, BPF_ANY);
		t->next_number = NUMBERS_FIRST;
	}
	return t->next_number++;
}

static void set_list(struct unwind_tables *t, const struct space *s, uint64_t list)
{
	__atomic_store_n(&t->spaces[s->slot].list, list, __ATOMIC_SEQ_CST);
}

/* Takes c->data over. */
static int publish(struct unwind_tables *t, struct space *s, struct collection *c)
{
	unsigned int class = class_of(c->count);
	uint32_t words = list_take(t, class);

	if (!words)
		return -errno;
	memcpy(&t->arena.words[words], c->data, c->count * sizeof(*c->data));
	set_list(t, s, UNWIND_LIST(take_number(t), words / UNWIND_MAPPING_WORDS, c->count));
	list_give(t, s->words, s->class);
	free(s->mappings);
	s->mappings = c->data;
	s->count = c->count;
	s->words = words;
	s->class = class;
	c->data = NULL;
	return 0;
}

static bool is_published(const struct space *s, const struct collection *c)
{
	return s->words && s->count == c->count &&
	       !memcmp(s->mappings, c->data, c->count * sizeof(*c->data));
}

/* ---- spaces ---- */

static struct space *space_new(struct unwind_tables *t, uint64_t owner)
{
	struct space *s;
	uint32_t slot;

	for (slot = 0; slot < UNWIND_SPACES && t->slots[slot]; slot++)
		;
	if (slot == UNWIND_SPACES)
		return NULL;
	s = xcalloc(1, sizeof(*s));
	s->owner = owner;
	s->slot = slot;
	t->slots[slot] = s;
	t->spaces[slot].asked_list = t->spaces[slot].asked_ns = 0;
	__atomic_store_n(&t->spaces[slot].owner, owner, __ATOMIC_SEQ_CST);
	if (bpf_map_update_elem(t->maps.owners, &owner, &slot, BPF_ANY))
		log_verbose("cannot publish mappings: %s", strerror(errno));
	return s;
}

static void space_put(struct unwind_tables *t, struct space *s)
{
	if (!s || --s->users)
		return;
	bpf_map_delete_elem(t->maps.owners, &s->owner);
	set_list(t, s, 0);
	__atomic_store_n(&t->spaces[s->slot].owner, 0, __ATOMIC_SEQ_CST);
	list_give(t, s->words, s->class);
	t->slots[s->slot] = NULL;
	free(s->mappings);
	free(s);
}

static struct space *space_find(struct unwind_tables *t, uint64_t owner)
{
	struct member *m;

	for (m = t->members; m; m = m->next) {
		if (m->space && m->space->owner == owner)
			return m->space;
	}
	return NULL;
}

static void member_move(struct unwind_tables *t, struct member *m, struct space *s)
{
	if (s)
		s->users++;
	space_put(t, m->space);
	m->space = s;
}

static struct member **member_slot(struct unwind_tables *t, uint32_t number)
{
	struct member **m = &t->members;

	while (*m && (*m)->number != number)
		m = &(*m)->next;
	return m;
}

static struct member *member_get(struct unwind_tables *t, uint32_t number)
{
	struct member **slot = member_slot(t, number);

	if (!*slot) {
		*slot = xcalloc(1, sizeof(**slot));
		(*slot)->number = number;
	}
	return *slot;
}

/* ---- mappings of a process ---- */

static bool continues(const struct unwind_mapping *last, const struct unwind_mapping *m)
{
	return last->end == m->start && last->base == m->base && last->table == m->table &&
	       last->pages == m->pages;
}

static void collect(struct collection *c, const struct unwind_mapping *m)
{
	if (c->count && continues(&c->data[c->count - 1], m)) {
		c->data[c->count - 1].end = m->end;
		return;
	}
	if (c->count == c->capacity) {
		c->capacity = c->capacity ? c->capacity * 2 : 32;
		c->data = xrealloc(c->data, c->capacity * sizeof(*c->data));
	}
	c->data[c->count++] = *m;
}

/* When there are too many, generated code goes first: its frames are only guessed. */
static void limit(struct collection *c)
{
	size_t i, n = 0, over;

	if (c->count <= UNWIND_MAPPINGS_MAX)
		return;
	over = c->count - UNWIND_MAPPINGS_MAX;
	for (i = 0; i < c->count; i++) {
		if (over && !c->data[i].pages && c->data[i].table == UNWIND_POINTER)
			over--;
		else
			c->data[n++] = c->data[i];
	}
	c->count = n < UNWIND_MAPPINGS_MAX ? n : UNWIND_MAPPINGS_MAX;
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

/* False: its table is not made yet. Until then the mapping is unknown, rather than without
 * information. */
static bool describe(struct unwind_tables *t, pid_t pid, const struct maps_entry *e, bool make,
		     struct unwind_mapping *m)
{
	const struct unwind_file *f;
	uint64_t base;

	*m = (struct unwind_mapping){.start = e->start, .end = e->end, .table = UNWIND_NO_INFO};
	if (!maps_is_file(e) && strcmp(e->path, "[vdso]")) {
		m->table = kind_of_anonymous(e->path);
		return true;
	}
	f = unwind_files_get(&t->files, pid, e, make);
	if (f && f->pages && unwind_file_base(f, e->start, e->offset, &base)) {
		m->base = base;
		m->table = f->table;
		m->pages = f->pages;
	}
	return f || make;
}

/* urgent_only: what needs a table that is not made yet and is not urgent, is left for the next time. */
static int read_mappings(struct unwind_tables *t, pid_t pid, bool urgent_only, struct collection *c)
{
	struct maps_entry e;
	struct maps maps;
	char program[256];
	int err = maps_open(&maps, pid);

	process_exe_name(pid, program, sizeof(program));
	*c = (struct collection){0};
	while (!err && maps_next(&maps, &e)) {
		struct unwind_mapping m;

		if (!e.execute)
			continue;
		if (describe(t, pid, &e, !urgent_only || is_urgent(&e, program), &m))
			collect(c, &m);
		else
			c->incomplete = true;
	}
	maps_close(&maps);
	limit(c);
	return err;
}

/* ---- processes ---- */

/* The others keep what was shared; threads that remember it are told when the new list is there. */
static int diverge(struct unwind_tables *t, struct member *m, struct collection *c)
{
	struct space *s = space_new(t, UNWIND_OWNER_PROCESS(m->number));
	int err;

	if (!s)
		return -ENOSPC;
	member_move(t, m, s);
	err = publish(t, s, c);
	loader_bump_generation(t->loader);
	return err;
}

static int publish_for(struct unwind_tables *t, struct member *m, struct collection *c)
{
	struct space *s = m->space;

	if (!s) {
		s = space_find(t, m->image);
		if (!s)
			s = space_new(t, m->image);
		if (!s)
			return -ENOSPC;
		member_move(t, m, s);
	}
	if (is_published(s, c))
		return 0;
	return s->words && s->users > 1 ? diverge(t, m, c) : publish(t, s, c);
}

static int set_once(struct unwind_tables *t, struct member *m, pid_t pid, bool urgent_only,
		    bool *incomplete)
{
	struct collection c;
	int err = read_mappings(t, pid, urgent_only, &c);

	*incomplete = c.incomplete;
	if (!err)
		err = c.count ? publish_for(t, m, &c) : -ENODATA;
	free(c.data);
	return err;
}

int unwind_process_set(struct unwind_tables *t, uint32_t number, uint64_t image, pid_t pid)
{
	struct unwind_gone *gone = &t->gone[number % UNWIND_GONE_SLOTS];
	uint32_t times = __atomic_load_n(&gone->times, __ATOMIC_SEQ_CST);
	struct member *m = member_get(t, number);
	bool incomplete;
	int err;

	if (m->image != image)
		member_move(t, m, NULL);
	m->image = image;
	err = set_once(t, m, pid, true, &incomplete);
	if (!err && incomplete)
		err = set_once(t, m, pid, false, &incomplete);
	if (!err)
		__atomic_store_n(&gone->seen, times, __ATOMIC_SEQ_CST);
	return err;
}

void unwind_process_fork(struct unwind_tables *t, uint32_t parent, uint32_t child)
{
	struct member *from = *member_slot(t, parent), *m;

	/* a parent with a space of its own: the child's is made when its mappings are read */
	if (!from || !from->space || from->space->owner != from->image || parent == child)
		return;
	m = member_get(t, child);
	m->image = from->image;
	member_move(t, m, from->space);
}

void unwind_process_drop(struct unwind_tables *t, uint32_t number)
{
	struct member **slot = member_slot(t, number), *m = *slot;

	if (!m)
		return;
	member_move(t, m, NULL);
	*slot = m->next;
	free(m);
}

void unwind_tables_close(struct unwind_tables *t)
{
	size_t i;

	if (!t)
		return;
	while (t->members)
		unwind_process_drop(t, t->members->number);
	for (i = 0; i < LIST_CLASSES; i++)
		free(t->free[i].words);
	unwind_files_done(&t->files);
	unwind_arena_done(&t->arena);
	if (t->spaces)
		munmap(t->spaces, SPACES_BYTES);
	if (t->gone)
		munmap(t->gone, GONE_BYTES);
	free(t);
}
