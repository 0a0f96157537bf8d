/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "heard.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../base/array.h"

void heard_done(struct heard *e)
{
	free(e->raised);
	memset(e, 0, sizeof(*e));
}

struct carried heard_new(const struct carried *before, const struct carried *raised)
{
	return (struct carried){.bytes = before->bytes - raised->bytes,
				.count = before->count - raised->count};
}

struct carried heard_new_of_site(const struct heard *e, const struct heap *h, const struct site *s)
{
	static const struct carried nothing;

	if (!s->bulk)
		return nothing;
	return heard_new(&heap_bulk(h, s->bulk)->before,
			 s->bulk < e->capacity ? &e->raised[s->bulk] : &nothing);
}

int heard_raise(struct series *s, uint64_t first_ns, const struct carried *before,
		struct carried *raised, const struct series_limits *limits)
{
	struct carried more = heard_new(before, raised);
	int err;

	if (!more.bytes && !more.count)
		return 0;
	err = series_raise(s, first_ns, more.bytes, more.count, limits);
	if (!err)
		*raised = *before;
	return err;
}

int heard_raise_site(struct heard *e, const struct heap *h, const struct site *site,
		     struct series *s, uint64_t first_ns, const struct series_limits *limits)
{
	struct carried *raised;

	if (!site->bulk)
		return 0;
	raised = array_reserve(e->raised, &e->capacity, site->bulk + 1, sizeof(*raised));
	if (!raised)
		return -ENOMEM;
	e->raised = raised;
	return heard_raise(s, first_ns, &heap_bulk(h, site->bulk)->before, &raised[site->bulk],
			   limits);
}
