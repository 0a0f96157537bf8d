/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Curves and histograms as lines of text. The main thread only. */
#ifndef VIEW_PLOT_H
#define VIEW_PLOT_H

#include <stddef.h>
#include "pager.h"
#include "sources.h"

/*
 * Appends a curve over time to the pager: `height` lines of bars, its scale at the left, its time
 * below. It begins at 0 unless the change would not be seen then: the scale says so. Nothing for
 * less than two points or where there is no room.
 */
void plot_history(struct pager *p, const struct view_point *points, size_t count, int indent,
		  int height);

struct plot_bar {
	char label[24];
	double value;
	char note[24];
};

/* Appends a line "label  bar  note" for each; the longest bar is that of the largest value. */
void plot_bars(struct pager *p, const struct plot_bar *bars, size_t count, int indent);

#endif /* VIEW_PLOT_H */
