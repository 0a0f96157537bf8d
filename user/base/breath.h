/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Long work of the thread that also answers keys: it breathes now and then, and whoever waits has its turn. What is done in
 * a breath may not begin such work itself, nor end what the work is about.
 */
#ifndef BASE_BREATH_H
#define BASE_BREATH_H

#include <stdbool.h>
#include <stdint.h>

struct breath {
	void (*take)(void *context);
	void *context;
	bool give_up; /* set in a breath: nobody wants any more what is waited for */
	/* from here on zeros at first */
	uint64_t next_ns;
	bool inside;
};

/* Is it time to? Never in a breath, nor for NULL. Some 30 ns. */
bool breath_due(const struct breath *b);
/* When it is. */
void breath_take(struct breath *b);

#endif /* BASE_BREATH_H */
