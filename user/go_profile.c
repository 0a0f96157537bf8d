/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records of a runtime's profile -> EVENT_BULK. A record counts objects that were drawn; each stands for so many of its size
 * (go_profile_weight()), and what was freed of it for as large a share of that. So with the last drawn object all is gone, even when the
 * program has changed its MemProfileRate in between.
 *
 * Counts only grow. One that is seen to be lower was read while the runtime moved it: what it had is kept until it is more.
 *
 * What a program had when tracing began counts as allocated then and is marked as from before. That of before its last
 * collection is known at once; the runtime publishes what it had allocated since only with the next ones, and then it is marked, too.
 */
#include "go_profile.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../include/calls.h"
#include "../include/event.h"
#include "base/array.h"
#include "base/log.h"
#include "base/siphash.h"
#include "base/xalloc.h"
#include "feed.h"
#include "go_facts.h"
#include "options.h"
#include "target/go.h"
#include "target/go_profile.h"
#include "tracker.h"

#define BATCH 256

/* What the heap has of a record. */
struct shown {
	uint64_t stack_id;
	uint64_t allocs, frees,
		frees_before; /* drawn objects; those freed before it was first read are left out */
	uint64_t old;	      /* of the allocations, those of before tracing began */
	double scaled;	      /* allocated objects that they stand for */
	uint64_t alloc_bytes, alloc_count, free_bytes, free_count;
};

struct go_profiled {
	struct go_profile *profile;
	struct go_profile_figures figures;
	struct shown *shown; /* by record */
	uint32_t shown_count, shown_capacity;
	uint64_t rate; /* the last that was not 0 */
	bool before;   /* the first reading is of before tracing began */
	bool fed;      /* it has been */
	bool enabled;  /* by us */
	bool tried;    /* to */
	bool early;    /* it was too early to */
	int err;       /* of the last reading */
	bool said;
	struct event_bulk *events; /* of one feed */
	uint32_t event_count, event_capacity;
	uint64_t fresh_bytes, live_bytes, live_count;
};

struct go_profiled *go_profiled_new(const struct go_process *go, bool before)
{
	struct go_profiled *p = xcalloc(1, sizeof(*p));

	p->profile = go_profile_open(go);
	p->before = before;
	p->err = -ENOENT;
	return p;
}

/* ---- on and off ---- */

/* Reading that did not contradict itself, of that many: under load half of them do. */
#define TRIES 8

static const struct {
	int err;
	const char *text;
} refusals[] = {
	{-EBUSY, "MemProfileRate has another value than 0 by now: it is left as it is"},
	{-EFAULT, "what is there cannot be MemProfileRate: unsupported build"},
	{-ENOENT, "this build does not say where MemProfileRate is"},
	{-EBADMSG, "the figures of its runtime contradict each other: unsupported build"},
	{-EIO, "it did not take the value"},
	{-EAGAIN, "its runtime has not begun, or is another than its version says"},
};

static const char *refusal(int err)
{
	size_t i;

	for (i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		if (refusals[i].err == err)
			return refusals[i].text;
	}
	return strerror(-err);
}

/* It is the runtime that its version says: nothing is written where one could be wrong. */
static int check_runtime(struct tracked *t)
{
	struct go_figures figures;
	int i, err = -EBADMSG;

	for (i = 0; i < TRIES && err == -EBADMSG; i++)
		err = go_read(t->go.process, &figures);
	return err;
}

static void say_refused(const struct tracked *t, int err)
{
	log_warn("process %d (%s): cannot switch on its heap profile: %s", (int)t->pid, t->comm,
		 refusal(err));
}

static void switch_on(struct tracked *t, struct go_profiled *p)
{
	int err;

	err = check_runtime(t);
	p->early = err == -EAGAIN;
	p->tried = !p->early;
	if (p->early)
		return;
	if (!err)
		err = go_profile_switch_on(p->profile);
	p->enabled = !err;
	if (err)
		say_refused(t, err);
	else
		log_info("process %d (%s): its heap profile is switched on: MemProfileRate was 0 "
			 "and is %u now (8 "
			 "bytes written in the process); at the end it is 0 again",
			 (int)t->pid, t->comm, GO_PROFILE_RATE);
}

