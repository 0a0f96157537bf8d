/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parses /proc/PID/maps. The kernel writes a newline in a path as \012 and nothing else escaped, so
 * that a line is one mapping whatever a file is called. All numbers are checked; a line that does
 * not parse is skipped, because later kernels may add lines and a wrong address is worse than a
 * missing one. Invariant: entry->path points into maps->path and start < end.
 */
#include "maps.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* 65530 mappings, the kernel's default limit, are 6 MB; beyond this a process is not traced in
 * full. */
#define MAPS_TEXT_MAX (128u << 20)

int maps_open(struct maps *maps, pid_t pid)
{
	char path[32], chunk[16384];
	ssize_t n;
	int fd, err = 0;

	memset(maps, 0, sizeof(*maps));
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		err = -errno;
		return err == -ENOENT ? -ESRCH : err;
	}
	while (maps->text.length < MAPS_TEXT_MAX) {
		n = read(fd, chunk, sizeof(chunk));
		if (n < 0)
			err = -errno;
		if (n <= 0)
			break;
		buffer_add(&maps->text, chunk, (size_t)n);
	}
	close(fd);
	return err;
}

void maps_open_text(struct maps *maps, const char *text)
{
	memset(maps, 0, sizeof(*maps));
	buffer_add_string(&maps->text, text);
}

void maps_close(struct maps *maps)
{
	buffer_done(&maps->text);
	buffer_done(&maps->path);
	memset(maps, 0, sizeof(*maps));
}

/* Reads digits of `base` up to `end` of the text and the character `stop` after them. */
static bool parse_number(const char **at, const char *end, unsigned int base, char stop,
			 uint64_t *value)
{
	const char *p = *at;
	uint64_t result = 0;

	for (; p < end && *p != stop; p++) {
		unsigned int digit;

		if (*p >= '0' && *p <= '9')
			digit = (unsigned int)(*p - '0');
		else if (*p >= 'a' && *p <= 'f')
			digit = (unsigned int)(*p - 'a') + 10;
		else
			return false;
		if (digit >= base || result > (UINT64_MAX - digit) / base)
			return false;
		result = result * base + digit;
	}
	if (p == *at || p == end)
		return false;
	*at = p + 1;
	*value = result;
	return true;
}

static bool parse_protection(const char **at, const char *end, struct maps_entry *entry)
{
	const char *p = *at;

	if (end - p < 5 || p[4] != ' ')
		return false;
	entry->read = p[0] == 'r';
	entry->write = p[1] == 'w';
	entry->execute = p[2] == 'x';
	entry->shared = p[3] == 's';
	*at = p + 5;
	return true;
}

static void parse_path(struct maps *maps, const char *p, const char *end, struct maps_entry *entry)
{
	static const char mark[] = " (deleted)";
	const size_t mark_length = sizeof(mark) - 1;

	while (p < end && *p == ' ')
		p++;
	entry->deleted = (size_t)(end - p) > mark_length && entry->inode != 0 &&
			 memcmp(end - mark_length, mark, mark_length) == 0;
	if (entry->deleted)
		end -= mark_length;
	buffer_reset(&maps->path);
	for (; p < end; p++) {
		if (end - p >= 4 && memcmp(p, "\\012", 4) == 0) {
			buffer_add_char(&maps->path, '\n');
			p += 3;
		} else {
			buffer_add_char(&maps->path, *p);
		}
	}
	entry->path = maps->path.length ? maps->path.data : "";
}

static bool parse_line(struct maps *maps, const char *p, const char *end, struct maps_entry *entry)
{
	uint64_t major, minor, inode;
	const char *space;

	memset(entry, 0, sizeof(*entry));
	if (!parse_number(&p, end, 16, '-', &entry->start) ||
	    !parse_number(&p, end, 16, ' ', &entry->end) || !parse_protection(&p, end, entry) ||
	    !parse_number(&p, end, 16, ' ', &entry->offset) ||
	    !parse_number(&p, end, 16, ':', &major) || !parse_number(&p, end, 16, ' ', &minor))
		return false;
	/* The inode is the last field of a mapping without a path: there may be no space after it.
	 */
	space = memchr(p, ' ', (size_t)(end - p));
	if (!space)
		space = end;
	inode = 0;
	for (; p < space; p++) {
		if (*p < '0' || *p > '9' || inode > (UINT64_MAX - 9) / 10)
			return false;
		inode = inode * 10 + (uint64_t)(*p - '0');
	}
	if (entry->start >= entry->end || major > UINT32_MAX || minor > UINT32_MAX)
		return false;
	entry->device = makedev((unsigned int)major, (unsigned int)minor);
	entry->inode = (ino_t)inode;
	parse_path(maps, p, end, entry);
	return true;
}

bool maps_next(struct maps *maps, struct maps_entry *entry)
{
	while (maps->at < maps->text.length) {
		const char *line = maps->text.data + maps->at;
		const char *end = memchr(line, '\n', maps->text.length - maps->at);

		if (!end)
			end = maps->text.data + maps->text.length;
		maps->at = (size_t)(end - maps->text.data) + 1;
		if (parse_line(maps, line, end, entry))
			return true;
	}
	return false;
}

bool maps_is_file(const struct maps_entry *entry)
{
	return entry->inode != 0 && entry->path[0] == '/' && strncmp(entry->path, "//anon", 6) != 0;
}
