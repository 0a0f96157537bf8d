/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What streamed files and files written at the end have in common. */
#include "output_path.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../base/units.h"
#include "../base/xalloc.h"

/* These names are links, and the only ones that are meant. */
int output_path_descriptor(const char *path)
{
	static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/"};
	uint64_t number;
	size_t i;

	if (strcmp(path, "-") == 0 || strcmp(path, "/dev/stdout") == 0)
		return STDOUT_FILENO;
	if (strcmp(path, "/dev/stderr") == 0)
		return STDERR_FILENO;
	for (i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		size_t length = strlen(folders[i]);

		if (strncmp(path, folders[i], length) != 0)
			continue;
		if (units_parse_u64(path + length, &number) && number < 1 << 20)
			return (int)number;
	}
	return -1;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool stat_folder(const char *path, struct stat *st)
{
	const char *name = base_name(path);
	char *folder = name == path ? xstrdup(".") : xstrndup(path, (size_t)(name - path));
	bool found = stat(folder, st) == 0;

	free(folder);
	return found;
}

bool output_path_same(const char *a, const char *b)
{
	int x = output_path_descriptor(a), y = output_path_descriptor(b);
	struct stat s, t;

	if (x >= 0 || y >= 0)
		return x == y;
	if (strcmp(a, b) == 0)
		return true;
	if (stat(a, &s) == 0 && stat(b, &t) == 0)
		return s.st_dev == t.st_dev && s.st_ino == t.st_ino;
	return strcmp(base_name(a), base_name(b)) == 0 && stat_folder(a, &s) &&
	       stat_folder(b, &t) && s.st_dev == t.st_dev && s.st_ino == t.st_ino;
}

const char *output_path_reason(int err)
{
	switch (-err) {
	case ELOOP:
		return "it is a symbolic link, and links are not followed; name the file itself";
	case EISDIR: return "it is a directory; name a file in it";
	case ENXIO: return "it is a pipe that nobody reads, or no such device";
	case ENOSPC: return "no space left on the device; free some and send SIGHUP";
	case EPIPE: return "its reader has gone";
	case EBADFD: return "it is neither a regular file nor a pipe nor a character device";
	default: return strerror(-err);
	}
}
