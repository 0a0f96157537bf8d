/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Owns the executable mappings of every process, from /proc/PID/maps, and the images behind them.
 * Opening files is mapped_file.c.
 *
 * A mapping that is gone stays until something executable takes its place, because stacks of the
 * past are named later.
 *
 * Invariant: the list of a process is sorted and has no overlaps; a file with the same device,
 * inode, size and time of change is one image. An image is open, so its inode cannot become another
 * file's: a line of maps that has not changed means the same image and nothing is opened again.
 */
#include "modules.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../base/log.h"
#include "../base/mix.h"
#include "../base/xalloc.h"
#include "../target/mapped_file.h"
#include "../target/process.h"
#include "table.h"

/* The kernel's own default limit of mappings of a process; there can be more, but hardly of code.
 */
#define MODULES_MAX_MAPPINGS 65536

struct modules_process {
	uint32_t number;
	uint32_t generation;
	uint32_t epoch;
	struct mapping *v;
	size_t count;
	const struct jit *jit; /* NULL: no generated code so far */
	bool jit_inherited;    /* from before its fork */
};

struct modules_jit {
	struct modules_jit *next;
	struct jit jit;
};

/* A root directory: processes of one container share it. */
struct modules_root {
	struct modules_root *next;
	dev_t device;
	ino_t inode;
	int fd;
};

struct modules_file {
	struct stat st; /* what cannot be opened has device and inode only */
	struct image *image;
};

struct modules {
	struct table processes; /* struct modules_process */
	struct table files;	/* struct modules_file */
	struct modules_root *roots;
	struct modules_jit *jits;
	bool failed_before; /* one message is enough */
};

struct modules *modules_new(void)
{
	return xcalloc(1, sizeof(struct modules));
}

static void modules_free_places(struct modules *m)
{
	while (m->roots) {
		struct modules_root *next = m->roots->next;

		close(m->roots->fd);
		free(m->roots);
		m->roots = next;
	}
	while (m->jits) {
		struct modules_jit *next = m->jits->next;

		free(m->jits);
		m->jits = next;
	}
}

void modules_free(struct modules *m)
{
	struct modules_process *p;
	struct modules_file *f;

	if (!m)
		return;
	for (size_t at = 0; (p = table_next(&m->processes, &at));) {
		free(p->v);
		free(p);
	}
	for (size_t at = 0; (f = table_next(&m->files, &at));) {
		image_free(f->image);
		free(f);
	}
	table_done(&m->processes);
	table_done(&m->files);
	modules_free_places(m);
	free(m);
}

static struct modules_process *modules_find_process(const struct modules *m, uint32_t number)
{
	struct modules_process *p;

	for (size_t at = 0; (p = table_find(&m->processes, mix_u64(0, number), &at));) {
		if (p->number == number)
			return p;
	}
	return NULL;
}

static struct modules_process *modules_get_process(struct modules *m, uint32_t number)
{
	struct modules_process *p = modules_find_process(m, number);

	if (!p) {
		p = xcalloc(1, sizeof(*p));
		p->number = number;
		table_insert(&m->processes, mix_u64(0, number), p);
	}
	return p;
}

static bool modules_same_file(const struct modules_file *f, const struct stat *st, const char *path)
{
	return f->st.st_dev == st->st_dev && f->st.st_ino == st->st_ino &&
	       f->st.st_size == st->st_size && f->st.st_mtim.tv_sec == st->st_mtim.tv_sec &&
	       f->st.st_mtim.tv_nsec == st->st_mtim.tv_nsec &&
	       (f->image->fd >= 0 || strcmp(f->image->path, path) == 0);
}

/* A descriptor that lives until modules_free; -1: none. */
static int modules_get_root(struct modules *m, pid_t pid)
{
	int fd = mapped_file_open_root(pid);
	struct modules_root *root;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	for (root = m->roots; root; root = root->next) {
		if (root->device == st.st_dev && root->inode == st.st_ino) {
			close(fd);
			return root->fd;
		}
	}
	root = xcalloc(1, sizeof(*root));
	*root = (struct modules_root){m->roots, st.st_dev, st.st_ino, fd};
	m->roots = root;
	return fd;
}

