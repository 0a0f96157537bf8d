/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The recorded run goes through the same stages as a live one, from the feed on. At a recorded cut the figures are taken, and
 * at the note that says so they are written, with what was known of modules then: so both runs write the same, byte for byte.
 *
 * Invariant: a cut at T is made when all that was applied before it live is applied; one of our own when the next event is later
 * than T. What is written to the outputs is written once, however often the same moment is passed.
 */
#include "player.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyse/growth.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "capture/replay.h"
#include "consumer.h"
#include "facts.h"
#include "feed.h"
#include "outputs.h"
#include "player_about.h"
#include "replayed.h"
#include "stages.h"
#include "symbol/names.h"
#include "totals_note.h"

#define BATCH		   256
#define NAMES_WAIT_MS	   1000
#define NAMES_SLICE_MS	   2 /* between two looks at keys */
#define NAMES_LAST_WAIT_MS 30000

struct player {
	struct options options; /* as given, and what the recording says */
	struct replay *replay;
	struct replayed *replayed;
	struct stages stages;
	struct facts facts; /* of the newest cut */
	uint64_t begun_ns, begun_realtime_ns, now_ns;
	double recorded_interval_s, recorded_leak_interval_s;
	/* own cuts: another -i, another --leak-interval; UINT64_MAX: the recorded ones */
	uint64_t next_report_ns, next_sample_ns;
	uint64_t baseline_ns; /* when --baseline is due; UINT64_MAX: not any more */
	uint64_t end_ns;      /* -d */
	/* taken and not yet written */
	struct snapshot taken;
	enum output_when taken_when; /* WHEN_LOOK: none */
	uint64_t written_ns, reports;
	/* of a batch that was not applied whole */
	const struct event_header *events[BATCH];
	size_t event_count, event_next;
	uint64_t gap;
	bool begun, final, over, stop, failed, report, full;
};

/* ---- open ---- */

static bool same(double a, double b)
{
	return a - b < 1e-9 && b - a < 1e-9;
}

static uint64_t step_of(double seconds)
{
	double ns = seconds * 1e9;

	return ns < 1e6 ? 1000000 : ns > 1e18 ? (uint64_t)1e18 : (uint64_t)ns;
}

static bool own_reports(const struct player *p)
{
	return p->options.interval_s > 0 && !same(p->options.interval_s, p->recorded_interval_s);
}

static void set_clock(struct player *p)
{
	const struct options *o = &p->options;

	p->now_ns = p->begun_ns;
	p->next_report_ns = own_reports(p) ? p->begun_ns + step_of(o->interval_s) : UINT64_MAX;
	p->next_sample_ns = same(o->leak_interval_s, p->recorded_leak_interval_s)
				    ? UINT64_MAX
				    : p->begun_ns + step_of(o->leak_interval_s);
	p->baseline_ns = o->baseline_s > 0 ? p->begun_ns + step_of(o->baseline_s) : UINT64_MAX;
	p->end_ns = o->duration_s > 0 ? p->begun_ns + step_of(o->duration_s) : UINT64_MAX;
}

/* All that a live run has, without what is around a process. */
static bool begin(struct player *p)
{
	struct tracker *t = &p->stages.tracker;

	tracker_init(t);
	if (!stages_open_heap(&p->stages, &p->options))
		return false;
	replayed_begin(p->replayed, t);
	t->consumer = consumer_start(NULL, t->heap, NULL, NULL);
	return t->consumer != NULL;
}

/* When that was is known from then on. */
static void run_to_begin(struct player *p)
{
	while (!p->begun && player_run(p, UINT64_MAX, 1, false))
		;
}

struct player *player_open(const struct options *o)
{
	struct player *p = xcalloc(1, sizeof(*p));
	struct player_about about;

	p->options = *o;
	p->replay = player_source(&p->options, &about);
	if (!p->replay) {
		free(p);
		return NULL;
	}
	p->begun_ns = about.begun_ns;
	p->begun_realtime_ns = about.begun_realtime_ns;
	p->recorded_leak_interval_s = about.leak_interval_s;
	p->replayed = replayed_new(p->replay);
	set_clock(p);
	p->stages.watch = watch_open(&p->options);
	if (p->stages.watch && begin(p))
		p->stages.outputs = outputs_open(&p->options, &p->stages.tracker,
						 &p->stages.windows, p->stages.growth);
	if (p->stages.outputs) {
		outputs_wait_for_readers(p->stages.outputs);
		run_to_begin(p);
		return p;
	}
	player_close(p);
	return NULL;
}

