/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Control groups: each group on the way from the process's own up to the root may have a limit, and the one with least left
 * is what counts. Memory that a group holds for files it could give back at once (inactive_file) is not counted as used, as
 * the kubelet does it.
 *
 * The path of a group comes from the kernel, but users may name groups: ".." in it is how the kernel shows a group outside of
 * our namespace, and is not followed.
 */
#include "limits.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../base/io.h"

#define TEXT_MAX   16384
#define LEVELS_MAX 32
/* Groups of v1 without a limit have one of nearly 2^63. */
#define NO_LIMIT (1ull << 62)

struct cgroup_files {
	const char *mount, *limit, *used, *inactive;
};

static const struct cgroup_files cgroup_v2 = {"sys/fs/cgroup", "memory.max", "memory.current",
					      "inactive_file "};
static const struct cgroup_files cgroup_v1 = {"sys/fs/cgroup/memory", "memory.limit_in_bytes",
					      "memory.usage_in_bytes", "total_inactive_file "};

static bool read_text(const char *path, char *out, size_t size)
{
	return io_read_text(path, out, size) >= 0;
}

/* "max" and what is no number: false. */
static bool read_number(const char *directory, const char *file, uint64_t *value)
{
	char path[PATH_MAX + 64], text[64];

	snprintf(path, sizeof(path), "%s/%s", directory, file);
	return read_text(path, text, sizeof(text)) && sscanf(text, "%" SCNu64, value) == 1;
}

/* The number behind `name` at the begin of a line. */
static bool find_number(const char *text, const char *name, uint64_t *value)
{
	size_t length = strlen(name);

	for (; text && *text; text = strchr(text, '\n'), text += text != NULL) {
		if (!strncmp(text, name, length))
			return sscanf(text + length, "%" SCNu64, value) == 1;
	}
	return false;
}

static uint64_t minus(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static void take_smaller(struct memory_limit *to, uint64_t limit, uint64_t left)
{
	if (to->known && to->left_bytes <= left)
		return;
	*to = (struct memory_limit){.known = true, .limit_bytes = limit, .left_bytes = left};
}

static void read_group(const char *directory, const struct cgroup_files *files,
		       struct memory_limit *to)
{
	char path[PATH_MAX + 64], text[TEXT_MAX];
	uint64_t limit, used, inactive;

	if (!read_number(directory, files->limit, &limit) || limit >= NO_LIMIT ||
	    !read_number(directory, files->used, &used))
		return;
	snprintf(path, sizeof(path), "%s/memory.stat", directory);
	if (!read_text(path, text, sizeof(text)) || !find_number(text, files->inactive, &inactive))
		inactive = 0;
	take_smaller(to, limit, minus(limit, minus(used, inactive)));
}

/* The group and all above it. */
static void read_groups(const char *root, const char *group, const struct cgroup_files *files,
			struct memory_limit *to)
{
	char directory[PATH_MAX];
	size_t mount;
	int level;

	if (strstr(group, "/..") || group[0] != '/')
		return;
	mount = (size_t)snprintf(directory, sizeof(directory), "%s/%s", root, files->mount);
	if (mount + strlen(group) >= sizeof(directory))
		return;
	strcpy(directory + mount, group);
	for (level = 0; level < LEVELS_MAX; level++) {
		char *slash;

		read_group(directory, files, to);
		slash = strrchr(directory + mount, '/');
		if (!slash)
			break;
		*slash = '\0';
	}
}

/* "memory" among names with commas between them. */
static bool has_memory(const char *names, size_t length)
{
	static const char wanted[] = "memory";

	while (length) {
		const char *comma = memchr(names, ',', length);
		size_t word = comma ? (size_t)(comma - names) : length;

		if (word == sizeof(wanted) - 1 && !memcmp(names, wanted, word))
			return true;
		word += comma != NULL;
		names += word;
		length -= word;
	}
	return false;
}

/* Lines "NUMBER:CONTROLLERS:PATH"; v2 has the number 0 and no controllers. */
static void read_cgroups(const char *root, char *text, struct memory_limit *to)
{
	char *line, *rest = text;

	while ((line = strsep(&rest, "\n"))) {
		char *names = strchr(line, ':'), *path = names ? strchr(names + 1, ':') : NULL;

		if (!path)
			continue;
		names++;
		if (names == path && !strncmp(line, "0:", 2))
			read_groups(root, path + 1, &cgroup_v2, to);
		else if (has_memory(names, (size_t)(path - names)))
			read_groups(root, path + 1, &cgroup_v1, to);
	}
}

static void read_address_space(const char *limits, const char *status, struct memory_limit *to)
{
	uint64_t limit, kilobytes;

	/* "unlimited" is no number */
	if (find_number(limits, "Max address space", &limit) &&
	    find_number(status, "VmSize:", &kilobytes))
		take_smaller(to, limit, minus(limit, kilobytes << 10));
}

static void read_machine(const char *meminfo, struct memory_limit *to)
{
	uint64_t total, available;

	if (find_number(meminfo, "MemTotal:", &total) &&
	    find_number(meminfo, "MemAvailable:", &available))
		take_smaller(to, total << 10, available << 10);
}

void limits_read(const char *root, pid_t pid, struct memory_limits *limits)
{
	char path[PATH_MAX], text[TEXT_MAX], status[TEXT_MAX];

	*limits = (struct memory_limits){0};
	snprintf(path, sizeof(path), "%s/proc/%d/cgroup", root, (int)pid);
	if (read_text(path, text, sizeof(text)))
		read_cgroups(root, text, &limits->v[LIMIT_CGROUP]);
	snprintf(path, sizeof(path), "%s/proc/%d/limits", root, (int)pid);
	if (read_text(path, text, sizeof(text))) {
		snprintf(path, sizeof(path), "%s/proc/%d/status", root, (int)pid);
		read_text(path, status, sizeof(status));
		read_address_space(text, status, &limits->v[LIMIT_ADDRESS_SPACE]);
	}
	snprintf(path, sizeof(path), "%s/proc/meminfo", root);
	if (read_text(path, text, sizeof(text)))
		read_machine(text, &limits->v[LIMIT_MACHINE]);
}
