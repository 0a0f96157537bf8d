/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Brings formats and files together. Invariant: the times of two snapshots in a file differ and increase, also when the
 * clock is set back.
 */
#include "output.h"

#include <stdlib.h>
#include "../base/clock.h"
#include "../base/xalloc.h"
#include "final_file.h"
#include "stream_file.h"

struct output {
	const struct export_format *format;
	struct stream_file stream; /* of a streamed format */
	struct final_file final;   /* of another one */
	struct sink sink;
	uint64_t last_ms; /* time of the snapshot written last */
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
	return stream_file_write(&o->stream, text(&o->sink), o->sink.text.length);
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

int output_write(struct output *o, const struct export_input *in)
{
	struct export_input now = *in;
	uint64_t ms = in->snapshot->realtime_ns / NS_PER_MS;

	if (ms <= o->last_ms)
		ms = o->last_ms + 1;
	now.realtime_ns = ms * NS_PER_MS;
	buffer_reset(&o->sink.text);
	o->sink.error = 0;
	o->sink.breath = in->breath;
	return o->format->streamed ? write_rows(o, &now) : write_whole(o, &now);
}

int output_reopen(struct output *o)
{
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
