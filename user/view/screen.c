/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The live view: the key loop's state and which page is drawn. Input is keys (read without waiting)
 * and snapshots from the owner; output is the terminal. Everything on the screen is drawn anew each
 * time from the newest snapshot; curses sends only what has changed. Invariant: the snapshot is
 * ours, and all pages show the same one.
 */
#include "screen.h"

#include <curses.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../base/clock.h"
#include "../base/units.h"
#include "../base/xalloc.h"
#include "header.h"
#include "keys.h"
#include "line.h"
#include "pager.h"
#include "prompt.h"
#include "sites_view.h"
#include "stack_view.h"
#include "terminal.h"
#include "theme.h"

#define MESSAGE_NS	  (5 * NS_PER_S)
#define INTERVAL_SHORTEST 0.1
#define INTERVAL_LONGEST  3600.0

enum page { PAGE_SITES, PAGE_STACK, PAGE_HELP, PAGE_SORT };

struct screen {
	struct theme theme;
	struct snapshot held;	   /* what snapshot points to */
	struct snapshot *snapshot; /* NULL before the first one */
	struct header header;
	struct sites_view sites;
	struct pager pager; /* stack and help */
	struct list sort_menu;
	struct prompt prompt;
	enum page page, page_below; /* below: where help returns to */
	uint32_t open_site;	    /* heap index */
	bool paused;
	double interval_s;
	char message[256];
	uint64_t message_until_ns;
	enum screen_request request;
};

static const char *const sort_titles[SORT_KEYS] = {
	[SORT_OUTSTANDING] = "outstanding bytes",
	[SORT_COUNT] = "number of blocks",
	[SORT_GROWTH] = "growth",
	[SORT_SCORE] = "leak score",
	[SORT_RATE] = "allocations per second",
	[SORT_OLDEST] = "age of the oldest block",
	[SORT_PEAK] = "peak",
};

static const struct list_column sort_columns[] = {
	{.title = "SORT BY", .width = 10, .weight = 1, .sort = -1},
};

struct screen *screen_open(const struct screen_options *options, report_names_fn *names,
			   void *context)
{
	struct screen *s;

	if (terminal_open() != 0)
		return NULL;
	s = xcalloc(1, sizeof(*s));
	theme_init(&s->theme);
	sites_view_init(&s->sites, options->sort, names, context);
	list_init(&s->sort_menu, sort_columns, 1);
	s->interval_s = options->interval_s;
	return s;
}

