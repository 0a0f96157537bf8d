/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which objects of a Go program are alive, by what its last collection has found, read from its memory. One thread at a time.
 */
#ifndef TARGET_GO_SPANS_H
#define TARGET_GO_SPANS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "go.h"

struct go_spans;

enum go_verdict {
	GO_LATER = 0, /* the collection has not come to its span yet */
	GO_ALIVE =
		1, /* at the end of the last collection something lived there: it, or what has taken its place since the one before */
	GO_DEAD = 2,
};

struct go_object {
	uint64_t address, bytes; /* of its size class */
	uint64_t span;		 /* address of its mspan when it was made */
	enum go_verdict verdict;
};

/* NULL: not a Go program, or a build of which nothing is known (*why says what, "" when it is none). Belongs to the program that runs now.
 * builds as of go_open(). */
struct go_spans *go_spans_open(pid_t pid, struct go_builds *builds, char why[GO_WHY_MAX]);
void go_spans_close(struct go_spans *s);
/*
 * The runtime's sweepgen: two more with each collection. 0, or -ESRCH: the process has ended or runs another program.
 */
int go_spans_cycle(struct go_spans *s, uint32_t *cycle);
/*
 * Fills in the verdicts of objects that were made before collection `cycle` ended. 0; -EAGAIN: another one has ended meanwhile, and
 * from there on the verdict is GO_LATER; -ESRCH: the same.
 */
int go_spans_judge(struct go_spans *s, uint32_t cycle, struct go_object *objects, size_t count);

#endif /* TARGET_GO_SPANS_H */
