/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every point but the last of a line stands for `stride` snapshots, so that points are evenly spread whatever the length
 * of the run. A process that has ended gets its last point and then takes no more.
 */
#include "html_series.h"

#include <stdlib.h>
#include <string.h>
#include "../base/xalloc.h"
#include "json_text.h"

void html_series_done(struct html_series *s)
{
	for (uint32_t i = 0; i < s->count; i++)
		free(s->lines[i].points);
	free(s->lines);
	*s = (struct html_series){0};
}

static uint32_t room_of_a_line(const struct html_series *s)
{
	uint32_t room = HTML_POINTS_BUDGET / (s->count ? s->count : 1);

	if (room > HTML_POINTS_MAX)
		room = HTML_POINTS_MAX;
	return room < HTML_POINTS_MIN ? HTML_POINTS_MIN : room;
}

static uint64_t most(uint64_t a, uint64_t b)
{
	if (a == UINT64_MAX || b == UINT64_MAX)
		return a == UINT64_MAX ? b : a;
	return a > b ? a : b;
}

/* `to` is the later one. */
static void merge(struct html_point *to, const struct html_point *before)
{
	to->outstanding_most = most(to->outstanding_most, before->outstanding_most);
	to->rss_most = most(to->rss_most, before->rss_most);
}

static void thin(struct html_line *line)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < line->count; i += 2) {
		struct html_point point = line->points[i];

		if (i + 1 < line->count) {
			point = line->points[i + 1];
			merge(&point, &line->points[i]);
		}
		line->points[n++] = point;
	}
	if (line->count % 2 == 0)
		line->held += line->stride;
	line->count = n;
	line->stride *= 2;
}

static void append(struct html_line *line, const struct html_point *point)
{
	if (line->count == line->capacity) {
		line->capacity = line->capacity ? line->capacity * 2 : 8;
		line->points = xrealloc(line->points, line->capacity * sizeof(*line->points));
	}
	line->points[line->count++] = *point;
	line->held = 1;
}

static void line_add(struct html_line *line, const struct html_point *point, uint32_t room)
{
	struct html_point merged = *point;

	while (line->count > room || (line->count == room && line->held == line->stride))
		thin(line);
	if (!line->count || line->held == line->stride) {
		append(line, point);
		return;
	}
	merge(&merged, &line->points[line->count - 1]);
	line->points[line->count - 1] = merged;
	line->held++;
}

static struct html_point point_of(const struct snapshot *s, const struct snapshot_process *p)
{
	return (struct html_point){
		.elapsed_s = s->elapsed_s,
		.outstanding_bytes = p->totals.outstanding_bytes,
		.outstanding_most = p->totals.outstanding_bytes,
		.outstanding_count = p->totals.outstanding_count,
		.rss_bytes = p->rss_bytes,
		.rss_most = p->rss_bytes,
		.alloc_bytes = p->totals.alloc_bytes,
		.alloc_count = p->totals.alloc_count,
		.free_count = p->totals.free_count,
		.lost_events = p->lost_events,
	};
}

static void sum(struct html_point *to, const struct html_point *p)
{
	to->outstanding_bytes += p->outstanding_bytes;
	to->outstanding_most += p->outstanding_most;
	to->outstanding_count += p->outstanding_count;
	if (p->rss_bytes != UINT64_MAX)
		to->rss_bytes = to->rss_most =
			p->rss_bytes + (to->rss_bytes == UINT64_MAX ? 0 : to->rss_bytes);
	to->alloc_bytes += p->alloc_bytes;
	to->alloc_count += p->alloc_count;
	to->free_count += p->free_count;
	to->lost_events += p->lost_events;
}

static void reserve_lines(struct html_series *s, uint32_t count)
{
	if (count > s->capacity) {
		s->capacity = count + count / 2 + 4;
		s->lines = xrealloc(s->lines, s->capacity * sizeof(*s->lines));
	}
	for (; s->count < count; s->count++)
		s->lines[s->count] = (struct html_line){.stride = 1, .start_s = s->last_s};
}

void html_series_add(struct html_series *s, const struct snapshot *snapshot)
{
	struct html_point total = {
		.elapsed_s = snapshot->elapsed_s, .rss_bytes = UINT64_MAX, .rss_most = UINT64_MAX};
	uint32_t room;

	reserve_lines(s, (uint32_t)snapshot->process_count + 1);
	room = room_of_a_line(s);
	for (size_t i = 0; i < snapshot->process_count; i++) {
		const struct snapshot_process *p = &snapshot->processes[i];
		struct html_point point = point_of(snapshot, p);
		struct html_line *line = &s->lines[i + 1];

		sum(&total, &point);
		if (!line->ended)
			line_add(line, &point, room);
		line->ended = p->exited;
	}
	line_add(&s->lines[0], &total, room);
	s->last_s = snapshot->elapsed_s;
}

static void write_point(const struct html_point *p, struct buffer *out)
{
	const uint64_t values[] = {p->outstanding_bytes, p->outstanding_most, p->outstanding_count,
				   p->rss_bytes,	 p->rss_most,	      p->alloc_bytes,
				   p->alloc_count,	 p->free_count,	      p->lost_events};

	json_open(out, NULL, '[');
	json_number(out, NULL, p->elapsed_s);
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		json_known_u64(out, NULL, values[i]);
	json_close(out, ']');
}

static void write_line(const struct html_line *line, uint64_t process, struct buffer *out)
{
	json_open(out, NULL, '{');
	json_known_u64(out, "process", process);
	json_number(out, "start", line->start_s);
	json_open(out, "points", '[');
	for (uint32_t i = 0; i < line->count; i++)
		write_point(&line->points[i], out);
	json_close(out, ']');
	json_close(out, '}');
}

void html_series_write(const struct html_series *s, struct buffer *out)
{
	json_open(out, "series", '[');
	for (uint32_t i = 0; i < s->count; i++)
		write_line(&s->lines[i], i ? i - 1 : UINT64_MAX, out);
	json_close(out, ']');
}
