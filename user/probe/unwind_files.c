// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A file is known by device and inode as the mapping says them, and by size and time of change as
 * the opened file says them, so that a file written anew in place gets a new table.
 *
 * Where a table comes from, the first that can be: from the arena, where another process needed it;
 * from the cache on disk; built here, as long as the effort lasts; built by the worker, and until
 * then the file is MAKING. So what is done here is bounded by the size of the call frame information,
 * which is known before any of it is looked at.
 *
 * Tables stay when nobody needs them any more, since programs come back, until their room is needed:
 * then those go that were not used for longest. The BPF side may still be reading what is freed and
 * written over: only with a list that is not published any more, and it keeps nothing of such a walk
 * (unwind_tables.c).
 */
#include "unwind_files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../base/clock.h"
#include "../base/log.h"
#include "../base/xalloc.h"
#include "../target/elf.h"
#include "../target/mapped_file.h"
#include "unwind_build.h"

#define BUILD_ID_MAX 64
/* Opening a file and reading its headers, as bytes of call frame information that are built from. */
#define OPEN_EFFORT (16u << 10)
/* The most for a file that is not urgent. */
#define LIBRARY_EFFORT (1u << 20)
/* Digesting and reading from the cache takes a sixteenth of building, at most. */
#define KEPT_SHARE 16
/* Beyond so many chunks tables without a user go before the next one is made. */
#define CHUNKS_BEFORE_FREEING 16

static void forget(struct unwind_files *files, struct unwind_file *file)
{
	struct unwind_file **at = &files->first;

	while (*at != file)
		at = &(*at)->next;
	*at = file->next;
	free(file->path);
	free(file);
}

