/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stages of one run: what it owns from the loader to the outputs. The main thread. */
#ifndef USER_STAGES_H
#define USER_STAGES_H

#include <stdbool.h>
#include "options.h"
#include "overhead.h"
#include "tracker.h"
#include "watch.h"
#include "windows.h"

struct stages {
	struct tracker tracker;
	struct overhead overhead;
	struct windows windows;
	struct growth *growth;
	struct outputs *outputs;
	struct watch *watch;
};

/* After tracker_init(). False after a message; stages_close() is to be called all the same. */
bool stages_open(struct stages *s, const struct options *o);
/* False: an output is not whole (said). */
bool stages_close(struct stages *s);

#endif /* USER_STAGES_H */
