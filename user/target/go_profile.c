/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list of buckets at runtime.mbuckets (runtime/mprof.go). Buckets are put in front of it and never move, go or change but for
 * their counts: headers and stacks are read once, and then only counts.
 *
 * A bucket has the counts that are published and those of three cycles to come, in a ring by the number of the cycle C. What
 * runtime.MemProfile says is the published ones and cycle C, which it publishes first when the runtime has not come to it yet; it
 * adds all of them while nothing is published at all. The others are what was allocated since, and what the collector has freed since.
 *
 * Everything read may be anything: stacks and the list have bounds, a list that runs in a circle ends, counts that no address space
 * has room for are left out.
 */
#include "go_profile.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "../base/array.h"
#include "../base/xalloc.h"
#include "go_private.h"
#include "link_map.h"

#define RECORDS_MAX 131072u
#define FRAMES_MAX  (4u << 20) /* of all of them */
#define DEPTH_READ  256u       /* as many as a stack of ours may have */
#define DEPTH_MAX   1024u      /* GODEBUG=profstackdepth */
#define OBJECT_MAX  (1ull << 47)
#define BYTES_MAX   (1ull << 55)
#define BATCH	    256
#define TRIES	    4
#define CYCLES	    3 /* memRecord.future */
#define HEADER_MAX  128
#define RECORD_MAX  128

struct go_profile {
	const struct go_runtime *runtime;
	uint64_t head; /* the newest bucket that is known; 0: none */
	struct go_record *v;
	uint32_t count, capacity, frames;
	int writer; /* to switch it off again; -1: it is not on by us */
	uint64_t left_out;
};

struct go_profile *go_profile_of(const struct go_runtime *r)
{
	struct go_profile *p = xcalloc(1, sizeof(*p));

	p->runtime = r;
	p->writer = -1;
	return p;
}

struct go_profile *go_profile_open(const struct go_process *go)
{
	return go_profile_of(go_runtime_of(go));
}

void go_profile_close(struct go_profile *p)
{
	uint32_t i;

	if (!p)
		return;
	for (i = 0; i < p->count; i++)
		free(p->v[i].pcs);
	free(p->v);
	if (p->writer >= 0)
		close(p->writer);
	free(p);
}

const struct go_record *go_profile_records(const struct go_profile *p, size_t *count)
{
	*count = p->count;
	return p->v;
}

double go_profile_weight(uint64_t object_bytes, uint64_t rate)
{
	return rate > 1 && object_bytes ? -1 / expm1(-(double)object_bytes / (double)rate) : 1;
}

static int32_t at(const struct go_profile *p, enum go_member m)
{
	return p->runtime->layout->at[m];
}

static bool read_at(const struct go_profile *p, uint64_t address, void *out, size_t size)
{
	return link_map_read_memory(p->runtime->memory, address, out, size);
}

static bool read_symbol(const struct go_profile *p, enum go_symbol s, void *out, size_t size)
{
	return read_at(p, p->runtime->at[s], out, size);
}

static uint64_t word(const uint8_t *from, size_t max, int64_t offset)
{
	uint64_t v = 0;

	if (offset >= 0 && (size_t)offset + sizeof(v) <= max)
		memcpy(&v, from + offset, sizeof(v));
	return v;
}

/* ---- buckets ---- */

/* So many frames the runtime keeps unless GODEBUG=profstackdepth says otherwise. */
static uint64_t depth_kept(const struct go_profile *p)
{
	return p->runtime->layout->minor < 23 ? 32 : 128;
}

/* Reads the bucket and says what comes after it. False: it is none. */
static bool read_bucket(const struct go_profile *p, uint64_t address, struct go_record *r,
			uint64_t *next)
{
	size_t header = (size_t)at(p, GO_BUCKET_STACK);
	uint8_t bytes[HEADER_MAX];
	uint64_t depth;

	*r = (struct go_record){0};
	if (header > sizeof(bytes) || !read_at(p, address, bytes, header))
		return false;
	depth = word(bytes, header, at(p, GO_BUCKET_DEPTH));
	r->object_bytes = word(bytes, header, at(p, GO_BUCKET_OBJECT_BYTES));
	*next = word(bytes, header, at(p, GO_BUCKET_ALLNEXT));
	if (depth > DEPTH_MAX || r->object_bytes > OBJECT_MAX)
		return false;
	r->address = address + header + depth * 8;
	r->cut = depth > DEPTH_READ || depth == depth_kept(p);
	r->depth = (uint32_t)(depth < DEPTH_READ ? depth : DEPTH_READ);
	r->pcs = xcalloc(r->depth + 1, sizeof(*r->pcs));
	return read_at(p, address + header, r->pcs, r->depth * sizeof(*r->pcs));
}