void unwind_files_done(struct unwind_files *files)
{
	while (files->first)
		forget(files, files->first);
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static struct unwind_file *find(const struct unwind_files *files, const struct maps_entry *entry,
				const struct stat *st)
{
	struct unwind_file *f;

	for (f = files->first; f; f = f->next) {
		if (f->inode == entry->inode && f->device == entry->device &&
		    f->bytes == st->st_size && same_time(f->modified, st->st_mtim))
			return f;
	}
	return NULL;
}

static int file_open(pid_t pid, const struct maps_entry *entry)
{
	if (!entry->inode)
		return mapped_file_copy_vdso(pid, entry->start, entry->end);
	return mapped_file_open(pid, entry->start, entry->end, entry->path, entry->inode,
				entry->deleted);
}

/* The separate debug file of distributions, -1: none. */
static int open_debug(pid_t pid, const struct elf_file *elf)
{
	static const char root[] = "/usr/lib/debug/.build-id/";
	uint8_t id[BUILD_ID_MAX];
	char path[sizeof(root) + 2 * BUILD_ID_MAX + 16];
	size_t n = elf_file_build_id(elf, id, sizeof(id)), at, i;
	int fd;

	if (n < 2)
		return -1;
	at = (size_t)snprintf(path, sizeof(path), "%s%02x/", root, id[0]);
	for (i = 1; i < n; i++)
		at += (size_t)snprintf(path + at, sizeof(path) - at, "%02x", id[i]);
	snprintf(path + at, sizeof(path) - at, ".debug");
	fd = mapped_file_open_beside(0, path);
	return fd >= 0 ? fd : mapped_file_open_beside(pid, path);
}

static void read_segments(struct unwind_file *f, const struct elf_file *elf)
{
	const struct elf_segment *s;
	size_t n = elf_file_segments(elf, &s), i;

	for (i = 0; i < n && f->segment_count < UNWIND_FILE_SEGMENTS; i++) {
		if (!s[i].execute)
			continue;
		f->segments[f->segment_count].offset = s[i].offset;
		f->segments[f->segment_count].bytes = s[i].file_size;
		f->segments[f->segment_count++].address = s[i].address;
	}
}

/* ---- room ---- */

static void free_table(struct unwind_files *files, struct unwind_file *f)
{
	unwind_arena_give(files->arena, f->table, f->words);
	files->freed++;
	forget(files, f);
}

static bool free_oldest(struct unwind_files *files)
{
	struct unwind_file *f, *oldest = NULL;

	for (f = files->first; f; f = f->next) {
		if (f->state == UNWIND_FILE_READY && !f->users &&
		    (!oldest || f->used < oldest->used))
			oldest = f;
	}
	if (!oldest)
		return false;
	log_verbose("the unwind table of '%s', which no process uses, is dropped for others",
		    oldest->path);
	free_table(files, oldest);
	return true;
}

uint32_t unwind_files_room(struct unwind_files *files, size_t words, uint32_t align)
{
	uint32_t at;

	do {
		bool grow = files->arena->chunk_count < CHUNKS_BEFORE_FREEING;

		at = unwind_arena_take(files->arena, words, align, grow);
		if (at || errno != ENOSPC)
			return at;
	} while (free_oldest(files));
	return unwind_arena_take(files->arena, words, align, true);
}

static int store(struct unwind_files *files, struct unwind_file *f, const struct unwind_table *t)
{
	size_t index_words = UNWIND_INDEX_WORDS((size_t)t->pages);
	uint32_t at = unwind_files_room(files, index_words + t->row_count, 1);

	if (!at)
		return -errno;
	memcpy(&files->arena->words[at], t->page_rows, (t->pages + 1) * sizeof(uint32_t));
	memcpy(&files->arena->words[at + index_words], t->rows, t->row_count * sizeof(uint64_t));
	f->base = t->base;
	f->table = at;
	f->words = (uint32_t)(index_words + t->row_count);
	f->pages = t->pages;
	return 0;
}

/* ---- making ---- */

static void say_failed(struct unwind_files *files, const char *path, int err)
{
	if (err == -ENOSPC && !files->full_said) {
		files->full_said = true;
		log_warn("cannot store the unwind table of '%s': no room for more: stacks through "
			 "it and later files are cut: trace fewer programs at once",
			 path);
		return;
	}
	if (err == -EBADMSG) {
		log_warn("cannot use the unwind information of '%s': it is damaged: stacks through "
			 "it are cut: install the file anew",
			 path);
		return;
	}
	log_verbose("no unwind table of '%s': %s", path, strerror(-err));
}

/* Leaves the table to be kept or freed. */
static void settle(struct unwind_files *files, struct unwind_file *f, const struct unwind_job *j)
{
	int err = j->err ? j->err : store(files, f, &j->table);

	f->state = err ? UNWIND_FILE_EMPTY : UNWIND_FILE_READY;
	f->no_room = err == -ENOSPC;
	f->freed = files->freed;
	if (err)
		say_failed(files, f->path, err);
	else
		log_verbose("unwind table of '%s': %" PRIu32 " rows, %" PRIu32 " pages, %.1f ms%s",
			    f->path, j->table.row_count, j->table.pages,
			    (double)j->took_ns / NS_PER_MS, j->kept ? ", from the cache" : "");
}

/* Takes the job over, whose table is in the arena. */
static void keep(struct unwind_files *files, struct unwind_job *j)
{
	if (!files->cache || j->err || j->kept || !j->key.name[0]) {
		unwind_job_free(j);
		return;
	}
	unwind_input_close(j->in);
	j->in = NULL;
	j->owner = NULL;
	unwind_worker_add(files->worker, j);
}

/* One large library must not use up what many small ones need. */
static bool may_build(const struct unwind_effort *effort, uint64_t bytes)
{
	return effort->urgent || bytes <= LIBRARY_EFFORT;
}

static bool spend(struct unwind_effort *effort, uint64_t bytes)
{
	if (bytes > effort->bytes)
		return false;
	effort->bytes -= bytes;
	return true;
}

/* True: the job is done. */
static bool make_now(const struct unwind_files *files, struct unwind_job *j,
		     struct unwind_effort *effort)
{
	uint64_t bytes = unwind_input_bytes(j->in), begun = clock_monotonic_ns();
	bool done;

	if (!spend(effort, OPEN_EFFORT + bytes / KEPT_SHARE))
		return false;
	unwind_cache_key(files->cache, j->in, &j->key);
	j->keyed = true;
	j->kept = done = !unwind_cache_get(files->cache, &j->key, &j->table);
	if (!done && may_build(effort, bytes) && spend(effort, bytes)) {
		j->err = unwind_build_from(j->in, NULL, &j->table);
		done = true;
	}
	j->took_ns = clock_monotonic_ns() - begun;
	return done;
}

/* Takes `in` over. */
static void make_table(struct unwind_files *files, struct unwind_file *f, struct unwind_input *in,
		       struct unwind_effort *effort)
{
	struct unwind_job *j = xcalloc(1, sizeof(*j));

	*j = (struct unwind_job){.owner = f, .in = in, .urgent = effort->urgent};
	if (make_now(files, j, effort)) {
		settle(files, f, j);
		keep(files, j);
		return;
	}
	log_verbose("unwind table of '%s': not waited for", f->path);
	f->state = UNWIND_FILE_MAKING;
	unwind_worker_add(files->worker, j);
}

/* Takes fd over. */
static void begin(struct unwind_files *files, struct unwind_file *f, pid_t pid, int fd,
		  struct unwind_effort *effort)
{
	struct elf_file *elf = elf_file_open(fd);
	struct unwind_input *in = NULL;

	if (!elf) {
		close(fd);
		say_failed(files, f->path, -ENOEXEC);
		return;
	}
	read_segments(f, elf);
	in = unwind_input_open(fd, open_debug(pid, elf));
	elf_file_close(elf);
	if (in)
		make_table(files, f, in, effort);
	else
		say_failed(files, f->path, -errno);
}

bool unwind_files_collect(struct unwind_files *files)
{
	struct unwind_job *j;
	bool any = false;

	while ((j = unwind_worker_take(files->worker))) {
		settle(files, j->owner, j);
		keep(files, j);
		any = true;
	}
	return any;
}

/* ---- files ---- */

/* One for which there was no room is tried again when some has become free. */
static struct unwind_file *known(struct unwind_files *files, const struct maps_entry *entry,
				 const struct stat *st)
{
	struct unwind_file *f = find(files, entry, st);

	if (f && f->no_room && f->freed != files->freed && !f->users) {
		forget(files, f);
		f = NULL;
	}
	if (f)
		f->used = ++files->clock;
	return f;
}

static struct unwind_file *add(struct unwind_files *files, const struct maps_entry *entry,
			       const struct stat *st)
{
	struct unwind_file *f = xcalloc(1, sizeof(*f));

	f->device = entry->device;
	f->inode = entry->inode;
	f->bytes = st->st_size;
	f->modified = st->st_mtim;
	f->path = xstrdup(entry->path);
	f->used = ++files->clock;
	f->next = files->first;
	files->first = f;
	return f;
}

struct unwind_file *unwind_files_get(struct unwind_files *files, pid_t pid,
				     const struct maps_entry *entry, struct unwind_effort *effort,
				     bool *later)
{
	int fd = file_open(pid, entry);
	struct unwind_file *f = NULL;
	struct stat st;

	*later = false;
	if (fd < 0)
		return NULL;
	if (fstat(fd, &st)) {
		close(fd);
		return NULL;
	}
	/* the vdso is a new copy each time, and the same for all */
	if (!entry->inode)
		st.st_mtim = (struct timespec){0};
	f = known(files, entry, &st);
	*later = !f && effort->urgent_only && !effort->urgent;
	if (f || *later) {
		close(fd);
		return f;
	}
	f = add(files, entry, &st);
	begin(files, f, pid, fd, effort);
	return f;
}

void unwind_file_hold(struct unwind_file *file)
{
	file->users++;
}

void unwind_file_release(struct unwind_files *files, struct unwind_file *file)
{
	if (--file->users)
		return;
	if (file->state == UNWIND_FILE_MAKING) {
		unwind_worker_cancel(files->worker, file);
		forget(files, file);
	} else if (file->state == UNWIND_FILE_READY) {
		files->freed++; /* may be, when somebody needs it */
	}
}

bool unwind_file_base(const struct unwind_file *file, uint64_t start, uint64_t offset,
		      uint64_t *base)
{
	const uint64_t page = 1u << UNWIND_PAGE_BITS;
	size_t i;

	for (i = 0; i < file->segment_count; i++) {
		uint64_t first = file->segments[i].offset & ~(page - 1);
		uint64_t end = file->segments[i].offset + file->segments[i].bytes;

		if (offset < first || offset >= end)
			continue;
		*base = start - offset + file->segments[i].offset - file->segments[i].address +
			file->base;
		return true;
	}
	return false;
}