void screen_close(struct screen *s)
{
	if (!s)
		return;
	terminal_close();
	if (s->snapshot)
		snapshot_free(s->snapshot);
	sites_view_done(&s->sites);
	pager_done(&s->pager);
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

/* "Up k       move up": the keys of one action in one line. Returns the rows used. */
static size_t add_help_line(struct screen *s, const struct key *rows, size_t count)
{
	struct buffer names = {0};
	size_t i;

	buffer_add(&names, "", 0);
	for (i = 0; i < count && rows[i].action == rows[0].action; i++) {
		if (rows[i].name)
			buffer_printf(&names, "%s%s", i ? " " : "", rows[i].name);
	}
	if (rows[0].name)
		pager_printf(&s->pager, &s->theme, STYLE_NORMAL, 2, 13, "%-12s %s", names.data,
			     rows[0].help ? rows[0].help : "");
	buffer_done(&names);
	return i;
}

static void fill_help(struct screen *s, int width)
{
	static const char *const words[] = {
		("OUTSTAND and COUNT are what was allocated and not freed yet. GROWTH is its "
		 "change per second over the leak window. OLDEST is the age of the oldest such "
		 "block."),
		("VERDICT: leak: it grows and old blocks stay; growing: it grows, but old "
		 "blocks do get freed; steady; new: too young to tell. The number is the leak "
		 "score, 0 to 100."),
		("The bars beside the heap show outstanding bytes over time, from the smallest to "
		 "the largest value written beside them."),
	};
	size_t i, count;
	const struct key *rows = keys_table(&count);

	pager_begin(&s->pager, width);
	pager_add(&s->pager, &s->theme, STYLE_TITLE, 0, 0, "Keys");
	for (i = 0; i < count;)
		i += add_help_line(s, rows + i, count - i);
	pager_add(&s->pager, &s->theme, STYLE_NORMAL, 0, 0, "");
	pager_add(&s->pager, &s->theme, STYLE_TITLE, 0, 0, "Figures");
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		pager_add(&s->pager, &s->theme, STYLE_NORMAL, 2, 0, words[i]);
}

static void fill_stack(struct screen *s, int width)
{
	const struct snapshot_site *site;

	site = s->snapshot ? stack_view_find(s->snapshot, s->open_site) : NULL;
	if (site) {
		stack_view_fill(&s->pager, &s->theme, s->snapshot, site,
				s->sites.names(s->sites.context, site), width);
		return;
	}
	pager_begin(&s->pager, width);
	pager_add(&s->pager, &s->theme, STYLE_WARN, 0, 2,
		  "This site is not in the present snapshot.");
}

static void sort_cell(void *context, size_t row, size_t column, struct buffer *out,
		      enum style *style)
{
	(void)context;
	(void)column;
	(void)style;
	buffer_add_string(out, sort_titles[row]);
}

static void draw_body(struct screen *s, int y, int width, int height)
{
	switch (s->page) {
	case PAGE_SITES: sites_view_draw(&s->sites, &s->theme, y, width, height); return;
	case PAGE_SORT:
		list_set_width(&s->sort_menu, width);
		list_set_height(&s->sort_menu, height > 1 ? (size_t)height - 1 : 0);
		list_draw(&s->sort_menu, &s->theme, y, width, sort_cell, s);
		return;
	case PAGE_STACK: fill_stack(s, width); break;
	case PAGE_HELP: fill_help(s, width); break;
	}
	pager_set_height(&s->pager, (size_t)height);
	pager_draw(&s->pager, &s->theme, y);
}

struct hint {
	const char *key, *label;
};

/* The bottom line: most needed first, because the rest goes when it is narrow. */
static const struct hint *page_hints(enum page page)
{
	static const struct hint sites[] = {
		{"F1", "Help"},	   {"Enter", "Open"}, {"F10", "Quit"},	  {"F6", "Sort"},
		{"F3", "Search"},  {"F4", "Filter"},  {"Space", "Pause"}, {"d", "Interval"},
		{"s", "Snapshot"}, {NULL, NULL},
	};
	static const struct hint text[] = {
		{"Esc", "Back"}, {"Up/Down", "Scroll"}, {"PgUp/PgDn", "Page"},
		{"F1", "Help"},	 {"F10", "Quit"},	{NULL, NULL},
	};
	static const struct hint menu[] = {{"Enter", "Sort"}, {"Esc", "Back"}, {NULL, NULL}};

	if (page == PAGE_SITES)
		return sites;
	return page == PAGE_SORT ? menu : text;
}

static void draw_hints(struct screen *s, int y, int width)
{
	const struct hint *hint;
	struct line l;

	line_begin(&l, &s->theme, y, width, STYLE_NORMAL);
	if (s->page == PAGE_SITES && s->sites.filter[0])
		line_right(&l, STYLE_WARN, " filter: %s", s->sites.filter);
	if (s->page == PAGE_SITES && s->sites.unnamed)
		line_right(&l, STYLE_WARN, " %zu to look at", s->sites.unnamed);
	for (hint = page_hints(s->page); hint->key; hint++) {
		int room = (int)(strlen(hint->key) + strlen(hint->label)) + 2;

		if (l.end - l.x < room)
			break;
		line_add(&l, STYLE_KEY, "%s", hint->key);
		line_add(&l, STYLE_BAR, "%s ", hint->label);
		line_add(&l, STYLE_NORMAL, " ");
	}
}

static void draw_bottom(struct screen *s, int y, int width)
{
	struct line l;

	if (s->prompt.kind != PROMPT_NONE) {
		prompt_draw(&s->prompt, &s->theme, y, width);
	} else if (s->message[0] && clock_monotonic_ns() < s->message_until_ns) {
		line_begin(&l, &s->theme, y, width, STYLE_BAR);
		line_cut(&l, STYLE_BAR, s->message, 0);
	} else {
		draw_hints(s, y, width);
	}
}

static void draw(struct screen *s)
{
	int width = COLS, lines = LINES;
	int top = header_height(lines);

	erase();
	if (s->snapshot)
		header_draw(&s->header, &s->theme, s->snapshot, width, top, s->interval_s,
			    s->paused);
	else
		mvaddnstr(0, 0, "tracer: waiting for the first snapshot", width);
	/* A blank line under the header, where there is room for it. */
	if (top == 4)
		top++;
	if (lines - top - 1 > 0)
		draw_body(s, top, width, lines - top - 1);
	if (lines > 1)
		draw_bottom(s, lines - 1, width);
	refresh();
}

static void take_snapshot(struct screen *s, struct snapshot *snapshot)
{
	if (s->snapshot)
		snapshot_free(s->snapshot);
	s->held = *snapshot;
	memset(snapshot, 0, sizeof(*snapshot));
	s->snapshot = &s->held;
	sites_view_set(&s->sites, s->snapshot);
	header_remember(&s->header, s->snapshot);
}

void screen_draw(struct screen *s, struct snapshot *snapshot)
{
	if (snapshot && s->paused && s->snapshot)
		snapshot_free(snapshot);
	else if (snapshot)
		take_snapshot(s, snapshot);
	draw(s);
}

void screen_message(struct screen *s, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	set_message(s, format, args);
	va_end(args);
	draw(s);
}

void screen_resize(struct screen *s)
{
	terminal_resize();
	draw(s);
}

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

static void search(struct screen *s, bool stay)
{
	if (s->prompt.text[0] && !sites_view_search(&s->sites, s->prompt.text, stay))
		beep();
}

static void close_prompt(struct screen *s, bool cancelled)
{
	if (s->prompt.kind == PROMPT_FILTER && cancelled)
		sites_view_filter(&s->sites, "");
	if (s->prompt.kind == PROMPT_INTERVAL && !cancelled)
		set_interval(s);
	s->prompt.kind = PROMPT_NONE;
}

static void handle_prompt(struct screen *s, int key)
{
	switch (prompt_key(&s->prompt, key)) {
	case PROMPT_CHANGED:
		if (s->prompt.kind == PROMPT_FILTER)
			sites_view_filter(&s->sites, s->prompt.text);
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

static void open_page(struct screen *s, enum page page)
{
	s->page = page;
	s->pager.top = 0;
}

static void go_back(struct screen *s)
{
	if (s->page == PAGE_SITES && s->sites.filter[0])
		sites_view_filter(&s->sites, "");
	open_page(s, s->page == PAGE_HELP ? s->page_below : PAGE_SITES);
}

static void sort_by(struct screen *s, enum sort_key key)
{
	sites_view_sort(&s->sites, key, false);
	s->page = PAGE_SITES;
}

/* Keys of the list of sites alone. */
static void handle_sites(struct screen *s, enum action action)
{
	const struct snapshot_site *site;

	switch (action) {
	case ACTION_OPEN:
		site = sites_view_selected(&s->sites);
		if (!site)
			break;
		s->open_site = site->site;
		open_page(s, PAGE_STACK);
		break;
	case ACTION_SORT_LEFT:
	case ACTION_SORT_RIGHT:
		sort_by(s, (enum sort_key)list_next_sort(&s->sites.list,
							 action == ACTION_SORT_LEFT ? -1 : 1));
		break;
	case ACTION_SORT_MENU:
		list_set_count(&s->sort_menu, SORT_KEYS);
		list_select(&s->sort_menu, s->sites.sort);
		open_page(s, PAGE_SORT);
		break;
	case ACTION_SORT_GROWTH: sort_by(s, SORT_GROWTH); break;
	case ACTION_SORT_OUTSTANDING: sort_by(s, SORT_OUTSTANDING); break;
	case ACTION_SORT_COUNT: sort_by(s, SORT_COUNT); break;
	case ACTION_SORT_AGE: sort_by(s, SORT_OLDEST); break;
	case ACTION_INVERT: sites_view_sort(&s->sites, s->sites.sort, !s->sites.inverted); break;
	case ACTION_SEARCH: prompt_open(&s->prompt, PROMPT_SEARCH, s->sites.search); break;
	case ACTION_FILTER: prompt_open(&s->prompt, PROMPT_FILTER, s->sites.filter); break;
	default:
		move_list(&s->sites.list, action);
		sites_view_moved(&s->sites);
		break;
	}
}

static void handle_page(struct screen *s, enum action action)
{
	switch (s->page) {
	case PAGE_SITES: handle_sites(s, action); break;
	case PAGE_SORT:
		if (action == ACTION_OPEN)
			sort_by(s, (enum sort_key)s->sort_menu.selected);
		else
			move_list(&s->sort_menu, action);
		break;
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
	open_page(s, PAGE_HELP);
}

/* Keys that mean the same everywhere. */
static void handle_action(struct screen *s, enum action action)
{
	char text[32];

	switch (action) {
	case ACTION_QUIT: s->request = SCREEN_QUIT; break;
	case ACTION_LEAVE:
		if (s->page == PAGE_SITES)
			s->request = SCREEN_QUIT;
		else
			go_back(s);
		break;
	case ACTION_BACK: go_back(s); break;
	case ACTION_HELP: open_help(s); break;
	case ACTION_PAUSE: toggle_pause(s); break;
	case ACTION_SNAPSHOT: s->request = SCREEN_SNAPSHOT; break;
	case ACTION_INTERVAL:
		snprintf(text, sizeof(text), "%g", s->interval_s);
		prompt_open(&s->prompt, PROMPT_INTERVAL, text);
		break;
	case ACTION_REDRAW: terminal_redraw(); break;
	case ACTION_RESIZE: terminal_resize(); break;
	case ACTION_SUSPEND: terminal_suspend(); break;
	default: handle_page(s, action); break;
	}
}

static void handle_key(struct screen *s, int key)
{
	enum action action = keys_find(key);

	s->message[0] = '\0';
	if (s->prompt.kind != PROMPT_NONE && action != ACTION_RESIZE && action != ACTION_REDRAW &&
	    action != ACTION_SUSPEND)
		handle_prompt(s, key);
	else if (action != ACTION_NONE)
		handle_action(s, action);
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
		draw(s);
	return s->request;
}