static bool add_record(struct go_profile *p, const struct go_record *r)
{
	struct go_record *v = p->count < RECORDS_MAX && p->frames < FRAMES_MAX
				      ? array_reserve(p->v, &p->capacity, p->count + 1, sizeof(*v))
				      : NULL;

	if (!v)
		return false;
	p->v = v;
	p->v[p->count++] = *r;
	p->frames += r->depth;
	return true;
}

/*
 * Those in front of the ones that are known. A list that does not come to them within its bounds is none. Brent 1980: a place on the
 * way is remembered, after twice as many steps each time; whoever runs in a circle meets it.
 */
static int read_new(struct go_profile *p, uint64_t head)
{
	uint64_t bucket = head, seen = 0, steps, left_out = 0, next = 0, mark = 1;
	struct go_record r;

	for (steps = 1; bucket && bucket != p->head; steps++) {
		if (bucket == seen || steps > 2 * RECORDS_MAX)
			return -EBADMSG;
		if (steps == mark) {
			seen = bucket;
			mark *= 2;
		}
		if (!read_bucket(p, bucket, &r, &next)) {
			free(r.pcs);
			return -EBADMSG;
		}
		if (!add_record(p, &r)) {
			free(r.pcs);
			left_out++;
		}
		bucket = next;
	}
	if (p->head && !bucket)
		return -EBADMSG;
	p->left_out += left_out;
	p->head = head;
	return 0;
}

static int find_new(struct go_profile *p)
{
	uint32_t before = p->count;
	uint64_t head;
	int err;

	if (!read_symbol(p, GO_SYMBOL_MBUCKETS, &head, sizeof(head)))
		return -ESRCH;
	err = read_new(p, head);
	while (err && p->count > before) {
		p->frames -= p->v[--p->count].depth;
		free(p->v[p->count].pcs);
	}
	return err;
}

/* ---- counts ---- */

struct raw {
	uint64_t allocs[CYCLES + 1], frees[CYCLES + 1]; /* published, then by the ring */
};

/* Of the process as it is now: the caller looks by its descriptor afterwards whether that is still the program. */
static bool read_batch(const struct go_profile *p, uint32_t from, uint32_t count,
		       uint8_t (*out)[RECORD_MAX])
{
	struct iovec local[BATCH], remote[BATCH];
	size_t size = (size_t)at(p, GO_RECORD_SIZE);
	uint32_t i;

	for (i = 0; i < count; i++) {
		local[i] = (struct iovec){out[i], size};
		remote[i] = (struct iovec){(void *)(uintptr_t)p->v[from + i].address, size};
	}
	return process_vm_readv(p->runtime->pid, local, count, remote, count, 0) ==
	       (ssize_t)(count * size);
}

static void take_raw(const struct go_profile *p, const uint8_t *bytes, struct raw *raw)
{
	int64_t cycle, base;

	for (cycle = 0; cycle <= CYCLES; cycle++) {
		base = cycle ? at(p, GO_RECORD_FUTURE) + (cycle - 1) * at(p, GO_CYCLE_SIZE) : 0;
		raw->allocs[cycle] = word(bytes, RECORD_MAX, base);
		raw->frees[cycle] = word(bytes, RECORD_MAX, base + at(p, GO_CYCLE_FREES));
	}
}

static bool is_sane(const struct go_record *r, const struct raw *raw)
{
	uint64_t most = BYTES_MAX / (r->object_bytes ? r->object_bytes : 1);
	size_t i;

	for (i = 0; i <= CYCLES; i++) {
		if (raw->allocs[i] > most || raw->frees[i] > most)
			return false;
	}
	return true;
}

