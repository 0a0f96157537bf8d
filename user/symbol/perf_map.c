/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads perf maps: lines "START SIZE NAME", numbers in hexadecimal, appended while the program runs.
 * Code is thrown away and its place used again, so of several entries for one address the last one
 * counts: the search goes backwards.
 *
 * The file is the target's, in a directory where everybody may write. It must be a regular file of the
 * target's user or of root, links are not followed, and size, lines and names have limits. Only
 * numbers are kept; a name is read again when it is asked for.
 */
#include "perf_map.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../base/clock.h"
#include "../base/log.h"
#include "../base/xalloc.h"
#include "../target/mapped_file.h"

#define PERF_MAP_MAX_BYTES   (64ul << 20)
#define PERF_MAP_MAX_ENTRIES (1u << 20)
/* Two numbers, blanks and a name. */
#define PERF_MAP_MAX_LINE (PERF_MAP_MAX_NAME + 64)
#define PERF_MAP_AGAIN_NS NS_PER_S
#define PERF_MAP_CHUNK	  65536

struct perf_map_entry {
	uint64_t start;
	uint32_t bytes;
	uint32_t line; /* offset in the file */
};

struct perf_map {
	struct perf_map *next;
	const struct jit *jit;
	int fd;		/* -1: none yet */
	struct stat st; /* as last seen */
	uint64_t read;	/* bytes of whole lines that were read */
	uint64_t looked_ns;
	bool refused; /* said */
	struct perf_map_entry *v;
	size_t count, capacity;
};

struct perf_maps {
	struct perf_map *first;
	char name[PERF_MAP_MAX_NAME];
};

struct perf_maps *perf_maps_new(void)
{
	return xcalloc(1, sizeof(struct perf_maps));
}

static void perf_map_close(struct perf_map *map)
{
	if (map->fd >= 0)
		close(map->fd);
	map->fd = -1;
	map->read = 0;
	map->count = 0;
}

void perf_maps_free(struct perf_maps *m)
{
	if (!m)
		return;
	while (m->first) {
		struct perf_map *next = m->first->next;

		perf_map_close(m->first);
		free(m->first->v);
		free(m->first);
		m->first = next;
	}
	free(m);
}

static struct perf_map *perf_maps_get(struct perf_maps *m, const struct jit *jit)
{
	struct perf_map *map;

	for (map = m->first; map; map = map->next) {
		if (map->jit == jit)
			return map;
	}
	map = xcalloc(1, sizeof(*map));
	map->jit = jit;
	map->fd = -1;
	map->next = m->first;
	m->first = map;
	return map;
}

static void perf_map_refuse(struct perf_map *map, const char *path, const char *why)
{
	if (!map->refused)
		log_warn("cannot use '%s': %s; generated code has no names", path, why);
	map->refused = true;
}

static void perf_map_path(const struct perf_map *map, char path[48])
{
	snprintf(path, 48, "/tmp/perf-%d.map", (int)map->jit->pid);
}

/* -1: none, or none that may be used. */
static int perf_map_open(struct perf_map *map, struct stat *st)
{
	char path[48];
	int fd;

	perf_map_path(map, path);
	fd = map->jit->root < 0 ? -ENOENT : mapped_file_open_below(map->jit->root, path, 0, false);
	if (fd < 0) {
		if (fd != -ENOENT)
			perf_map_refuse(map, path, "it is no regular file");
		return -1;
	}
	if (fstat(fd, st) == 0 && (st->st_uid == map->jit->uid || st->st_uid == 0))
		return fd;
	perf_map_refuse(map, path, "it belongs to another user than the process");
	close(fd);
	return -1;
}

/* "7f0012 3c name" -> true. The name is what follows one blank. */
static bool perf_map_parse(const char *line, uint64_t *start, uint64_t *bytes, const char **name)
{
	char *end;

	errno = 0;
	*start = strtoull(line, &end, 16);
	if (end == line || *end != ' ')
		return false;
	line = end + 1;
	*bytes = strtoull(line, &end, 16);
	if (end == line || *end != ' ' || errno || *bytes == 0)
		return false;
	*name = end + 1;
	return **name != '\0';
}

