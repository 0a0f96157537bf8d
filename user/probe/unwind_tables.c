// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Spaces and their lists. A space is an address space as far as unwinding sees it: it belongs to an
 * image, which fork's children share, or to one process that has mapped something else since. The
 * BPF side finds a process's own space first, then its image's.
 *
 * A list is written to words that nobody reads, then published by one store, under a number that was
 * not used before: rules remembered for the old list are never found again. A walk that began with
 * the old list sees at its end that another one is published, and keeps nothing of what it read. So
 * old words may be written at once, those of tables to which no published list leads as well.
 *
 * All of this is the main thread's: spaces, lists, the arena, the files. The worker builds tables in
 * memory of its own and hands them over (unwind_worker.h); unwind_tables_collect() stores and
 * publishes them.
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
#include "unwind_arena.h"
#include "unwind_cache.h"
#include "unwind_files.h"
#include "unwind_list.h"
#include "unwind_worker.h"

#define SPACES_BYTES  (UNWIND_SPACES * sizeof(struct unwind_space))
#define GONE_BYTES    (UNWIND_GONE_SLOTS * sizeof(struct unwind_gone))
#define LIST_CLASSES  8 /* lists have room for 8, 16, .. 1024 mappings */
#define LIST_MIN      8u
#define NUMBERS_FIRST 1u
/*
 * Call frame information that is built from at once, for one program of a process: some tenths of a
 * second at most. And for each look at its mappings, so that small libraries of a program that has
 * run for long are not left to the worker.
 */
#define EFFORT_MOST  (4u << 20)
#define EFFORT_LEAST (256u << 10)

struct space {
	uint64_t owner;
	uint32_t slot;
	unsigned int users; /* members */
	struct unwind_list list;
	uint32_t words; /* of the published list, 0: none */
	unsigned int class;
};

struct member {
	struct member *next;
	uint32_t number;
	pid_t pid; /* 0: not known yet */
	uint64_t image;
	struct space *space;
	struct unwind_list waits; /* nothing but what it waits for */
	uint64_t effort;	  /* left for its image */
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
	struct unwind_cache *cache;
	struct unwind_worker *worker;
	struct unwind_space *spaces; /* shared with BPF */
	struct unwind_gone *gone;    /* shared with BPF */
	struct space *slots[UNWIND_SPACES];
	struct member *members;
	struct free_list free[LIST_CLASSES];
	uint32_t next_number;
};

static int share(int map, size_t bytes, void **memory)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);

	*memory = p == MAP_FAILED ? NULL : p;
	return *memory ? 0 : -errno;
}

/* For tests: an arena that is soon full. */
static void limit_arena(struct unwind_arena *a)
{
	const char *chunks = getenv("TRACER_UNWIND_CHUNKS");
	unsigned long limit = chunks ? strtoul(chunks, NULL, 10) : 0;

	if (limit && limit < a->chunk_limit)
		a->chunk_limit = (uint32_t)limit;
}

struct unwind_tables *unwind_tables_open(struct loader *l)
{
	struct unwind_tables *t = xcalloc(1, sizeof(*t));
	int err;

	t->loader = l;
	t->maps = loader_unwind_maps(l);
	t->next_number = NUMBERS_FIRST;
	t->cache = unwind_cache_open();
	t->worker = unwind_worker_new(t->cache);
	t->files =
		(struct unwind_files){.arena = &t->arena, .cache = t->cache, .worker = t->worker};
	err = t->worker ? unwind_arena_init(&t->arena, t->maps.chunks) : -errno;
	limit_arena(&t->arena);
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

struct unwind_progress unwind_tables_progress(const struct unwind_tables *t)
{
	struct unwind_progress p = {0};
	const struct unwind_file *f;

