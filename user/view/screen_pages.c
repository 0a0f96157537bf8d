/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What stands on the pages that are no tables of rows: help, one site, menus. */
#include <string.h>
#include "goroutines_page.h"
#include "line.h"
#include "process_page.h"
#include "screen_private.h"
#include "stack_view.h"

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
		pager_printf(&s->pager, STYLE_NORMAL, 2, 13, "%-12s %s", names.data,
			     rows[0].help ? rows[0].help : "");
	buffer_done(&names);
	return i;
}

static void add_section(struct screen *s, const char *head, const char *const *words, size_t count)
{
	size_t i;

	pager_add(&s->pager, STYLE_NORMAL, 0, 0, "");
	pager_add(&s->pager, STYLE_TITLE, 0, 0, head);
	for (i = 0; i < count; i++)
		pager_add(&s->pager, STYLE_NORMAL, 2, 0, words[i]);
}

#define ADD_SECTION(s, head, words) add_section(s, head, words, sizeof(words) / sizeof((words)[0]))

static void fill_help(struct screen *s)
{
	static const char *const mouse[] = {
		("A click selects a row, a second one opens it; on a column title it sorts by that "
		 "column, again: inverted; on a page's name or a key in the bottom line it does "
		 "what that does. The wheel scrolls. Hold Shift to select text as without the "
		 "tracer."),
	};
	static const char *const figures[] = {
		("OUTSTAND and COUNT are what was allocated and not freed yet. GROWTH is its "
		 "change per second over the leak window. OLDEST is the age of the oldest such "
		 "block. TEMP% is the share of allocations that were freed before their thread "
		 "allocated again."),
		("VERDICT: leak: it grows and old blocks stay; growing: it grows, but old "
		 "blocks do get freed, or may be what something is filled with; steady; new: too "
		 "young to tell. The number is the leak score, 0 to 100."),
		("With a baseline (b) what is outstanding, allocated and freed is the change since "
		 "then, with its sign; z makes it absolute again."),
		("The bars beside the heap show outstanding bytes over time, from the smallest to "
		 "the largest value written beside them."),
	};
	static const char *const pages[] = {
		"Sites: each call stack that allocates. Enter opens it.",
		("Callers: the same as a tree of functions, with sums; r turns it round: from main "
		 "down, or from the functions that allocate up."),
		"Threads: who allocated what is outstanding, by walks over all blocks.",
		("Processes: Enter opens one, with its memory as the kernel counts it beside what "
		 "was traced."),
		"Modules: sums of the sites by the program or library of their "
		"function.",
		("Pools: sites that a pool or a kept buffer would relieve: how many calls a second "
		 "it would spare, how many blocks it would hold."),
		("Go: goroutines of Go programs by what they wait for, their function and the "
		 "go "
		 "statement that started them. Enter opens one: where it comes from, and why it is "
		 "called a leak."),
		"Alerts: the rules of --alert that have fired.",
	};
	size_t i, count;
	const struct key *rows = keys_table(&count);

	pager_begin(&s->pager, s->canvas.width, s->canvas.utf8);
	pager_add(&s->pager, STYLE_TITLE, 0, 0, "Keys");
	for (i = 0; i < count;)
		i += add_help_line(s, rows + i, count - i);
	ADD_SECTION(s, "Mouse", mouse);
	ADD_SECTION(s, "Pages", pages);
	ADD_SECTION(s, "Figures", figures);
}

static void fill_site(struct screen *s, int height)
{
	const struct snapshot_site *site = view_data_site(&s->data, s->open_site);

	pager_begin(&s->pager, s->canvas.width, s->canvas.utf8);
	if (site)
		stack_view_fill(&s->pager, &s->data, site, height >= 40);
	else
		pager_add(&s->pager, STYLE_WARN, 0, 2, "This site is not in the present snapshot.");
}

static void fill_process(struct screen *s)
{
	const struct snapshot *snapshot = s->data.snapshot;
	size_t i;

	pager_begin(&s->pager, s->canvas.width, s->canvas.utf8);
	for (i = 0; snapshot && i < snapshot->process_count; i++) {
		if (snapshot->processes[i].index == s->open_process)
			process_page_fill(&s->pager, snapshot, &snapshot->processes[i]);
	}
	if (!s->pager.count)
		pager_add(&s->pager, STYLE_WARN, 0, 2,
			  "This process is not in the present snapshot.");
}

static void fill_goroutines(struct screen *s)
{
	pager_begin(&s->pager, s->canvas.width, s->canvas.utf8);
	if (!goroutines_page_fill(&s->pager, &s->data, s->open_goroutines))
		pager_add(&s->pager, STYLE_WARN, 0, 2, "There are no such goroutines now.");
}

void screen_fill(struct screen *s, int height)
{
	switch (s->page) {
	case PAGE_SITE: fill_site(s, height); break;
	case PAGE_PROCESS: fill_process(s); break;
	case PAGE_GOROUTINES: fill_goroutines(s); break;
	case PAGE_HELP: fill_help(s); break;
	case PAGE_GRID:
	case PAGE_MENU: return;
	}
	pager_set_height(&s->pager, height > 0 ? (size_t)height : 0);
}

/* ---- menus ---- */

static const struct list_column menu_columns[][1] = {
	[MENU_SORT] = {{.title = "SORT BY", .width = 10, .weight = 1, .sort = -1}},
	[MENU_EXPORT] = {{.title = "EXPORT AS", .width = 10, .weight = 1, .sort = -1}},
};

static size_t fill_sorts(struct screen *s)
{
	const struct grid *t = screen_grid(s);
	size_t i, count = 0;

	for (i = 0; i < t->kind->column_count && count < MENU_ROWS; i++) {
		if (t->kind->columns[i].sort >= 0)
			s->menu_sorts[count++] = t->kind->columns[i].sort;
	}
	return count;
}

static size_t count_formats(const struct screen *s)
{
	const struct screen_sources *sources = s->data.sources;
	struct view_format f;
	size_t count = 0;

	while (count < MENU_ROWS && sources->export_format(sources->context, count, &f))
		count++;
	return count;
}

void screen_open_menu(struct screen *s, enum menu kind)
{
	size_t i, count = kind == MENU_SORT ? fill_sorts(s) : count_formats(s);

	s->menu_kind = kind;
	list_init(&s->menu, menu_columns[kind], 1);
	list_set_count(&s->menu, count);
	for (i = 0; kind == MENU_SORT && i < count; i++) {
		if (s->menu_sorts[i] == screen_grid(s)->sort)
			list_select(&s->menu, i);
	}
	screen_open_page(s, PAGE_MENU);
}

static void menu_cell(void *context, size_t row, size_t column, struct buffer *out,
		      enum style *style)
{
	const struct screen *s = context;
	const struct screen_sources *sources = s->data.sources;
	struct view_format f;

	(void)column;
	(void)style;
	if (s->menu_kind == MENU_SORT)
		buffer_add_string(out, grid_sort_name(s->menu_sorts[row]));
	else if (sources->export_format(sources->context, row, &f))
		buffer_printf(out, "%-14s %s", f.name, f.what);
}

void screen_draw_menu(struct screen *s, int y, int height)
{
	list_set_width(&s->menu, s->canvas.width);
	list_set_height(&s->menu, height > 1 ? (size_t)height - 1 : 0);
	list_draw(&s->menu, &s->canvas, y, menu_cell, s);
}