/* Generated code is there, seen for the first time: who may name it is known while it lives. */
static void modules_add_jit(struct modules *m, struct modules_process *p, pid_t pid)
{
	struct process_info info = {0};
	struct modules_jit *jit;

	if ((p->jit && !p->jit_inherited) || process_read(pid, &info) != 0)
		return;
	jit = xcalloc(1, sizeof(*jit));
	jit->jit = (struct jit){.root = modules_get_root(m, pid),
				.pid = info.inner_pid ? info.inner_pid : pid,
				.uid = info.uid,
				.parent = p->jit};
	jit->next = m->jits;
	m->jits = jit;
	p->jit = &jit->jit;
	p->jit_inherited = false;
}

/* Takes fd over. fd -1: a file of which only the name is known; st then has device and inode as in
 * maps. */
static struct image *modules_get_image(struct modules *m, pid_t pid, int fd, const struct stat *st,
				       const char *path)
{
	uint64_t hash =
		mix_u64(mix_u64(mix_u64(0, st->st_dev), st->st_ino), (uint64_t)st->st_mtim.tv_nsec);
	struct modules_file *f;

	for (size_t at = 0; (f = table_find(&m->files, hash, &at));) {
		if (modules_same_file(f, st, path) && (f->image->fd >= 0) == (fd >= 0)) {
			if (fd >= 0)
				close(fd);
			return f->image;
		}
	}
	f = xcalloc(1, sizeof(*f));
	f->st = *st;
	f->image = image_new(fd, path);
	f->image->root = modules_get_root(m, pid);
	table_insert(&m->files, hash, f);
	return f->image;
}

static void modules_report_failure(struct modules *m, pid_t pid, const char *path, int err)
{
	if (m->failed_before || err == -ESRCH || err == -ENOENT)
		return;
	m->failed_before = true;
	log_warn("cannot open '%s' of process %d: %s; its functions have no names", path, (int)pid,
		 strerror(-err));
}

static struct image *modules_open(struct modules *m, pid_t pid, const struct modules_line *line)
{
	struct stat st = {.st_dev = line->device, .st_ino = line->inode};
	int fd;

	if (strcmp(line->path, "[vdso]") == 0)
		fd = mapped_file_copy_vdso(pid, line->start, line->end);
	else
		fd = mapped_file_open(pid, line->start, line->end, line->path, line->inode,
				      line->deleted);
	if (fd >= 0 && strcmp(line->path, "[vdso]") != 0 && fstat(fd, &st) != 0) {
		close(fd);
		fd = -1;
	}
	if (fd < 0)
		modules_report_failure(m, pid, line->path, fd);
	return modules_get_image(m, pid, fd < 0 ? -1 : fd, &st, line->path);
}

/* Shared anonymous memory has the name of a file that nobody can open, and no code of a file. */
static bool modules_has_file(const struct modules_line *line)
{
	if (strcmp(line->path, "[vdso]") == 0)
		return true;
	return line->path[0] == '/' && line->path[1] != '/' && line->inode != 0 &&
	       !(line->deleted && strcmp(line->path, "/dev/zero") == 0) &&
	       strncmp(line->path, "/SYSV", 5) != 0;
}

