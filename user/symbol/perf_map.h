/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of generated code: /tmp/perf-PID.map of a process, as its just-in-time compiler writes it. One
 * thread at a time; a struct jit never changes once it is made.
 */
#ifndef SYMBOL_PERF_MAP_H
#define SYMBOL_PERF_MAP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Longer names are cut. */
#define PERF_MAP_MAX_NAME 1024

/* Where a process with generated code keeps its map. */
struct jit {
	int root;  /* the process's root directory (O_PATH); borrowed, -1: not known */
	pid_t pid; /* as in its own pid namespace: part of the file's name */
	uid_t uid; /* whose file it may be, root's is the other */
	const struct jit *parent; /* code that was there before the fork; NULL: none */
	uint32_t recorded;	  /* its number in the recording that is replayed; 0: none */
};

struct perf_maps;

struct perf_maps *perf_maps_new(void);
void perf_maps_free(struct perf_maps *m);
/*
 * The function that contains the address and where it starts; NULL: none, or not yet (maps grow, and
 * are looked at again at most once a second). Borrowed until the next call.
 */
const char *perf_maps_find(struct perf_maps *m, const struct jit *jit, uint64_t address,
			   uint64_t *start);

#endif /* SYMBOL_PERF_MAP_H */