/* What of the ring is published: cycle `now` of it, or while nothing is, all. */
static void set_counts(struct go_record *r, const struct raw *raw, uint32_t now, bool all)
{
	uint64_t allocs = raw->allocs[0], frees = raw->frees[0], fresh = 0;
	uint32_t i;

	for (i = 0; i < CYCLES; i++) {
		bool published = all || i == now;

		allocs += published ? raw->allocs[1 + i] : 0;
		frees += published ? raw->frees[1 + i] : 0;
		fresh += published ? 0 : raw->allocs[1 + i];
	}
	r->allocs = allocs;
	r->frees = frees < allocs ? frees : allocs;
	r->fresh = fresh;
}

/* False: not all can be read. */
static bool read_all(const struct go_profile *p, struct raw *raw)
{
	uint8_t(*bytes)[RECORD_MAX] = xcalloc(BATCH, sizeof(*bytes));
	bool good = at(p, GO_RECORD_SIZE) <= RECORD_MAX;
	uint32_t from, count, i;

	for (from = 0; good && from < p->count; from += count) {
		count = p->count - from < BATCH ? p->count - from : BATCH;
		good = read_batch(p, from, count, bytes);
		for (i = 0; good && i < count; i++)
			take_raw(p, bytes[i], &raw[from + i]);
	}
	free(bytes);
	return good;
}

static bool is_published(const struct go_profile *p, const struct raw *raw, uint32_t now)
{
	uint32_t i;

	for (i = 0; i < p->count; i++) {
		if (raw[i].allocs[0] | raw[i].frees[0] | raw[i].allocs[1 + now] |
		    raw[i].frees[1 + now])
			return true;
	}
	return false;
}

static void take_counts(struct go_profile *p, const struct raw *raw, struct go_profile_figures *f)
{
	uint32_t now = (f->cycle >> 1) % CYCLES, i; /* the lowest bit: whether it is published */

	f->early = !is_published(p, raw, now);
	f->bad = 0;
	for (i = 0; i < p->count; i++) {
		p->v[i].bad = !is_sane(&p->v[i], &raw[i]);
		f->bad += p->v[i].bad;
		if (!p->v[i].bad)
			set_counts(&p->v[i], &raw[i], now, f->early);
	}
}

/* Until the cycle is the same before and after: what is published in between would count twice, or not at all. */
static int read_counts(struct go_profile *p, struct go_profile_figures *f)
{
	struct raw *raw = xcalloc((size_t)p->count + 1, sizeof(*raw));
	uint32_t cycle = 0;
	int i, err = 0;

	for (i = 0; !err && !f->steady && i < TRIES; i++) {
		if (!read_symbol(p, GO_SYMBOL_MPROF_CYCLE, &f->cycle, sizeof(f->cycle)) ||
		    !read_all(p, raw) ||
		    !read_symbol(p, GO_SYMBOL_MPROF_CYCLE, &cycle, sizeof(cycle)))
			err = -ESRCH;
		f->steady = cycle == f->cycle;
	}
	if (!err)
		take_counts(p, raw, f);
	f->cycle >>= 1;
	free(raw);
	return err;
}

int go_profile_read(struct go_profile *p, struct go_profile_figures *f)
{
	int err;

	*f = (struct go_profile_figures){0};
	if (!go_runtime_has_profile(p->runtime))
		return -ENOENT;
	if (!read_symbol(p, GO_SYMBOL_MEM_PROFILE_RATE, &f->rate, sizeof(f->rate)))
		return -ESRCH;
	if (f->rate > INT64_MAX)
		f->rate = 0; /* negative: none, too */
	err = find_new(p);
	if (!err)
		err = read_counts(p, f);
	f->left_out = p->left_out;
	return err;
}

/* ---- on and off ---- */

static void close_writer(struct go_profile *p)
{
	if (p->writer >= 0)
		close(p->writer);
	p->writer = -1;
}

int go_profile_switch_on(struct go_profile *p)
{
	int err;

	close_writer(p);
	err = go_rate_open(p->runtime);
	if (err < 0)
		return err;
	p->writer = err;
	err = go_rate_exchange(p->runtime, p->writer, 0, GO_PROFILE_RATE);
	if (err)
		close_writer(p);
	return err;
}

int go_profile_switch_off(struct go_profile *p)
{
	int err = go_rate_exchange(p->runtime, p->writer, GO_PROFILE_RATE, 0);

	close_writer(p);
	return err;
}