static const struct mapping *modules_search(const struct mapping *v, size_t count, uint64_t address)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (v[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low < count && v[low].start <= address ? &v[low] : NULL;
}

static struct image *modules_image_of_line(struct modules *m, const struct modules_process *p,
					   pid_t pid, const struct modules_line *line)
{
	const struct mapping *old = modules_search(p->v, p->count, line->start);

	if (!modules_has_file(line))
		return NULL;
	if (old && old->start == line->start && old->end == line->end &&
	    old->offset == line->offset && old->device == line->device &&
	    old->inode == line->inode && old->image && old->image->fd >= 0 &&
	    strcmp(old->image->path, line->path) == 0)
		return old->image;
	return modules_open(m, pid, line);
}

/* "12ab-34cd r-xp 0000 08:01 1234   /a path" */
bool modules_parse_line(char *line, struct modules_line *out)
{
	static const char mark[] = " (deleted)";
	unsigned int major, minor;
	char mode[8];
	int at = 0;
	size_t length;
	char *path;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %" SCNx64 " %x:%x %" SCNu64 " %n",
		   &out->start, &out->end, mode, &out->offset, &major, &minor, &out->inode,
		   &at) < 7 ||
	    at == 0 || strlen(mode) < 4 || mode[2] != 'x' || out->start >= out->end)
		return false;
	path = line + at;
	length = strcspn(path, "\n");
	path[length] = '\0';
	out->device = (uint64_t)major << 32 | minor;
	out->deleted =
		length > sizeof(mark) - 1 && strcmp(path + length - (sizeof(mark) - 1), mark) == 0;
	if (out->deleted)
		path[length - (sizeof(mark) - 1)] = '\0';
	out->path = path;
	return true;
}

static void modules_append(struct mapping **v, size_t *count, size_t *capacity,
			   const struct mapping *add)
{
	if (*count == *capacity) {
		*capacity = *capacity ? 2 * *capacity : 32;
		*v = xrealloc(*v, *capacity * sizeof(**v));
	}
	(*v)[(*count)++] = *add;
}

static void modules_append_piece(struct mapping **v, size_t *count, size_t *capacity,
				 const struct mapping *whole, uint64_t start, uint64_t end)
{
	struct mapping piece = *whole;

	if (start >= end)
		return;
	piece.offset += start - whole->start;
	piece.start = start;
	piece.end = end;
	modules_append(v, count, capacity, &piece);
}

struct mapping *modules_merge(const struct mapping *now, size_t now_count,
			      const struct mapping *before, size_t before_count, size_t *count)
{
	struct mapping *v = NULL;
	size_t capacity = 0, n = 0;

	*count = 0;
	for (size_t b = 0; b < before_count; b++) {
		uint64_t start = before[b].start;

		/* the last one taken may cover this one too */
		if (n > 0 && now[n - 1].end > start)
			start = now[n - 1].end;
		for (; n < now_count && now[n].start < before[b].end; n++) {
			if (start < now[n].start)
				modules_append_piece(&v, count, &capacity, &before[b], start,
						     now[n].start);
			modules_append(&v, count, &capacity, &now[n]);
			start = now[n].end > start ? now[n].end : start;
		}
		modules_append_piece(&v, count, &capacity, &before[b], start, before[b].end);
	}
	for (; n < now_count; n++)
		modules_append(&v, count, &capacity, &now[n]);
	return v;
}

/* The list may not be sorted when mappings change while it is read: then a line that goes back is
 * left out. */
static struct mapping *modules_read_now(struct modules *m, struct modules_process *p, pid_t pid,
					FILE *file, size_t *count, bool *any)
{
	struct mapping *v = NULL;
	size_t capacity = 0, line_size = 0;
	uint64_t end = 0;
	char *text = NULL;

	*count = 0;
	*any = false;
	while (*count < MODULES_MAX_MAPPINGS && getline(&text, &line_size, file) > 0) {
		struct modules_line line;
		struct mapping mapping;

		*any = true;
		if (!modules_parse_line(text, &line) || line.start < end)
			continue;
		mapping = (struct mapping){line.start,	line.end,   line.offset,
					   line.device, line.inode, NULL};
		mapping.image = modules_image_of_line(m, p, pid, &line);
		if (!mapping_has_code(&mapping) && strcmp(line.path, "[vsyscall]") != 0)
			modules_add_jit(m, p, pid);
		modules_append(&v, count, &capacity, &mapping);
		end = line.end;
	}
	free(text);
	return v;
}

