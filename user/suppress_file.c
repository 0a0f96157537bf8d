/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "suppress_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/io.h"
#include "base/log.h"

/* More is not a list that somebody wrote. */
#define FILE_MAX (16u << 20)

/* 0 or -errno. */
static int read_file(const char *path, struct buffer *text)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	err = io_read_rest(fd, FILE_MAX, text);
	close(fd);
	return err;
}

struct suppressions *suppress_file_read(const char *path)
{
	struct suppressions *s = NULL;
	struct buffer text = {0};
	int err = read_file(path, &text);
	const char *why;
	size_t line;

	if (err) {
		log_error("cannot read '%s': %s: --suppress needs a file with lines leak:PATTERN",
			  path, strerror(-err));
	} else {
		s = suppressions_parse(text.data ? text.data : "", text.length, &line, &why);
		if (!s)
			log_error("cannot use line %zu of '%s': %s", line, path, why);
	}
	buffer_done(&text);
	return s;
}
