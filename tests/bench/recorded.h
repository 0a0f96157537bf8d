/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The events of a recording (tracer -w), as a program for workload.h. One process's outstanding blocks or all of them: whatever it has. */
#ifndef BENCH_RECORDED_H
#define BENCH_RECORDED_H

#include <stddef.h>
#include <stdint.h>

#include "../../include/event.h"

struct recorded;

/* Exits after a message when it is no recording, has gaps, or there is no memory. */
struct recorded *recorded_open(const char *path);
void recorded_close(struct recorded *r);
/* The numbers of the processes that do not come by a fork; valid as r is. */
size_t recorded_processes(const struct recorded *r, const uint32_t **numbers);
/* So many events bring its heap to nine tenths of the most blocks that it ever has. */
uint64_t recorded_start(const struct recorded *r);
/* The next event, without notes; valid until the next call. NULL: at the end. */
const struct event_header *recorded_next(struct recorded *r);

#endif /* BENCH_RECORDED_H */
