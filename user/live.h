/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the screen of a live run asks for, beside snapshots. The main thread only. */
#ifndef USER_LIVE_H
#define USER_LIVE_H

#include <stdbool.h>
#include <stdint.h>
#include "stages.h"
#include "view/screen.h"
#include "walk.h"

/* What the keys ask of a replay. */
struct live_play {
	bool paused, ended;
	double speed;
	double at_s, length_s; /* as struct view_playback has it */
	double seek_s;	       /* asked for, from where it is; 0: nothing */
	int baseline;	       /* asked for: 1 to take one, -1 to reset it */
};

struct live {
	struct stages *stages;
	struct screen_sources sources;
	struct screen *screen; /* NULL: none */
	struct walk walk;
	char exported[256]; /* file of the last export */
	bool replay;	    /* nothing is asked of processes: they are not there */
	uint64_t now_ns;    /* then: the clock of events */
	struct live_play play;
};

/* Is there to be a screen? */
bool live_wanted(const struct options *o);
/* Takes the terminal. False after a message. */
bool live_open(struct live *l, struct stages *stages, const struct screen_options *options);
void live_close(struct live *l);
/* SIGWINCH, SIGTSTP or SIGCONT. */
void live_signal(struct live *l, uint32_t signal);
/* What SCREEN_EXPORT asked for was written, or could not be. */
void live_exported(struct live *l);
/* A snapshot was written to all outputs. */
void live_written(struct live *l);
/* When live_step() is due; UINT64_MAX: not before it is asked for something. */
uint64_t live_next_ns(const struct live *l);
/* A replay stands at another moment: what was begun there is not gone on with. */
void live_moved(struct live *l, uint64_t now_ns);
/* Goes on with what was asked for, for a moment. */
void live_step(struct live *l);

#endif /* USER_LIVE_H */
