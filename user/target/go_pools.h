/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pools (sync.Pool) of a running Go program, by reading its memory and its file alone. One thread at a time.
 *
 * Layouts are those of sync/pool.go, sync/poolqueue.go and internal/abi/type.go, the same from Go 1.19 to 1.27. All of it is the
 * target's: lists, sizes and texts are bounded, and a type is one only where the program has its types.
 */
#ifndef TARGET_GO_POOLS_H
#define TARGET_GO_POOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "go.h"

#define GO_POOL_TEXT	96
#define GO_POOL_CODE	2048
#define GO_POOLS_LISTED 1024 /* of one process; what is beyond is not looked at */

/* What memory and file say of one pool. */
struct go_pool_facts {
	uint64_t address;
	bool listed; /* it is in sync.allPools or sync.oldPools: it has been used since the collection before the last */
	bool has_new, by_value;	    /* what is put into it is no pointer: each Put allocates */
	bool plain;		    /* what it points to has no pointers in it */
	char name[GO_POOL_TEXT];    /* of the variable that it is, or is in; "": not known */
	char made_by[GO_POOL_TEXT]; /* its New; "": not known */
	char type[GO_POOL_TEXT]; /* of what is in it; "": nothing was there when it was looked at */
	uint64_t bytes;		 /* of the type, or of what it points to; 0: not known */
};

/* One function of the program. */
struct go_function {
	uint64_t start;	 /* ELF address */
	uint64_t offset; /* in the file */
	size_t size;
	uint8_t bytes[GO_POOL_CODE];
};

struct go_pools;

/* Of the program that the process runs now. NULL: it has no functions of sync.Pool, or none that can be found. */
struct go_pools *go_pools_open(const struct go_process *go);
void go_pools_close(struct go_pools *p);
/* (*Pool).Get and Put. */
const struct go_function *go_pools_get_code(const struct go_pools *p);
const struct go_function *go_pools_put_code(const struct go_pools *p);
/* Exactly `size` bytes of its memory at an ELF address. */
bool go_pools_read_code(const struct go_pools *p, uint64_t address, void *out, size_t size);
/* Built with -race: one Put in four is dropped at random. */
bool go_pools_race(const struct go_pools *p);
/* It is known where the program lists its pools. */
bool go_pools_lists(const struct go_pools *p);
/* Takes anew what the program lists. How many are known now, listed or asked for. */
size_t go_pools_update(struct go_pools *p);
const struct go_pool_facts *go_pools_at(const struct go_pools *p, size_t index);
/* A pool by its address, which was seen in use. Borrowed until the next call. NULL: there are too many. */
const struct go_pool_facts *go_pools_ask(struct go_pools *p, uint64_t address);
/* Finds the names of those that have come since: reads the file, if there are any. */
void go_pools_name(struct go_pools *p);

#endif /* TARGET_GO_POOLS_H */
