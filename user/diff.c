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
#include "base/log.h"
#include "base/units.h"
#include "base/xalloc.h"
#include "capture/format.h"
#include "export/stream_file.h"
#include "export/csv_read.h"
#include "player.h"

/* Longer than any recording: only its end is written. */
#define NO_INTERVAL_S 1e9

enum pair_change {
	CHANGE_APPEARED,
	CHANGE_GREW,
	CHANGE_SHRANK,
	CHANGE_DISAPPEARED,
	CHANGE_NONE,
	CHANGES
};

static const char *const change_names[CHANGES] = {
	[CHANGE_APPEARED] = "appeared", [CHANGE_GREW] = "grew",
	[CHANGE_SHRANK] = "shrank",	[CHANGE_DISAPPEARED] = "disappeared",
	[CHANGE_NONE] = "unchanged",
};

struct pair {
	const struct csv_site *a, *b; /* NULL: not there */
	enum pair_change change;
	int64_t bytes, count; /* b - a, outstanding */
};

struct diff {
	const struct options *options;
	struct csv_sites sides[2];
	struct pair *pairs;
	size_t pair_count;
	size_t counts[CHANGES];
};

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

static bool read_side(const struct options *o, const char *path, struct csv_sites *sites)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY), from = fd;
	bool good;

	if (fd < 0) {
		log_error("cannot read '%s': %s", path, strerror(errno));
		return false;
	}
	if (is_recording(fd))
		from = replay_to_csv(o, path);
	good = from >= 0 && read_csv(sites, from, path);
	if (from >= 0 && from != fd)
		close(from);
	close(fd);
	return good;
}

/* ---- comparing ---- */

static enum pair_change change_of(const struct pair *p)
{
	bool before = p->a && (p->a->outstanding_bytes || p->a->outstanding_count);
	bool after = p->b && (p->b->outstanding_bytes || p->b->outstanding_count);

	if (before != after)
		return after ? CHANGE_APPEARED : CHANGE_DISAPPEARED;
	if (!p->bytes)
		return p->count > 0 ? CHANGE_GREW : p->count < 0 ? CHANGE_SHRANK : CHANGE_NONE;
	return p->bytes > 0 ? CHANGE_GREW : CHANGE_SHRANK;
}

static void add_pair(struct diff *d, const struct csv_site *a, const struct csv_site *b)
{
	struct pair *p = &d->pairs[d->pair_count++];

	*p = (struct pair){.a = a, .b = b};
	p->bytes = (int64_t)((b ? b->outstanding_bytes : 0) - (a ? a->outstanding_bytes : 0));
	p->count = (int64_t)((b ? b->outstanding_count : 0) - (a ? a->outstanding_count : 0));
	p->change = change_of(p);
	d->counts[p->change]++;
}

/* Both are sorted by site. */
static void make_pairs(struct diff *d)
{
	const struct csv_site *a = d->sides[0].v, *b = d->sides[1].v;
	const struct csv_site *a_end = a + d->sides[0].count, *b_end = b + d->sides[1].count;

	d->pairs = xcalloc(d->sides[0].count + d->sides[1].count + 1, sizeof(*d->pairs));
	while (a < a_end || b < b_end) {
		if (b == b_end || (a < a_end && a->site < b->site)) {
			add_pair(d, a++, NULL);
		} else if (a == a_end || b->site < a->site) {
			add_pair(d, NULL, b++);
		} else {
			add_pair(d, a, b);
			a++;
			b++;
		}
	}
}

static uint64_t size_of(int64_t v)
{
	return v < 0 ? -(uint64_t)v : (uint64_t)v;
}

static const struct csv_site *newest(const struct pair *p)
{
	return p->b ? p->b : p->a;
}

static int compare_pairs(const void *left, const void *right)
{
	const struct pair *a = left, *b = right;

	if (a->change != b->change)
		return a->change < b->change ? -1 : 1;
	if (size_of(a->bytes) != size_of(b->bytes))
		return size_of(a->bytes) > size_of(b->bytes) ? -1 : 1;
	if (size_of(a->count) != size_of(b->count))
		return size_of(a->count) > size_of(b->count) ? -1 : 1;
	return newest(a)->site < newest(b)->site ? -1 : newest(a)->site > newest(b)->site;
}

/* ---- report ---- */

static void add_side(struct buffer *out, const char *name, const char *path,
		     const struct csv_sites *sites)
{
	uint64_t bytes = 0, count = 0;
	size_t i;

	for (i = 0; i < sites->count; i++) {
		bytes += sites->v[i].outstanding_bytes;
		count += sites->v[i].outstanding_count;
	}
	buffer_printf(out,
		      "%s: %" PRIu64 " bytes in %" PRIu64 " allocations from %zu sites: ", name,
		      bytes, count, sites->count);
	buffer_add_clean(out, path);
	buffer_add_char(out, '\n');
}

static void add_total(struct buffer *out, const struct diff *d)
{
	int64_t bytes = 0, count = 0;
	size_t i;

	for (i = 0; i < d->pair_count; i++) {
		bytes += d->pairs[i].bytes;
		count += d->pairs[i].count;
	}
	buffer_printf(out,
		      "B - A: %+" PRId64 " bytes in %+" PRId64
		      " allocations; %zu sites appeared, %zu grew, %zu shrank, %zu disappeared, "
		      "%zu unchanged\n",
		      bytes, count, d->counts[CHANGE_APPEARED], d->counts[CHANGE_GREW],
		      d->counts[CHANGE_SHRANK], d->counts[CHANGE_DISAPPEARED],
		      d->counts[CHANGE_NONE]);
}

