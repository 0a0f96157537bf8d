/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Curves and histograms. A column of a curve shows what was there at its time: the newest point not
 * after it. Eighths of a line are drawn where the terminal takes UTF-8, thirds where it does not.
 */
#include "plot.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../base/units.h"
#include "../base/xalloc.h"
#include "text.h"

#define SCALE_COLUMNS 9 /* "  12.3M |" without the bar */
#define COLUMNS_MOST  100
#define COLUMNS_LEAST 10
#define BAR_COLUMNS   40

struct curve {
	double *values; /* a column each; NAN: nothing is known of that time */
	int columns, height;
	double low, high;
};

static void sample_columns(struct curve *c, const struct view_point *points, size_t count)
{
	double span = points[0].ago_s - points[count - 1].ago_s;
	size_t at = 0;
	int x;

	c->low = HUGE_VAL;
	c->high = 0;
	for (x = 0; x < c->columns; x++) {
		double ago = points[0].ago_s - span * x / (c->columns - 1);

		while (at + 1 < count && points[at + 1].ago_s >= ago - 1e-9)
			at++;
		c->values[x] = points[at].bytes;
		c->low = fmin(c->low, points[at].bytes);
		c->high = fmax(c->high, points[at].bytes);
	}
	if (c->high - c->low >= c->high / 2 || !(c->high > c->low))
		c->low = 0;
}

/* How full a cell is, 0..8. */
static int cell_level(const struct curve *c, int x, int line)
{
	double share = c->high > c->low ? (c->values[x] - c->low) / (c->high - c->low) : 0;
	long eighths = lround(share * c->height * 8) - (long)(c->height - 1 - line) * 8;

	if (line == c->height - 1 && eighths < 1 && c->values[x] > 0)
		return 1;
	return eighths < 0 ? 0 : eighths > 8 ? 8 : (int)eighths;
}

static void add_cell(struct buffer *out, int level, bool utf8)
{
	static const char *const blocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
	static const char ascii[] = "  ..::###";

	if (utf8)
		buffer_add_string(out, blocks[level]);
	else
		buffer_add_char(out, level == 1 ? '.' : ascii[level]);
}

static void add_curve_line(struct pager *p, const struct curve *c, int line, int indent)
{
	struct buffer text = {0};
	char scale[16] = "";
	int x;

	if (line == 0)
		units_bytes((uint64_t)c->high, scale, sizeof(scale));
	else if (line == c->height - 1)
		units_bytes((uint64_t)c->low, scale, sizeof(scale));
	buffer_printf(&text, "%*s %s", SCALE_COLUMNS - 2, scale, p->utf8 ? "│" : "|");
	for (x = 0; x < c->columns; x++)
		add_cell(&text, cell_level(c, x, line), p->utf8);
	pager_add(p, STYLE_GOOD, indent, 0, text.data);
	buffer_done(&text);
}

static void add_time(struct pager *p, const struct curve *c, double ago_s, int indent)
{
	char text[16], start[24];

	units_duration(ago_s, text, sizeof(text));
	snprintf(start, sizeof(start), "-%s", text);
	pager_printf(p, STYLE_FAINT, indent + SCALE_COLUMNS, 0, "%-*s%s", c->columns - 3, start,
		     "now");
}

void plot_history(struct pager *p, const struct view_point *points, size_t count, int indent,
		  int height)
{
	struct curve c = {.height = height, .columns = p->width - indent - SCALE_COLUMNS - 1};
	int line;

	if (c.columns > COLUMNS_MOST)
		c.columns = COLUMNS_MOST;
	if (count < 2 || c.columns < COLUMNS_LEAST || height < 1)
		return;
	c.values = xcalloc((size_t)c.columns, sizeof(*c.values));
	sample_columns(&c, points, count);
	for (line = 0; line < c.height; line++)
		add_curve_line(p, &c, line, indent);
	add_time(p, &c, points[0].ago_s, indent);
	free(c.values);
}

void plot_bars(struct pager *p, const struct plot_bar *bars, size_t count, int indent)
{
	struct buffer text = {0};
	double most = 0;
	int columns = p->width - indent - 26 - 14;
	size_t i;

	columns = columns > BAR_COLUMNS ? BAR_COLUMNS : columns < 4 ? 4 : columns;
	for (i = 0; i < count; i++)
		most = fmax(most, bars[i].value);
	for (i = 0; i < count; i++) {
		int used;

		buffer_reset(&text);
		buffer_printf(&text, "%15s ", bars[i].label);
		text_bar(&text, most > 0 ? bars[i].value / most : 0, columns, p->utf8);
		used = text_columns(text.data, p->utf8);
		buffer_printf(&text, "%*s %s", 16 + columns - used, "", bars[i].note);
		pager_add(p, STYLE_NORMAL, indent, 0, text.data);
	}
	buffer_done(&text);
}
