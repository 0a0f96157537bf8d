/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Modules are written when they have changed since they were written last, at each cut and before what was taken at it is
 * written: so a replay knows the same of an address at the same moment. Names follow at the end, when all are known.
 */
#include "recording.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <zstd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mix.h"
#include "base/units.h"
#include "base/xalloc.h"
#include "export/stream_file.h"
#include "symbol/image.h"
#include "symbol/modules.h"
#include "symbol/perf_map.h"
#include "symbol/resolver.h"
#include "totals_note.h"

#define NAMES_BLOCK_BYTES (4u << 20) /* unpacked */
#define NAMES_LEVEL	  3
/* What the figures of the end may take at most: each site, and the rest. */
#define SITE_BYTES 64u
#define LAST_BYTES 16384u

/* By the tracer's number of a name space: what was written of it. */
struct space_state {
	uint32_t generation;
	bool written;
};

struct recording {
	struct record *record;
	char *path;
	const void **images; /* index + 1 is the number in the file; struct image and struct jit */
	size_t image_count;
	struct space_state *spaces;
	size_t space_capacity;
	uint32_t *space_counts; /* by process number */
	size_t process_capacity;
	bool said;
	/* once the file is full */
	uint64_t totals_version; /* of the heap, when figures were written last */
	uint64_t left_out;	 /* cuts for which there was no room */
	bool cut_left_out;	 /* the last one was */
};

/* ---- open ---- */

static void field_u64(struct buffer *b, enum recording_field field, uint64_t v)
{
	uint8_t bytes[PACK_BYTES_MOST];

	pack_u64(b, field);
	pack_bytes(b, bytes, pack_put(bytes, v));
}

static void field_real(struct buffer *b, enum recording_field field, double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof(bits));
	field_u64(b, field, bits);
}

static void field_text(struct buffer *b, enum recording_field field, const char *text)
{
	pack_u64(b, field);
	pack_bytes(b, text, strlen(text));
}

static void describe_target(struct buffer *b, const struct options *o)
{
	struct buffer text = {0};
	size_t i;

	for (i = 0; i < o->pid_count; i++)
		buffer_printf(&text, "%s%d", i ? "," : "-p ", (int)o->pids[i]);
	if (o->name)
		buffer_printf(&text, "-n %s", o->name);
	for (i = 0; o->command && o->command[i]; i++)
		buffer_printf(&text, "%s%s", i ? " " : "", o->command[i]);
	buffer_add(&text, "", 0);
	field_text(b, FIELD_COMMAND, text.data);
	buffer_done(&text);
}

static void make_about(struct buffer *b, const struct options *o)
{
	struct utsname u;

	field_text(b, FIELD_TRACER, TRACER_VERSION);
	if (!uname(&u)) {
		field_text(b, FIELD_KERNEL, u.release);
		field_text(b, FIELD_MACHINE, u.machine);
		field_text(b, FIELD_HOST, u.nodename);
	}
	describe_target(b, o);
	field_u64(b, FIELD_BEGUN_REALTIME, clock_realtime_ns());
	field_u64(b, FIELD_BEGUN_MONOTONIC, clock_monotonic_ns());
	field_u64(b, FIELD_SAMPLE_BYTES, o->sample_bytes);
	field_u64(b, FIELD_MIN_BYTES, o->min_bytes);
	field_u64(b, FIELD_MAX_BYTES, o->max_bytes);
	field_u64(b, FIELD_RANGES, o->mmap);
	field_real(b, FIELD_LEAK_WINDOW, o->leak_window_s);
	field_real(b, FIELD_LEAK_INTERVAL, o->leak_interval_s);
	field_real(b, FIELD_LEAK_THRESHOLD, o->leak_threshold);
	field_u64(b, FIELD_FOLLOW, options_follow(o));
}

static const char *reason(int err)
{
	return err == -ENOSPC ? "no space left on the device" : strerror(-err);
}

struct recording *recording_open(const struct options *o)
{
	struct recording *r = xcalloc(1, sizeof(*r));
	struct buffer about = {0};
	struct stream_file file;

