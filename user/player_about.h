/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef USER_PLAYER_ABOUT_H
#define USER_PLAYER_ABOUT_H

#include <stdint.h>
#include "capture/replay.h"
#include "options.h"

struct player_about {
	uint64_t begun_ns, begun_realtime_ns;
	double leak_interval_s;
};

/* Opens o->read; options about what was recorded are overwritten. NULL after a message. */
struct replay *player_source(struct options *o, struct player_about *about);

#endif /* USER_PLAYER_ABOUT_H */