static void switch_off(struct tracked *t, struct go_profiled *p)
{
	int err;

	if (!p || !p->enabled)
		return;
	p->enabled = false;
	err = go_profile_switch_off(p->profile);
	if (!err)
		log_info("process %d (%s): its heap profile is switched off: MemProfileRate is 0 "
			 "again",
			 (int)t->pid, t->comm);
	else if (err == -EBUSY)
		log_warn("process %d (%s): MemProfileRate was changed meanwhile: it is left as it "
			 "is",
			 (int)t->pid, t->comm);
	else if (err != -ESRCH)
		log_warn("process %d (%s): cannot put MemProfileRate back to 0: %s: its runtime "
			 "goes on drawing one "
			 "object per %u bytes for its profile until it ends",
			 (int)t->pid, t->comm, refusal(err), GO_PROFILE_RATE);
}

void go_profiles_end(struct tracker *t)
{
	struct tracked *p;

	for (p = t->first; p; p = p->next) {
		struct go_profiled *of = p->go.profile;

		if (of && of->early)
			say_refused(p, -EAGAIN);
		switch_off(p, of);
	}
}

void go_profiled_free(struct tracked *t, struct go_profiled *p)
{
	if (!p)
		return;
	switch_off(t, p);
	go_profile_close(p->profile);
	free(p->shown);
	free(p->events);
	free(p);
}

/* ---- reading ---- */

static const struct {
	int err;
	const char *text;
} reasons[] = {
	{-ENOENT, "this build does not say where its profile is"},
	{-EBADMSG, "what is there is no profile"},
};

/* Options that ask for what no profile has. */
static void say_not_known(const struct tracked *t, const struct options *o)
{
	if (o->sample_bytes)
		log_info("process %d (%s): -s does not concern its Go heap: the profile has a rate "
			 "of its own",
			 (int)t->pid, t->comm);
	if (o->older_ms)
		log_info("process %d (%s): -o shows nothing of its Go heap: the profile does not "
			 "say how old objects are",
			 (int)t->pid, t->comm);
	if (o->show_allocs || o->files[FORMAT_CSV_BLOCKS])
		log_info("process %d (%s): -a and --csv-blocks show nothing of its Go heap: the "
			 "profile knows no single object",
			 (int)t->pid, t->comm);
}

static void say_source(const struct tracked *t, struct go_profiled *p, const struct options *o)
{
	size_t i;

	if (p->said || p->early || p->err == -ESRCH)
		return;
	p->said = true;
	if (!p->err && p->figures.rate)
		log_info("process %d (%s): its live heap by call site is that of its Go runtime's "
			 "own profile: one "
			 "sample per %llu bytes, as of a past collection",
			 (int)t->pid, t->comm, (unsigned long long)p->figures.rate);
	if (!p->err && p->figures.rate)
		say_not_known(t, o);
	else if (!p->err)
		log_info("process %d (%s): no live heap by call site: its Go runtime keeps no "
			 "profile "
			 "(MemProfileRate is 0: the program does not use runtime.MemProfile, as "
			 "net/http/pprof does, "
			 "or switched it off); --go-enable-profile switches it on",
			 (int)t->pid, t->comm);
	for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (p->err == reasons[i].err)
			log_warn(
				"process %d (%s): no live heap by call site: unsupported build: %s",
				(int)t->pid, t->comm, reasons[i].text);
	}
}

static void read_one(struct tracked *t, const struct options *o)
{
	struct go_profiled *p;

	if (t->ended || t->borrowed || t->go.sampled || !go_facts_open(t))
		return;
	if (!t->go.profile)
		t->go.profile = go_profiled_new(t->go.process, t->attached && t->space_count == 1);
	p = t->go.profile;
	p->err = go_profile_read(p->profile, &p->figures);
	if (o->go_enable_profile && !p->err && !p->figures.rate && !p->tried) {
		switch_on(t, p);
		p->figures.rate = p->enabled ? GO_PROFILE_RATE : 0;
	}
	if (!p->err && p->figures.rate)
		p->rate = p->figures.rate;
	say_source(t, p, o);
}