/* Innermost frame first, as in a report; in the file the root is first. */
static void add_stack(struct buffer *out, const char *stack)
{
	size_t end = strlen(stack);

	while (end) {
		size_t begin = end;
		char *frame;

		while (begin && stack[begin - 1] != ';')
			begin--;
		frame = xstrndup(stack + begin, end - begin);
		buffer_add_string(out, "\t\t");
		buffer_add_clean(out, frame);
		buffer_add_char(out, '\n');
		free(frame);
		end = begin ? begin - 1 : 0;
	}
}

static void add_pair_text(struct buffer *out, const struct pair *p)
{
	const struct csv_site *site = newest(p);

	buffer_printf(out,
		      "\t%+" PRId64 " bytes in %+" PRId64 " allocations, from %" PRIu64
		      " to %" PRIu64 " bytes, site %016" PRIx64 "\n",
		      p->bytes, p->count, p->a ? p->a->outstanding_bytes : 0,
		      p->b ? p->b->outstanding_bytes : 0, site->site);
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
	add_stack(out, site->stack);
}

static void add_changes(struct buffer *out, const struct diff *d)
{
	uint64_t listed = 0;
	enum pair_change now = CHANGES;
	size_t i;

	for (i = 0; i < d->pair_count && d->pairs[i].change != CHANGE_NONE; i++) {
		const struct pair *p = &d->pairs[i];

		if (p->change != now) {
			now = p->change;
			listed = 0;
			buffer_printf(out, "Sites that %s (%zu, the largest %" PRIu64 "):\n",
				      change_names[now], d->counts[now],
				      d->counts[now] < d->options->top ? d->counts[now]
								       : d->options->top);
		}
		if (listed++ < d->options->top)
			add_pair_text(out, p);
	}
}

static bool write_report(const struct diff *d)
{
	struct buffer out = {0};
	bool good;

	add_side(&out, "A", d->options->diff[0], &d->sides[0]);
	add_side(&out, "B", d->options->diff[1], &d->sides[1]);
	add_total(&out, d);
	add_changes(&out, d);
	good = fwrite(out.data, 1, out.length, stdout) == out.length && !fflush(stdout);
	if (!good)
		log_error("cannot write 'standard output': %s", strerror(errno));
	buffer_done(&out);
	return good;
}

/* ---- CSV ---- */

static const char csv_header[] =
	"site,change,bytes_a,bytes_b,bytes_change,count_a,count_b,count_change,alloc_bytes_a,"
	"alloc_bytes_b,alloc_count_a,alloc_count_b,api,function,source,module,stack\n";

static void add_cell(struct buffer *out, const char *text)
{
	struct buffer clean = {0};
	const char *p;

	buffer_add(&clean, "", 0);
	buffer_add_clean(&clean, text);
	buffer_add_string(out, ",\"");
	for (p = clean.data; *p; p++) {
		if (*p == '"')
			buffer_add_char(out, '"');
		buffer_add_char(out, *p);
	}
	buffer_add_char(out, '"');
	buffer_done(&clean);
}

static void add_row(struct buffer *out, const struct pair *p)
{
	static const struct csv_site nothing;
	const struct csv_site *a = p->a ? p->a : &nothing, *b = p->b ? p->b : &nothing;
	const struct csv_site *site = newest(p);

	buffer_printf(out, "%016" PRIx64 ",%s,%" PRIu64 ",%" PRIu64 ",%" PRId64, site->site,
		      change_names[p->change], a->outstanding_bytes, b->outstanding_bytes,
		      p->bytes);
	buffer_printf(out, ",%" PRIu64 ",%" PRIu64 ",%" PRId64, a->outstanding_count,
		      b->outstanding_count, p->count);
	buffer_printf(out, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64, a->alloc_bytes,
		      b->alloc_bytes, a->alloc_count, b->alloc_count);
	add_cell(out, site->api);
	add_cell(out, site->function);
	add_cell(out, site->source);
	add_cell(out, site->module);
	add_cell(out, site->stack);
	buffer_add_char(out, '\n');
}

static bool write_csv(const struct diff *d)
{
	struct buffer out = {0};
	struct stream_file file;
	size_t i;

	if (stream_file_open(&file, d->options->files[FORMAT_CSV], csv_header))
		return false;
	buffer_add(&out, "", 0);
	for (i = 0; i < d->pair_count; i++)
		add_row(&out, &d->pairs[i]);
	stream_file_write(&file, out.data, out.length);
	buffer_done(&out);
	return stream_file_close(&file) == 0;
}

int diff_run(const struct options *o)
{
	struct diff d = {.options = o};
	bool good = read_side(o, o->diff[0], &d.sides[0]) && read_side(o, o->diff[1], &d.sides[1]);

	if (good) {
		make_pairs(&d);
		qsort(d.pairs, d.pair_count, sizeof(*d.pairs), compare_pairs);
		if (!o->files[FORMAT_CSV] || strcmp(o->files[FORMAT_CSV], "-") != 0)
			good = write_report(&d);
		if (o->files[FORMAT_CSV])
			good &= write_csv(&d);
	}
	csv_sites_free(&d.sides[0]);
	csv_sites_free(&d.sides[1]);
	free(d.pairs);
	return good ? 0 : 1;
}
