// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The sources of the screen (view/sources.h) for a live run: each answers from what is known now. Walks
 * over blocks go on between keys.
 */
#include "live.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "analyse/growth.h"
#include "base/clock.h"
#include "export/formats.h"
#include "outputs.h"
#include "symbol/names.h"

#define HISTORY_MOST 128
#define SPEED_MOST   1024.0
#define SEEK_S	     10.0

static const struct stack_names *find_names(void *context, const struct snapshot_site *site)
{
	struct live *l = context;

	return outputs_names(l->stages->outputs, site);
}

static const struct stack_names *find_goroutine_names(void *context, const struct snapshot *s,
						      const struct snapshot_goroutines *row)
{
	struct live *l = context;

	return outputs_goroutine_names(l->stages->outputs, s, row);
}

/* A row may stand for several sites of the heap: the same code at other addresses. */
static size_t find_history(void *context, uint32_t site, struct view_point *points, size_t capacity)
{
	struct live *l = context;
	const struct rows *rows = outputs_rows(l->stages->outputs);
	struct growth_point found[HISTORY_MOST];
	uint64_t now = l->replay ? l->now_ns : clock_monotonic_ns();
	size_t count = 0, n, i;
	uint32_t other;

	capacity = capacity < HISTORY_MOST ? capacity : HISTORY_MOST;
	for (other = site < rows->count ? site : 0; other; other = rows->next[other]) {
		n = growth_history(l->stages->growth, other, found, capacity);
		for (i = 0; i < n; i++) {
			if (i >= count)
				points[i] = (struct view_point){
					.ago_s = (double)(now - found[i].time_ns) / NS_PER_S};
			points[i].bytes += (double)found[i].bytes;
		}
		count = n > count ? n : count;
	}
	return count;
}

static struct view_walk *ask_walk(void *context, uint32_t site)
{
	struct live *l = context;

	return walk_ask(&l->walk, site);
}