static void end(struct player *p)
{
	struct tracker *t = &p->stages.tracker;

	snapshot_free(&p->taken);
	facts_done(&p->facts);
	tracker_done(t);
	consumer_stop(t->consumer);
	growth_free(p->stages.growth);
	names_free(t->names);
	heap_free(t->heap);
	*t = (struct tracker){0};
	p->stages.growth = NULL;
}

bool player_close(struct player *p)
{
	bool good;

	if (!p)
		return true;
	good = outputs_close(p->stages.outputs);
	watch_close(p->stages.watch);
	end(p);
	replayed_free(p->replayed);
	replay_close(p->replay);
	free(p);
	return good;
}

/* ---- writing ---- */

static void wait_for_names(struct player *p, int ms)
{
	uint64_t end = clock_monotonic_ns() + (uint64_t)ms * NS_PER_MS;
	size_t pending;

	while ((pending = names_wait(p->stages.tracker.names, NAMES_SLICE_MS)) &&
	       clock_monotonic_ns() < end)
		outputs_take_breath(p->stages.outputs);
	if (pending)
		log_verbose("the names of %zu addresses are missing: not found in time", pending);
}

static void write_taken(struct player *p)
{
	struct outputs *o = p->stages.outputs;
	enum output_when when = p->taken_when;

	if (when == WHEN_LOOK)
		return;
	p->taken_when = WHEN_LOOK;
	outputs_fold(o, &p->taken);
	watch_look(p->stages.watch, &p->taken, false);
	if (outputs_prepare(o, &p->taken, p->report, when))
		wait_for_names(p, NAMES_WAIT_MS);
	outputs_write(o, &p->taken, p->report, when);
	snapshot_free(&p->taken);
	if (when == WHEN_INTERVAL && p->options.report_count &&
	    ++p->reports >= p->options.report_count)
		p->stop = true;
	if (outputs_failed(o))
		p->failed = p->stop = true;
}

/* Once for each moment, also after going back. */
static void take(struct player *p, enum output_when when, const struct facts *f)
{
	if (f->time_ns <= p->written_ns)
		return;
	write_taken(p);
	p->written_ns = f->time_ns;
	outputs_take(p->stages.outputs, &p->taken, p->report, when, f);
	p->taken_when = when;
}

/* ---- cuts ---- */

/* What is known of a moment of our own: the newest facts, and its clocks. */
static struct facts facts_at(const struct player *p, uint64_t time_ns)
{
	struct facts f = p->facts;

	f.time_ns = time_ns;
	f.realtime_ns = p->begun_realtime_ns + (time_ns - p->begun_ns);
	f.elapsed_s = (double)(time_ns - p->begun_ns) / 1e9;
	return f;
}

static void own_sample(struct player *p)
{
	struct facts f = facts_at(p, p->next_sample_ns);

	outputs_take_sample(p->stages.outputs, &f);
	p->next_sample_ns += step_of(p->options.leak_interval_s);
}

static void own_baseline(struct player *p)
{
	struct facts f = facts_at(p, p->baseline_ns);

	outputs_take_baseline(p->stages.outputs, &f);
	p->baseline_ns = UINT64_MAX;
}

static void own_report(struct player *p)
{
	struct facts f = facts_at(p, p->next_report_ns);

	take(p, WHEN_INTERVAL, &f);
	write_taken(p);
	p->next_report_ns += step_of(p->options.interval_s);
}

/* Those of ours that come before something of this time. */
static void make_own_cuts(struct player *p, uint64_t time_ns)
{
	for (;;) {
		uint64_t next = p->next_sample_ns < p->next_report_ns ? p->next_sample_ns
								      : p->next_report_ns;

		next = p->baseline_ns < next ? p->baseline_ns : next;
		if (p->stop || next >= time_ns || next >= p->end_ns)
			break;
		p->now_ns = next;
		if (next == p->baseline_ns)
			own_baseline(p);
		else if (next == p->next_sample_ns)
			own_sample(p);
		else
			own_report(p);
	}
}

