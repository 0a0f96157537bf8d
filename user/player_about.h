/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef USER_PLAYER_ABOUT_H
#define USER_PLAYER_ABOUT_H

#include <stdbool.h>
#include <stdint.h>
#include "capture/replay.h"
#include "options.h"

struct player_about {
	uint64_t begun_ns, begun_realtime_ns;
	double leak_interval_s;
};

/* Opens o->read; options about what was recorded are overwritten. NULL after a message. */
struct replay *player_source(struct options *o, struct player_about *about);

/*
 * What makes the figures less than those of the run, one line each. over: it was read to its end. gap: so many events are missing.
 * full: it has no events from somewhere on. False: it is damaged.
 */
bool player_say_end(const char *path, const struct replay *replay, bool over, uint64_t gap,
		    bool full);

#endif /* USER_PLAYER_ABOUT_H */
