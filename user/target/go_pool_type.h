/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The type of what is in a pool, by the runtime's own descriptions of types. One thread at a time. */
#ifndef TARGET_GO_POOL_TYPE_H
#define TARGET_GO_POOL_TYPE_H

#include "go_pools.h"
#include "go_type.h"

struct go_runtime;

/* Its types, in its memory. */
void go_types_init(struct go_types *t, const struct go_runtime *r);
/* Looks into the pool at facts->address: fills in type, bytes, by_value and plain, when anything is there. */
void go_types_of_pool(const struct go_types *t, struct go_pool_facts *facts);

#endif /* TARGET_GO_POOL_TYPE_H */
