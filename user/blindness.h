/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Says when a class of probes of a process sees nothing (analyse/blind.h). The main thread only. */
#ifndef USER_BLINDNESS_H
#define USER_BLINDNESS_H

#include "options.h"
#include "tracker.h"
#include "windows.h"

/* Its resident memory now; UINT64_MAX: not known. */
void blindness_note_rss(struct tracked *t, uint64_t rss);
/*
 * Fills p->blind. Once a process it is said: what is sure as soon as it is known; growth alone not before the next snapshot
 * or the end: a program that starts may load much before it allocates.
 */
void blindness_look(const struct options *o, const struct windows *windows,
		    struct snapshot_process *p, struct tracked *t);
void blindness_warn(enum blind blind, const struct snapshot_process *p, const struct tracked *t);

#endif /* USER_BLINDNESS_H */
