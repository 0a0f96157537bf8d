/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside of the screen: its state, shared by drawing (screen.c), keys (screen_keys.c) and the mouse
 * (screen_mouse.c). */
#ifndef VIEW_SCREEN_PRIVATE_H
#define VIEW_SCREEN_PRIVATE_H

#include "canvas.h"
#include "header.h"
#include "keys.h"
#include "pager.h"
#include "paint.h"
#include "prompt.h"
#include "screen.h"
#include "grid.h"
#include "theme.h"
#include "view_data.h"

#define SCREEN_GRIDS 12
#define SCREEN_HITS  32
#define MENU_ROWS    32

enum page { PAGE_GRID, PAGE_SITE, PAGE_PROCESS, PAGE_GOROUTINES, PAGE_HELP, PAGE_MENU };
enum menu { MENU_SORT, MENU_EXPORT };

/* A place on the screen where a click means something. */
struct hit {
	int y, x, columns;
	enum action action;
	size_t table; /* with ACTION_NONE: that page */
};

struct screen {
	struct theme theme;
	struct canvas canvas;
	struct paint paint;
	struct snapshot held; /* what data.snapshot points to */
	struct view_data data;
	struct header header;
	struct grid grids[SCREEN_GRIDS];
	size_t grid_count, active;
	struct pager pager; /* site and help */
	struct list menu;
	enum menu menu_kind;
	int menu_sorts[MENU_ROWS];
	struct prompt prompt;
	enum page page, page_below;	  /* below: where help returns to */
	uint32_t open_site, open_process; /* heap indices */
	uint64_t open_goroutines;	  /* key of their row */
	size_t export_format;
	bool paused;
	double interval_s;
	char message[256];
	uint64_t message_until_ns;
	unsigned long log_seen;
	enum screen_request request;
	/* as drawn last */
	int body_y;
	struct hit hits[SCREEN_HITS];
	size_t hit_count;
	uint64_t clicked_key;
	bool clicked;
};

static inline struct grid *screen_grid(struct screen *s)
{
	return &s->grids[s->active];
}

/* screen.c */
void screen_show(struct screen *s);
void screen_add_hit(struct screen *s, const struct hit *hit);

/* screen_pages.c: what stands on them */
/* The pager, for the page that is open; nothing for others. */
void screen_fill(struct screen *s, int height);
void screen_open_menu(struct screen *s, enum menu kind);
void screen_draw_menu(struct screen *s, int y, int height);

/* screen_keys.c */
void screen_action(struct screen *s, enum action action);
void screen_open_page(struct screen *s, enum page page);
void screen_show_grid(struct screen *s, size_t table);
void screen_sort(struct screen *s, int sort);

/* screen_mouse.c */
void screen_mouse(struct screen *s);

#endif /* VIEW_SCREEN_PRIVATE_H */
