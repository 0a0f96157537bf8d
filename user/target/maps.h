/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An iterator over the text of /proc/PID/maps. The whole text is read at once, so that entries come
 * from as few moments as the kernel allows. One thread at a time.
 */
#ifndef TARGET_MAPS_H
#define TARGET_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "../base/buffer.h"

struct maps_entry {
	uint64_t start, end; /* [start, end) */
	uint64_t offset;     /* in the file */
	bool read, write, execute, shared;
	dev_t device;
	ino_t inode;	  /* 0: not a file */
	const char *path; /* unescaped, without " (deleted)"; "" when there is none; borrowed until
			     the next call */
	bool deleted;	  /* " (deleted)" was there (or the name ends so: the text does not tell) */
};

struct maps {
	struct buffer text;
	struct buffer path;
	size_t at;
};

/* 0 or -errno (-ESRCH: gone). maps_close also after an error. */
int maps_open(struct maps *maps, pid_t pid);
/* Copies the text. */
void maps_open_text(struct maps *maps, const char *text);
/* False at the end. Lines that make no sense are passed over. */
bool maps_next(struct maps *maps, struct maps_entry *entry);
void maps_close(struct maps *maps);
/* A mapping of a file: not anonymous, not [stack], [vdso] and the like. */
bool maps_is_file(const struct maps_entry *entry);

#endif /* TARGET_MAPS_H */