	if (stream_file_open(&file, o->write, "")) {
		free(r);
		return NULL;
	}
	r->path = xstrdup(o->write);
	make_about(&about, o);
	r->record = record_open(dup(file.fd), about.data, about.length, 0, o->max_file_bytes);
	buffer_done(&about);
	if (!r->record)
		log_error("cannot write '%s': %s", r->path, reason(-errno));
	stream_file_close(&file);
	if (r->record)
		return r;
	free(r->path);
	free(r);
	return NULL;
}

struct record *recording_record(struct recording *r)
{
	return r ? r->record : NULL;
}

/* ---- cuts ---- */

void recording_begin(struct recording *r, uint64_t time_ns, uint64_t realtime_ns, double interval_s)
{
	struct buffer b = {0};

	if (!r)
		return;
	pack_u64(&b, time_ns);
	pack_u64(&b, realtime_ns);
	pack_double(&b, interval_s);
	record_note(r->record, NOTE_BEGIN, b.data, b.length);
	buffer_done(&b);
}

/* The file is full: figures of now instead of the events since the last ones. False: there is no room even for them. */
static bool write_totals(struct recording *r, struct heap *h, bool last, uint64_t facts_bytes)
{
	struct buffer b = {0};
	bool room;

	totals_pack(h, r->totals_version, &b);
	/* those of the end have a place that nothing else takes, and facts of about this size */
	room = last ||
	       record_has_room(r->record, b.length + 2 * facts_bytes + LAST_BYTES +
						  SITE_BYTES * (uint64_t)heap_site_count(h));
	if (room) {
		record_note(r->record, NOTE_TOTALS, b.data, b.length);
		r->totals_version = heap_version(h);
	}
	buffer_done(&b);
	return room;
}

void recording_cut(struct recording *r, enum recording_cut kind, const struct facts *facts,
		   struct heap *heap)
{
	struct buffer b = {0};

	if (!r)
		return;
	pack_u64(&b, kind);
	facts_pack(facts, &b);
	r->cut_left_out =
		record_is_full(r->record) && !write_totals(r, heap, kind == CUT_FINAL, b.length);
	if (r->cut_left_out)
		r->left_out++;
	else
		record_note(r->record, NOTE_CUT, b.data, b.length);
	buffer_done(&b);
}

/* ---- modules ---- */

static void pack_image(struct buffer *b, uint32_t number, const struct image *image)
{
	size_t i;

	pack_u64(b, number);
	pack_text(b, image->path);
	pack_u64(b, image->identity);
	pack_u64(b, image->bytes);
	pack_u64(b, image->no_code || (image->fd >= 0 && !image->segment_count));
	pack_bytes(b, image->build_id, image->build_id_size);
	pack_u64(b, image->segment_count);
	for (i = 0; i < image->segment_count; i++) {
		const struct image_segment *s = &image->segments[i];

		pack_u64(b, s->offset);
		pack_u64(b, s->file_bytes);
		pack_u64(b, s->address);
		pack_u64(b, s->memory_bytes);
		pack_u64(b, s->align);
		pack_u64(b, s->executable);
	}
}

static uint32_t find_number(const struct recording *r, const void *image)
{
	size_t i;

	for (i = r->image_count; i-- > 0;) {
		if (r->images[i] == image)
			return (uint32_t)i + 1;
	}
	return 0;
}

/* Images and jits share their numbers. The lock is held. 0: none. */
static uint32_t number_of(struct recording *r, const void *image, bool is_image)
{
	uint32_t number = image ? find_number(r, image) : 0;
	struct buffer b = {0};

	if (number || !image)
		return number;
	r->images = xrealloc(r->images, (r->image_count + 1) * sizeof(*r->images));
	r->images[r->image_count++] = image;
	number = (uint32_t)r->image_count;
	if (is_image) {
		pack_image(&b, number, image);
		record_note(r->record, NOTE_IMAGE, b.data, b.length);
		buffer_done(&b);
	}
	return number;
}

static void write_space(struct recording *r, struct modules *m, uint32_t space)
{
	const struct mapping *v;
	struct buffer b = {0};
	uint64_t end = 0;
	size_t count, i;

	v = modules_list(m, space, &count);
	pack_u64(&b, space);
	pack_u64(&b, number_of(r, modules_jit(m, space), false));
	pack_u64(&b, count);
	for (i = 0; i < count; i++) {
		pack_u64(&b, v[i].start - end);
		pack_u64(&b, v[i].end - v[i].start);
		pack_u64(&b, v[i].offset);
		pack_u64(&b, number_of(r, v[i].image, true));
		end = v[i].end;
	}
	record_note(r->record, NOTE_MODULES, b.data, b.length);
	buffer_done(&b);
}