static bool modules_equal(const struct modules_process *p, const struct mapping *v, size_t count)
{
	for (size_t i = 0; i < count && count == p->count; i++) {
		if (v[i].start != p->v[i].start || v[i].end != p->v[i].end ||
		    v[i].offset != p->v[i].offset || v[i].image != p->v[i].image)
			return false;
	}
	return count == p->count;
}

static void modules_replace(struct modules_process *p, struct mapping *v, size_t count)
{
	if (!modules_equal(p, v, count))
		p->generation++;
	free(p->v);
	p->v = v;
	p->count = count;
}

int modules_read(struct modules *m, uint32_t number, pid_t pid)
{
	struct modules_process *p = modules_get_process(m, number);
	struct mapping *now, *merged;
	size_t now_count, count;
	char path[32];
	FILE *file;
	bool any;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return errno == ENOENT ? -ESRCH : -errno;
	now = modules_read_now(m, p, pid, file, &now_count, &any);
	fclose(file);
	if (!any) {
		free(now);
		return -ESRCH;
	}
	merged = modules_merge(now, now_count, p->v, p->count, &count);
	free(now);
	modules_replace(p, merged, count);
	return 0;
}

void modules_fork(struct modules *m, uint32_t parent, uint32_t child)
{
	const struct modules_process *from = modules_find_process(m, parent);
	struct modules_process *to;
	struct mapping *v;

	if (!from || from->count == 0 || parent == child)
		return;
	v = xcalloc(from->count, sizeof(*v));
	memcpy(v, from->v, from->count * sizeof(*v));
	to = modules_get_process(m, child);
	modules_replace(to, v, from->count);
	to->jit = from->jit;
	to->jit_inherited = from->jit != NULL;
}

void modules_forget(struct modules *m, uint32_t number)
{
	struct modules_process *p = modules_find_process(m, number);

	if (!p)
		return;
	modules_replace(p, NULL, 0);
	p->jit = NULL;
	p->jit_inherited = false;
	p->epoch++;
}

const struct mapping *modules_list(const struct modules *m, uint32_t number, size_t *count)
{
	const struct modules_process *p = modules_find_process(m, number);

	*count = p ? p->count : 0;
	return p ? p->v : NULL;
}

void modules_set(struct modules *m, uint32_t number, const struct mapping *v, size_t count,
		 const struct jit *jit)
{
	struct modules_process *p = modules_get_process(m, number);
	struct mapping *copy = xcalloc(count + 1, sizeof(*copy));

	if (count)
		memcpy(copy, v, count * sizeof(*copy));
	modules_replace(p, copy, count);
	p->jit = jit;
}

const struct mapping *modules_find(const struct modules *m, uint32_t number, uint64_t address)
{
	const struct modules_process *p = modules_find_process(m, number);

	return p ? modules_search(p->v, p->count, address) : NULL;
}

const struct jit *modules_jit(const struct modules *m, uint32_t number)
{
	const struct modules_process *p = modules_find_process(m, number);

	return p ? p->jit : NULL;
}

uint32_t modules_generation(const struct modules *m, uint32_t number)
{
	const struct modules_process *p = modules_find_process(m, number);

	return p ? p->generation : 0;
}

uint32_t modules_epoch(const struct modules *m, uint32_t number)
{
	const struct modules_process *p = modules_find_process(m, number);

	return p ? p->epoch : 0;
}

size_t modules_memory(const struct modules *m)
{
	size_t bytes = sizeof(*m) + table_memory(&m->processes) + table_memory(&m->files);
	struct modules_process *p;
	struct modules_file *f;

	for (size_t at = 0; (p = table_next(&m->processes, &at));)
		bytes += sizeof(*p) + p->count * sizeof(*p->v);
	for (size_t at = 0; (f = table_next(&m->files, &at));)
		bytes += sizeof(*f) + image_memory(f->image);
	return bytes;
}
