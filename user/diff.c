/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Both sides are read as site CSV: a recording is replayed into one, in memory. So the two may be of either kind, and a difference
 * is one of what a user sees.
 */
#include "diff.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "capture/format.h"
#include "export/difference.h"
#include "export/difference_formats.h"
#include "export/output.h"
#include "export/output_path.h"
#include "player.h"

/* Longer than any recording: only its end is written. */
#define NO_INTERVAL_S 1e9

/* ---- reading ---- */

static bool is_recording(int fd)
{
	char magic[RECORDING_MAGIC_BYTES];

	return pread(fd, magic, sizeof(magic), 0) == (ssize_t)sizeof(magic) &&
	       !memcmp(magic, RECORDING_MAGIC, sizeof(magic));
}

/* A descriptor of the CSV, at its start; -1 after a message. */
static int replay_to_csv(const struct options *o, const char *path)
{
	int fd = memfd_create("tracer-diff", MFD_CLOEXEC);
	struct options replay = *o;
	struct player *player;
	char csv[32];
	bool good;

	if (fd < 0) {
		log_error("cannot compare: %s", strerror(errno));
		return -1;
	}
	snprintf(csv, sizeof(csv), "/dev/fd/%d", fd);
	replay.read = path;
	memset(replay.files, 0, sizeof(replay.files));
	replay.files[FORMAT_CSV] = csv;
	replay.alert_count = 0;
	replay.interval_s = NO_INTERVAL_S;
	player = player_open(&replay);
	good = player != NULL;
	if (player) {
		player_run(player, UINT64_MAX, UINT64_MAX, false);
		player_write_last(player);
		good = !player_failed(player);
		good &= player_close(player);
	}
	if (good && lseek(fd, 0, SEEK_SET) == 0)
		return fd;
	close(fd);
	return -1;
}

static bool read_csv(struct csv_sites *sites, int fd, const char *path)
{
	size_t line;
	int err = csv_read_sites(sites, fd, &line);

	if (err == -EBADMSG && line <= 1)
		log_error("cannot read '%s': it is neither a recording nor a file of --csv", path);
	else if (err == -EBADMSG)
		log_error("cannot read '%s': line %zu is no row of a file of --csv", path, line);
	else if (err)
		log_error("cannot read '%s': %s", path, strerror(-err));
	return !err;
}

static bool read_side(const struct options *o, struct difference_side *side)
{
	const char *path = side->path;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY), from = fd;
	bool good;

	if (fd < 0) {
		log_error("cannot read '%s': %s", path, strerror(errno));
		return false;
	}
	if (is_recording(fd))
		from = replay_to_csv(o, path);
	good = from >= 0 && read_csv(&side->sites, from, path);
	if (from >= 0 && from != fd)
		close(from);
	close(fd);
	return good;
}

/* ---- report ---- */

static void add_side(struct buffer *out, const char *name, const struct difference_side *side)
{
	buffer_printf(out,
		      "%s: %" PRIu64 " bytes in %" PRIu64 " allocations from %zu sites: ", name,
		      side->bytes, side->count, side->sites.count);
	buffer_add_clean(out, side->path);
	buffer_add_char(out, '\n');
}

static void add_total(struct buffer *out, const struct difference *d)
{
	buffer_printf(out,
		      "B - A: %+" PRId64 " bytes in %+" PRId64
		      " allocations; %zu sites appeared, %zu grew, %zu shrank, %zu disappeared, "
		      "%zu unchanged\n",
		      d->bytes, d->count, d->counts[DIFFERENCE_APPEARED],
		      d->counts[DIFFERENCE_GREW], d->counts[DIFFERENCE_SHRANK],
		      d->counts[DIFFERENCE_DISAPPEARED], d->counts[DIFFERENCE_NONE]);
}

static void add_stack(struct buffer *out, const struct stack_names *names)
{
	for (size_t i = 0; i < names->frame_count; i++) {
		buffer_add_string(out, "\t\t");
		buffer_add_clean(out, names->frames[i].function);
		buffer_add_char(out, '\n');
	}
}

