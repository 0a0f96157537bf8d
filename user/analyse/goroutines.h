/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the goroutines of Go programs change over the leak window, by the rules that sites are judged by (judge.h): a goroutine is a block
 * of its origin, the go statement that started it. Samples are those of growth.h. Plain values: no clock.
 */
#ifndef ANALYSE_GOROUTINES_H
#define ANALYSE_GOROUTINES_H

#include <stdint.h>
#include "../base/buffer.h"
#include "judge.h"
#include "snapshot.h"

struct goroutines;

/* Never NULL. */
struct goroutines *goroutines_new(void);
void goroutines_free(struct goroutines *g);

/*
 * A sample of one process, by its number; by->window.now_ns is its moment. What is not whole is none. 0 or -ENOMEM (then some histories
 * have a hole).
 */
int goroutines_sample(struct goroutines *g, uint32_t process, const struct go_goroutines *now,
		      const struct judging *by);
/* Rows of a process of a snapshot, with what the samples so far say, and its figures. `process` is its index in the snapshot. */
void goroutines_fill(const struct goroutines *g, struct snapshot *s, uint32_t process,
		     const struct go_goroutines *now);

/*
 * Why it has its verdict, one line without its end: "grew 12/s for 25s (p < 0.001); of 400 goroutines older than 20s, 400 are still
 * there".
 */
void goroutines_add_reasons(struct buffer *out, const struct snapshot_goroutines *row);

#endif /* ANALYSE_GOROUTINES_H */
