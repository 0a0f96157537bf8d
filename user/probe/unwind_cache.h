/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finished unwind tables, kept between runs. Without a cache (it is switched off, or its directory
 * cannot be believed) everything is as if nothing had been kept. Any thread.
 */
#ifndef PROBE_UNWIND_CACHE_H
#define PROBE_UNWIND_CACHE_H

#include "unwind_build.h"
#include "unwind_input.h"

struct unwind_cache;

#define UNWIND_CACHE_NAME_BYTES 192

struct unwind_cache_key {
	char name[UNWIND_CACHE_NAME_BYTES]; /* of the file; "": cannot be kept */
	char text[128];
};

/* The directory that the environment names, else the system's. NULL: there is no cache (said with
 * -v). */
struct unwind_cache *unwind_cache_open(void);
/* NULL is fine. */
void unwind_cache_close(struct unwind_cache *c);

/* Reads everything that the table depends on. Without a cache or a build id the key is empty. */
void unwind_cache_key(const struct unwind_cache *c, struct unwind_input *in,
		      struct unwind_cache_key *key);
/* 0 with a table that was checked; else -errno and an empty table. */
int unwind_cache_get(const struct unwind_cache *c, const struct unwind_cache_key *key,
		     struct unwind_table *table);
/* That it cannot be kept is no error. */
void unwind_cache_put(struct unwind_cache *c, const struct unwind_cache_key *key,
		      const struct unwind_table *table);

#endif /* PROBE_UNWIND_CACHE_H */
