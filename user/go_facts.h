/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the runtime of a traced Go program counts. Read for each snapshot. The main thread only. */
#ifndef USER_GO_FACTS_H
#define USER_GO_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct go_gc_watch;
struct go_pool_watched;
struct go_process;
struct go_profiled;
struct go_watch;
struct options;
struct tracked;
struct tracker;
struct process_facts;

/* Part of struct tracked; all zeros at first. */
struct go_facts {
	struct go_process *process;  /* NULL: not a Go program, or none that is known */
	struct go_profiled *profile; /* of its heap; NULL: not looked at yet */
	size_t image;		     /* of the program that was looked at; 0: none yet */
	bool only;		     /* it has no allocator to trace */
	bool seen;		     /* figures have been read */
	bool doubt_said;
	struct go_gc_watch *gc;	       /* NULL: not begun */
	uint32_t gc_count;	       /* cycles at its last reading */
	struct go_pool_watched *pools; /* NULL: not looked at yet, or not to be */
	uint64_t first;		       /* go_heap_bytes() when tracing began; 0: not known */
	struct go_watch *watch;	       /* its goroutines; NULL: not looked at yet */
	bool sampled; /* its heap is, by the tracer: else it is that of its profile */
	bool source_said;
	bool refusal_said; /* that it cannot be */
};

/* Looks at the program that it runs now: true when it is a Go program whose figures can be read; says so when they cannot. */
bool go_facts_open(struct tracked *t);
/* The same, of a process without an allocator to trace: these are all the figures that there are, and that is said. */
bool go_facts_alone(struct tracked *t);
/* The figures of its Go program have passed the checks that the runtime makes of itself, once at least. */
bool go_facts_are_sound(struct tracked *t);
/* Tracing of it begins now: what it has from here on is compared with this. */
void go_facts_begin(struct tracked *t);
/* Reads what there is now into the facts of the process. */
void go_facts_gather(struct tracked *t, const struct tracker *tracker, const struct options *o,
		     struct process_facts *f);
/* Looks whether collections have ended since. Some times a second, so that each has its place in the history. True: there is such a
 * program. */
bool go_facts_poll(struct tracker *t, const struct options *o);
/* Of that, the goroutines alone, for a sample of growth. */
void go_facts_goroutines(struct tracked *t, const struct options *o, struct process_facts *f);
void go_facts_close(struct tracked *t);

#endif /* USER_GO_FACTS_H */
