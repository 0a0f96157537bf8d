/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changing probes without keeping the threads that hit them waiting.
 *
 * The kernel changes a probe under two locks: the probe's own, and one that holds off every fork,
 * whose writer waits for an RCU grace period (three or four timer ticks, 16 ms with 250 ticks a
 * second) unless another writer was there a moment ago. A thread at a breakpoint that is being
 * changed can need the probe's lock: before Linux 6.12 always, later when all who wanted the
 * breakpoint are gone. So a probe that nobody hits is made first, in a file that nobody maps: it
 * waits for the grace period, and what follows at once does not.
 *
 * Any thread.
 */
#ifndef PROBE_QUIET_H
#define PROBE_QUIET_H

#include <stdbool.h>

/*
 * Makes such a probe, with the idle program (loader_idle_program) where the kernel has uprobe_multi,
 * else with a perf event. A descriptor to be closed after the change, when there is time (that
 * waits for grace periods itself), or -errno: the change works without.
 */
int quiet_begin(int idle_program);
/* Only where it can be closed at the side of others, and so be made before each change. */
int quiet_again(int idle_program);

#endif /* PROBE_QUIET_H */
