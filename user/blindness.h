/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Classes of probes that see nothing, which makes figures wrong: found in a snapshot, said once. */
#ifndef USER_BLINDNESS_H
#define USER_BLINDNESS_H

#include <stdbool.h>
#include "analyse/snapshot.h"
#include "options.h"
#include "tracker.h"

/* Fills in p->blind, and warns. `partial`: not all of the time is covered. */
void blindness_look(const struct options *o, struct snapshot_process *p, struct tracked *t,
		    bool partial);
void blindness_warn(enum blind blind, const struct snapshot_process *p, const struct tracked *t);

#endif /* USER_BLINDNESS_H */