void go_profiles_read(struct tracker *t, const struct options *o)
{
	struct tracked *p;

	for (p = t->first; p; p = p->next)
		read_one(p, o);
}

/* ---- events ---- */

static uint64_t stack_id(const struct go_record *r)
{
	static const struct siphash_key key = {{0x676f70726f66696c, 1}};
	struct siphash s;
	uint64_t digest[2];

	siphash_begin(&s, &key);
	siphash_add(&s, r->pcs, r->depth * sizeof(*r->pcs));
	siphash_end(&s, digest);
	return digest[0] | !digest[0];
}

static void feed_stack(const struct go_record *r, struct feed *f, uint32_t number, uint64_t time_ns,
		       uint64_t id)
{
	_Alignas(8) uint8_t room[sizeof(struct event_stack) + STACK_MAX_FRAMES * 8];
	struct event_stack *e = (void *)room;
	const struct event_header *h = &e->h;
	uint32_t depth = r->depth < STACK_MAX_FRAMES ? r->depth : STACK_MAX_FRAMES;

	*e = (struct event_stack){.h = {.time_ns = time_ns,
					.process = number,
					.size = (uint16_t)(sizeof(*e) + depth * 8),
					.type = EVENT_STACK,
					.flags = STACK_F_LOGICAL | (r->cut ? STACK_F_CUT : 0)},
				  .id = id,
				  .frame_count = depth};
	memcpy(e->pcs, r->pcs, depth * 8);
	feed_events(f, &h, 1);
}

static void put_event(struct go_profiled *p, const struct event_bulk *e)
{
	struct event_bulk *v =
		array_reserve(p->events, &p->event_capacity, p->event_count + 1, sizeof(*v));

	if (!v)
		return;
	p->events = v;
	p->events[p->event_count++] = *e;
}

static uint64_t rounded(double v)
{
	return v < 0x1p55 ? (uint64_t)llround(v) : 1ull << 55;
}

/* The difference to what was shown last, and shows it. */
static uint64_t advance(uint64_t *shown, double now)
{
	uint64_t before = *shown, v = rounded(now);

	*shown = v > before ? v : before;
	return *shown - before;
}

/* So many more allocations, and all frees until now. */
static void change(struct go_profiled *p, struct shown *s, const struct go_record *r,
		   uint64_t allocs, uint64_t frees, struct event_bulk e)
{
	double size = (double)r->object_bytes, share;

	s->allocs += allocs;
	s->frees = frees;
	s->scaled += (double)allocs * go_profile_weight(r->object_bytes, p->rate);
	share = s->allocs ? (double)s->frees / (double)s->allocs : 0;
	e.stack = s->stack_id;
	e.alloc_count = advance(&s->alloc_count, s->scaled);
	e.alloc_bytes = advance(&s->alloc_bytes, s->scaled * size);
	e.free_count = advance(&s->free_count, s->scaled * share);
	e.free_bytes = advance(&s->free_bytes, s->scaled * share * size);
	if (e.alloc_count || e.free_count)
		put_event(p, &e);
}

static void begin_record(struct go_profiled *p, struct shown *s, const struct go_record *r)
{
	s->stack_id = stack_id(r);
	if (!p->before || p->fed)
		return;
	s->frees_before = r->frees;
	s->old = r->allocs - r->frees + r->fresh;
}

/* What is left of the allocations of before is marked: births less deaths, since nothing tells them apart. */
static void put_record(struct go_profiled *p, struct shown *s, const struct go_record *r,
		       struct event_bulk e)
{
	uint64_t allocs = r->allocs - s->frees_before, frees = r->frees - s->frees_before;
	uint64_t more = allocs > s->allocs ? allocs - s->allocs : 0;
	uint64_t less = frees > s->frees ? frees - s->frees : 0;
	uint64_t left = s->old > s->allocs ? s->old - s->allocs : 0;
	uint64_t old = more > less ? more - less : 0;

