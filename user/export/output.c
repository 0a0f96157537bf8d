/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Brings formats and files together. Invariant: the times of two snapshots in a file differ and increase, also when the
 * clock is set back.
 */
#include "output.h"

#include <inttypes.h>
#include <stdlib.h>
#include "../base/clock.h"
#include "../base/log.h"
#include "../base/xalloc.h"
#include "final_file.h"
#include "stream_file.h"

struct output {
	const struct export_format *format;
	struct stream_file stream; /* of a streamed format */
	struct final_file final;   /* of another one */
	struct sink sink;
	uint64_t last_ms;  /* time of the snapshot written last */
	uint64_t version;  /* newest of a site in what was written */
	uint64_t left_out; /* snapshots, because of a slow reader */
};

static int write_stream(void *file, const char *data, size_t size)
{
	return stream_file_write_part(file, data, size);
}

static int write_final(void *file, const char *data, size_t size)
{
	return final_file_write(file, data, size);
}

static const char *header(const struct output *o)
{
	return o->format->header ? o->format->header : "";
}

struct output *output_open(const struct export_format *format, const char *path)
{
	struct output *o = xcalloc(1, sizeof(*o));
	int err;

	o->format = format;
	if (format->streamed) {
		o->sink = (struct sink){.write = write_stream, .file = &o->stream};
		err = stream_file_open(&o->stream, path, header(o));
	} else {
		o->sink = (struct sink){.write = write_final, .file = &o->final};
		err = final_file_open(&o->final, path);
	}
	if (!err)
		return o;
	free(o);
	return NULL;
}

const struct export_format *output_format(const struct output *o)
{
	return o->format;
}

static const char *text(const struct sink *s)
{
	return s->text.data ? s->text.data : "";
}

/* What a slow reader can hold up; NULL: there is none. */
static struct stream_file *stream(struct output *o)
{
	if (o->format->streamed)
		return &o->stream;
	return o->final.in_place ? &o->final.stream : NULL;
}

static const char *path(const struct output *o)
{
	return o->format->streamed ? o->stream.path : o->final.path;
}

/* Is there room for one more snapshot? Asked before it is made: a piece of one is of no use. */
static bool has_room(struct output *o, const struct export_input *in)
{
	struct stream_file *s = stream(o);

	if (!s || in->reader == READER_OWED || stream_file_has_room(s) || stream_file_error(s))
		return true;
	return in->reader == READER_WAITED_FOR && stream_file_await_room(s, in->breath);
}

static void leave_out(struct output *o)
{
	if (!o->left_out++)
		log_warn("cannot write '%s' now: its reader is too slow; snapshots are left out "
			 "until it has room",
			 path(o));
}

/* The last part makes the piece whole. Without any rows there was no snapshot. */
static int write_rows(struct output *o, const struct export_input *in)
{
	if (stream_file_error(&o->stream))
		return stream_file_error(&o->stream);
	o->format->write(&o->sink, in);
	if (o->sink.error)
		return o->sink.error;
	if (o->sink.text.length == 0 && o->stream.part_length == 0)
		return 0;
	o->last_ms = in->realtime_ns / NS_PER_MS;
	o->sink.error = stream_file_write(&o->stream, text(&o->sink), o->sink.text.length);
	return o->sink.error ? o->sink.error : stream_file_settle(&o->stream, in->breath);
}

static int write_whole(struct output *o, const struct export_input *in)
{
	int err = final_file_begin(&o->final);

	if (err)
		return err;
	o->format->write(&o->sink, in);
	err = o->sink.error;
	if (!err)
		err = final_file_write(&o->final, text(&o->sink), o->sink.text.length);
	return final_file_end(&o->final, !err, in->breath);
}

static uint64_t newest_version(const struct snapshot *s)
{
	uint64_t newest = 0;
	size_t i;

	for (i = 0; i < s->site_count; i++) {
		if (s->sites[i].version > newest)
			newest = s->sites[i].version;
	}
	return newest;
}

uint64_t output_version(const struct output *o)
{
	return o->version;
}

int output_write(struct output *o, const struct export_input *in)
{
	struct export_input now = *in;
	uint64_t ms = in->snapshot->realtime_ns / NS_PER_MS;

	if (!has_room(o, in)) {
		leave_out(o);
		return 0;
	}
	o->version = newest_version(in->snapshot);
	if (ms <= o->last_ms)
		ms = o->last_ms + 1;
	now.realtime_ns = ms * NS_PER_MS;
	buffer_reset(&o->sink.text);
	o->sink.error = 0;
	o->sink.breath = in->breath;
	return o->format->streamed ? write_rows(o, &now) : write_whole(o, &now);
}

bool output_is_taken(struct output *o)
{
	struct stream_file *s = stream(o);

	return !s || stream_file_error(s) || !stream_file_waiting(s);
}

int output_error(struct output *o)
{
	struct stream_file *s = stream(o);

	return s ? stream_file_error(s) : 0;
}

void output_finish(struct output *o, struct breath *breath)
{
	struct stream_file *s = stream(o);

	if (s)
		stream_file_finish(s, breath);
	if (o->left_out)
		log_warn("'%s' is without %" PRIu64 " snapshots: its reader was too slow", path(o),
			 o->left_out);
}

int output_reopen(struct output *o)
{
	o->version = 0;
	return o->format->streamed ? stream_file_reopen(&o->stream, header(o))
				   : final_file_reopen(&o->final);
}

int output_close(struct output *o)
{
	int err;

	if (!o)
		return 0;
	err = o->format->streamed ? stream_file_close(&o->stream) : final_file_close(&o->final);
	buffer_done(&o->sink.text);
	free(o);
	return err;
}
