/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which functions of which mapped files are the allocator of a process: the executable, preloaded
 * and needed libraries in the dynamic linker's order of lookup; for each symbol the first module
 * that defines it is the one that is bound. All files are opened through the process (map_files,
 * root), so containers and deleted files work. Everything read is hostile: counts and offsets are
 * checked, work is bounded.
 */
#ifndef TARGET_DISCOVER_H
#define TARGET_DISCOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "../../include/calls.h"
#include "../../include/go_shape.h"
#include "go.h"

/* One function to probe. Aliases at one address are one entry. */
struct target_function {
	enum call_id call;
	const char *symbol; /* as in the symbol table ("_Znwm"); owned by the targets object */
	uint64_t address;   /* ELF virtual address */
	uint64_t size;	    /* from the symbol table, 0 unknown */
	uint64_t file_offset;
	uint8_t code[8];     /* the probe goes exactly there, on this instruction */
	uint8_t code_length; /* 0: where it goes is planned */
	uint64_t calls;	     /* bit 1 << id for each call whose symbol ended up here: `call` and its
			   aliases */
};

/* A file that defines allocator functions, mapped executable in the process. */
struct target_module {
	char *path;	    /* as the process sees it, for people */
	char open_path[64]; /* /proc/PID/map_files/... or /proc/PID/root..., for open() and
			       attaching */
	int fd;		    /* open for reading; owned */
	dev_t device;
	ino_t inode;
	uint64_t bias; /* address in memory - ELF virtual address */
	bool deleted;
	bool is_linker; /* the dynamic linker: only CALL_MODULES unless it is also libc (musl) */
	struct target_function *functions;
	size_t function_count;
	bool has_go;	    /* the runtime of a Go program, whose heap is sampled */
	struct go_shape go; /* valid when it has */
};

struct targets {
	struct target_module *modules;
	size_t module_count;
	char go_refused
		[GO_WHY_MAX]; /* a Go program whose heap cannot be sampled: why; "": it is none */
	char *looked_at;      /* "a, b, c": all files that were searched, for the error message */
};

struct discover_options {
	const char *const
		*objects; /* -O: also these (paths as the process or as the caller sees them) */
	size_t object_count;
	bool ranges;		     /* also mmap, munmap, mremap */
	struct go_builds *go_builds; /* what is known of Go programs; NULL: nothing */
};

/*
 * 0, or -errno: -ESRCH gone, -EACCES/-EPERM no rights, -ENOEXEC 32-bit or foreign machine. Nothing
 * found is not an error: module_count is 0. Module order is order of lookup.
 */
int discover_process(pid_t pid, const struct discover_options *options, struct targets *targets);
/* The places in Go runtimes are not to be probed after all. */
void targets_drop_go(struct targets *targets);
void targets_done(struct targets *targets);

/* Code of a module for the planner: plan_code_fn and plan_covers_fn with a struct discover_code as
 * context. */
struct discover_code;
struct discover_code *discover_code_open(const struct targets *targets,
					 const struct target_module *module);
void discover_code_close(struct discover_code *code);
const uint8_t *discover_code_get(void *code, uint64_t address, uint64_t *start, uint64_t *end);
bool discover_code_covers(void *code, uint64_t address, enum call_kind kind);

#endif /* TARGET_DISCOVER_H */