static void reserve_spaces(struct recording *r, uint32_t space)
{
	size_t capacity = r->space_capacity ? r->space_capacity : 16;

	if (space < r->space_capacity)
		return;
	while (capacity <= space)
		capacity *= 2;
	r->spaces = xrealloc(r->spaces, capacity * sizeof(*r->spaces));
	memset(r->spaces + r->space_capacity, 0,
	       (capacity - r->space_capacity) * sizeof(*r->spaces));
	r->space_capacity = capacity;
}

static void write_changed_space(struct recording *r, struct modules *m, uint32_t space)
{
	uint32_t generation = modules_generation(m, space);
	struct space_state *state;

	reserve_spaces(r, space);
	state = &r->spaces[space];
	if (state->written && state->generation == generation)
		return;
	*state = (struct space_state){generation, true};
	write_space(r, m, space);
}

/* The newest only grows: all others were written before. */
static void write_spaces(struct recording *r, const struct tracked *p)
{
	struct buffer b = {0};
	size_t i;

	if (p->number >= r->process_capacity) {
		size_t capacity = 2 * (size_t)p->number + 16;

		r->space_counts = xrealloc(r->space_counts, capacity * sizeof(*r->space_counts));
		memset(r->space_counts + r->process_capacity, 0,
		       (capacity - r->process_capacity) * sizeof(*r->space_counts));
		r->process_capacity = capacity;
	}
	if (r->space_counts[p->number] == p->space_count)
		return;
	r->space_counts[p->number] = (uint32_t)p->space_count;
	pack_u64(&b, p->number);
	for (i = 0; i < p->space_count; i++)
		pack_u64(&b, p->spaces[i]);
	record_note(r->record, NOTE_SPACES, b.data, b.length);
	buffer_done(&b);
}

void recording_modules(struct recording *r, struct tracker *t, bool written)
{
	struct modules *m = names_modules(t->names);
	struct tracked *p;
	size_t i;

	if (!r)
		return;
	consumer_lock(t->consumer);
	for (p = t->first; p; p = p->next) {
		for (i = 0; i < p->space_count; i++)
			write_changed_space(r, m, p->spaces[i]);
		if (!p->borrowed)
			write_spaces(r, p);
	}
	if (written && !r->cut_left_out)
		record_note(r->record, NOTE_WRITTEN, "", 0);
	consumer_unlock(t->consumer);
}

bool recording_failed(struct recording *r)
{
	int err = r ? record_error(r->record) : 0;

	if (!err)
		return false;
	if (!r->said)
		log_error("cannot write '%s': %s; tracing goes on, the recording ends here",
			  r->path, reason(err));
	r->said = true;
	return true;
}

/* ---- names ---- */

struct names_writer {
	struct record *record;
	enum recording_kind kind;
	struct buffer block;
	const char **texts; /* of this block; index + 1 */
	size_t text_count, text_capacity;
	uint32_t *slots; /* hash of a text -> index + 1 */
	bool left_out;	 /* no room */
};

#define TEXT_SLOTS 65536u

static void write_names_block(struct names_writer *w)
{
	size_t bound = ZSTD_compressBound(w->block.length), n;
	struct buffer out = {0};
	char *packed = xcalloc(1, bound);

	n = ZSTD_compress(packed, bound, w->block.data, w->block.length, NAMES_LEVEL);
	if (!ZSTD_isError(n) && record_has_room(w->record, n + 2 * PACK_BYTES_MOST)) {
		pack_u64(&out, w->block.length);
		buffer_add(&out, packed, n);
		record_block(w->record, w->kind, out.data, out.length);
	} else {
		w->left_out = true;
	}
	free(packed);
	buffer_done(&out);
	buffer_reset(&w->block);
	w->text_count = 0;
	memset(w->slots, 0, TEXT_SLOTS * sizeof(*w->slots));
}

