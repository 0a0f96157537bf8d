/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compiled twice, with PLUGIN_BYTES of its own each time. */
#include "truth.h"

static SHAPE void plugin_inner(int depth)
{
	char some[PLUGIN_BYTES];

	KEEP(some);
	next(depth);
	KEEP(some);
}

void plugin_shape(int depth);
SHAPE void plugin_shape(int depth)
{
	char some[PLUGIN_BYTES * 2];

	KEEP(some);
	plugin_inner(depth);
	KEEP(some);
}

/* While the dynamic linker is on the stack. */
static __attribute__((constructor)) void at_start(void)
{
	truth_next(2);
}

static __attribute__((destructor)) void at_end(void)
{
	truth_next(2);
}