static void on_cut(struct player *p, struct unpack u)
{
	uint64_t kind = unpack_u64(&u);
	struct facts f;

	if (u.bad || !facts_unpack(&f, &u) || f.time_ns < p->begun_ns)
		return;
	make_own_cuts(p, f.time_ns + 1);
	if (p->stop || f.time_ns > p->end_ns) {
		facts_done(&f);
		p->stop = true;
		return;
	}
	if (kind == CUT_SAMPLE && !f.realtime_ns) {
		/* a sample has less to say than a snapshot */
		struct facts before = p->facts;

		p->facts = facts_at(p, f.time_ns);
		p->facts.coverage = f.coverage;
		p->facts.processes = f.processes;
		p->facts.process_count = f.process_count;
		facts_done(&before);
	} else {
		facts_done(&p->facts);
		p->facts = f;
	}
	replayed_facts(&p->stages.tracker, &p->facts);
	p->now_ns = f.time_ns;
	if (kind == CUT_SAMPLE && p->next_sample_ns == UINT64_MAX)
		outputs_take_sample(p->stages.outputs, &p->facts);
	else if ((kind == CUT_INTERVAL || kind == CUT_EXTRA) && !own_reports(p))
		take(p, kind == CUT_INTERVAL ? WHEN_INTERVAL : WHEN_NOW, &p->facts);
	else if (kind == CUT_FINAL)
		p->final = true;
}

static void on_begin(struct player *p, struct unpack u)
{
	uint64_t time_ns = unpack_u64(&u), realtime_ns = unpack_u64(&u);
	double interval_s = unpack_double(&u);

	if (u.bad)
		return;
	p->begun = true;
	p->begun_ns = time_ns;
	p->begun_realtime_ns = realtime_ns;
	p->recorded_interval_s = interval_s;
	set_clock(p);
}

static void on_note(struct player *p, const struct event_header *note)
{
	struct unpack u = replay_note(note);

	if (feed_note(consumer_feed(p->stages.tracker.consumer), note) ||
	    replayed_note(p->replayed, &p->stages.tracker, note))
		return;
	switch (note->process) {
	case NOTE_BEGIN: on_begin(p, u); break;
	case NOTE_CUT: on_cut(p, u); break;
	case NOTE_WRITTEN: write_taken(p); break;
	case NOTE_GAP: p->gap += unpack_u64(&u); break;
	case NOTE_FULL: p->full = true; break;
	case NOTE_TOTALS: totals_unpack(p->stages.tracker.heap, &u); break;
	default: break; /* of a newer writer */
	}
}

/* ---- events ---- */

/* How many of these come before the next cut of our own, the end, or until_ns. */
static size_t count_until(const struct player *p, size_t from, uint64_t until_ns)
{
	uint64_t next = until_ns;
	size_t i = from;

	next = p->next_report_ns < next ? p->next_report_ns : next;
	next = p->next_sample_ns < next ? p->next_sample_ns : next;
	next = p->baseline_ns < next ? p->baseline_ns : next;
	next = p->end_ns < next ? p->end_ns : next;
	if (next == UINT64_MAX)
		return p->event_count - from;
	while (i < p->event_count && p->events[i]->time_ns <= next)
		i++;
	return i - from;
}

/* True: all of the batch is applied. */
static bool apply_some(struct player *p, uint64_t until_ns)
{
	struct feed *feed = consumer_feed(p->stages.tracker.consumer);

	while (p->event_next < p->event_count && !p->stop) {
		size_t n = count_until(p, p->event_next, until_ns);
		uint64_t time_ns;

		if (n) {
			feed_events(feed, &p->events[p->event_next], n);
			p->event_next += n;
			if (heap_now(feed->heap) > p->now_ns)
				p->now_ns = heap_now(feed->heap);
			continue;
		}
		time_ns = p->events[p->event_next]->time_ns;
		if (time_ns > p->end_ns)
			p->stop = true;
		if (time_ns > until_ns)
			return false;
		make_own_cuts(p, time_ns);
	}
	return !p->stop;
}

/* The next note is later than that. */
static bool is_later(const struct event_header *note, uint64_t until_ns)
{
	struct unpack u = replay_note(note);
	struct facts f;
	bool later = false;

	if (note->process != NOTE_CUT || until_ns == UINT64_MAX)
		return false;
	unpack_u64(&u);
	if (facts_unpack(&f, &u)) {
		later = f.time_ns > until_ns;
		facts_done(&f);
	}
	return later;
}

/* There is a record at event_next. False: none is left. */
static bool fill(struct player *p)
{
	if (p->event_next < p->event_count)
		return true;
	p->event_next = 0;
	p->event_count = replay_next(p->replay, p->events, BATCH);
	return p->event_count != 0;
}

