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
#include "difference.h"
#include "intern.h"
#include "stack_text.h"

struct line {
	const char *stack;
	uint64_t values[2]; /* of a difference both sides */
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

static uint64_t value_of_row(const struct csv_site *row, enum folded_value value)
{
	const struct totals totals = {.outstanding_bytes = row->outstanding_bytes,
				      .outstanding_count = row->outstanding_count,
				      .alloc_bytes = row->alloc_bytes,
				      .temporary_count = row->temporary_count};

	return value_of(&totals, value);
}

/* To the line of the stack in l->text. */
static void add_values(struct lines *l, uint64_t first, uint64_t second)
{
	size_t number;
	bool added;

	number = intern_put(&l->stacks, l->text.data, l->text.length, &added);
	if (number == l->capacity) {
		l->capacity = l->capacity ? 2 * l->capacity : 256;
		l->v = xrealloc(l->v, l->capacity * sizeof(*l->v));
	}
	if (added)
		l->v[number] = (struct line){.stack = intern_text(&l->stacks, number, NULL)};
	l->v[number].values[0] += first;
	l->v[number].values[1] += second;
}

static void set_stack(struct lines *l, const char *comm, const struct stack_names *names)
{
	buffer_reset(&l->text);
	stack_text_add_frame(&l->text, *comm ? comm : "[unknown]");
	buffer_add_char(&l->text, ';');
	if (names->frame_count)
		stack_text_add(&l->text, names);
	else
		buffer_add_string(&l->text, "[unknown]");
}

static int by_stack(const void *left, const void *right)
{
	const struct line *a = left, *b = right;

	return strcmp(a->stack, b->stack);
}

static void end_lines(struct lines *l, struct sink *out, bool both)
{
	size_t i;

	if (l->stacks.count)
		qsort(l->v, l->stacks.count, sizeof(*l->v), by_stack);
	for (i = 0; i < l->stacks.count && !sink_spill(out); i++) {
		buffer_printf(&out->text, "%s %" PRIu64, l->v[i].stack, l->v[i].values[0]);
		if (both)
			buffer_printf(&out->text, " %" PRIu64, l->v[i].values[1]);
		buffer_add_char(&out->text, '\n');
	}
	free(l->v);
	intern_done(&l->stacks);
	buffer_done(&l->text);
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

		breath_take(in->breath);
		if (!value)
			continue;
		set_stack(&l, known ? s->processes[site->process].comm : "",
			  in->names(in->context, site));
		add_values(&l, value, 0);
	}
	end_lines(&l, out, false);
}

/* Its stacks are folded already. */
void folded_write_difference(struct sink *out, const struct export_input *in)
{
	const struct difference *d = in->difference;
	struct lines l = {.capacity = 0};
	size_t i;

	for (i = 0; i < d->site_count; i++) {
		const struct difference_site *s = &d->sites[i];
		uint64_t a = value_of_row(s->a, in->folded), b = value_of_row(s->b, in->folded);

		if (!a && !b)
			continue;
		buffer_reset(&l.text);
		buffer_add_clean(&l.text, *s->site->stack ? s->site->stack : "[unknown]");
		add_values(&l, a, b);
	}
	end_lines(&l, out, true);
}
