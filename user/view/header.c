/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The top lines. Input is one snapshot, summed over its processes, and the outstanding bytes of
 * those before. Small screens get fewer lines, the most important ones first; in each line the most
 * important figure comes first, because what does not fit is left out.
 */
#include "header.h"

#include <math.h>
#include <string.h>
#include "../base/buffer.h"
#include "../base/clock.h"
#include "../base/units.h"
#include "figures.h"
#include "line.h"
#include "report.h"
#include "text.h"

#define HISTORY_MAX_COLUMNS 60
#define LIMIT_NEAR_S	    (6.0 * 3600) /* a limit of memory that is met later is not shown */

struct sums {
	struct amounts amounts;
	uint64_t bytes, ranges_bytes, rss_bytes, lost, unknown_frees;
	double growth, allocs, frees;
	uint32_t sites, leaks, ended;
	struct uncertain uncertain;
	bool margins_known;
	enum blind blind;		     /* of the first process of which that is known */
	const struct exhaustion *exhaustion; /* the soonest; NULL: none is known */
	bool rss_known;
};

static void add_uncertain(struct sums *sums, const struct snapshot_process *p)
{
	sums->margins_known &= p->uncertain != NULL;
	if (!p->uncertain)
		return;
	if (p->inherits)
		uncertain_add_copy(&sums->uncertain, p->uncertain);
	else
		uncertain_add(&sums->uncertain, p->uncertain);
}

static void sum_up(const struct snapshot *s, struct sums *sums)
{
	size_t i;

	*sums = (struct sums){.rss_known = s->process_count > 0,
			      .margins_known = true,
			      .lost = report_lost_events(s)};
	for (i = 0; i < s->process_count; i++) {
		const struct snapshot_process *p = &s->processes[i];
		struct amounts a;

		sums->unknown_frees += p->unknown_frees;
		sums->ended += p->exited;
		sums->blind = sums->blind ? sums->blind : p->blind;
		add_uncertain(sums, p);
		a = amounts_of(&p->totals, p->change);
		amounts_add(&sums->amounts, &a);
		sums->bytes += p->totals.outstanding_bytes;
		if (p->exhaustion.known && !p->exited &&
		    (!sums->exhaustion || p->exhaustion.seconds < sums->exhaustion->seconds))
			sums->exhaustion = &p->exhaustion;
		sums->ranges_bytes += p->ranges_bytes;
		sums->growth += p->growth_bytes_per_s;
		sums->allocs += p->allocs_per_s;
		sums->frees += p->frees_per_s;
		sums->sites += p->site_count;
		sums->leaks += p->leak_site_count;
		if (p->exited)
			continue;
		if (p->rss_bytes == UINT64_MAX)
			sums->rss_known = false;
		else
			sums->rss_bytes += p->rss_bytes;
	}
}

void header_remember(struct header *h, const struct snapshot *s)
{
	struct sums sums;

	sum_up(s, &sums);
	/* a replay has gone back */
	if (s->elapsed_s < h->elapsed_s)
		h->history_count = 0;
	h->elapsed_s = s->elapsed_s;
	if (h->history_count == HEADER_HISTORY) {
		memmove(h->history, h->history + 1, (HEADER_HISTORY - 1) * sizeof(h->history[0]));
		h->history_count--;
	}
	h->history[h->history_count++] = (double)sums.bytes;
}

int header_height(int screen_lines)
{
	if (screen_lines >= 16)
		return 4;
	if (screen_lines >= 10)
		return 2;
	return screen_lines >= 4 ? 1 : 0;
}

static void add_processes(struct buffer *out, const struct snapshot *s, const struct sums *sums)
{
	if (s->process_count == 0) {
		buffer_add_string(out, "no process");
	} else if (s->process_count == 1) {
		buffer_add_clean(out, s->processes[0].comm);
		buffer_printf(out, " (%u)%s", s->processes[0].pid, sums->ended ? " has ended" : "");
	} else {
		buffer_printf(out, "%zu processes", s->process_count);
		if (sums->ended)
			buffer_printf(out, ", %u have ended", sums->ended);
	}
}

