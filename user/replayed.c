/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names are read once, before anything else: a table from (image or generated code, address) to frames, as the live run had them.
 * Where the recording has none, because its writer died, a file of this machine is used in the place of a recorded one when
 * it has the same build id.
 *
 * Everything here may come from anybody. Numbers are looked up, never used as an index unchecked; lists that lie about their
 * length end at the end of the note.
 */
#include "replayed.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "base/mix.h"
#include "base/xalloc.h"
#include "symbol/image.h"
#include "symbol/modules.h"
#include "symbol/perf_map.h"
#include "symbol/resolver.h"
#include "symbol/table.h"

#define NUMBER_MOST	 (1u << 24) /* of images */
#define NAMES_BYTES_MOST (64u << 20)
#define SEGMENTS_MOST	 128u
#define MAPPINGS_MOST	 65536u
#define SPACES_MOST	 65536u
#define FRAMES_MOST	 4096u

struct recorded_names {
	uint32_t number;
	uint64_t address;
	size_t count;
	struct frame_name frames[];
};

struct recorded_image {
	uint32_t number;
	struct image *image; /* one of both */
	struct jit *jit;
};

struct replayed {
	struct replay *replay;
	struct tracker *tracker;
	struct table names;  /* struct recorded_names */
	struct table images; /* struct recorded_image */
	char **texts;	     /* of all blocks: names point into them */
	size_t text_count, text_capacity;
};

/* ---- names ---- */

static uint64_t names_hash(uint64_t number, uint64_t address)
{
	return mix_u64(mix_u64(1, number), address);
}

static struct recorded_names *find_names(const struct replayed *r, uint32_t number,
					 uint64_t address)
{
	struct recorded_names *n;
	size_t at = 0;

	while ((n = table_find(&r->names, names_hash(number, address), &at))) {
		if (n->number == number && n->address == address)
			return n;
	}
	return NULL;
}

static const char *keep_text(struct replayed *r, const char *text)
{
	if (r->text_count == r->text_capacity) {
		r->text_capacity = r->text_capacity ? 2 * r->text_capacity : 256;
		r->texts = xrealloc(r->texts, r->text_capacity * sizeof(*r->texts));
	}
	r->texts[r->text_count] = xstrdup(text);
	return r->texts[r->text_count++];
}

/* Texts of a block are numbered from `first`. */
static const char *get_text(struct replayed *r, struct unpack *u, size_t first)
{
	uint64_t index = unpack_u64(u);
	const char *text;

	if (!index || u->bad)
		return NULL;
	if (index <= r->text_count - first)
		return r->texts[first + index - 1];
	if (index != r->text_count - first + 1) {
		u->bad = true;
		return NULL;
	}
	text = unpack_text(u);
	return text && !u->bad ? keep_text(r, text) : NULL;
}

static void get_frame(struct replayed *r, struct unpack *u, size_t first, struct frame_name *f)
{
	uint64_t line;

	*f = (struct frame_name){.function = get_text(r, u, first)};
	f->offset = unpack_u64(u);
	f->file = get_text(r, u, first);
	line = unpack_u64(u);
	f->line = line >> 1 <= INT32_MAX ? (int)(line >> 1) : 0;
	f->inlined = line & 1;
	/* the name itself is that of the image */
	f->module = unpack_u64(u) ? "" : NULL;
}

static bool get_names(struct replayed *r, struct unpack *u, size_t first)
{
	uint64_t number = unpack_u64(u), address = unpack_u64(u), count = unpack_u64(u);
	struct recorded_names *n;

	if (u->bad || !number || number > NUMBER_MOST || !count || count > FRAMES_MOST ||
	    count > unpack_left(u))
		return false;
	n = xcalloc(1, sizeof(*n) + (size_t)count * sizeof(n->frames[0]));
	n->number = (uint32_t)number;
	n->address = address;
	n->count = (size_t)count;
	for (size_t i = 0; i < n->count; i++)
		get_frame(r, u, first, &n->frames[i]);
	if (u->bad || find_names(r, n->number, address)) {
		free(n);
		return !u->bad;
	}
	table_insert(&r->names, names_hash(number, address), n);
	return true;
}

/* Of an address whose names are known already. */
static bool get_type(struct replayed *r, struct unpack *u, size_t first)
{
	uint64_t number = unpack_u64(u), address = unpack_u64(u);
	const char *type = get_text(r, u, first);
	struct recorded_names *n;

	if (u->bad || !number || number > NUMBER_MOST || !type)
		return false;
	n = find_names(r, (uint32_t)number, address);
	for (size_t i = 0; n && i < n->count; i++)
		n->frames[i].type = type;
	return true;
}

typedef bool get_row(struct replayed *r, struct unpack *u, size_t first);

