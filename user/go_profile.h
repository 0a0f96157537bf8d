/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The heap profiles that Go runtimes keep of themselves, into the heap: each change of a record is one of its call site. Read without
 * the heap's lock, handed in with it. The main thread only.
 */
#ifndef USER_GO_PROFILE_H
#define USER_GO_PROFILE_H

#include <stdbool.h>
#include <stdint.h>

struct go_heap_facts;
struct go_process;
struct go_profiled;
struct options;
struct tracked;
struct tracker;

/* Of a process that runs this program; before: it ran already when tracing began. Borrows the process. */
struct go_profiled *go_profiled_new(const struct go_process *go, bool before);
/* What was switched on in t is switched off before. NULL is fine. */
void go_profiled_free(struct tracked *t, struct go_profiled *p);

/*
 * Reads all profiles anew. With tracker.go_enable_profile those that are off are switched on, in the process, and that is said. The figures
 * of the runtime must have passed its own checks before.
 */
void go_profiles_read(struct tracker *t, const struct options *o);
/*
 * Hands what has changed to the heap, as of this time of the event clock: of objects within -z and -Z. With the heap's lock.
 */
void go_profiles_feed(struct tracker *t, const struct options *o, uint64_t time_ns);

/* Switches off what was switched on, and says so, or what remains. Once is enough. */
void go_profiles_end(struct tracker *t);

/* What is known of the profile of the process. */
void go_profile_figures(const struct tracked *t, struct go_heap_facts *out);

#endif /* USER_GO_PROFILE_H */
