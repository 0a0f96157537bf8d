/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The thread that finds names. Files are read, unpacked and perhaps downloaded there and nowhere else,
 * so that nobody ever waits for it. The functions here are its owner's, one thread; what both threads
 * share is said at each field. A result never changes once it is published.
 */
#ifndef SYMBOL_RESOLVER_H
#define SYMBOL_RESOLVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "names.h"

struct image;
struct jit;
struct skip;
struct resolver;

/* A return address, in a file or in generated code. The first three never change: both threads read
 * them. The rest is the owner's. */
struct location {
	const struct image *image; /* NULL: code in no file */
	const struct jit *jit;	   /* not NULL: generated code */
	uint64_t address;	   /* ELF address in the image; in the process, when generated */
	const struct location_names *names; /* NULL: not known yet */
	uint64_t asked_ns;
	uint32_t index;
	uint32_t used;	  /* the pass in which it was used last */
	uint32_t no_room; /* the pass in which its names were thrown away again */
	bool waiting;	  /* asked, and the last answer has not come */
};

/* From malloc in one piece, strings included; owned by who holds it. */
struct location_names {
	size_t bytes, count;
	bool unknown;		    /* generated code without a name so far: worth asking again */
	struct frame_name frames[]; /* pc not set; module borrowed from the image */
};

/* An answer; better ones may follow until `last`. */
struct resolver_answer {
	struct resolver_answer *next;
	struct location *location;
	struct location_names *names;
	bool last;
};

/* NULL with errno when there is no thread. skip is borrowed and must not change any more. wake_fd, an
 * eventfd, is written when there are answers to take. */
struct resolver *resolver_start(const struct skip *skip, int wake_fd);
/*
 * Ends the thread. Locations and their images must live until then. False when it is busy with
 * something that does not end: then nothing that it may use can be freed.
 */
bool resolver_stop(struct resolver *r);

void resolver_ask(struct resolver *r, struct location *location);
/* All answers so far, the oldest first; the caller owns them and their names. */
struct resolver_answer *resolver_take(struct resolver *r);
/* Locations that were asked for and whose last answer was not published yet. */
size_t resolver_pending(struct resolver *r);

#endif /* SYMBOL_RESOLVER_H */
