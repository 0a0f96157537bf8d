/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the mouse does. Only presses are asked for, so that nothing waits for a second click; that is
 * told by the row that was clicked before.
 */
#include <curses.h>
#include "screen_private.h"

#define WHEEL_ROWS 3

static void scroll_by(struct screen *s, long rows)
{
	if (s->page == PAGE_GRID) {
		list_move(&screen_grid(s)->list, rows);
		grid_moved(screen_grid(s));
	} else if (s->page == PAGE_MENU) {
		list_move(&s->menu, rows);
	} else {
		pager_move(&s->pager, rows);
	}
}

static bool click_hit(struct screen *s, int y, int x)
{
	size_t i;

	for (i = 0; i < s->hit_count; i++) {
		const struct hit hit = s->hits[i];

		if (y != hit.y || x < hit.x || x >= hit.x + hit.columns)
			continue;
		if (hit.action == ACTION_NONE)
			screen_show_grid(s, hit.table);
		else
			screen_action(s, hit.action);
		return true;
	}
	return false;
}

static void click_title(struct screen *s, int x)
{
	struct grid *t = screen_grid(s);
	int column = list_column_at(&t->list, x);
	int sort = column >= 0 ? t->kind->columns[column].sort : -1;

	if (sort >= 0)
		grid_sort(t, sort, sort == t->sort && !t->inverted);
}

static void click_row(struct screen *s, size_t line)
{
	struct grid *t = screen_grid(s);
	uint64_t key;
	size_t row;

	if (line >= t->list.count)
		return;
	list_select(&t->list, line);
	grid_moved(t);
	grid_selected(t, &row);
	key = t->kind->key(t, row);
	if (s->clicked && key == s->clicked_key)
		screen_action(s, ACTION_OPEN);
	else
		s->clicked = true;
	s->clicked_key = key;
}

static void click_menu(struct screen *s, size_t line)
{
	if (line >= s->menu.count)
		return;
	list_select(&s->menu, line);
	screen_action(s, ACTION_OPEN);
}

static void click(struct screen *s, int y, int x)
{
	bool second = s->clicked;

	if (s->prompt.kind != PROMPT_NONE)
		return;
	s->clicked = false;
	if (click_hit(s, y, x) || y < s->body_y || y >= s->canvas.height - 1)
		return;
	if (s->page == PAGE_GRID && y == s->body_y)
		click_title(s, x);
	if (y == s->body_y)
		return;
	s->clicked = second;
	if (s->page == PAGE_GRID)
		click_row(s, screen_grid(s)->list.top + (size_t)(y - s->body_y - 1));
	else if (s->page == PAGE_MENU)
		click_menu(s, s->menu.top + (size_t)(y - s->body_y - 1));
}

void screen_mouse(struct screen *s)
{
	MEVENT event;

	if (getmouse(&event) != OK)
		return;
	if (event.bstate & BUTTON4_PRESSED)
		scroll_by(s, -WHEEL_ROWS);
	else if (event.bstate & BUTTON5_PRESSED)
		scroll_by(s, WHEEL_ROWS);
	else if (event.bstate & BUTTON1_PRESSED)
		click(s, event.y, event.x);
}
