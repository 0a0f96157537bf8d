/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the allocator functions of a process to attached probes: plan, compare with the process's
 * memory, link. One attachment for each process; detached when it is freed. One thread at a time
 * for each attachment.
 */
#ifndef PROBE_ATTACH_H
#define PROBE_ATTACH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "../target/discover.h"
#include "detach.h"
#include "loader.h"
#include "plan.h"

struct attachment;

/* `paused`: it begins with a pause. */
struct attachment *attachment_new(struct loader *loader, pid_t pid, bool paused);
/* Slow with perf events: how far it is is said each second, unless `silent`. */
void attachment_detach(struct attachment *a, bool silent);
/* Detaches what is left. NULL is fine. */
void attachment_free(struct attachment *a);

/*
 * Attaches all modules of `targets` that are not attached yet. Returns 0, or -errno when the
 * process is gone or nothing could be attached (said on stderr once, with the object). What is
 * refused or slow is told: log_warn, or log_verbose when `known` (children, later modules) so that
 * nothing is said twice.
 */
int attachment_update(struct attachment *a, const struct targets *targets, bool known);
/* Same places as another process's (a fork child: same mappings), without looking at files again.
 */
int attachment_copy(struct attachment *a, const struct attachment *from);
/*
 * A child that is not followed inherits the breakpoints, and the links of uprobe_multi and sessions
 * never take them away from it: it would pay for each of its calls for ever. Closing a second link
 * at the same places makes the kernel look through all processes and remove what nobody wants.
 */
bool attachment_marks(const struct attachment *a, pid_t child);
void attachment_sweep(const struct attachment *a);
/*
 * The breakpoints come again at the same places after they went, which takes closing what attachment_pause() adds to *d, by
 * detach_close(), in any thread. What is attached in a pause comes at its end. The dynamic linker's notice
 * stays. 0, or -errno when some places could not be linked again.
 */
void attachment_pause(struct attachment *a, struct detach *d);
int attachment_resume(struct attachment *a);
bool attachment_has(const struct attachment *a, dev_t device, ino_t inode);
/* No allocator function has a breakpoint, although the kernel accepted them. */
bool attachment_is_blind(const struct attachment *a);
size_t attachment_probe_count(const struct attachment *a);
/* Modules with a function that frees. */
unsigned attachment_free_count(const struct attachment *a);
size_t attachment_module_count(const struct attachment *a);

#endif /* PROBE_ATTACH_H */