static void add_playback(struct line *l, const struct view_playback *p)
{
	char at[16], length[16];

	units_duration(p->at_s, at, sizeof(at));
	units_duration(p->length_s, length, sizeof(length));
	if (p->ended)
		line_right(l, STYLE_WARN, "  ended at %s", at);
	else if (p->length_s > 0)
		line_right(l, STYLE_WARN, "  %gx %s of %s", p->speed, at, length);
	else
		line_right(l, STYLE_WARN, "  %gx %s", p->speed, at);
}

static void draw_title(struct canvas *canvas, const struct snapshot *s, const struct sums *sums,
		       const struct header_state *state)
{
	struct buffer who = {0};
	struct line l;
	char text[16];

	line_begin(&l, canvas, 0, STYLE_NORMAL);
	add_processes(&who, s, sums);
	if (state->paused || (state->playback && state->playback->paused))
		line_right(&l, STYLE_WARN, " PAUSED");
	if (state->playback)
		add_playback(&l, state->playback);
	if (s->changes)
		line_right(
			&l, STYLE_WARN, "  baseline %s ago",
			units_duration(fmax(s->elapsed_s - s->baseline_s, 0), text, sizeof(text)));
	if (canvas->width >= 60)
		line_right(&l, STYLE_NORMAL, "  every %gs", state->interval_s);
	line_right(&l, STYLE_NORMAL, "  up %s", units_duration(s->elapsed_s, text, sizeof(text)));
	if (canvas->width >= 40)
		line_add(&l, STYLE_FAINT, state->playback ? "replay " : "tracer ");
	line_cut(&l, sums->ended ? STYLE_WARN : STYLE_TITLE, who.data, 0);
	buffer_done(&who);
}

/* The bars with their range beside them: without it a flat line and a doubling would look alike. */
static void draw_history(const struct header *h, struct line *l)
{
	size_t i, count = h->history_count, room;
	double low = HUGE_VAL, high = 0;
	char from[16], to[16];
	struct buffer bars = {0};

	if (l->end - l->x < 30)
		return;
	room = (size_t)(l->end - l->x) - 20;
	if (room > HISTORY_MAX_COLUMNS)
		room = HISTORY_MAX_COLUMNS;
	if (count > room)
		count = room;
	for (i = h->history_count - count; i < h->history_count; i++) {
		low = fmin(low, h->history[i]);
		high = fmax(high, h->history[i]);
	}
	if (count == 0)
		return;
	text_bars(&bars, h->history + h->history_count - count, count, l->canvas->utf8);
	line_add(l, STYLE_GOOD, "%s", bars.data);
	line_add(l, STYLE_FAINT, " %s..%s", units_bytes((uint64_t)low, from, sizeof(from)),
		 units_bytes((uint64_t)high, to, sizeof(to)));
	buffer_done(&bars);
}

/* " +-3%" each, or nothing when figures are exact. */
struct margins {
	char bytes[INTERVAL_TEXT + 1], growth[INTERVAL_TEXT + 1];
};

static void find_margins(const struct snapshot *s, const struct sums *sums, struct margins *m)
{
	const struct uncertain *u = &sums->uncertain;

	*m = (struct margins){"", ""};
	if (!s->uncertain || s->changes || !sums->margins_known)
		return;
	m->bytes[0] = m->growth[0] = ' ';
	interval_text((double)sums->bytes, uncertain_bytes(u, FIGURE_OUTSTANDING), units_bytes,
		      m->bytes + 1, sizeof(m->bytes) - 1);
	interval_change_text(sums->growth, uncertain_growth(u, sums->growth), m->growth + 1,
			     sizeof(m->growth) - 1);
}

static void draw_heap(const struct header *h, struct canvas *canvas, const struct snapshot *s,
		      const struct sums *sums)
{
	struct buffer bytes = {0}, count = {0};
	struct margins margins;
	char growth[16];
	struct line l;

	line_begin(&l, canvas, 1, STYLE_NORMAL);
	figure_amount_bytes(&bytes, &sums->amounts);
	figure_amount_count(&count, &sums->amounts);
	units_signed_bytes(sums->growth, growth, sizeof(growth));
	find_margins(s, sums, &margins);
	if (!line_pair(&l, "Heap", STYLE_STRONG, "%s%s in %s blocks", bytes.data, margins.bytes,
		       count.data))
		line_pair(&l, "Heap", STYLE_STRONG, "%s%s", bytes.data, margins.bytes);
	line_pair(&l, "Growth", sums->growth >= 1 ? STYLE_WARN : STYLE_NORMAL, "%s%s/s", growth,
		  margins.growth);
	draw_history(h, &l);
	buffer_done(&bytes);
	buffer_done(&count);
}

