/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One sample for each call site, with four values; process and allocator function are labels. Values are scaled already when
 * the run was sampled, so that no tool has to do it; the period says how it was sampled. A difference has a sample for each
 * side of a site.
 */
#include "pprof.h"

#include <stdlib.h>
#include <string.h>
#include "../../include/calls.h"
#include "../base/clock.h"
#include "../base/xalloc.h"
#include "../probe/plan.h"
#include "difference.h"
#include "gzip.h"
#include "pprof_tables.h"

#define VALUES 4
#define LABELS 3
/* Messages that are packed at a time. */
#define PIECE 512u

static Pprof__ValueType *value_type(struct pprof_tables *t, const char *type, const char *unit)
{
	Pprof__ValueType *v = arena_get(t->arena, 1, sizeof(*v));

	pprof__value_type__init(v);
	v->type = pprof_string(t, type);
	v->unit = pprof_string(t, unit);
	return v;
}

static void add_types(struct pprof_tables *t, Pprof__Profile *p)
{
	static const char *const types[VALUES][2] = {
		{"alloc_objects", "count"},
		{"alloc_space", "bytes"},
		{"inuse_objects", "count"},
		{"inuse_space", "bytes"},
	};
	size_t i;

	p->n_sample_type = VALUES;
	p->sample_type = arena_get(t->arena, VALUES, sizeof(*p->sample_type));
	for (i = 0; i < VALUES; i++)
		p->sample_type[i] = value_type(t, types[i][0], types[i][1]);
	p->default_sample_type = pprof_string(t, "inuse_space");
}

static int64_t value(uint64_t n)
{
	return n > INT64_MAX ? INT64_MAX : (int64_t)n;
}

static Pprof__Label *add_label(struct pprof_tables *t, Pprof__Sample *s, const char *key)
{
	Pprof__Label *l = arena_get(t->arena, 1, sizeof(*l));

	if (!s->label)
		s->label = arena_get(t->arena, LABELS, sizeof(*s->label));
	pprof__label__init(l);
	l->key = pprof_string(t, key);
	s->label[s->n_label++] = l;
	return l;
}

static void add_text_label(struct pprof_tables *t, Pprof__Sample *s, const char *key,
			   const char *text)
{
	add_label(t, s, key)->str = pprof_string(t, text);
}

static void add_labels(struct pprof_tables *t, Pprof__Sample *sample, const struct snapshot *s,
		       const struct snapshot_site *site)
{
	if (site->process < s->process_count) {
		add_label(t, sample, "pid")->num = s->processes[site->process].pid;
		add_text_label(t, sample, "comm", s->processes[site->process].comm);
	}
	if (site->call < CALL_ID_COUNT)
		add_text_label(t, sample, "api", call_name((enum call_id)site->call));
}

/* values: in the order of the types. */
static Pprof__Sample *make_sample(struct pprof_tables *t, const struct stack_names *names,
				  const int64_t values[VALUES])
{
	Pprof__Sample *s = arena_get(t->arena, 1, sizeof(*s));

	pprof__sample__init(s);
	s->n_location_id = pprof_stack(t, names, &s->location_id);
	s->n_value = VALUES;
	s->value = arena_get(t->arena, VALUES, sizeof(*s->value));
	memcpy(s->value, values, VALUES * sizeof(*values));
	return s;
}

static Pprof__Sample *sample_of(struct pprof_tables *t, const struct export_input *in,
				const struct snapshot_site *site)
{
	const int64_t values[VALUES] = {
		value(site->totals.alloc_count), value(site->totals.alloc_bytes),
		value(site->totals.outstanding_count), value(site->totals.outstanding_bytes)};
	Pprof__Sample *s = make_sample(t, in->names(in->context, site), values);

	add_labels(t, s, in->snapshot, site);
	return s;
}

static void add_samples(struct pprof_tables *t, Pprof__Profile *p, const struct export_input *in)
{
	const struct snapshot *s = in->snapshot;
	size_t i;

	for (i = 0; i < s->site_count; i++) {
		if (pprof_find_program(t, in->names(in->context, &s->sites[i])))
			break;
	}
	p->sample = arena_get(t->arena, s->site_count, sizeof(*p->sample));
	for (i = 0; i < s->site_count; i++) {
		p->sample[p->n_sample++] = sample_of(t, in, &s->sites[i]);
		breath_take(in->breath);
	}
}

/* sign -1: of the side that is taken off, which pprof knows by its label. */
static Pprof__Sample *sample_of_side(struct pprof_tables *t, const struct stack_names *names,
				     const struct csv_site *site, int sign)
{
	const int64_t values[VALUES] = {
		sign * value(site->alloc_count), sign * value(site->alloc_bytes),
		sign * value(site->outstanding_count), sign * value(site->outstanding_bytes)};
	Pprof__Sample *s = make_sample(t, names, values);

	add_text_label(t, s, "api", site->api);
	if (sign < 0)
		add_text_label(t, s, "pprof::base", "true");
	return s;
}

