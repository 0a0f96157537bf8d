/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The type of what is in a pool, by the runtime's own descriptions of types. One thread at a time. */
#ifndef TARGET_GO_POOL_TYPE_H
#define TARGET_GO_POOL_TYPE_H

#include "go_pools.h"

struct go_runtime;

/* Where the program has its types; empty where that is not known. */
struct go_types {
	int memory;
	uint64_t start, end;
};

void go_types_init(struct go_types *t, const struct go_runtime *r);
/* Looks into the pool at facts->address: fills in type, bytes, by_value and plain, when anything is there. */
void go_types_of_pool(const struct go_types *t, struct go_pool_facts *facts);

#endif /* TARGET_GO_POOL_TYPE_H */