static void draw_rates(struct canvas *canvas, const struct sums *sums)
{
	char text[16];
	struct line l;

	line_begin(&l, canvas, 2, STYLE_NORMAL);
	if (sums->rss_known)
		line_pair(&l, "RSS", STYLE_STRONG, "%-7s",
			  units_bytes(sums->rss_bytes, text, sizeof(text)));
	else
		line_pair(&l, "RSS", STYLE_NORMAL, "%-7s", "?");
	line_pair(&l, "Allocs", STYLE_NORMAL, "%s/s",
		  units_count((uint64_t)fmax(sums->allocs, 0), text, sizeof(text)));
	line_pair(&l, "Frees", STYLE_NORMAL, "%s/s",
		  units_count((uint64_t)fmax(sums->frees, 0), text, sizeof(text)));
	line_pair(&l, "Sites", STYLE_NORMAL, "%u", sums->sites);
	line_pair(&l, "Leaks", sums->leaks ? STYLE_BAD : STYLE_GOOD, "%u", sums->leaks);
	if (sums->exhaustion && sums->exhaustion->seconds < LIMIT_NEAR_S)
		line_pair(&l, "Memory ends", STYLE_BAD, "in %s",
			  units_duration(sums->exhaustion->seconds, text, sizeof(text)));
	if (sums->ranges_bytes)
		line_pair(&l, "Mapped", STYLE_NORMAL, "%s",
			  units_bytes(sums->ranges_bytes, text, sizeof(text)));
}

static const char *const blind_texts[] = {
	[BLIND_ALL] = "nothing is seen, but it grows",
	[BLIND_ALLOCATIONS] = "allocations are not seen",
	[BLIND_FREES] = "frees are not seen",
};

static void draw_cost(struct canvas *canvas, const struct snapshot *s, const struct sums *sums)
{
	char text[16];
	struct line l;

	line_begin(&l, canvas, 3, STYLE_NORMAL);
	line_pair(&l, "Lost", sums->lost ? STYLE_BAD : STYLE_GOOD, "%s events",
		  units_count(sums->lost, text, sizeof(text)));
	line_pair(&l, "Tracer", STYLE_NORMAL, "%.1f%% CPU, %s", s->tracer_cpu_percent,
		  s->tracer_rss_bytes == UINT64_MAX
			  ? "?"
			  : units_bytes(s->tracer_rss_bytes, text, sizeof(text)));
	if (s->cost.known)
		line_pair(&l, "Target cost", STYLE_NORMAL, "%.1f%%",
			  s->coverage.partial ? s->cost.total_percent : s->cost.percent);
	if (s->coverage.error_known)
		line_pair(&l, "Covered", STYLE_WARN, "%.1f%%, heap +-%.0f%%",
			  s->coverage.time_percent, s->coverage.kept_bytes_error);
	else if (s->coverage.partial)
		line_pair(&l, "Covered", STYLE_WARN, "%.1f%%", s->coverage.time_percent);
	if (sums->blind)
		line_pair(&l, "Blind", STYLE_BAD, "%s", blind_texts[sums->blind]);
	if (s->sampled)
		line_pair(&l, "Sampled", STYLE_WARN, "one per %s",
			  units_bytes(s->sample_bytes, text, sizeof(text)));
	if (sums->unknown_frees)
		line_pair(&l, "Unknown frees", STYLE_NORMAL, "%s",
			  units_count(sums->unknown_frees, text, sizeof(text)));
}

void header_draw(const struct header *h, struct canvas *canvas, const struct snapshot *s,
		 int height, const struct header_state *state)
{
	struct sums sums;

	sum_up(s, &sums);
	if (height >= 1)
		draw_title(canvas, s, &sums, state);
	if (height >= 2)
		draw_heap(h, canvas, s, &sums);
	if (height >= 3)
		draw_rates(canvas, &sums);
	if (height >= 4)
		draw_cost(canvas, s, &sums);
}