static void read_names_block(struct replayed *r, struct unpack packed, get_row *get)
{
	uint64_t length = unpack_u64(&packed);
	struct unpack u;
	uint8_t *bytes;
	size_t first = r->text_count;

	if (packed.bad || length > NAMES_BYTES_MOST ||
	    ZSTD_getFrameContentSize(packed.at, unpack_left(&packed)) != length)
		return;
	bytes = xcalloc(1, (size_t)length + 1);
	if (ZSTD_decompress(bytes, (size_t)length, packed.at, unpack_left(&packed)) == length) {
		u = (struct unpack){bytes, bytes + length, false};
		while (unpack_left(&u) && get(r, &u, first))
			;
	}
	free(bytes);
}

static void copy_text(char **at, const char **text)
{
	size_t length;

	if (!*text)
		return;
	length = strlen(*text) + 1;
	memcpy(*at, *text, length);
	*text = *at;
	*at += length;
}

static size_t text_bytes(const char *text)
{
	return text ? strlen(text) + 1 : 0;
}

/* In one piece, strings included. */
static struct location_names *give_names(void *context, const struct location *location)
{
	const struct replayed *r = context;
	uint32_t number = location->jit ? location->jit->recorded : location->image->recorded;
	const struct recorded_names *from = find_names(r, number, location->address);
	struct location_names *to;
	size_t head, bytes = 0;
	char *text;

	if (!from)
		return NULL;
	head = sizeof(*to) + from->count * sizeof(to->frames[0]);
	for (size_t i = 0; i < from->count; i++)
		bytes += text_bytes(from->frames[i].function) + text_bytes(from->frames[i].file) +
			 text_bytes(from->frames[i].type);
	to = xcalloc(1, head + bytes);
	to->bytes = head + bytes;
	to->count = from->count;
	text = (char *)to + head;
	for (size_t i = 0; i < from->count; i++) {
		struct frame_name *f = &to->frames[i];

		*f = from->frames[i];
		copy_text(&text, &f->function);
		copy_text(&text, &f->file);
		copy_text(&text, &f->type);
		if (f->module)
			f->module = location->image ? location->image->name : NULL;
		f->skipped = names_skips(r->tracker->names, f->function);
	}
	return to;
}

/* ---- images ---- */

static struct recorded_image *find_image(const struct replayed *r, uint64_t number)
{
	struct recorded_image *i;
	size_t at = 0;

	while ((i = table_find(&r->images, mix_u64(2, number), &at))) {
		if (i->number == number)
			return i;
	}
	return NULL;
}

static struct recorded_image *add_image(struct replayed *r, uint32_t number)
{
	struct recorded_image *i = xcalloc(1, sizeof(*i));

	i->number = number;
	table_insert(&r->images, mix_u64(2, number), i);
	return i;
}

/* The same file, if this machine has it: for names that were not recorded. */
static struct image *find_here(const struct image *like)
{
	struct image *image;
	struct stat st;
	int fd;

	if (!like->build_id_size || like->path[0] != '/')
		return NULL;
	fd = open(like->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		return NULL;
	}
	image = image_new(fd, like->path);
	if (image->build_id_size == like->build_id_size &&
	    !memcmp(image->build_id, like->build_id, like->build_id_size))
		return image;
	image_free(image);
	return NULL;
}

static void get_segments(struct unpack *u, struct image *like, struct image_segment *segments)
{
	uint64_t count = unpack_u64(u);

	if (count > SEGMENTS_MOST)
		u->bad = true;
	for (uint64_t i = 0; i < count && !u->bad; i++) {
		struct image_segment *s = &segments[i];

		s->offset = unpack_u64(u);
		s->file_bytes = unpack_u64(u);
		s->address = unpack_u64(u);
		s->memory_bytes = unpack_u64(u);
		s->align = unpack_u64(u);
		s->executable = unpack_u64(u) != 0;
		if (!s->align || s->align & (s->align - 1))
			s->align = 1;
	}
	like->segments = segments;
	like->segment_count = u->bad ? 0 : (size_t)count;
}

static void note_image(struct replayed *r, struct unpack u)
{
	struct image_segment segments[SEGMENTS_MOST];
	struct image like = {.fd = -1}, *here = NULL;
	uint64_t number = unpack_u64(&u);
	const char *path = unpack_text(&u);
	const void *build_id;

	like.identity = unpack_u64(&u);
	like.bytes = unpack_u64(&u);
	like.no_code = unpack_u64(&u) != 0;
	build_id = unpack_bytes(&u, &like.build_id_size);
	if (u.bad || !path || !number || number > NUMBER_MOST ||
	    like.build_id_size > IMAGE_BUILD_ID_MAX || find_image(r, number))
		return;
	memcpy(like.build_id, build_id, like.build_id_size);
	get_segments(&u, &like, segments);
	if (u.bad)
		return;
	like.path = (char *)(uintptr_t)path;
	like.recorded = (uint32_t)number;
	if (!replay_has_names(r->replay) && !like.no_code)
		here = find_here(&like);
	add_image(r, (uint32_t)number)->image = here ? here : image_recorded(&like);
}

