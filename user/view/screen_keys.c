/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What keys do. Input is keys, read without waiting; each becomes an action by the table of keys.h.
 * Drawing follows once all that have come were handled.
 */
#include <curses.h>
#include <stdio.h>
#include <string.h>
#include "../base/units.h"
#include "callers_view.h"
#include "kinds.h"
#include "screen_private.h"
#include "terminal.h"

#define INTERVAL_SHORTEST 0.1
#define INTERVAL_LONGEST  3600.0

void screen_open_page(struct screen *s, enum page page)
{
	s->page = page;
	s->pager.top = 0;
	/* Keys that have come already move in it before it is drawn. */
	screen_fill(s, s->canvas.height - s->body_y - 1);
}

void screen_show_grid(struct screen *s, size_t table)
{
	s->active = table;
	screen_open_page(s, PAGE_GRID);
	grid_update(screen_grid(s));
}

void screen_sort(struct screen *s, int sort)
{
	s->page = PAGE_GRID;
	if (!grid_sort(screen_grid(s), sort, false))
		screen_message(s, "this page has no column for that: %s", grid_sort_name(sort));
}

/* ---- prompts ---- */

static void set_interval(struct screen *s)
{
	double seconds;

	if (!units_parse_double(s->prompt.text, &seconds) || seconds < INTERVAL_SHORTEST ||
	    seconds > INTERVAL_LONGEST) {
		screen_message(s, "'%s' is no interval: %g to %g seconds", s->prompt.text,
			       INTERVAL_SHORTEST, INTERVAL_LONGEST);
		return;
	}
	s->interval_s = seconds;
	s->request = SCREEN_REFRESH;
}

static void export_now(struct screen *s)
{
	const struct screen_sources *sources = s->data.sources;

	if (s->prompt.text[0] &&
	    sources->export_begin(sources->context, s->export_format, s->prompt.text))
		s->request = SCREEN_EXPORT;
}

static void search(struct screen *s, bool stay)
{
	if (s->prompt.text[0] && !grid_search(screen_grid(s), s->prompt.text, stay))
		beep();
}

static void close_prompt(struct screen *s, bool cancelled)
{
	enum prompt_kind kind = s->prompt.kind;

	s->prompt.kind = PROMPT_NONE;
	if (kind == PROMPT_FILTER && cancelled)
		grid_filter(screen_grid(s), "");
	if (kind == PROMPT_INTERVAL && !cancelled)
		set_interval(s);
	if (kind == PROMPT_EXPORT && !cancelled)
		export_now(s);
}

static void handle_prompt(struct screen *s, int key)
{
	switch (prompt_key(&s->prompt, key)) {
	case PROMPT_CHANGED:
		if (s->prompt.kind == PROMPT_FILTER)
			grid_filter(screen_grid(s), s->prompt.text);
		else if (s->prompt.kind == PROMPT_SEARCH)
			search(s, true);
		break;
	case PROMPT_NEXT:
		if (s->prompt.kind == PROMPT_SEARCH)
			search(s, false);
		break;
	case PROMPT_DONE: close_prompt(s, false); break;
	case PROMPT_CANCELLED: close_prompt(s, true); break;
	case PROMPT_IGNORED: break;
	}
}

static void ask_for_file(struct screen *s, size_t format)
{
	const struct screen_sources *sources = s->data.sources;
	const struct snapshot *snapshot = s->data.snapshot;
	struct view_format f;
	char path[64];

	if (!sources->export_format(sources->context, format, &f))
		return;
	s->export_format = format;
	snprintf(path, sizeof(path), "tracer-%u-%s%s",
		 snapshot && snapshot->process_count ? snapshot->processes[0].pid : 0, f.name,
		 f.suffix);
	s->page = PAGE_GRID;
	prompt_open(&s->prompt, PROMPT_EXPORT, path);
}

/* ---- pages ---- */

static void move_list(struct list *l, enum action action)
{
	switch (action) {
	case ACTION_UP: list_move(l, -1); break;
	case ACTION_DOWN: list_move(l, 1); break;
	case ACTION_PAGE_UP: list_move_pages(l, -1); break;
	case ACTION_PAGE_DOWN: list_move_pages(l, 1); break;
	case ACTION_HOME: list_home(l); break;
	case ACTION_END: list_end(l); break;
	default: break;
	}
}

