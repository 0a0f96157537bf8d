/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The live view: what is on the screen. Input is snapshots from the owner and what its sources say;
 * output is the terminal. Everything is drawn anew each time into cells in memory; only what has
 * changed is sent. Invariant: the snapshot is ours, and all pages show the same one.
 */
#include "screen.h"

#include <curses.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../analyse/build.h"
#include "../base/clock.h"
#include "../base/log.h"
#include "../base/xalloc.h"
#include "kinds.h"
#include "line.h"
#include "screen_private.h"
#include "terminal.h"

#define MESSAGE_NS (5 * NS_PER_S)

/* In the order of Tab. */
static const struct grid_kind *const kinds[] = {
	&sites_kind,   &callers_kind, &threads_kind,	&processes_kind,
	&modules_kind, &pools_kind,   &goroutines_kind, &alerts_kind,
};

struct screen *screen_open(const struct screen_options *options,
			   const struct screen_sources *sources)
{
	struct screen *s;
	size_t i;

	if (terminal_open() != 0)
		return NULL;
	s = xcalloc(1, sizeof(*s));
	theme_init(&s->theme);
	s->canvas.utf8 = s->data.utf8 = s->theme.utf8;
	s->data.sources = sources;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		grid_init(&s->grids[s->grid_count++], kinds[i], &s->data, (int)options->sort);
	s->interval_s = options->interval_s;
	return s;
}

void screen_close(struct screen *s)
{
	size_t i;

	if (!s)
		return;
	terminal_close();
	if (s->data.snapshot)
		snapshot_free(s->data.snapshot);
	for (i = 0; i < s->grid_count; i++)
		grid_done(&s->grids[i]);
	view_data_done(&s->data);
	pager_done(&s->pager);
	paint_done(&s->paint);
	canvas_done(&s->canvas);
	free(s);
}

int screen_fd(const struct screen *s)
{
	(void)s;
	return terminal_fd();
}

double screen_interval(const struct screen *s)
{
	return s->interval_s;
}

static void __attribute__((format(printf, 2, 0)))
set_message(struct screen *s, const char *format, va_list args)
{
	vsnprintf(s->message, sizeof(s->message), format, args);
	s->message_until_ns = clock_monotonic_ns() + MESSAGE_NS;
}

/* Lines for stderr are kept until the end, but whoever looks at the screen wants to know now. */
static void take_log(struct screen *s)
{
	if (log_newest(&s->log_seen, s->message, sizeof(s->message)))
		s->message_until_ns = clock_monotonic_ns() + MESSAGE_NS;
}

void screen_add_hit(struct screen *s, const struct hit *hit)
{
	if (s->hit_count < SCREEN_HITS)
		s->hits[s->hit_count++] = *hit;
}

static void draw_body(struct screen *s, int y, int height)
{
	switch (s->page) {
	case PAGE_GRID: grid_draw(screen_grid(s), &s->canvas, y, height); return;
	case PAGE_MENU: screen_draw_menu(s, y, height); return;
	default: break;
	}
	screen_fill(s, height);
	pager_draw(&s->pager, &s->canvas, y);
}

struct hint {
	enum action action;
	const char *key, *label;
};

/* The bottom line: most needed first, because the rest goes when it is narrow. */
static const struct hint *page_hints(enum page page)
{
	static const struct hint table[] = {
		{ACTION_HELP, "F1", "Help"},	    {ACTION_OPEN, "Enter", "Open"},
		{ACTION_QUIT, "F10", "Quit"},	    {ACTION_SEARCH, "F3", "Search"},
		{ACTION_FILTER, "F4", "Filter"},    {ACTION_CALLERS, "F5", "Callers"},
		{ACTION_SORT_MENU, "F6", "Sort"},   {ACTION_NEXT_PAGE, "Tab", "Page"},
		{ACTION_PAUSE, "Space", "Pause"},   {ACTION_BASELINE, "b", "Baseline"},
		{ACTION_EXPORT, "e", "Export"},	    {ACTION_SNAPSHOT, "s", "Snapshot"},
		{ACTION_INTERVAL, "d", "Interval"}, {ACTION_THREADS, "H", "Threads"},
		{ACTION_NONE, NULL, NULL},
	};
	static const struct hint text[] = {
		{ACTION_BACK, "Esc", "Back"},
		{ACTION_DOWN, "Up/Down", "Scroll"},
		{ACTION_PAGE_DOWN, "PgUp/PgDn", "Page"},
		{ACTION_HELP, "F1", "Help"},
		{ACTION_QUIT, "F10", "Quit"},
		{ACTION_NONE, NULL, NULL},
	};
	static const struct hint menu[] = {{ACTION_OPEN, "Enter", "Take"},
					   {ACTION_BACK, "Esc", "Back"},
					   {ACTION_NONE, NULL, NULL}};

	if (page == PAGE_GRID)
		return table;
	return page == PAGE_MENU ? menu : text;
}

