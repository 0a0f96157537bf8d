// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Streamed files get rows at every interval; the others, and lists of blocks, only when somebody asks and at the end.
 * A file asked for by a key is opened at once, so that a wrong name is said at once, and closed as soon as it is written.
 */
#include "exports.h"

#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "export/output_path.h"

bool exports_open(struct exports *e, const struct options *options)
{
	size_t i;

	*e = (struct exports){.to_stdout = options_to_stdout(options)};
	if (options->metrics && !(e->metrics = metrics_open(options->metrics, options->top)))
		return false;
	for (i = 0; i < FORMATS; i++) {
		if (!options->files[i])
			continue;
		e->v[i] = output_open(&export_formats[i], options->files[i]);
		if (!e->v[i])
			return false;
	}
	return true;
}

size_t exports_count(const struct exports *e)
{
	size_t i, count = 0;

	for (i = 0; i < FORMATS; i++)
		count += e->v[i] != NULL;
	return count;
}

bool exports_once(struct exports *e, const char *format, const char *path)
{
	const struct export_format *f = export_format_find(format);

	exports_attend(e);
	if (e->once_begun) {
		log_error("cannot write '%s' now: another file is being written; try again", path);
		return false;
	}
	output_close(e->once);
	e->once = NULL;
	if (!f)
		log_error("cannot export as '%s': there is no such format", format);
	else if (output_path_descriptor(path) == STDOUT_FILENO)
		log_error("cannot write '%s': the screen is there; name a file", path);
	else
		e->once = output_open(f, path);
	return e->once != NULL;
}

static bool is_due(const struct export_format *format, enum output_when when)
{
	if (when == WHEN_LOOK)
		return false;
	if (when == WHEN_INTERVAL)
		return format->streamed && !format->lists_blocks;
	return when != WHEN_EXPORT;
}

/* The outputs that are due one after the other: *at is 0 at first. NULL: no more. */
static struct output *next_due(const struct exports *e, enum output_when when, size_t *at)
{
	while (*at < FORMATS) {
		struct output *o = e->v[(*at)++];

		if (o && is_due(output_format(o), when))
			return o;
	}
	if (*at == FORMATS && when == WHEN_EXPORT) {
		(*at)++;
		return e->once;
	}
	return NULL;
}

/* Has one of those that are due this property, a bool of struct export_format? */
static bool want(const struct exports *e, enum output_when when, size_t property)
{
	struct output *o;
	size_t at = 0;

	while ((o = next_due(e, when, &at))) {
		if (*(const bool *)((const char *)output_format(o) + property))
			return true;
	}
	return false;
}

bool exports_want_blocks(const struct exports *e, enum output_when when)
{
	return want(e, when, offsetof(struct export_format, lists_blocks));
}

bool exports_want_run(const struct exports *e, enum output_when when)
{
	return want(e, when, offsetof(struct export_format, tells_run));
}

bool exports_want_names(const struct exports *e, enum output_when when)
{
	return want(e, when, offsetof(struct export_format, names_sites));
}

bool exports_want_lifetimes(const struct exports *e, enum output_when when)
{
	return want(e, when, offsetof(struct export_format, has_lifetimes));
}

static uint64_t since(const struct output *o, enum output_when when)
{
	bool changed_only = output_format(o)->streamed && when != WHEN_END && when != WHEN_EXPORT;

	return changed_only ? output_version(o) : 0;
}

/* The oldest version that one of them writes. */
static uint64_t least_since(const struct exports *e, enum output_when when)
{
	uint64_t least = UINT64_MAX;
	struct output *o;
	size_t at = 0;

	while ((o = next_due(e, when, &at))) {
		if (output_format(o)->names_sites && since(o, when) < least)
			least = since(o, when);
	}
	return least;
}

bool exports_ask_names(const struct exports *e, const struct export_input *in,
		       enum output_when when)
{
	const struct snapshot *s = in->snapshot;
	bool metrics = e->metrics && when != WHEN_EXPORT;
	uint64_t least = least_since(e, when);
	size_t i;

	if (metrics)
		metrics_prepare(e->metrics, in);
	for (i = 0; least != UINT64_MAX && i < s->site_count; i++) {
		if (least == 0 || s->sites[i].version > least)
			in->names(in->context, &s->sites[i]);
		breath_take(in->breath);
	}
	if (want(e, when, offsetof(struct export_format, names_goroutines))) {
		for (i = 0; i < s->goroutine_count; i++)
			in->goroutine_names(in->context, s, &s->goroutines[i]);
	}
	return metrics || least != UINT64_MAX;
}

enum reader_wait exports_reader(const struct exports *e, enum output_when when)
{
	if (when == WHEN_END || when == WHEN_EXPORT)
		return READER_OWED;
	return e->waits_for_readers ? READER_WAITED_FOR : READER_LEFT_BEHIND;
}

void exports_write(struct exports *e, const struct export_input *in, enum output_when when)
{
	struct export_input now = *in;
	struct output *o;
	size_t at = 0;

	e->once_begun |= when == WHEN_EXPORT && e->once;
	while ((o = next_due(e, when, &at))) {
		now.since_version = since(o, when);
		if (output_write(o, &now) && o != e->once)
			e->failed = true;
	}
	now.realtime_ns = in->snapshot->realtime_ns;
	if (e->metrics && when != WHEN_EXPORT)
		metrics_update(e->metrics, &now);
}

bool exports_attend(struct exports *e)
{
	bool good;
	size_t i;

	for (i = 0; i < FORMATS; i++) {
		if (e->v[i] && output_error(e->v[i]))
			e->failed = true;
	}
	if (!e->once_begun || !e->once || !output_is_taken(e->once))
		return false;
	good = output_close(e->once) == 0;
	e->once = NULL;
	e->once_begun = false;
	return good;
}

void exports_finish(struct exports *e, struct breath *breath)
{
	size_t i;

	for (i = 0; i < FORMATS; i++) {
		if (e->v[i])
			output_finish(e->v[i], breath);
	}
	if (e->once)
		output_finish(e->once, breath);
	exports_attend(e);
}

void exports_reopen(struct exports *e)
{
	size_t i;

	for (i = 0; i < FORMATS; i++) {
		if (e->v[i] && output_reopen(e->v[i]))
			e->failed = true;
	}
}

void exports_close(struct exports *e)
{
	size_t i;

	for (i = 0; i < FORMATS; i++) {
		if (output_close(e->v[i]))
			e->failed = true;
		e->v[i] = NULL;
	}
	output_close(e->once);
	e->once = NULL;
	metrics_close(e->metrics);
	e->metrics = NULL;
}
