// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * When a file was used last is its time of change, which cache_touch() sets: many file systems are
 * mounted without times of access. Several tracers may trim at once; a file that another one has
 * removed is as good as removed here. Half-written files have the suffix of what they were to become
 * and a dot in front; one of an hour ago has nobody who writes it.
 */
#include "cache_trim.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define HALF_WRITTEN_SECONDS 3600
#define FILES_MAX	     (1u << 16)

struct entry {
	char *name;
	uint64_t bytes;
	struct timespec used;
};

struct entries {
	struct entry *data;
	size_t count, capacity;
	uint64_t bytes;
};

static bool ends_in(const char *name, const char *suffix)
{
	size_t n = strlen(name), m = strlen(suffix);

	return n > m && !strcmp(name + n - m, suffix);
}

static bool add(struct entries *e, const char *name, const struct stat *st)
{
	if (e->count == e->capacity) {
		size_t more = e->capacity ? e->capacity * 2 : 64;
		struct entry *data = realloc(e->data, more * sizeof(*data));

		if (!data)
			return false;
		e->data = data;
		e->capacity = more;
	}
	e->data[e->count] = (struct entry){strdup(name), (uint64_t)st->st_size, st->st_mtim};
	if (!e->data[e->count].name)
		return false;
	e->bytes += e->data[e->count++].bytes;
	return true;
}

static void list(int dir, const char *suffix, struct entries *e)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;
	struct stat st;

	if (!d) {
		if (copy >= 0)
			close(copy);
		return;
	}
	while (e->count < FILES_MAX && (entry = readdir(d))) {
		if (!ends_in(entry->d_name, suffix) ||
		    fstatat(dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode))
			continue;
		if (entry->d_name[0] != '.') {
			if (!add(e, entry->d_name, &st))
				break;
		} else if (time(NULL) - st.st_mtime > HALF_WRITTEN_SECONDS) {
			unlinkat(dir, entry->d_name, 0);
		}
	}
	closedir(d);
}

static int compare(const void *a, const void *b)
{
	const struct timespec *x = &((const struct entry *)a)->used;
	const struct timespec *y = &((const struct entry *)b)->used;

	if (x->tv_sec != y->tv_sec)
		return x->tv_sec < y->tv_sec ? -1 : 1;
	return x->tv_nsec < y->tv_nsec ? -1 : x->tv_nsec > y->tv_nsec;
}

uint64_t cache_trim(int dir, const char *suffix, uint64_t max_bytes)
{
	struct entries e = {0};
	size_t i;

	list(dir, suffix, &e);
	if (e.count)
		qsort(e.data, e.count, sizeof(*e.data), compare);
	for (i = 0; i < e.count; i++) {
		if (e.bytes > max_bytes && !unlinkat(dir, e.data[i].name, 0))
			e.bytes -= e.data[i].bytes;
		free(e.data[i].name);
	}
	free(e.data);
	return e.bytes;
}

void cache_touch(int dir, const char *name)
{
	utimensat(dir, name, NULL, AT_SYMLINK_NOFOLLOW);
}