static void draw_hints(struct screen *s, int y)
{
	const struct grid *t = screen_grid(s);
	const struct hint *hint;
	struct line l;

	line_begin(&l, &s->canvas, y, STYLE_NORMAL);
	if (s->page == PAGE_GRID && t->filter[0])
		line_right(&l, STYLE_WARN, " filter: %s", t->filter);
	if (s->page == PAGE_GRID && t->unknown)
		line_right(&l, STYLE_WARN, " %zu to look at", t->unknown);
	for (hint = page_hints(s->page); hint->key; hint++) {
		struct hit hit = {.y = y, .x = l.x, .action = hint->action};
		int room = (int)(strlen(hint->key) + strlen(hint->label)) + 2;

		if (l.end - l.x < room)
			break;
		line_add(&l, STYLE_KEY, "%s", hint->key);
		line_add(&l, STYLE_BAR, "%s ", hint->label);
		hit.columns = l.x - hit.x;
		screen_add_hit(s, &hit);
		line_add(&l, STYLE_NORMAL, " ");
	}
}

static void draw_bottom(struct screen *s, int y)
{
	struct line l;

	if (s->prompt.kind != PROMPT_NONE) {
		prompt_draw(&s->prompt, &s->canvas, y);
	} else if (s->message[0] && clock_monotonic_ns() < s->message_until_ns) {
		line_begin(&l, &s->canvas, y, STYLE_BAR);
		line_cut(&l, STYLE_BAR, s->message, 0);
	} else {
		draw_hints(s, y);
	}
}

/* What is under way, at the right end: this page's first. */
static void draw_status(struct screen *s, struct line *l)
{
	const struct screen_sources *sources = s->data.sources;
	const struct grid *t = screen_grid(s);
	struct buffer text = {0};

	buffer_add(&text, "", 0);
	if (sources->progress)
		sources->progress(sources->context, &text);
	if (text.length)
		line_right(l, STYLE_WARN, "  %s", text.data);
	buffer_reset(&text);
	buffer_add(&text, "", 0);
	if (s->page == PAGE_GRID && t->kind->note)
		t->kind->note(t, &text);
	if (text.length)
		line_right(l, STYLE_FAINT, "  %s", text.data);
	buffer_done(&text);
}

static void draw_tabs(struct screen *s, int y)
{
	struct line l;
	size_t i;

	line_begin(&l, &s->canvas, y, STYLE_NORMAL);
	for (i = 0; i < s->grid_count; i++) {
		struct hit hit = {.y = y, .x = l.x, .action = ACTION_NONE, .table = i};

		if (!line_add(&l, i == s->active ? STYLE_TAB : STYLE_FAINT, " %s ",
			      s->grids[i].kind->name))
			break;
		hit.columns = l.x - hit.x;
		screen_add_hit(s, &hit);
	}
	draw_status(s, &l);
}

static void draw_header(struct screen *s, int height)
{
	const struct screen_sources *sources = s->data.sources;
	struct header_state state = {.interval_s = s->interval_s, .paused = s->paused};
	struct view_playback playback;

	if (sources->playback) {
		sources->playback(sources->context, &playback);
		state.playback = &playback;
	}
	header_draw(&s->header, &s->canvas, s->data.snapshot, height, &state);
}

static void draw(struct screen *s, int width, int lines)
{
	int top = header_height(lines);

	canvas_resize(&s->canvas, width, lines);
	s->hit_count = 0;
	if (s->data.snapshot)
		draw_header(s, top);
	else
		canvas_put(&s->canvas, 0, 0, width, TEXT_LEFT, STYLE_NORMAL,
			   "tracer: waiting for the first snapshot");
	/* The pages have a line of their own where there is room for it. */
	if (top == 4)
		draw_tabs(s, top++);
	s->body_y = top;
	if (lines - top - 1 > 0)
		draw_body(s, top, lines - top - 1);
	if (lines > 1)
		draw_bottom(s, lines - 1);
}

void screen_show(struct screen *s)
{
	take_log(s);
	draw(s, COLS, LINES);
	paint_show(&s->paint, &s->theme, &s->canvas);
}

static void take_snapshot(struct screen *s, struct snapshot *snapshot)
{
	if (s->data.snapshot)
		snapshot_free(s->data.snapshot);
	s->held = *snapshot;
	memset(snapshot, 0, sizeof(*snapshot));
	s->data.snapshot = &s->held;
	snapshot_rank(s->data.snapshot);
	grid_update(screen_grid(s));
	header_remember(&s->header, s->data.snapshot);
}

void screen_draw(struct screen *s, struct snapshot *snapshot)
{
	struct grid *t = screen_grid(s);

	if (snapshot && s->paused && s->data.snapshot)
		snapshot_free(snapshot);
	else if (snapshot)
		take_snapshot(s, snapshot);
	else if (s->page == PAGE_GRID && (t->kind->late || t->unknown))
		grid_update(t);
	screen_show(s);
}

void screen_message(struct screen *s, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	set_message(s, format, args);
	va_end(args);
	screen_show(s);
}

void screen_resize(struct screen *s)
{
	terminal_resize();
	screen_show(s);
}

void screen_suspend(struct screen *s)
{
	terminal_suspend();
	paint_forget(&s->paint);
	screen_show(s);
}

void screen_continue(struct screen *s)
{
	terminal_resize();
	terminal_redraw();
	paint_forget(&s->paint);
	screen_show(s);
}