static void find_thread_name(void *context, uint32_t process, uint32_t tid, char *out, size_t size)
{
	struct live *l = context;
	struct tracker *t = &l->stages->tracker;
	uint32_t pid;
	char path[64];
	FILE *f;

	consumer_lock(t->consumer);
	pid = heap_process(t->heap, process)->pid;
	consumer_unlock(t->consumer);
	out[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%u/task/%u/comm", pid, tid);
	f = fopen(path, "re");
	if (!f)
		return;
	if (!fgets(out, (int)size, f))
		out[0] = '\0';
	out[strcspn(out, "\n")] = '\0';
	fclose(f);
}

static void add_progress(void *context, struct buffer *out)
{
	struct live *l = context;
	const struct tracker *t = &l->stages->tracker;
	size_t names = names_pending(t->names);
	struct unwind_progress tables = {0};
	const char *slash;

	if (t->unwind)
		tables = unwind_tables_progress(t->unwind);
	if (tables.making) {
		slash = tables.path ? strrchr(tables.path, '/') : NULL;
		buffer_add_string(out, "reading tables of ");
		buffer_add_clean(out, slash ? slash + 1 : tables.path ? tables.path : "?");
		buffer_printf(out, " %zu/%zu", tables.files - tables.making + 1, tables.files);
	} else if (names) {
		buffer_printf(out, "names: %zu waiting", names);
	}
}

static bool find_lifetimes(void *context, uint32_t site, struct lifetimes *out)
{
	struct live *l = context;
	const struct rows *rows = outputs_rows(l->stages->outputs);
	struct tracker *t = &l->stages->tracker;
	uint32_t other;

	*out = (struct lifetimes){0};
	consumer_lock(t->consumer);
	for (other = site < rows->count ? site : 0; other; other = rows->next[other]) {
		const struct lifetimes *one = heap_site_lifetimes(t->heap, other);

		histogram_merge(&out->ages, &one->ages);
		histogram_merge(&out->sizes, &one->sizes);
	}
	consumer_unlock(t->consumer);
	return true;
}

static void set_baseline(void *context, bool on)
{
	struct live *l = context;

	l->play.baseline = on ? 1 : -1;
}

static void find_playback(void *context, struct view_playback *out)
{
	const struct live *l = context;

	*out = (struct view_playback){.paused = l->play.paused,
				      .ended = l->play.ended,
				      .speed = l->play.speed,
				      .at_s = l->play.at_s,
				      .length_s = l->play.length_s};
}

static void step(void *context, enum view_step what)
{
	struct live *l = context;

	switch (what) {
	case STEP_TOGGLE: l->play.paused = !l->play.paused; break;
	case STEP_FASTER: l->play.speed = fmin(l->play.speed * 2, SPEED_MOST); break;
	case STEP_SLOWER: l->play.speed = fmax(l->play.speed / 2, 1 / SPEED_MOST); break;
	case STEP_BACK: l->play.seek_s -= SEEK_S; break;
	case STEP_FORWARD: l->play.seek_s += SEEK_S; break;
	}
}

static size_t find_alerts(void *context, struct view_alert *out, size_t capacity)
{
	struct live *l = context;
	const struct watch_firing *firings;
	size_t i, count = watch_firings(l->stages->watch, &firings);

	if (count > capacity) {
		firings += count - capacity;
		count = capacity;
	}
	for (i = 0; i < count; i++) {
		const struct watch_firing *f = &firings[i];

		out[i] = (struct view_alert){
			.realtime_ns = f->realtime_ns, .rule = f->rule->text, .pid = f->pid};
		memcpy(out[i].comm, f->comm, sizeof(out[i].comm));
		alert_value_text(f->rule->metric, f->value, out[i].value, sizeof(out[i].value));
	}
	return count;
}

static bool find_format(void *context, size_t index, struct view_format *out)
{
	(void)context;
	if (index >= FORMATS)
		return false;
	*out = (struct view_format){.name = export_formats[index].name,
				    .suffix = export_formats[index].suffix,
				    .what = export_formats[index].what};
	return true;
}

static bool begin_export(void *context, size_t format, const char *path)
{
	struct live *l = context;

	if (!outputs_export(l->stages->outputs, export_formats[format].name, path))
		return false;
	snprintf(l->exported, sizeof(l->exported), "%s", path);
	return true;
}

/* A file that was asked for is written. What went wrong would have been said instead. */
void live_exported(struct live *l)
{
	if (l->screen)
		screen_message(l->screen, "wrote '%s'", l->exported);
}

void live_written(struct live *l)
{
	size_t files;

	if (!l->screen)
		return;
	files = outputs_count(l->stages->outputs);
	if (files)
		screen_message(l->screen, "wrote a snapshot to %zu %s", files,
			       files == 1 ? "file" : "files");
	else
		screen_message(l->screen,
			       "there is no file to write to: name one (key e), or at the start, "
			       "as with --csv");
}

bool live_wanted(const struct options *o)
{
	if (options_to_stdout(o) || o->batch || (o->command && !o->live))
		return false;
	return isatty(STDOUT_FILENO) && isatty(STDIN_FILENO);
}

void live_signal(struct live *l, uint32_t signal)
{
	if (!l->screen)
		return;
	if (signal == SIGWINCH)
		screen_resize(l->screen);
	else if (signal == SIGTSTP)
		screen_suspend(l->screen);
	else
		screen_continue(l->screen);
}

bool live_open(struct live *l, struct stages *stages, const struct screen_options *options)
{
	l->stages = stages;
	l->sources = (struct screen_sources){
		.context = l,
		.names = find_names,
		.goroutine_names = find_goroutine_names,
		.history = find_history,
		.walk = ask_walk,
		.thread_name = l->replay ? NULL : find_thread_name,
		.progress = add_progress,
		.lifetimes = find_lifetimes,
		.set_baseline = set_baseline,
		.alerts = find_alerts,
		.playback = l->replay ? find_playback : NULL,
		.step = l->replay ? step : NULL,
		.export_format = find_format,
		.export_begin = begin_export,
	};
	walk_init(&l->walk, &stages->tracker, outputs_rows(stages->outputs));
	l->screen = screen_open(options, &l->sources);
	return l->screen != NULL;
}

void live_close(struct live *l)
{
	screen_close(l->screen);
	l->screen = NULL;
	walk_done(&l->walk);
}

void live_moved(struct live *l, uint64_t now_ns)
{
	l->now_ns = now_ns;
	walk_stop(&l->walk);
}

uint64_t live_next_ns(const struct live *l)
{
	return l->screen ? walk_next_ns(&l->walk) : UINT64_MAX;
}

void live_step(struct live *l)
{
	l->walk.event_ns = l->replay ? l->now_ns : 0;
	if (l->screen && walk_step(&l->walk))
		screen_draw(l->screen, NULL);
}
