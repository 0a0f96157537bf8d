/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the live heap of a Go program by call site comes from: one of the two ways, never both. The main thread only. */
#ifndef USER_GO_HEAP_H
#define USER_GO_HEAP_H

#include <stdbool.h>

struct go_process;
struct targets;
struct tracked;
struct tracker;

/* Its runtime keeps a profile now. False also when that cannot be read. */
bool go_heap_keeps_profile(struct go_process *go);
/*
 * Before its probes are placed: decides for the program that runs now, and takes the places in its runtime out of *targets when its
 * heap is not to be sampled.
 */
void go_heap_choose(struct tracker *t, struct tracked *p, struct targets *targets);
/* After that: the sampler knows of it; what cannot be sampled is said. */
void go_heap_begin(struct tracker *t, struct tracked *p, const struct targets *targets);

#endif /* USER_GO_HEAP_H */