/* As `pprof -diff_base A B` has them: B's samples, and A's with a minus. */
static void add_sides(struct pprof_tables *t, Pprof__Profile *p, const struct difference *d)
{
	struct difference_names scratch = {.text = NULL};
	size_t i;

	p->sample = arena_get(t->arena, 2 * d->site_count, sizeof(*p->sample));
	for (i = 0; i < d->site_count; i++) {
		const struct difference_site *s = &d->sites[i];
		const struct stack_names *names = difference_names(&scratch, s->site);

		p->sample[p->n_sample++] = sample_of_side(t, names, s->b, 1);
		p->sample[p->n_sample++] = sample_of_side(t, names, s->a, -1);
	}
	difference_names_done(&scratch);
}

static void add_comment(struct pprof_tables *t, Pprof__Profile *p, const char *words)
{
	p->n_comment = 1;
	p->comment = arena_get(t->arena, 1, sizeof(*p->comment));
	p->comment[0] = pprof_string(t, words);
}

/* period: bytes for each sample. */
static void add_period(struct pprof_tables *t, Pprof__Profile *p, uint64_t period)
{
	p->period_type = value_type(t, "space", "bytes");
	p->period = value(period);
}

static void add_facts(struct pprof_tables *t, Pprof__Profile *p, const struct export_input *in)
{
	const struct snapshot *s = in->snapshot;
	struct buffer words = {0};

	p->duration_nanos = (int64_t)(s->elapsed_s * (double)NS_PER_S);
	add_period(t, p, s->sampled ? s->sample_bytes : 1);
	buffer_printf(&words, "tracer %s: allocations since tracing began, %llu events lost",
		      TRACER_VERSION, (unsigned long long)report_lost_events(s));
	add_comment(t, p, words.data);
	buffer_done(&words);
}

static void add_difference_facts(struct pprof_tables *t, Pprof__Profile *p,
				 const struct difference *d)
{
	struct buffer words = {0};

	add_period(t, p, 1);
	buffer_printf(&words, "tracer %s: what '%s' has more than '%s'", TRACER_VERSION, d->b.path,
		      d->a.path);
	add_comment(t, p, words.data);
	buffer_done(&words);
}

static void pack_one(struct gzip *g, const Pprof__Profile *p)
{
	uint8_t *packed = xcalloc(1, pprof__profile__get_packed_size(p) + 1);

	gzip_add(g, packed, pprof__profile__pack(p, packed));
	free(packed);
}

/* Messages one behind the other are one message with the lists of all of them: so no step is long. */
static void pack(struct gzip *g, Pprof__Profile *p)
{
	static const struct {
		size_t count, items; /* where they are in the profile */
	} lists[] = {
#define LIST(name) {offsetof(Pprof__Profile, n_##name), offsetof(Pprof__Profile, name)}
		LIST(sample), LIST(mapping), LIST(location), LIST(function), LIST(string_table),
#undef LIST
	};
	size_t l, i;

	for (l = 0; l < sizeof(lists) / sizeof(lists[0]); l++) {
		size_t *count = (size_t *)((char *)p + lists[l].count);
		Pprof__Profile part = PPROF__PROFILE__INIT;
		size_t *some = (size_t *)((char *)&part + lists[l].count);
		char *items; /* an array of pointers of one kind or another */

		memcpy(&items, (char *)p + lists[l].items, sizeof(items));
		for (i = 0; i < *count; i += *some) {
			*some = *count - i < PIECE ? *count - i : PIECE;
			memcpy((char *)&part + lists[l].items, &items, sizeof(items));
			items += *some * sizeof(void *);
			pack_one(g, &part);
		}
		*count = 0;
	}
	pack_one(g, p);
}

void pprof_write(struct sink *out, const struct export_input *in)
{
	struct arena arena = {0};
	struct pprof_tables t = {.arena = &arena};
	Pprof__Profile p = PPROF__PROFILE__INIT;
	struct gzip g;

	add_types(&t, &p);
	p.time_nanos = value(in->realtime_ns);
	if (in->difference) {
		add_difference_facts(&t, &p, in->difference);
		add_sides(&t, &p, in->difference);
	} else {
		add_facts(&t, &p, in);
		add_samples(&t, &p, in);
	}
	pprof_tables_fill(&t, &p);
	gzip_begin(&g, out);
	pack(&g, &p);
	gzip_end(&g);
	pprof_tables_done(&t);
	arena_done(&arena);
}