/* 0: NULL; one more than those so far: it follows. */
static void pack_shared_text(struct names_writer *w, const char *text)
{
	size_t slot;

	if (!text) {
		pack_u64(&w->block, 0);
		return;
	}
	slot = mix_text(0, text) % TEXT_SLOTS;
	if (w->slots[slot] && !strcmp(w->texts[w->slots[slot] - 1], text)) {
		pack_u64(&w->block, w->slots[slot]);
		return;
	}
	if (w->text_count == w->text_capacity) {
		w->text_capacity = w->text_capacity ? 2 * w->text_capacity : 1024;
		w->texts = xrealloc(w->texts, w->text_capacity * sizeof(*w->texts));
	}
	w->texts[w->text_count++] = text;
	w->slots[slot] = (uint32_t)w->text_count;
	pack_u64(&w->block, w->text_count);
	pack_text(&w->block, text);
}

static void pack_location(struct recording *r, struct names_writer *w, const struct location *l)
{
	uint32_t number = find_number(r, l->jit ? (const void *)l->jit : l->image);
	size_t i;

	if (!number || !l->names)
		return;
	pack_u64(&w->block, number);
	pack_u64(&w->block, l->address);
	pack_u64(&w->block, l->names->count);
	for (i = 0; i < l->names->count; i++) {
		const struct frame_name *f = &l->names->frames[i];

		pack_shared_text(w, f->function);
		pack_u64(&w->block, f->offset);
		pack_shared_text(w, f->file);
		pack_u64(&w->block, (uint64_t)(f->line > 0 ? f->line : 0) << 1 | f->inlined);
		/* bare name of the module of generated code: none */
		pack_u64(&w->block, f->module != NULL);
	}
	if (w->block.length > NAMES_BLOCK_BYTES)
		write_names_block(w);
}

static void pack_type(struct recording *r, struct names_writer *w, const struct location *l)
{
	uint32_t number = find_number(r, l->jit ? (const void *)l->jit : l->image);
	const char *type = l->names && l->names->count ? l->names->frames[0].type : NULL;

	if (!number || !type)
		return;
	pack_u64(&w->block, number);
	pack_u64(&w->block, l->address);
	pack_shared_text(w, type);
	if (w->block.length > NAMES_BLOCK_BYTES)
		write_names_block(w);
}

static void write_names(struct recording *r, const struct names *names)
{
	struct names_writer w = {.record = r->record, .kind = RECORDING_NAMES};
	const struct location *l;
	size_t at = 0;

	w.slots = xcalloc(TEXT_SLOTS, sizeof(*w.slots));
	while ((l = names_next_location(names, &at)))
		pack_location(r, &w, l);
	/* one at least: it says that there are no more */
	buffer_add(&w.block, "", 0);
	write_names_block(&w);
	w.kind = RECORDING_TYPES;
	for (at = 0; (l = names_next_location(names, &at));)
		pack_type(r, &w, l);
	if (w.block.length)
		write_names_block(&w);
	if (w.left_out)
		log_warn("not all names have room in '%s': they are looked for when it is read",
			 r->path);
	free(w.slots);
	free(w.texts);
	buffer_done(&w.block);
}

/* ---- close ---- */

static void say_figures(const struct recording *r, const struct record_figures *f)
{
	if (f->lost_events)
		log_warn("%llu of %llu events are missing in '%s': it could not be written fast "
			 "enough",
			 (unsigned long long)f->lost_events, (unsigned long long)f->events,
			 r->path);
	if (record_is_full(r->record))
		log_warn("'%s' is as large as it may be: its end has totals of call sites in the "
			 "place of events, and no single blocks%s",
			 r->path, r->left_out ? "; some reports are left out" : "");
	log_verbose("'%s': %llu bytes, %.2f an event", r->path, (unsigned long long)f->bytes,
		    f->events ? (double)f->bytes / (double)f->events : 0);
}

bool recording_close(struct recording *r, struct tracker *t)
{
	struct record_figures f;
	bool good;
	int err;

	if (!r)
		return true;
	record_drain(r->record);
	if (t && t->names)
		write_names(r, t->names);
	f = record_figures(r->record);
	say_figures(r, &f);
	recording_failed(r);
	err = record_close(r->record);
	if (err && !r->said)
		log_error("cannot write '%s': %s", r->path, reason(err));
	good = !err;
	free(r->images);
	free(r->spaces);
	free(r->space_counts);
	free(r->path);
	free(r);
	return good;
}
