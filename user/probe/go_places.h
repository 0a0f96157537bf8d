/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where probes may stand in functions of Go programs: behind the check of the stack, at an instruction that the kernel emulates. Never at
 * a first instruction, which runs twice when the stack grows, and never at a return. Pure.
 */
#ifndef PROBE_GO_PLACES_H
#define PROBE_GO_PLACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The bytes of one function, as they are in the file. */
struct go_code {
	const uint8_t *bytes;
	size_t size;
	uint64_t start; /* ELF address */
};

struct go_point {
	uint64_t address; /* ELF address */
	bool branch; /* the branch of the check: only where carry and zero are both clear has the function begun */
	uint8_t bytes[16]; /* of the instruction; the rest is 0 */
	uint8_t length;
};

/* Arguments are still in their registers there, and the stack pointer at the return address, or one word below it. */
bool go_place_entry(const struct go_code *code, struct go_point *point);
/*
 * sync.(*Pool).Get, at the branch by whether the pool has a New, when there was nothing in it: the pool is in rcx then, and zero is set
 * when it has none. False: this code is another.
 */
bool go_place_pool_miss(const struct go_code *code, struct go_point *point);

#endif /* PROBE_GO_PLACES_H */