static void move_pager(struct pager *p, enum action action)
{
	long page = p->height > 1 ? (long)p->height - 1 : 1;

	switch (action) {
	case ACTION_UP: pager_move(p, -1); break;
	case ACTION_DOWN: pager_move(p, 1); break;
	case ACTION_PAGE_UP: pager_move(p, -page); break;
	case ACTION_PAGE_DOWN: pager_move(p, page); break;
	case ACTION_HOME: pager_move(p, -(long)p->count); break;
	case ACTION_END: pager_move(p, (long)p->count); break;
	default: break;
	}
}

static void go_back(struct screen *s)
{
	bool was_table = s->page == PAGE_GRID;

	if (was_table && screen_grid(s)->filter[0])
		grid_filter(screen_grid(s), "");
	if (was_table)
		return;
	screen_open_page(s, s->page == PAGE_HELP ? s->page_below : PAGE_GRID);
	if (s->page == PAGE_GRID)
		grid_update(screen_grid(s));
}

static size_t grid_of(const struct screen *s, const struct grid_kind *kind)
{
	size_t i;

	for (i = 0; i < s->grid_count; i++) {
		if (s->grids[i].kind == kind)
			return i;
	}
	return 0;
}

/* The same key again goes back to the sites. */
static void toggle_grid(struct screen *s, const struct grid_kind *kind)
{
	bool there = s->page == PAGE_GRID && screen_grid(s)->kind == kind;

	screen_show_grid(s, there ? 0 : grid_of(s, kind));
}

static void open_row(struct screen *s)
{
	struct grid *t = screen_grid(s);
	uint32_t site;
	size_t row;

	if (!grid_selected(t, &row))
		return;
	site = t->kind->site ? t->kind->site(t, row) : 0;
	if (t->kind == &processes_kind) {
		s->open_process = (uint32_t)t->kind->key(t, row);
		screen_open_page(s, PAGE_PROCESS);
	} else if (site) {
		s->open_site = site;
		screen_open_page(s, PAGE_SITE);
	} else if (t->kind == &goroutines_kind) {
		s->open_goroutines = t->kind->key(t, row);
		screen_open_page(s, PAGE_GOROUTINES);
	} else if (t->kind == &callers_kind) {
		callers_step(t, CALLERS_TOGGLE);
	}
}

static bool step_callers(struct screen *s, enum callers_step step)
{
	bool there = s->page == PAGE_GRID && screen_grid(s)->kind == &callers_kind;

	if (there)
		callers_step(screen_grid(s), step);
	return there;
}

/* Not of a live run. */
static void step_replay(struct screen *s, enum view_step step)
{
	const struct screen_sources *sources = s->data.sources;

	if (!sources->step)
		return;
	sources->step(sources->context, step);
	s->request = SCREEN_REFRESH;
}

static void handle_grid(struct screen *s, enum action action)
{
	struct grid *t = screen_grid(s);

	switch (action) {
	case ACTION_OPEN: open_row(s); break;
	case ACTION_EXPAND_ALL: step_callers(s, CALLERS_ALL); break;
	case ACTION_TURN: step_callers(s, CALLERS_TURN); break;
	case ACTION_SORT_LEFT: screen_sort(s, list_next_sort(&t->list, -1)); break;
	case ACTION_SORT_RIGHT: screen_sort(s, list_next_sort(&t->list, 1)); break;
	case ACTION_SORT_MENU: screen_open_menu(s, MENU_SORT); break;
	case ACTION_SORT_GROWTH: screen_sort(s, SORT_GROWTH); break;
	case ACTION_SORT_OUTSTANDING: screen_sort(s, SORT_OUTSTANDING); break;
	case ACTION_SORT_COUNT: screen_sort(s, SORT_COUNT); break;
	case ACTION_SORT_AGE: screen_sort(s, SORT_OLDEST); break;
	case ACTION_INVERT: grid_sort(t, t->sort, !t->inverted); break;
	case ACTION_SEARCH: prompt_open(&s->prompt, PROMPT_SEARCH, t->search); break;
	case ACTION_SEARCH_NEXT:
		if (!grid_search(t, t->search, false))
			beep();
		break;
	case ACTION_FILTER: prompt_open(&s->prompt, PROMPT_FILTER, t->filter); break;
	default:
		move_list(&t->list, action);
		grid_moved(t);
		break;
	}
}

static void handle_menu(struct screen *s, enum action action)
{
	if (action != ACTION_OPEN)
		move_list(&s->menu, action);
	else if (!s->menu.count)
		s->page = PAGE_GRID;
	else if (s->menu_kind == MENU_SORT)
		screen_sort(s, s->menu_sorts[s->menu.selected]);
	else
		ask_for_file(s, s->menu.selected);
}

