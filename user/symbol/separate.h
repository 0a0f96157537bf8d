/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where separate debug files are, on the system and below the root of a process. One thread at a
 * time. */
#ifndef SYMBOL_SEPARATE_H
#define SYMBOL_SEPARATE_H

#include <stdbool.h>
#include <stdint.h>

struct image;

#define SEPARATE_DIRECTORY "/usr/lib/debug"

struct separate {
	int fd;
	char *name;	   /* from malloc: where it is, for messages */
	bool in_directory; /* below SEPARATE_DIRECTORY of its root */
	bool trusted;	   /* and that root is the system's: a path in it may be followed */
};

/*
 * The debug file of an image, by its build id or by the name in its debug link (NULL: none), whose
 * checksum is crc. Only one that fits is taken. False: there is none.
 */
bool separate_find(const struct image *image, const char *link, uint32_t crc, struct separate *out);

#endif /* SYMBOL_SEPARATE_H */
