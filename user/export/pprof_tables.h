/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables of a profile: strings, functions, locations and mappings, each thing once. One thread at a time. */
#ifndef EXPORT_PPROF_TABLES_H
#define EXPORT_PPROF_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../base/buffer.h"
#include "../symbol/names.h"
#include "arena.h"
#include "intern.h"
#include "profile.pb-c.h"

struct pprof_list {
	void **v;
	size_t count, capacity;
};

/* All zeros at first, but `arena`. */
struct pprof_tables {
	struct arena *arena; /* of all messages */
	struct intern strings, function_keys, location_keys, mapping_keys;
	struct pprof_list functions, locations, mappings;
	struct buffer key, text; /* scratch */
};

/* Made printable; NULL is the empty string, which is 0. */
int64_t pprof_string(struct pprof_tables *t, const char *text);
/* Makes the program's own file the first mapping, as pprof has it. False: this stack does not tell which one it is. */
bool pprof_find_program(struct pprof_tables *t, const struct stack_names *names);
/* The locations of a stack, the leaf first. Returns how many; the ids are the arena's. */
size_t pprof_stack(struct pprof_tables *t, const struct stack_names *names, uint64_t **ids);
/* Puts the tables into the profile, which borrows them. */
void pprof_tables_fill(struct pprof_tables *t, Pprof__Profile *profile);
void pprof_tables_done(struct pprof_tables *t);

#endif /* EXPORT_PPROF_TABLES_H */