	if (!more && !less)
		return;
	old = old < left ? old : left;
	e.h.flags = EVENT_F_BEFORE;
	if (old)
		change(p, s, r, old, s->frees, e);
	e.h.flags = 0;
	change(p, s, r, more - old, s->frees + less, e);
}

static void feed_some(const struct go_profiled *p, struct feed *f, bool growing)
{
	const struct event_header *batch[BATCH];
	size_t count = 0;
	uint32_t i;

	for (i = 0; i < p->event_count; i++) {
		const struct event_bulk *e = &p->events[i];

		if ((e->free_bytes <= e->alloc_bytes) != growing)
			continue;
		batch[count++] = &e->h;
		if (count == BATCH) {
			feed_events(f, batch, count);
			count = 0;
		}
	}
	if (count)
		feed_events(f, batch, count);
}

static struct shown *shown_of(struct go_profiled *p, const struct go_record *r, uint32_t index,
			      struct feed *f, const struct event_header *h)
{
	struct shown *s = &p->shown[index];

	if (index < p->shown_count)
		return s;
	p->shown_count = index + 1;
	begin_record(p, s, r);
	feed_stack(r, f, h->process, h->time_ns, s->stack_id);
	return s;
}

static void add_sums(struct go_profiled *p, const struct shown *s, const struct go_record *r)
{
	double weight = go_profile_weight(r->object_bytes, p->rate);

	p->live_bytes += s->alloc_bytes - s->free_bytes;
	p->live_count += s->alloc_count - s->free_count;
	p->fresh_bytes += rounded((double)r->fresh * weight * (double)r->object_bytes);
}

static bool is_wanted(const struct go_record *r, const struct options *o)
{
	return r->object_bytes >= o->min_bytes && r->object_bytes <= o->max_bytes;
}

/* What shrinks first: the process has never had both what is gone and what has come. */
static void feed_one(struct go_profiled *p, struct feed *f, const struct options *o,
		     uint32_t number, uint64_t time_ns)
{
	struct event_bulk e = {.h = {.time_ns = time_ns,
				     .process = number,
				     .size = sizeof(e),
				     .type = EVENT_BULK,
				     .call = CALL_ID_GO}};
	size_t count, i;
	const struct go_record *v = go_profile_records(p->profile, &count);
	struct shown *shown;

	if (p->err)
		return;
	shown = !count ? p->shown
		       : array_reserve(p->shown, &p->shown_capacity, (uint32_t)count,
				       sizeof(*shown));
	if (count && !shown)
		return;
	p->shown = shown;
	p->event_count = 0;
	p->live_bytes = p->live_count = p->fresh_bytes = 0;
	for (i = 0; i < count; i++) {
		struct shown *s = shown_of(p, &v[i], (uint32_t)i, f, &e.h);

		if (!is_wanted(&v[i], o))
			continue;
		if (!v[i].bad)
			put_record(p, s, &v[i], e);
		add_sums(p, s, &v[i]);
	}
	feed_some(p, f, false);
	feed_some(p, f, true);
	p->fed = true;
}

void go_profiles_feed(struct tracker *t, const struct options *o, uint64_t time_ns)
{
	struct tracked *p;

	for (p = t->first; p; p = p->next) {
		if (p->go.profile && !p->ended)
			feed_one(p->go.profile, consumer_feed(t->consumer), o, p->number, time_ns);
	}
}

void go_profile_figures(const struct tracked *t, struct go_heap_facts *out)
{
	const struct go_profiled *p = t->go.profile;

	*out = (struct go_heap_facts){0};
	if (!p)
		return;
	*out = (struct go_heap_facts){
		.source = p->err	     ? GO_HEAP_UNKNOWN
			  : !p->figures.rate ? GO_HEAP_OFF
					     : GO_HEAP_PROFILE,
		.rate = p->figures.rate,
		.live_bytes = p->live_bytes,
		.live_count = p->live_count,
		.fresh_bytes = p->fresh_bytes,
		.bad = p->figures.bad,
		.left_out = p->figures.left_out,
		.early = p->figures.early,
		.enabled = p->enabled,
	};
}
