// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A file is known by device and inode as the mapping says them, and by size and time of change as
 * the opened file says them, so that a file written anew in place gets a new table. Tables stay
 * until the end: processes share them and come back. A cache of finished tables on disk would stand
 * between file_open() and make_table(): both it and unwind_build() yield a struct unwind_table.
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

void unwind_files_done(struct unwind_files *files)
{
	struct unwind_file *f, *next;

	for (f = files->first; f; f = next) {
		next = f->next;
		free(f);
	}
	files->first = NULL;
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static struct unwind_file *find(struct unwind_files *files, const struct maps_entry *entry,
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
static int open_debug(const struct elf_file *elf)
{
	static const char root[] = "/usr/lib/debug/.build-id/";
	uint8_t id[BUILD_ID_MAX];
	char path[sizeof(root) + 2 * BUILD_ID_MAX + 16];
	size_t n = elf_file_build_id(elf, id, sizeof(id)), at, i;

	if (n < 2)
		return -1;
	at = (size_t)snprintf(path, sizeof(path), "%s%02x/", root, id[0]);
	for (i = 1; i < n; i++)
		at += (size_t)snprintf(path + at, sizeof(path) - at, "%02x", id[i]);
	snprintf(path + at, sizeof(path) - at, ".debug");
	return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
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

static int store(struct unwind_files *files, struct unwind_file *f, const struct unwind_table *t)
{
	size_t index_words = UNWIND_INDEX_WORDS(t->pages);
	uint32_t at = unwind_arena_take(files->arena, index_words + t->row_count, 1);

	if (!at)
		return -errno;
	memcpy(&files->arena->words[at], t->page_rows, (t->pages + 1) * sizeof(uint32_t));
	memcpy(&files->arena->words[at + index_words], t->rows, t->row_count * sizeof(uint64_t));
	f->base = t->base;
	f->table = at;
	f->pages = t->pages;
	return 0;
}

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

static void make_table(struct unwind_files *files, struct unwind_file *f, int fd, const char *path)
{
	struct elf_file *elf = elf_file_open(fd);
	uint64_t begin = clock_monotonic_ns();
	int err = elf ? 0 : -ENOEXEC, debug = -1;
	struct unwind_table t = {0};

	if (elf) {
		read_segments(f, elf);
		debug = open_debug(elf);
		err = unwind_build(fd, debug, &t);
	}
	if (!err)
		err = store(files, f, &t);
	if (err)
		say_failed(files, path, err);
	else
		log_verbose("unwind table of '%s': %" PRIu32 " rows, %" PRIu32 " pages, %.1f ms",
			    path, t.row_count, t.pages,
			    (double)(clock_monotonic_ns() - begin) / NS_PER_MS);
	unwind_table_done(&t);
	if (debug >= 0)
		close(debug);
	elf_file_close(elf);
}

const struct unwind_file *unwind_files_get(struct unwind_files *files, pid_t pid,
					   const struct maps_entry *entry, bool make)
{
	int fd = file_open(pid, entry);
	struct unwind_file *f = NULL;
	struct stat st;

	if (fd < 0)
		return NULL;
	if (!fstat(fd, &st)) {
		/* the vdso is a new copy each time, and the same for all */
		if (!entry->inode)
			st.st_mtim = (struct timespec){0};
		f = find(files, entry, &st);
	}
	if (!f && make) {
		f = xcalloc(1, sizeof(*f));
		f->device = entry->device;
		f->inode = entry->inode;
		f->bytes = st.st_size;
		f->modified = st.st_mtim;
		f->next = files->first;
		files->first = f;
		make_table(files, f, fd, entry->path);
	}
	close(fd);
	return f;
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
