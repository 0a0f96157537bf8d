/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the screen of a live run asks for, beside snapshots. The main thread only. */
#ifndef USER_LIVE_H
#define USER_LIVE_H

#include <stdbool.h>
#include <stdint.h>
#include "stages.h"
#include "view/screen.h"
#include "walk.h"

struct live {
	struct stages *stages;
	struct screen_sources sources;
	struct screen *screen; /* NULL: none */
	struct walk walk;
	char exported[256]; /* file of the last export */
	bool replay;	    /* nothing is asked of processes: they are not there */
	uint64_t now_ns;    /* then: the clock of events */
};

/* Takes the terminal. False after a message. */
bool live_open(struct live *l, struct stages *stages, const struct screen_options *options);
void live_close(struct live *l);
/* What SCREEN_EXPORT asked for was written, or could not be. */
void live_exported(struct live *l);
/* When live_step() is due; UINT64_MAX: not before it is asked for something. */
uint64_t live_next_ns(const struct live *l);
/* Goes on with what was asked for, for a moment. */
void live_step(struct live *l);

#endif /* USER_LIVE_H */