/* NULL: none. */
static const struct jit *get_jit(struct replayed *r, uint64_t number)
{
	struct recorded_image *i = number && number <= NUMBER_MOST ? find_image(r, number) : NULL;

	if (!number || number > NUMBER_MOST)
		return NULL;
	if (!i) {
		i = add_image(r, (uint32_t)number);
		i->jit = xcalloc(1, sizeof(*i->jit));
		*i->jit = (struct jit){.root = -1, .recorded = (uint32_t)number};
	}
	return i->jit;
}

/* ---- modules ---- */

static size_t get_mappings(const struct replayed *r, struct unpack *u, struct mapping *v,
			   size_t count)
{
	uint64_t end = 0;
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		uint64_t start = end + unpack_u64(u), bytes = unpack_u64(u);
		uint64_t offset = unpack_u64(u), number = unpack_u64(u);
		const struct recorded_image *image = number ? find_image(r, number) : NULL;

		if (u->bad || start < end || bytes > UINT64_MAX - start)
			break;
		end = start + bytes;
		v[n++] = (struct mapping){.start = start,
					  .end = end,
					  .offset = offset,
					  .image = image ? image->image : NULL};
	}
	return n;
}

static void note_modules(struct replayed *r, struct tracker *t, struct unpack u)
{
	uint64_t space = unpack_u64(&u), jit = unpack_u64(&u), count = unpack_u64(&u);
	struct mapping *v;

	if (u.bad || space > UINT32_MAX || count > MAPPINGS_MOST || count > unpack_left(&u))
		return;
	v = xcalloc((size_t)count + 1, sizeof(*v));
	count = get_mappings(r, &u, v, (size_t)count);
	modules_set(names_modules(t->names), (uint32_t)space, v, (size_t)count, get_jit(r, jit));
	free(v);
}

/* ---- processes ---- */

static struct tracked *get_process(struct tracker *t, uint32_t number)
{
	struct tracked *p = tracker_find_number(t, number);

	if (p)
		return p;
	p = xcalloc(1, sizeof(*p));
	*p = (struct tracked){
		.number = number, .pidfd = -1, .ended = true, .rss_first = UINT64_MAX};
	p->spaces = xcalloc(1, sizeof(*p->spaces));
	p->space_count = 1;
	*t->tail = p;
	t->tail = &p->next;
	return p;
}

static void note_spaces(struct tracker *t, struct unpack u)
{
	uint64_t number = unpack_u64(&u);
	struct tracked *p;
	size_t count = 0;

	if (u.bad || !number || number > UINT32_MAX || !unpack_left(&u))
		return;
	p = get_process(t, (uint32_t)number);
	p->spaces = xrealloc(p->spaces, unpack_left(&u) * sizeof(*p->spaces));
	while (unpack_left(&u) && count < SPACES_MOST)
		p->spaces[count++] = (uint32_t)unpack_u64(&u);
	p->space_count = count;
}

void replayed_facts(struct tracker *t, const struct facts *f)
{
	for (size_t i = 0; i < f->process_count; i++) {
		const struct process_facts *from = &f->processes[i];
		struct tracked *p = get_process(t, from->number);

		p->pid = (pid_t)from->pid;
		memcpy(p->comm, from->comm, sizeof(p->comm));
		p->attached = from->attached;
		if (p->rss_first == UINT64_MAX)
			p->rss_first = from->rss_first;
	}
}

bool replayed_note(struct replayed *r, struct tracker *t, const struct event_header *note)
{
	switch (note->process) {
	case NOTE_IMAGE: note_image(r, replay_note(note)); return true;
	case NOTE_MODULES: note_modules(r, t, replay_note(note)); return true;
	case NOTE_SPACES: note_spaces(t, replay_note(note)); return true;
	default: return false;
	}
}

/* ---- life ---- */

struct replayed *replayed_new(struct replay *replay)
{
	struct replayed *r = xcalloc(1, sizeof(*r));
	bool first = true;
	struct unpack u;

	r->replay = replay;
	for (; replay_names(replay, first, &u); first = false)
		read_names_block(r, u, get_names);
	while (replay_types(replay, &u))
		read_names_block(r, u, get_type);
	return r;
}

void replayed_begin(struct replayed *r, struct tracker *t)
{
	r->tracker = t;
	names_set_source(t->names, give_names, r);
}

void replayed_free(struct replayed *r)
{
	struct recorded_image *i;
	void *names;

	if (!r)
		return;
	for (size_t at = 0; (names = table_next(&r->names, &at));)
		free(names);
	for (size_t at = 0; (i = table_next(&r->images, &at));) {
		image_free(i->image);
		free(i->jit);
		free(i);
	}
	table_done(&r->names);
	table_done(&r->images);
	for (size_t n = 0; n < r->text_count; n++)
		free(r->texts[n]);
	free(r->texts);
	free(r);
}
