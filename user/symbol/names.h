/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names for stacks: modules of processes (what was mapped where, kept after a process has ended),
 * functions, files and lines, demangled. Names from a target are passed on as they are: whoever
 * writes them cleans them.
 *
 * Modules are read at once, and their files kept open from then on, because /proc/PID is gone when a
 * short process has ended. Names are found by a thread of their own (resolver.h): nothing here waits
 * for it but names_wait(). Until a name is there the frame has its module and offset. Memory is
 * bounded. All functions are for one thread.
 */
#ifndef SYMBOL_NAMES_H
#define SYMBOL_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct image;
struct names;

struct frame_name {
	uint64_t pc;	      /* as recorded: a return address */
	const char *function; /* demangled, without offset; NULL: not known */
	const char *symbol;   /* as the file has it; NULL: like function, or very long */
	uint64_t offset;      /* of pc in the function, else in the module's file */
	const char *module;   /* base name of the file; NULL: not in a known module */
	const char *file;     /* source file as in the debug information; NULL: not known */
	int line;	      /* 0: not known */
	const char *type;     /* as stack_names.type, by the call that returns to pc alone */
	/* where the code lies that pc returns to; NULL: in no file, as generated code does */
	const struct image *image;
	uint64_t address; /* of it in the file (ELF address) */
	bool inlined;	  /* this function was inlined into the next frame's */
	bool skipped;	  /* allocator internals and wrappers: never a site's function */
};

/* Belongs to the names object, strings included, and is valid until the next names_stack(),
 * names_collect() or names_wait(). */
struct stack_names {
	uint64_t site_id; /* same code, same id, in every run: build IDs and offsets only */
	size_t frame_count;
	struct frame_name *frames; /* innermost first, inlined frames included */
	size_t function_frame;	   /* index of the first frame that is not skipped */
	/* what is allocated there, as the program's language writes it; NULL: not known. names_caller() and names_innermost() alone */
	const char *type;
	bool waiting; /* some names were asked for and are not, or not completely, known yet */
};

struct names *names_new(void);
void names_free(struct names *n);
/* Adds a POSIX extended regular expression for --skip, before the first name is asked for. False with
 * a message in *error (static). */
bool names_add_skip(struct names *n, const char *regex, const char **error);

/*
 * Reads /proc/PID/maps now and remembers the modules of process `number`; again after each change.
 * Modules that have gone keep their place until something else is mapped over it. 0 or -errno.
 */
int names_read_process(struct names *n, uint32_t number, pid_t pid);
/* The child starts with the parent's modules. */
void names_fork(struct names *n, uint32_t parent, uint32_t child);
/* After exec: forgets the modules. */
void names_exec(struct names *n, uint32_t number);
/* True when the address lies in a known module (else: names_read_process may help). */
bool names_knows(const struct names *n, uint32_t number, uint64_t address);

/*
 * What is known now of the names of a stack; what is not is asked for. Where its frames are is found
 * once for (number, stack_id, call) and kept. call is folded into the site id, so that malloc and calloc
 * of one place are two sites. frame_count 0: a stack that is not known, with site id of the call alone.
 * Never NULL.
 */
const struct stack_names *names_stack(struct names *n, uint32_t number, uint64_t stack_id,
				      uint8_t call, const uint64_t *pcs, size_t frame_count);
/* What names_stack() has just answered, from the caller of Go's allocator on. */
const struct stack_names *names_caller(struct names *n);
/*
 * Of what names_stack() has just answered, one frame for each pc, from the caller of the allocator on: for stacks of Go's runtime, whose
 * inlined functions have pcs of their own (STACK_F_LOGICAL).
 */
const struct stack_names *names_innermost(struct names *n);
/*
 * Only the site id: needs no names, asks for none, cheap. *settled (NULL: not wanted): all frames are there and in
 * known modules, so that this id is the stack's for good.
 */
uint64_t names_site_id(struct names *n, uint32_t number, uint64_t stack_id, uint8_t call,
		       const uint64_t *pcs, size_t frame_count, bool *settled);

/*
 * For recordings. Modules may be looked at and, in a replay, set. Locations are those that stacks were asked for, with the names
 * that are known of them.
 */
struct modules;
struct location;
struct location_names;
struct modules *names_modules(struct names *n);
/* struct location *l; size_t at = 0; while ((l = names_next_location(n, &at))) */
const struct location *names_next_location(const struct names *n, size_t *at);
/*
 * In a replay names come from there first: from malloc, or NULL when it has none. What has none is looked for in its file if that is here;
 * generated code is never looked for.
 */
typedef struct location_names *names_source_fn(void *context, const struct location *location);
void names_set_source(struct names *n, names_source_fn *source, void *context);
/* As --skip and its defaults say. */
bool names_skips(const struct names *n, const char *function);

/* Readable when names have come: then names_collect(), and look at the stacks again. */
int names_fd(const struct names *n);
void names_collect(struct names *n);
/* How many addresses were asked for and are not, or not completely, known yet. */
size_t names_pending(const struct names *n);
/* Waits until nothing is pending, at most that long; what is pending then. */
size_t names_wait(struct names *n, int timeout_ms);
/* A new look at everything begins: names that it does not use may be forgotten for others. */
void names_pass(struct names *n);
/* How many names found no room since the beginning: more than fit into memory in one pass. */
uint64_t names_forgotten(const struct names *n);
/* Without what the libraries hold. */
size_t names_memory(const struct names *n);

#endif /* SYMBOL_NAMES_H */
