/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "breath.h"

#include "clock.h"

/* A key waits for so much of the work at most. */
#define BREATH_NS NS_PER_MS

bool breath_due(const struct breath *b)
{
	return b && !b->inside && clock_monotonic_ns() >= b->next_ns;
}

void breath_take(struct breath *b)
{
	if (!breath_due(b))
		return;
	b->inside = true;
	b->take(b->context);
	b->inside = false;
	b->next_ns = clock_monotonic_ns() + BREATH_NS;
}