bool player_run(struct player *p, uint64_t until_ns, uint64_t records, bool report)
{
	p->report = report;
	while (!p->stop && !p->over && !p->final && records) {
		bool fresh = p->event_next == p->event_count;

		p->over = !fill(p);
		if (p->over)
			break;
		if (fresh)
			records -= p->event_count < records ? p->event_count : records;
		if (!replay_is_note(p->events[p->event_next])) {
			if (!apply_some(p, until_ns))
				break;
		} else if (is_later(p->events[p->event_next], until_ns)) {
			break;
		} else {
			on_note(p, p->events[p->event_next++]);
		}
	}
	if (until_ns != UINT64_MAX && until_ns > p->now_ns && !p->over && !p->final && !p->stop &&
	    records)
		p->now_ns = until_ns;
	return !p->stop && !p->over && !p->final;
}

/* From the beginning again; what was written stays written. */
static bool restart(struct player *p)
{
	end(p);
	if (replay_rewind(p->replay) || !begin(p))
		return false;
	outputs_restart(p->stages.outputs, p->stages.growth);
	p->facts = (struct facts){0};
	p->taken_when = WHEN_LOOK;
	p->event_count = p->event_next = 0;
	p->gap = 0;
	p->begun = p->final = p->over = p->stop = p->full = false;
	set_clock(p);
	run_to_begin(p);
	return true;
}

bool player_go_back(struct player *p, uint64_t time_ns)
{
	if (time_ns >= p->now_ns || restart(p))
		return true;
	p->failed = true;
	return false;
}

/* ---- the end ---- */

/* What comes behind the last cut: modules, as they were known when it was written. */
static void read_rest(struct player *p)
{
	while (p->final && fill(p)) {
		const struct event_header *e = p->events[p->event_next++];

		if (replay_is_note(e) && e->process == NOTE_WRITTEN)
			break;
		if (replay_is_note(e))
			replayed_note(p->replayed, &p->stages.tracker, e);
	}
}

static void write_last(struct player *p, bool report, bool summary)
{
	struct outputs *o = p->stages.outputs;
	struct facts f = p->final ? p->facts : facts_at(p, p->now_ns);
	bool done = p->options.report_count && p->reports >= p->options.report_count;
	struct snapshot s;

	p->report = report;
	write_taken(p);
	if (!p->final)
		outputs_take_sample(o, &f);
	report = report && !done && !outputs_failed(o);
	outputs_take(o, &s, report, WHEN_END, &f);
	read_rest(p);
	outputs_fold(o, &s);
	watch_look(p->stages.watch, &s, false);
	if (outputs_prepare(o, &s, report, WHEN_END))
		wait_for_names(p, NAMES_LAST_WAIT_MS);
	outputs_write(o, &s, report, WHEN_END);
	outputs_finish(o);
	p->failed |= outputs_failed(o);
	p->failed |= !player_say_end(p->options.read, p->replay, p->over, p->gap, p->full);
	if (summary)
		outputs_summary(o, &s);
	snapshot_free(&s);
}

void player_finish(struct player *p, bool report)
{
	write_last(p, report, true);
}

void player_write_last(struct player *p)
{
	write_last(p, false, false);
}

/* ---- to be looked at ---- */

static void look(struct player *p, struct snapshot *s, enum output_when when)
{
	struct facts f = facts_at(p, p->now_ns);

	outputs_take(p->stages.outputs, s, false, when, &f);
	outputs_fold(p->stages.outputs, s);
}

void player_look(struct player *p, struct snapshot *s)
{
	look(p, s, WHEN_LOOK);
}

void player_set_baseline(struct player *p)
{
	struct facts f = facts_at(p, p->now_ns);

	outputs_take_baseline(p->stages.outputs, &f);
}

uint64_t player_now(const struct player *p)
{
	return p->now_ns;
}

uint64_t player_begun(const struct player *p)
{
	return p->begun_ns;
}

uint64_t player_ends(const struct player *p)
{
	uint64_t last = replay_last_ns(p->replay);

	return last > p->now_ns ? last : p->now_ns;
}

struct stages *player_stages(struct player *p)
{
	return &p->stages;
}

void player_write(struct player *p, enum output_when when)
{
	struct outputs *o = p->stages.outputs;
	struct snapshot s;

	look(p, &s, when);
	if (outputs_prepare(o, &s, false, when))
		wait_for_names(p, NAMES_WAIT_MS);
	outputs_write(o, &s, false, when);
	snapshot_free(&s);
}

struct outputs *player_outputs(struct player *p)
{
	return p->stages.outputs;
}

struct names *player_names(struct player *p)
{
	return p->stages.tracker.names;
}

bool player_failed(const struct player *p)
{
	return p->failed;
}