static void add_place(struct buffer *out, const struct csv_site *site)
{
	buffer_add_string(out, "\t\t[");
	buffer_add_clean(out, site->api);
	buffer_add_string(out, " at ");
	buffer_add_clean(out, site->function);
	if (site->module[0]) {
		buffer_add_string(out, " in ");
		buffer_add_clean(out, site->module);
	}
	if (site->source[0]) {
		buffer_add_string(out, ", ");
		buffer_add_clean(out, site->source);
	}
	buffer_add_string(out, "]\n");
}

static void add_site(struct buffer *out, const struct difference_site *s,
		     struct difference_names *names)
{
	buffer_printf(out,
		      "\t%+" PRId64 " bytes in %+" PRId64 " allocations, from %" PRIu64
		      " to %" PRIu64 " bytes, site %016" PRIx64 "\n",
		      s->bytes, s->count, s->a->outstanding_bytes, s->b->outstanding_bytes,
		      s->site->site);
	add_place(out, s->site);
	add_stack(out, difference_names(names, s->site));
}

static void add_changes(struct buffer *out, const struct difference *d, uint64_t top)
{
	struct difference_names names = {.text = NULL};
	enum difference_kind now = DIFFERENCE_KINDS;
	uint64_t listed = 0;
	size_t i;

	for (i = 0; i < d->site_count && d->sites[i].kind != DIFFERENCE_NONE; i++) {
		const struct difference_site *s = &d->sites[i];

		if (s->kind != now) {
			now = s->kind;
			listed = 0;
			buffer_printf(out, "Sites that %s (%zu, the largest %" PRIu64 "):\n",
				      difference_kind_name(now), d->counts[now],
				      d->counts[now] < top ? d->counts[now] : top);
		}
		if (listed++ < top)
			add_site(out, s, &names);
	}
	difference_names_done(&names);
}

static bool write_report(const struct difference *d, uint64_t top)
{
	struct buffer out = {0};
	int err;

	add_side(&out, "A", &d->a);
	add_side(&out, "B", &d->b);
	add_total(&out, d);
	add_changes(&out, d, top);
	err = io_write(STDOUT_FILENO, out.data, out.length);
	if (err)
		log_error("cannot write 'standard output': %s", output_path_reason(err));
	buffer_done(&out);
	return !err;
}

/* ---- files ---- */

/* Before anything is read: a wrong name is said at once. */
static bool open_files(struct output *files[FORMATS], const struct options *o)
{
	for (size_t i = 0; i < FORMATS; i++) {
		if (o->files[i] && !(files[i] = output_open(&difference_formats[i], o->files[i])))
			return false;
	}
	return true;
}

static bool close_files(struct output *files[FORMATS])
{
	bool good = true;

	for (size_t i = 0; i < FORMATS; i++) {
		if (files[i])
			output_finish(files[i], NULL);
		good &= output_close(files[i]) == 0;
	}
	return good;
}

static bool write_all(struct output *files[FORMATS], const struct difference *d,
		      const struct options *o)
{
	const struct snapshot now = {.realtime_ns = clock_realtime_ns()};
	const struct export_input in = {
		.snapshot = &now, .difference = d, .folded = o->folded_value};
	bool good = options_to_stdout(o) || write_report(d, o->top);

	for (size_t i = 0; i < FORMATS; i++) {
		if (files[i])
			good &= output_write(files[i], &in) == 0;
	}
	return good;
}

int diff_run(const struct options *o)
{
	struct difference d = {.a.path = o->diff[0], .b.path = o->diff[1]};
	struct output *files[FORMATS] = {NULL};
	bool good = open_files(files, o) && read_side(o, &d.a) && read_side(o, &d.b);

	if (good) {
		difference_make(&d);
		good = write_all(files, &d, o);
	}
	good &= close_files(files);
	difference_done(&d);
	return good ? 0 : 1;
}
