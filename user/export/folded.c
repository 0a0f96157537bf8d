/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sites whose stacks read the same (of several allocator functions, or of several processes of one name) are one line. Lines
 * are sorted, so that two files can be compared.
 */
#include "folded.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "../base/xalloc.h"
#include "intern.h"
#include "stack_text.h"

struct line {
	const char *stack;
	uint64_t value;
};

struct lines {
	struct intern stacks;
	struct line *v; /* by number of the stack */
	size_t capacity;
	struct buffer text; /* scratch */
};

static const char *const value_names[] = {
	[FOLDED_OUTSTANDING] = "outstanding",
	[FOLDED_ALLOCATED] = "allocated",
	[FOLDED_COUNT] = "count",
	[FOLDED_TEMPORARY] = "temporary",
};

bool folded_value_parse(const char *name, enum folded_value *value)
{
	size_t i;

	for (i = 0; i < sizeof(value_names) / sizeof(value_names[0]); i++) {
		if (strcmp(name, value_names[i]) != 0)
			continue;
		*value = (enum folded_value)i;
		return true;
	}
	return false;
}

static uint64_t value_of(const struct totals *t, enum folded_value value)
{
	switch (value) {
	case FOLDED_OUTSTANDING: return t->outstanding_bytes;
	case FOLDED_ALLOCATED: return t->alloc_bytes;
	case FOLDED_COUNT: return t->outstanding_count;
	case FOLDED_TEMPORARY: return t->temporary_count;
	}
	return 0;
}

static void add_value(struct lines *l, const char *comm, const struct stack_names *names,
		      uint64_t value)
{
	size_t number;
	bool added;

	buffer_reset(&l->text);
	stack_text_add_frame(&l->text, *comm ? comm : "[unknown]");
	buffer_add_char(&l->text, ';');
	if (names->frame_count)
		stack_text_add(&l->text, names);
	else
		buffer_add_string(&l->text, "[unknown]");
	number = intern_put(&l->stacks, l->text.data, l->text.length, &added);
	if (number == l->capacity) {
		l->capacity = l->capacity ? 2 * l->capacity : 256;
		l->v = xrealloc(l->v, l->capacity * sizeof(*l->v));
	}
	if (added)
		l->v[number] = (struct line){.stack = intern_text(&l->stacks, number, NULL)};
	l->v[number].value += value;
}

static int by_stack(const void *left, const void *right)
{
	const struct line *a = left, *b = right;

	return strcmp(a->stack, b->stack);
}

void folded_write(struct sink *out, const struct export_input *in)
{
	const struct snapshot *s = in->snapshot;
	struct lines l = {.capacity = 0};
	size_t i;

	for (i = 0; i < s->site_count; i++) {
		const struct snapshot_site *site = &s->sites[i];
		uint64_t value = value_of(&site->totals, in->folded);
		bool known = site->process < s->process_count;

		if (value)
			add_value(&l, known ? s->processes[site->process].comm : "",
				  in->names(in->context, site), value);
	}
	if (l.stacks.count)
		qsort(l.v, l.stacks.count, sizeof(*l.v), by_stack);
	for (i = 0; i < l.stacks.count && !sink_spill(out); i++)
		buffer_printf(&out->text, "%s %" PRIu64 "\n", l.v[i].stack, l.v[i].value);
	free(l.v);
	intern_done(&l.stacks);
	buffer_done(&l.text);
}
