/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The HTTP server of --metrics: a thread of its own, which hands out text that was made before and never waits for anything but
 * its clients. The functions here are for the main thread.
 */
#ifndef EXPORT_METRICS_H
#define EXPORT_METRICS_H

#include <stddef.h>
#include <stdint.h>
#include "sink.h"

struct metrics;

/* NULL after a message. `top`: so many sites have series of their own. */
struct metrics *metrics_open(const char *address, uint64_t top);
/* From now on this is the answer. */
void metrics_update(struct metrics *m, const struct export_input *in);
/* Asks for the names that metrics_update() will write. */
void metrics_prepare(const struct metrics *m, const struct export_input *in);
void metrics_close(struct metrics *m);

#endif /* EXPORT_METRICS_H */
