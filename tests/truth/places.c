/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions that allocate: `extra` says how many others may stand between them and the allocator. */
#include "truth.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static SHAPE void take_malloc(int depth)
{
	void *p = malloc(24);

	truth_note(p, 0, 0);
	KEEP(&depth);
}

static SHAPE void take_calloc(int depth)
{
	void *p = calloc(3, 8);

	truth_note(p, 0, 0);
	KEEP(&depth);
}

static SHAPE void take_realloc(int depth)
{
	void *p = realloc(NULL, 40);

	p = realloc(p, 4000);
	truth_note(p, 0, 0);
	KEEP(&depth);
}

static SHAPE void take_aligned(int depth)
{
	void *p = NULL;

	if (draw(2) && posix_memalign(&p, 64, 100))
		return;
	if (!p)
		p = aligned_alloc(64, 128);
	truth_note(p, 0, 0);
	KEEP(&depth);
}

static SHAPE void take_strdup(int depth)
{
	char *p = strdup("twenty-four characters..");

	truth_note(p, 1, 0);
	KEEP(&depth);
}

static SHAPE void take_asprintf(int depth)
{
	char *p = NULL;

	if (asprintf(&p, "%d and %s", depth, "some more text that makes it longer") > 0)
		truth_note(p, 6, 0);
	KEEP(&depth);
}

/* When optimised, the allocator takes this function's place on the stack. */
static SHAPE void *tail(size_t bytes)
{
	return malloc(bytes);
}

static SHAPE void take_tail(int depth)
{
	void *p = tail(24);

	truth_note(p, 1, 0);
	KEEP(&depth);
}

static SHAPE void take_jump(int depth)
{
	void *p = form_take_jump(24);

	truth_note(p, 0, 0);
	KEEP(&depth);
}

static void *(*volatile by_pointer)(size_t) = malloc;

static SHAPE void take_pointer(int depth)
{
	char big[200];
	void *p = by_pointer(24);

	KEEP(big);
	truth_note(p, 0, 0);
	KEEP(&depth);
}

shape_fn *takes[] = {
	take_malloc, take_calloc, take_realloc,	  take_aligned,	 take_strdup,	take_asprintf,
	take_tail,   take_jump,	  take_pointer,	  form_take_rsp, form_take_rbp, form_take_pushed,
	take_new,    take_string, take_exception, take_rust,
};
unsigned int take_count = sizeof(takes) / sizeof(takes[0]);
