/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stages of one run: what it owns from the loader to the outputs. The main thread. */
#ifndef USER_STAGES_H
#define USER_STAGES_H

#include <stdbool.h>
#include "go_pool_watch.h"
#include "options.h"
#include "overhead.h"
#include "recording.h"
#include "tracker.h"
#include "watch.h"
#include "windows.h"

struct stages {
	struct tracker tracker;
	struct overhead overhead;
	struct windows windows;
	struct go_pool_watch go_pools;
	struct growth *growth;
	struct outputs *outputs;
	struct watch *watch;
	struct recording *recording; /* NULL: none */
};

/* After tracker_init(). False after a message; stages_close() is to be called all the same. */
bool stages_open(struct stages *s, const struct options *o);
/* Of them only the heap, growth and names. False after a message. */
bool stages_open_heap(struct stages *s, const struct options *o);
/* Nothing is recorded any more; its messages come before the summary. False: the file is not whole (said). */
bool stages_end_recording(struct stages *s);
/* False: an output is not whole (said). */
bool stages_close(struct stages *s);

#endif /* USER_STAGES_H */