static void handle_page(struct screen *s, enum action action)
{
	switch (s->page) {
	case PAGE_GRID: handle_grid(s, action); break;
	case PAGE_MENU: handle_menu(s, action); break;
	default: move_pager(&s->pager, action); break;
	}
}

static void toggle_pause(struct screen *s)
{
	s->paused = !s->paused;
	if (!s->paused)
		s->request = SCREEN_REFRESH;
}

static void open_help(struct screen *s)
{
	if (s->page == PAGE_HELP)
		return;
	s->page_below = s->page;
	screen_open_page(s, PAGE_HELP);
}

static void leave(struct screen *s)
{
	if (s->page == PAGE_GRID)
		s->request = SCREEN_QUIT;
	else
		go_back(s);
}

static void ask_for_interval(struct screen *s)
{
	char text[32];

	snprintf(text, sizeof(text), "%g", s->interval_s);
	prompt_open(&s->prompt, PROMPT_INTERVAL, text);
}

static void set_baseline(struct screen *s, bool on)
{
	const struct screen_sources *sources = s->data.sources;

	if (!sources->set_baseline)
		return;
	sources->set_baseline(sources->context, on);
	s->request = SCREEN_REFRESH;
}

static void redraw(struct screen *s)
{
	terminal_redraw();
	paint_forget(&s->paint);
}

/* Keys that mean the same everywhere. */
void screen_action(struct screen *s, enum action action)
{
	switch (action) {
	case ACTION_QUIT: s->request = SCREEN_QUIT; break;
	case ACTION_LEAVE: leave(s); break;
	case ACTION_BACK: go_back(s); break;
	case ACTION_HELP: open_help(s); break;
	case ACTION_PAUSE:
		if (s->data.sources->step)
			step_replay(s, STEP_TOGGLE);
		else
			toggle_pause(s);
		break;
	case ACTION_PLUS:
		if (!step_callers(s, CALLERS_OPEN))
			step_replay(s, STEP_FASTER);
		break;
	case ACTION_MINUS:
		if (!step_callers(s, CALLERS_CLOSE))
			step_replay(s, STEP_SLOWER);
		break;
	case ACTION_RIGHT:
		if (!step_callers(s, CALLERS_OPEN))
			step_replay(s, STEP_FORWARD);
		break;
	case ACTION_LEFT:
		if (!step_callers(s, CALLERS_CLOSE))
			step_replay(s, STEP_BACK);
		break;
	case ACTION_SEEK_FORWARD: step_replay(s, STEP_FORWARD); break;
	case ACTION_SEEK_BACK: step_replay(s, STEP_BACK); break;
	case ACTION_SNAPSHOT: s->request = SCREEN_SNAPSHOT; break;
	case ACTION_EXPORT:
		if (s->data.sources->export_format)
			screen_open_menu(s, MENU_EXPORT);
		break;
	case ACTION_BASELINE: set_baseline(s, true); break;
	case ACTION_BASELINE_RESET: set_baseline(s, false); break;
	case ACTION_INTERVAL: ask_for_interval(s); break;
	case ACTION_NEXT_PAGE: screen_show_grid(s, (s->active + 1) % s->grid_count); break;
	case ACTION_PREVIOUS_PAGE:
		screen_show_grid(s, (s->active + s->grid_count - 1) % s->grid_count);
		break;
	case ACTION_CALLERS: toggle_grid(s, &callers_kind); break;
	case ACTION_THREADS: toggle_grid(s, &threads_kind); break;
	case ACTION_REDRAW: redraw(s); break;
	case ACTION_RESIZE: terminal_resize(); break;
	case ACTION_SUSPEND: screen_suspend(s); break;
	case ACTION_MOUSE: screen_mouse(s); break;
	default: handle_page(s, action); break;
	}
}

/* What works while a line is typed. */
static bool passes_prompt(enum action action)
{
	return action == ACTION_RESIZE || action == ACTION_REDRAW || action == ACTION_SUSPEND;
}

static void handle_key(struct screen *s, int key)
{
	enum action action = keys_find(key);

	s->message[0] = '\0';
	if (s->prompt.kind != PROMPT_NONE && !passes_prompt(action))
		handle_prompt(s, key);
	else if (action != ACTION_NONE)
		screen_action(s, action);
}

enum screen_request screen_key(struct screen *s)
{
	bool any = false;
	int key;

	s->request = SCREEN_NOTHING;
	if (!terminal_alive())
		return SCREEN_QUIT;
	while (s->request != SCREEN_QUIT && (key = getch()) != ERR) {
		handle_key(s, key);
		any = true;
	}
	if (any && s->request != SCREEN_QUIT)
		screen_show(s);
	return s->request;
}
