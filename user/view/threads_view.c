/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Outstanding blocks by the thread that allocated them. Nobody keeps such sums while events are
 * applied: they come from walks over all blocks, which go on while this page is shown. Names are
 * read when they are drawn; a thread that has ended has none.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../base/xalloc.h"
#include "figures.h"
#include "kinds.h"
#include "text.h"

enum thread_column {
	COLUMN_PID,
	COLUMN_TID,
	COLUMN_OUTSTANDING,
	COLUMN_SHARE,
	COLUMN_COUNT,
	COLUMN_AVERAGE,
	COLUMN_OLDEST,
	COLUMN_COMM,
	COLUMN_COUNT_OF
};

static const struct list_column columns[COLUMN_COUNT_OF] = {
	[COLUMN_PID] = {"PID", 8, 0, 3, true, -1},
	[COLUMN_TID] = {"TID", 8, 0, 0, true, GRID_SORT_ID},
	[COLUMN_OUTSTANDING] = {"OUTSTAND", 9, 0, 0, true, SORT_OUTSTANDING},
	[COLUMN_SHARE] = {"%", 5, 0, 4, true, -1},
	[COLUMN_COUNT] = {"COUNT", 7, 0, 1, true, SORT_COUNT},
	[COLUMN_AVERAGE] = {"AVERAGE", 8, 0, 5, true, GRID_SORT_AVERAGE},
	[COLUMN_OLDEST] = {"OLDEST", 7, 0, 2, true, SORT_OLDEST},
	[COLUMN_COMM] = {"THREAD", 15, 1, 0, false, -1},
};

/* A copy: the next walk may end at any time. */
struct threads {
	struct view_thread *v;
	size_t count;
	uint64_t walk, bytes;
	bool known;
	double done, age_s;
};

static struct view_thread *thread_of(const struct grid *t, size_t row)
{
	return &((struct threads *)t->own)->v[row];
}

static void copy_threads(struct threads *threads, const struct view_walk *w)
{
	size_t i;

	threads->known = w->known;
	threads->done = w->done;
	threads->age_s = w->age_s;
	if (threads->walk == w->ended && threads->count == w->thread_count)
		return;
	threads->walk = w->ended;
	threads->count = w->thread_count;
	threads->v = xrealloc(threads->v, (w->thread_count + 1) * sizeof(*threads->v));
	memcpy(threads->v, w->threads, w->thread_count * sizeof(*threads->v));
	threads->bytes = 0;
	for (i = 0; i < threads->count; i++)
		threads->bytes += threads->v[i].bytes;
}

static size_t take_rows(struct grid *t)
{
	const struct screen_sources *sources = t->data->sources;
	const struct view_walk *w = sources->walk ? sources->walk(sources->context, 0) : NULL;
	struct threads *threads = grid_own(t, sizeof(*threads));

	grid_hide_process(t, COLUMN_PID);
	if (w && w->thread_count)
		copy_threads(threads, w);
	else if (w)
		*threads = (struct threads){.v = threads->v, .known = w->known, .done = w->done};
	return threads->count;
}

static uint64_t key(const struct grid *t, size_t row)
{
	return (uint64_t)thread_of(t, row)->process << 32 | thread_of(t, row)->tid;
}

static double average(const struct view_thread *thread)
{
	return thread->count ? (double)thread->bytes / (double)thread->count : 0;
}

static double value(const struct grid *t, size_t row, int sort)
{
	const struct view_thread *thread = thread_of(t, row);

	switch (sort) {
	case GRID_SORT_ID: return thread->tid;
	case SORT_COUNT: return (double)thread->count;
	case GRID_SORT_AVERAGE: return average(thread);
	case SORT_OLDEST: return thread->oldest_s;
	default: return (double)thread->bytes;
	}
}

static const char *comm_of(const struct grid *t, struct view_thread *thread)
{
	const struct screen_sources *sources = t->data->sources;

	if (!thread->named && sources->thread_name)
		sources->thread_name(sources->context, thread->process, thread->tid, thread->comm,
				     sizeof(thread->comm));
	thread->named = true;
	return thread->comm;
}

static void add_pid(const struct grid *t, uint32_t process, struct buffer *out)
{
	const struct snapshot *s = t->data->snapshot;
	size_t i;

	for (i = 0; i < s->process_count; i++) {
		if (s->processes[i].index == process)
			buffer_printf(out, "%u", s->processes[i].pid);
	}
}

static void cell(struct grid *t, size_t row, size_t column, struct buffer *out, enum style *style)
{
	struct view_thread *thread = thread_of(t, row);

	switch ((enum thread_column)column) {
	case COLUMN_PID: add_pid(t, thread->process, out); break;
	case COLUMN_TID: buffer_printf(out, "%u", thread->tid); break;
	case COLUMN_OUTSTANDING:
		figure_bytes(out, thread->bytes);
		*style = STYLE_STRONG;
		break;
	case COLUMN_SHARE:
		figure_share(out, (double)thread->bytes, (double)((struct threads *)t->own)->bytes);
		break;
	case COLUMN_COUNT: figure_count(out, thread->count); break;
	case COLUMN_AVERAGE: figure_bytes(out, (uint64_t)(average(thread) + 0.5)); break;
	case COLUMN_OLDEST: figure_age(out, thread->oldest_s); break;
	default:
		if (comm_of(t, thread)[0]) {
			buffer_add_clean(out, thread->comm);
		} else if (t->data->sources->thread_name) {
			buffer_add_string(out, "(ended)");
			*style = STYLE_FAINT;
		}
		break;
	}
}

static int match(struct grid *t, size_t row, const char *text)
{
	char tid[16];

	snprintf(tid, sizeof(tid), "%u", thread_of(t, row)->tid);
	return text_contains(comm_of(t, thread_of(t, row)), text) || strcmp(tid, text) == 0;
}

static void note(const struct grid *t, struct buffer *out)
{
	const struct threads *threads = t->own;

	if (threads && !threads->known)
		buffer_printf(out, "walking the blocks: %.0f%%", 100 * threads->done);
	else if (threads) {
		buffer_add_string(out, "as of ");
		figure_age(out, threads->age_s);
		buffer_add_string(out, " ago");
	}
}

static void done(void *own)
{
	free(((struct threads *)own)->v);
}

const struct grid_kind threads_kind = {
	.name = "Threads",
	.noun = "thread",
	.empty = "no outstanding block",
	.columns = columns,
	.column_count = COLUMN_COUNT_OF,
	.first_sort = SORT_OUTSTANDING,
	.late = true,
	.rows = take_rows,
	.key = key,
	.value = value,
	.cell = cell,
	.match = match,
	.note = note,
	.done = done,
};
