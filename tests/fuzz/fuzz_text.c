/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names that a process chose -> every place where they are written: CSV cells, JSON, lines of a report,
 * columns of the screen. Input: names, each ended by NUL.
 */
#include "fuzz.h"

#include <locale.h>
#include "../../user/base/buffer.h"
#include "../../user/export/csv.h"
#include "../../user/export/folded.h"
#include "../../user/export/json_frames.h"
#include "../../user/export/json_text.h"
#include "../../user/export/openmetrics.h"
#include "../../user/view/frames.h"
#include "../../user/view/text.h"

#define COLUMNS 24
#define FRAMES	3

struct fixture {
	struct stack_names names;
	struct frame_name frames[FRAMES];
	char *texts[FRAMES * 3];
};

static const struct stack_names *names_of(void *context, const struct snapshot_site *site)
{
	struct fixture *f = context;

	(void)site;
	return &f->names;
}

static void fill(struct fixture *f, struct fuzz_input *in)
{
	size_t n = 0;

	for (size_t i = 0; i < FRAMES; i++) {
		struct frame_name *frame = &f->frames[i];

		frame->pc = frame->offset = i + 1;
		frame->line = (int)i;
		frame->function = f->texts[n++] = i < 2 ? fuzz_string(in) : NULL;
		frame->module = f->texts[n++] = fuzz_string(in);
		frame->file = f->texts[n++] = fuzz_string(in);
	}
	f->names.frames = f->frames;
	f->names.frame_count = FRAMES;
}

/* No byte that moves the cursor or ends a line within a row, and no half character. */
static void check_clean(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		uint8_t c = (uint8_t)text[i];

		must(c >= 0x20 && c != 0x7f);
		must(c != 0xc2 || i + 1 == length || (uint8_t)text[i + 1] >= 0xa0);
	}
	must(memchr(text, 0xff, length) == NULL);
}

/* The row of a CSV file by RFC 4180: always the same number of cells. */
static void check_row(const char *row, size_t length)
{
	size_t cells = 1;
	bool quoted = false;

	must(length > 0 && row[length - 1] == '\n');
	check_clean(row, length - 1);
	for (size_t i = 0; i < length - 1; i++) {
		if (row[i] == '"')
			quoted = !quoted;
		else if (row[i] == ',' && !quoted)
			cells++;
	}
	must(!quoted && cells == COLUMNS);
}

/* A line of JSON: quotes in pairs, and everything between brackets. */
static void check_json(const char *line, size_t length)
{
	bool quoted = false;
	int depth = 0;

	must(length > 0 && line[length - 1] == '\n');
	check_clean(line, length - 1);
	for (size_t i = 0; i < length - 1; i++) {
		if (quoted && line[i] == '\\') {
			i++;
			must(line[i] == '"' || line[i] == '\\');
		} else if (line[i] == '"') {
			quoted = !quoted;
		} else if (!quoted && (line[i] == '{' || line[i] == '[')) {
			depth++;
		} else if (!quoted && (line[i] == '}' || line[i] == ']')) {
			must(--depth > 0 || i == length - 2);
		}
	}
	must(!quoted && depth == 0);
}

static void write_json(struct fixture *f, struct buffer *out)
{
	struct json_frames frames = {.key = {0}};

	json_open(out, NULL, '{');
	json_frames_add_stack(&frames, out, &f->names);
	json_frames_end(&frames, out);
	json_close(out, '}');
	buffer_add_char(out, '\n');
	json_frames_done(&frames);
}

/* The process and the frames, then a number. */
static void check_folded(const char *line, size_t length)
{
	size_t frames = 1;

	must(length > 4 && memcmp(line + length - 4, " 17\n", 4) == 0);
	check_clean(line, length - 1);
	for (size_t i = 0; i < length; i++)
		frames += line[i] == ';';
	must(frames == 1 + FRAMES);
}

/* A line of metrics: quotes in pairs, and outside of them one space, before the value. */
static void check_metric(const char *line, size_t length)
{
	bool quoted = false;
	size_t spaces = 0;

	check_clean(line, length);
	if (line[0] == '#')
		return;
	for (size_t i = 0; i < length; i++) {
		if (quoted && line[i] == '\\') {
			i++;
			must(line[i] == '"' || line[i] == '\\');
		} else if (line[i] == '"') {
			quoted = !quoted;
		} else if (!quoted) {
			spaces += line[i] == ' ';
		}
	}
	must(!quoted && spaces == 1);
}

static void check_metrics(const char *text)
{
	const char *line = text, *end;

	for (; (end = strchr(line, '\n')); line = end + 1)
		check_metric(line, (size_t)(end - line));
	must(*line == '\0' && strcmp(line - 6, "# EOF\n") == 0);
}

static int no_room(void *file, const char *data, size_t size)
{
	(void)file;
	(void)data;
	(void)size;
	must(!"so much is not written");
	return 0;
}

static void write_files(struct fixture *f, const char *comm)
{
	struct snapshot_process process = {.pid = 7, .rss_bytes = UINT64_MAX};
	struct snapshot_site site = {.site = 1, .call = 1, .rank = 1, .oldest_s = 1};
	struct snapshot s = {
		.processes = &process, .process_count = 1, .sites = &site, .site_count = 1};
	struct export_input in = {.snapshot = &s, .names = names_of, .context = f};
	struct sink sink = {.write = no_room};
	struct openmetrics metrics = {.floor_count = 0};

	snprintf(process.comm, sizeof(process.comm), "%s", comm);
	csv_write_sites(&sink, &in);
	check_row(sink.text.data, sink.text.length);
	buffer_reset(&sink.text);
	site.totals.outstanding_bytes = 17;
	folded_write(&sink, &in);
	check_folded(sink.text.data, sink.text.length);
	buffer_reset(&sink.text);
	write_json(f, &sink.text);
	check_json(sink.text.data, sink.text.length);
	buffer_reset(&sink.text);
	site.totals.outstanding_count = 1;
	openmetrics_write(&metrics, &sink.text, &in, 1, false);
	check_metrics(sink.text.data);
	openmetrics_done(&metrics);
	buffer_done(&sink.text);
}

static void write_columns(const char *text, const char *part)
{
	for (int utf8 = 0; utf8 < 2; utf8++) {
		for (int columns = 0; columns < 40; columns += 13) {
			struct buffer out = {0};

			text_fit(&out, text, columns, utf8 ? TEXT_LEFT : TEXT_RIGHT, utf8);
			if (out.length)
				check_clean(out.data, out.length);
			must(text_columns(out.data ? out.data : "", utf8) == columns);
			buffer_done(&out);
		}
	}
	must(text_columns(text, true) >= 0);
	for (size_t at = 0; text[at];) {
		size_t line = text_wrap(text + at, 17, true);

		must(line > 0 && line <= strlen(text + at));
		at += line;
	}
	text_contains(text, part);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};
	struct buffer out = {0};
	struct fixture f = {0};

	setlocale(LC_ALL, "C.UTF-8");
	fill(&f, &in);
	write_files(&f, f.texts[1]);
	for (size_t i = 0; i < FRAMES; i++) {
		frames_add(&out, &f.frames[i]);
		frames_add_short(&out, &f.frames[i]);
	}
	check_clean(out.data, out.length);
	buffer_done(&out);
	write_columns(f.texts[0], f.texts[1]);
	for (size_t i = 0; i < sizeof(f.texts) / sizeof(f.texts[0]); i++)
		free(f.texts[i]);
	return 0;
}
