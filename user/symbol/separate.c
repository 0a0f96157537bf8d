/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Looks for separate debug files in the usual places: /usr/lib/debug/.build-id, beside the program, in
 * .debug beside it and below /usr/lib/debug; first in the system, then in the root of the process, which
 * in a container is another one.
 *
 * Invariant: what is taken belongs to the image: the build ids are equal, or, when one of the two has
 * none, the checksum is that of the debug link. A debug file of another build gives wrong names, which
 * are worse than none.
 */
#include "separate.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <elfutils/libdwelf.h>
#include <gelf.h>
#include "../base/log.h"
#include "../base/xalloc.h"
#include "../target/mapped_file.h"
#include "image.h"

/* The checksum is over the whole file. */
#define SEPARATE_MAX_CHECKED_BYTES (4ull << 30)

enum separate_fit { SEPARATE_OTHER, SEPARATE_SAME, SEPARATE_NO_ID };

static enum separate_fit separate_compare_ids(const struct image *image, int fd)
{
	Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
	enum separate_fit fit = SEPARATE_NO_ID;
	const void *id;
	ssize_t bytes = elf ? dwelf_elf_gnu_build_id(elf, &id) : -1;

	if (image->build_id_size && bytes > 0)
		fit = (size_t)bytes == image->build_id_size &&
				      memcmp(id, image->build_id, (size_t)bytes) == 0
			      ? SEPARATE_SAME
			      : SEPARATE_OTHER;
	elf_end(elf);
	return fit;
}

/* The CRC-32 of ISO 3309, which debug links use. */
static void separate_fill_table(uint32_t table[256])
{
	for (uint32_t i = 0; i < 256; i++) {
		table[i] = i;
		for (int bit = 0; bit < 8; bit++)
			table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0xedb88320u : 0);
	}
}

static bool separate_has_crc(int fd, uint32_t wanted)
{
	unsigned char bytes[65536];
	uint32_t crc = ~0u, table[256];
	uint64_t at = 0;
	ssize_t n;

	separate_fill_table(table);
	while ((n = pread(fd, bytes, sizeof(bytes), (off_t)at)) > 0) {
		for (ssize_t i = 0; i < n; i++)
			crc = table[(crc ^ bytes[i]) & 0xff] ^ crc >> 8;
		at += (uint64_t)n;
		if (at > SEPARATE_MAX_CHECKED_BYTES)
			return false;
	}
	return n == 0 && ~crc == wanted;
}

static bool separate_fits(const struct image *image, int fd, const uint32_t *crc)
{
	switch (separate_compare_ids(image, fd)) {
	case SEPARATE_SAME: return true;
	case SEPARATE_NO_ID: return crc && separate_has_crc(fd, *crc);
	default: return false;
	}
}

/* crc NULL: it must have the build id. */
static bool separate_try(const struct image *image, int root, const char *path, const uint32_t *crc,
			 struct separate *out)
{
	int fd = mapped_file_open_below(root, path, 0, true);

	if (fd < 0)
		return false;
	if (!separate_fits(image, fd, crc)) {
		log_verbose("'%s' is not the debug file of '%s': another build", path, image->path);
		close(fd);
		return false;
	}
	out->fd = fd;
	out->name = xstrdup(path);
	out->in_directory = strncmp(path, SEPARATE_DIRECTORY "/", sizeof(SEPARATE_DIRECTORY)) == 0;
	return true;
}

static bool separate_by_id(const struct image *image, int root, struct separate *out)
{
	char path[sizeof(SEPARATE_DIRECTORY) + 32 + 2 * IMAGE_BUILD_ID_MAX];
	char *at = stpcpy(path, SEPARATE_DIRECTORY "/.build-id/");

	if (image->build_id_size < 2)
		return false;
	for (size_t i = 0; i < image->build_id_size; i++)
		at += sprintf(at, "%02x%s", image->build_id[i], i == 0 ? "/" : "");
	strcpy(at, ".debug");
	return separate_try(image, root, path, NULL, out);
}

static bool separate_by_link(const struct image *image, int root, const char *link, uint32_t crc,
			     struct separate *out)
{
	static const char *const places[][2] = {
		{"", ""},
		{"", ".debug/"},
		{SEPARATE_DIRECTORY, ""},
	};
	int directory = (int)(image->name - image->path);
	char path[PATH_MAX];

	if (image->path[0] != '/' || !link[0] || strchr(link, '/') || strcmp(link, "..") == 0)
		return false;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		int length = snprintf(path, sizeof(path), "%s%.*s%s%s", places[i][0], directory,
				      image->path, places[i][1], link);

		if (length > 0 && (size_t)length < sizeof(path) &&
		    separate_try(image, root, path, &crc, out))
			return true;
	}
	return false;
}

static bool separate_find_below(const struct image *image, int root, const char *link, uint32_t crc,
				struct separate *out)
{
	return root >= 0 && (separate_by_id(image, root, out) ||
			     (link && separate_by_link(image, root, link, crc, out)));
}

bool separate_find(const struct image *image, const char *link, uint32_t crc, struct separate *out)
{
	int system = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	bool found;

	*out = (struct separate){.fd = -1};
	found = separate_find_below(image, system, link, crc, out);
	out->trusted = found && out->in_directory;
	if (!found)
		found = separate_find_below(image, image->root, link, crc, out);
	if (system >= 0)
		close(system);
	return found;
}
