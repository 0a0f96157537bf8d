/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the notes of a recording: what a live run knows of processes, modules and names. The main thread only.
 */
#ifndef USER_REPLAYED_H
#define USER_REPLAYED_H

#include <stdbool.h>
#include <stdint.h>
#include "capture/replay.h"
#include "facts.h"
#include "tracker.h"

struct replayed;

/* Reads the names; `names` and `replay` are borrowed. Never NULL. */
struct replayed *replayed_new(struct replay *replay);
/* After the names object that they were set for. */
void replayed_free(struct replayed *r);
/* The tracker is a new one (also after a rewind): its names come from here. */
void replayed_begin(struct replayed *r, struct tracker *t);
/* Modules, images and spaces. False: it is a note of another kind. */
bool replayed_note(struct replayed *r, struct tracker *t, const struct event_header *note);
/* Processes of these facts are in the tracker from now on. */
void replayed_facts(struct tracker *t, const struct facts *f);

#endif /* USER_REPLAYED_H */
