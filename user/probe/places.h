/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the probes of one module go in one process. One thread at a time. */
#ifndef PROBE_PLACES_H
#define PROBE_PLACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "../target/discover.h"
#include "loader.h"

struct place {
	uint64_t offset;  /* in the file */
	uint64_t address; /* in the process */
	uint64_t cookie;
	uint8_t was;  /* first byte of the instruction */
	bool blind;   /* no breakpoint came to stand there */
	bool returns; /* a return probe belongs to it */
};

/* Zero-initialised is empty. */
struct places {
	struct place *v;
	size_t count;
};

/*
 * Plans all functions of a module. What is refused or slow is told (`known`: only with -v). 0, or -errno: -ESRCH when the
 * process is gone.
 */
int places_plan(struct places *places, struct loader *loader, pid_t pid,
		const struct targets *targets, const struct target_module *m, bool known);
void places_done(struct places *places);
/* After attaching: marks and tells the places where no breakpoint stands. A process that is gone is no concern here. */
void places_find_blind(struct places *places, pid_t pid, const char *name, bool known);
/* Does a breakpoint stand at one of these places in the memory of `pid` (a child, which inherits them)? */
bool places_stand(const struct places *places, pid_t pid);
/*
 * Is there a function that gives allocations: not the dynamic linker's notice alone, nor what has one of the flags `without`
 * (CALL_RANGE, CALL_DRAWN, ... of calls.h)?
 */
bool places_have_allocator(const struct targets *targets, uint32_t without);
/* --dry-run: one line for each function: name, module, offset, chosen offset, instruction, cost or refusal. */
void places_print_plan(const struct targets *targets);

#endif /* PROBE_PLACES_H */
