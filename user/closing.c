/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "closing.h"

#include <stdlib.h>

#include "base/clock.h"

static void *close_all(void *arg)
{
	struct closing *c = arg;

	detach_close(&c->detach);
	__atomic_store_n(&c->done, true, __ATOMIC_RELEASE);
	return NULL;
}

void closing_begin(struct closing *c)
{
	c->begun_ns = clock_monotonic_ns();
	c->running = !pthread_create(&c->thread, NULL, close_all, c);
	if (!c->running)
		close_all(c);
}

bool closing_is_busy(const struct closing *c)
{
	return c->begun_ns && !__atomic_load_n(&c->done, __ATOMIC_ACQUIRE);
}

void closing_end(struct closing *c)
{
	if (c->running)
		pthread_join(c->thread, NULL);
	free(c->detach.links);
	free(c->detach.events);
	*c = (struct closing){0};
}
