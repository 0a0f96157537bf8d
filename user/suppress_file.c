/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "suppress_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/log.h"

/* More is not a list that somebody wrote. */
#define FILE_MAX (16u << 20)

/* 0 or -errno. */
static int read_file(const char *path, struct buffer *text)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err = 0;
	char piece[65536];
	ssize_t n;

	if (fd < 0)
		return -errno;
	while ((n = read(fd, piece, sizeof(piece))) > 0 && text->length <= FILE_MAX)
		buffer_add(text, piece, (size_t)n);
	if (n < 0)
		err = -errno;
	else if (text->length > FILE_MAX)
		err = -EFBIG;
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