	for (f = t->files.first; f; f = f->next) {
		p.files++;
		if (f->state != UNWIND_FILE_MAKING)
			continue;
		p.making++;
		p.path = f->path;
	}
	return p;
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
	return unwind_files_room(&t->files, (size_t)(LIST_MIN << class) * UNWIND_MAPPING_WORDS,
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
		loader_forget_stacks(t->loader);
		t->next_number = NUMBERS_FIRST;
	}
	return t->next_number++;
}

static void set_list(struct unwind_tables *t, const struct space *s, uint64_t list)
{
	__atomic_store_n(&t->spaces[s->slot].list, list, __ATOMIC_SEQ_CST);
}

/* Takes l over. The old list's files are let go after the store that makes them unreachable. */
static int publish(struct unwind_tables *t, struct space *s, struct unwind_list *l)
{
	unsigned int class = class_of(l->count);
	uint32_t words = list_take(t, class);

	if (!words)
		return -errno;
	memcpy(&t->arena.words[words], l->mappings, l->count * sizeof(*l->mappings));
	set_list(t, s, UNWIND_LIST(take_number(t), words / UNWIND_MAPPING_WORDS, l->count));
	list_give(t, s->words, s->class);
	unwind_list_done(&s->list, &t->files);
	s->list = *l;
	s->words = words;
	s->class = class;
	*l = (struct unwind_list){0};
	return 0;
}

static bool is_published(const struct space *s, const struct unwind_list *l)
{
	return s->words && unwind_list_equal(&s->list, l);
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
	unwind_list_done(&s->list, &t->files);
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

/* ---- processes ---- */

/* The others keep what was shared; threads that remember it are told when the new list is there. */
static int diverge(struct unwind_tables *t, struct member *m, struct unwind_list *l)
{
	struct space *s = space_new(t, UNWIND_OWNER_PROCESS(m->number));
	int err;

	if (!s)
		return -ENOSPC;
	member_move(t, m, s);
	err = publish(t, s, l);
	loader_bump_generation(t->loader);
	return err;
}

static bool all_wait(const struct unwind_tables *t, const struct space *s,
		     const struct unwind_file *f)
{
	const struct member *m;

	for (m = t->members; m; m = m->next) {
		if (m->space == s && !unwind_list_waits(&m->waits, f))
			return false;
	}
	return true;
}

/* What is new are tables that all who share the space have been waiting for: they may go on so. */
static bool is_late(const struct unwind_tables *t, const struct space *s,
		    const struct unwind_list *l)
{
	size_t i;

	if (!unwind_list_extends(l, &s->list))
		return false;
	for (i = 0; i < l->count; i++) {
		if (!unwind_list_has(&s->list, &l->mappings[i]) &&
		    (!l->files[i] || !all_wait(t, s, l->files[i])))
			return false;
	}
	return true;
}

static int publish_for(struct unwind_tables *t, struct member *m, struct unwind_list *l)
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
	if (is_published(s, l))
		return 0;
	return s->words && s->users > 1 && !is_late(t, s, l) ? diverge(t, m, l) : publish(t, s, l);
}

/*
 * A list without anything in it is no error while something is awaited. Until it is published the
 * member waits for what it waited for before.
 */
static int set_once(struct unwind_tables *t, struct member *m, struct unwind_effort *effort,
		    bool *incomplete)
{
	struct unwind_list l, waits = {0};
	int err = unwind_list_read(&l, &t->files, m->pid, effort);

	*incomplete = l.incomplete;
	if (!err) {
		unwind_list_take_waits(&waits, &l, &t->files);
		if (l.count)
			err = publish_for(t, m, &l);
		else if (!l.incomplete)
			err = -ENODATA;
		unwind_list_take_waits(&m->waits, &waits, &t->files);
	}
	unwind_list_done(&l, &t->files);
	return err;
}

static int set(struct unwind_tables *t, struct member *m)
{
	struct unwind_effort effort = {.bytes = m->effort > EFFORT_LEAST ? m->effort : EFFORT_LEAST,
				       .urgent_only = true};
	struct unwind_gone *gone = &t->gone[m->number % UNWIND_GONE_SLOTS];
	uint32_t times = __atomic_load_n(&gone->times, __ATOMIC_SEQ_CST);
	bool incomplete;
	int err = set_once(t, m, &effort, &incomplete);

	effort.urgent_only = false;
	if (!err && incomplete)
		err = set_once(t, m, &effort, &incomplete);
	m->effort = effort.bytes;
	if (!err)
		__atomic_store_n(&gone->seen, times, __ATOMIC_SEQ_CST);
	return err;
}

int unwind_process_set(struct unwind_tables *t, uint32_t number, uint64_t image, pid_t pid)
{
	struct member *m = member_get(t, number);

	if (m->image != image || !m->pid) {
		member_move(t, m, NULL);
		m->effort = EFFORT_MOST;
	}
	m->image = image;
	m->pid = pid;
	return set(t, m);
}

bool unwind_process_fork(struct unwind_tables *t, uint32_t parent, uint32_t child, pid_t pid)
{
	struct member *from = *member_slot(t, parent), *m;

	if (parent == child)
		return true;
	/* a parent with a space of its own has left those that its image shares */
	if (!from || !from->space || from->space->owner != from->image)
		return false;
	m = member_get(t, child);
	m->pid = pid;
	m->image = from->image;
	m->effort = from->effort;
	unwind_list_copy_waits(&m->waits, &from->waits, &t->files);
	member_move(t, m, from->space);
	return true;
}

int unwind_tables_fd(const struct unwind_tables *t)
{
	return unwind_worker_fd(t->worker);
}

static void publish_late(struct unwind_tables *t, struct member *m)
{
	int err = set(t, m);

	if (err)
		log_verbose("cannot publish the mappings of process %d: %s", (int)m->pid,
			    strerror(-err));
	else
		log_verbose("process %d: unwinds with the late tables, %zu still to come",
			    (int)m->pid, m->waits.wait_count);
}

void unwind_tables_collect(struct unwind_tables *t)
{
	struct member *m;

	if (!unwind_files_collect(&t->files))
		return;
	for (m = t->members; m; m = m->next) {
		if (m->waits.wait_count)
			publish_late(t, m);
	}
}

void unwind_process_drop(struct unwind_tables *t, uint32_t number)
{
	struct member **slot = member_slot(t, number), *m = *slot;

	if (!m)
		return;
	member_move(t, m, NULL);
	unwind_list_done(&m->waits, &t->files);
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
	unwind_worker_free(t->worker);
	unwind_files_done(&t->files);
	unwind_cache_close(t->cache);
	unwind_arena_done(&t->arena);
	if (t->spaces)
		munmap(t->spaces, SPACES_BYTES);
	if (t->gone)
		munmap(t->gone, GONE_BYTES);
	free(t);
}