static void perf_map_add(struct perf_map *map, const char *line, uint64_t offset)
{
	uint64_t start, bytes;
	const char *name;

	if (!perf_map_parse(line, &start, &bytes, &name) || bytes > UINT32_MAX ||
	    start > UINT64_MAX - bytes)
		return;
	if (map->count == map->capacity) {
		map->capacity = map->capacity ? 2 * map->capacity : 1024;
		map->v = xrealloc(map->v, map->capacity * sizeof(*map->v));
	}
	map->v[map->count++] = (struct perf_map_entry){start, (uint32_t)bytes, (uint32_t)offset};
}

static bool perf_map_is_full(struct perf_map *map)
{
	char path[48];

	if (map->read < PERF_MAP_MAX_BYTES && map->count < PERF_MAP_MAX_ENTRIES)
		return false;
	perf_map_path(map, path);
	perf_map_refuse(map, path, "what lies behind 64 MB or a million lines is not read");
	return true;
}

/* Whole lines of the text; how many bytes of it they are. A line without an end that fills it all is
 * skipped. */
static size_t perf_map_add_lines(struct perf_map *map, char *text, size_t bytes)
{
	size_t at = 0;

	while (at < bytes) {
		char *end = memchr(text + at, '\n', bytes - at);

		if (!end)
			return at ? at : bytes == PERF_MAP_CHUNK ? bytes : 0;
		*end = '\0';
		perf_map_add(map, text + at, map->read + at);
		at = (size_t)(end - text) + 1;
	}
	return at;
}

static void perf_map_read(struct perf_map *map)
{
	char *text = malloc(PERF_MAP_CHUNK + 1);

	while (text && !perf_map_is_full(map)) {
		ssize_t bytes = pread(map->fd, text, PERF_MAP_CHUNK, (off_t)map->read);
		size_t done;

		if (bytes <= 0)
			break;
		text[bytes] = '\0';
		done = perf_map_add_lines(map, text, (size_t)bytes);
		if (done == 0)
			break;
		map->read += done;
	}
	free(text);
}

/* Another file in its place, or a shorter one, is read from its beginning. */
static void perf_map_refresh(struct perf_map *map)
{
	uint64_t now = clock_monotonic_ns();
	struct stat st;
	int fd;

	if (map->looked_ns && now - map->looked_ns < PERF_MAP_AGAIN_NS)
		return;
	map->looked_ns = now;
	fd = perf_map_open(map, &st);
	if (fd < 0)
		return;
	if (map->fd >= 0 && st.st_ino == map->st.st_ino && st.st_dev == map->st.st_dev &&
	    (uint64_t)st.st_size >= map->read) {
		close(fd);
	} else {
		perf_map_close(map);
		map->fd = fd;
	}
	map->st = st;
	perf_map_read(map);
}

static const struct perf_map_entry *perf_map_search(const struct perf_map *map, uint64_t address)
{
	for (size_t i = map->count; i-- > 0;) {
		if (address - map->v[i].start < map->v[i].bytes)
			return &map->v[i];
	}
	return NULL;
}

/* The line may have changed meanwhile: then there is no name. */
static const char *perf_map_name(struct perf_maps *m, const struct perf_map *map,
				 const struct perf_map_entry *entry)
{
	char line[PERF_MAP_MAX_LINE + 1];
	ssize_t bytes = pread(map->fd, line, PERF_MAP_MAX_LINE, entry->line);
	uint64_t start, size;
	const char *name;

	if (bytes <= 0)
		return NULL;
	line[bytes] = '\0';
	line[strcspn(line, "\n")] = '\0';
	if (!perf_map_parse(line, &start, &size, &name) || start != entry->start)
		return NULL;
	snprintf(m->name, sizeof(m->name), "%s", name);
	return m->name;
}

const char *perf_maps_find(struct perf_maps *m, const struct jit *jit, uint64_t address,
			   uint64_t *start)
{
	for (; jit; jit = jit->parent) {
		struct perf_map *map = perf_maps_get(m, jit);
		const struct perf_map_entry *entry;
		const char *name;

		perf_map_refresh(map);
		entry = perf_map_search(map, address);
		name = entry ? perf_map_name(m, map, entry) : NULL;
		if (name) {
			*start = entry->start;
			return name;
		}
	}
	return NULL;
}
