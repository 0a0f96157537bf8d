/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The curve has a value for each collection that was seen to end: what was live then. */
#include "gc_page.h"

#include "plot.h"
#include "report_gc.h"

#define INDENT	     4
#define CURVE_HEIGHT 5

static void add_curve(struct pager *p, const struct snapshot *s, const struct go_gc *g)
{
	struct view_point points[GO_LIVE_POINTS];
	uint32_t i;

	for (i = 0; i < g->point_count; i++) {
		uint64_t end_ns = g->points[i].end_ns;

		points[i] = (struct view_point){
			.ago_s = s->realtime_ns > end_ns ? (double)(s->realtime_ns - end_ns) / 1e9
							 : 0,
			.bytes = (double)g->points[i].bytes};
	}
	plot_history(p, points, g->point_count, INDENT, CURVE_HEIGHT);
}

static void add_advice(struct pager *p, const struct go_advice *a)
{
	struct buffer text = {0};

	if (a->state == GO_ADVICE_NONE)
		return;
	go_advice_text(&text, a);
	pager_add(p, STYLE_NORMAL, 0, 0, "");
	pager_add(p, a->state == GO_ADVICE_CHANGE ? STYLE_WARN : STYLE_NORMAL, INDENT, 4,
		  text.data);
	buffer_done(&text);
}

void gc_page_add(struct pager *p, const struct snapshot *s, const struct snapshot_process *process)
{
	const struct go_gc *g = &process->go_gc;
	struct buffer text = {0};
	int i;

	if (!process->go.known || !g->known)
		return;
	pager_add(p, STYLE_NORMAL, 0, 0, "");
	pager_add(p, STYLE_TITLE, 0, 0, "Its garbage collector");
	for (i = 0; i < REPORT_GC_LINES; i++) {
		buffer_reset(&text);
		buffer_add(&text, "", 0);
		report_gc_lines[i](&text, process);
		if (text.length)
			pager_add(p,
				  i == REPORT_GC_LIVE && g->live_grows ? STYLE_BAD : STYLE_NORMAL,
				  INDENT, 4, text.data);
	}
	buffer_done(&text);
	pager_add(p, STYLE_FAINT, INDENT, 4, "Live heap after each collection:");
	add_curve(p, s, g);
	add_advice(p, &process->go_advice);
}
