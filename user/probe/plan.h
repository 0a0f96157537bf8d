/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a function to the places where probes go. Pure: bytes in, decision out; no process, no
 * kernel.
 *
 * x86 uprobes emulate push, nop, jmp, jcc and call; any other instruction is single-stepped (20
 * times the cost in a virtual machine, 3 times on bare metal). So a probe goes to the first
 * emulated instruction that is reached by every call of the function, before which no argument
 * register and no stack pointer has changed, and into whose skipped range nothing in the function
 * jumps. Else to the entry, at the cost of a single step.
 */
#ifndef PROBE_PLAN_H
#define PROBE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../../include/calls.h"

enum plan_cost { COST_EMULATED = 0, COST_STEPPED = 1 };
enum plan_return {
	RETURN_NONE = 0,  /* not needed */
	RETURN_PROBE = 1, /* session, uretprobe */
	RETURN_RETS = 2,  /* plain probes on each ret instruction: the function may throw */
};

#define PLAN_MAX_RETS 16

struct plan_point {
	uint64_t address; /* ELF virtual address */
	enum plan_cost cost;
	char instruction[48]; /* "push %r12", AT&T syntax */
	uint8_t bytes[16]; /* the instruction as the file has it, to compare with memory; the rest
			      is 0 */
	uint8_t length;	   /* of the instruction */
};

struct plan {
	bool refused;
	char reason[128]; /* why refused, why not moved, or "" */
	bool passes;	  /* a calloc that calls a malloc */
	bool covered; /* another probed function is always called with the same block: no own probe
		       */
	struct plan_point entry;
	uint64_t entry_offset; /* entry.address - function start */
	enum plan_return returns;
	struct plan_point rets[PLAN_MAX_RETS];
	size_t ret_count;
};

/*
 * Gives the code of the function that contains `address`: returns its bytes from *start on, all
 * *end - *start of them readable. The bounds come from a symbol or an unwind entry. NULL when
 * nothing is known there. For a PLT stub of a function of the same module it may give that function
 * (then `address` is not within the bounds). Borrowed until the next call.
 */
typedef const uint8_t *plan_code_fn(void *context, uint64_t address, uint64_t *start,
				    uint64_t *end);
/*
 * True when `address` is the start (or PLT stub) of a function that gets a probe of the same kind.
 * Then a CALL_FREE that jumps or calls there, or a CALL_MAY_THROW that jumps there, is covered, and a CALL_ALLOC_PRODUCT that
 * jumps or calls to a CALL_ALLOC_SIZE0 passes its calls on.
 */
typedef bool plan_covers_fn(void *context, uint64_t address, enum call_kind kind);

struct plan_request {
	uint64_t address; /* ELF virtual address of the function */
	uint64_t size;	  /* from the symbol table; 0: unknown */
	enum call_id call;
	plan_code_fn *code;
	plan_covers_fn *covers; /* may be NULL */
	bool no_return_probe;	/* results are taken at ret instructions, whatever the call is */
	void *context;
};

/* A place that is known already: only that the kernel emulates the instruction is looked at. */
void plan_exactly(uint64_t address, const uint8_t *code, size_t length, struct plan *plan);
/* Fills *plan. Never fails otherwise than by plan->refused. */
void plan_function(const struct plan_request *request, struct plan *plan);
enum call_kind call_kind(enum call_id id);
uint32_t call_flags(enum call_id id);
const char *call_name(enum call_id id);

#endif /* PROBE_PLAN_H */
