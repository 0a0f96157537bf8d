/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One sample for each call site, with four values; process and allocator function are labels. Values are scaled already when
 * the run was sampled, so that no tool has to do it; the period says how it was sampled.
 */
#include "pprof.h"

#include <stdlib.h>
#include "../../include/calls.h"
#include "../base/clock.h"
#include "../base/xalloc.h"
#include "../probe/plan.h"
#include "gzip.h"
#include "pprof_tables.h"

#define VALUES 4
#define LABELS 3

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

static void add_labels(struct pprof_tables *t, Pprof__Sample *sample, const struct snapshot *s,
		       const struct snapshot_site *site)
{
	if (site->process < s->process_count) {
		add_label(t, sample, "pid")->num = s->processes[site->process].pid;
		add_label(t, sample, "comm")->str =
			pprof_string(t, s->processes[site->process].comm);
	}
	if (site->call < CALL_ID_COUNT)
		add_label(t, sample, "api")->str =
			pprof_string(t, call_name((enum call_id)site->call));
}

static Pprof__Sample *make_sample(struct pprof_tables *t, const struct export_input *in,
				  const struct snapshot_site *site)
{
	Pprof__Sample *s = arena_get(t->arena, 1, sizeof(*s));

	pprof__sample__init(s);
	s->n_location_id = pprof_stack(t, in->names(in->context, site), &s->location_id);
	s->n_value = VALUES;
	s->value = arena_get(t->arena, VALUES, sizeof(*s->value));
	s->value[0] = value(site->totals.alloc_count);
	s->value[1] = value(site->totals.alloc_bytes);
	s->value[2] = value(site->totals.outstanding_count);
	s->value[3] = value(site->totals.outstanding_bytes);
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
	for (i = 0; i < s->site_count; i++)
		p->sample[p->n_sample++] = make_sample(t, in, &s->sites[i]);
}

static void add_facts(struct pprof_tables *t, Pprof__Profile *p, const struct export_input *in)
{
	const struct snapshot *s = in->snapshot;
	struct buffer words = {0};

	p->time_nanos = value(in->realtime_ns);
	p->duration_nanos = (int64_t)(s->elapsed_s * (double)NS_PER_S);
	p->period_type = value_type(t, "space", "bytes");
	p->period = s->sampled ? value(s->sample_bytes) : 1;
	buffer_printf(&words, "tracer %s: allocations since tracing began, %llu events lost",
		      TRACER_VERSION, (unsigned long long)report_lost_events(s));
	p->n_comment = 1;
	p->comment = arena_get(t->arena, 1, sizeof(*p->comment));
	p->comment[0] = pprof_string(t, words.data);
	buffer_done(&words);
}

void pprof_write(struct sink *out, const struct export_input *in)
{
	struct arena arena = {0};
	struct pprof_tables t = {.arena = &arena};
	Pprof__Profile p = PPROF__PROFILE__INIT;
	unsigned char *packed;
	size_t size;

	add_types(&t, &p);
	add_facts(&t, &p, in);
	add_samples(&t, &p, in);
	pprof_tables_fill(&t, &p);
	packed = xcalloc(1, pprof__profile__get_packed_size(&p));
	size = pprof__profile__pack(&p, packed);
	gzip_add(out, packed, size);
	free(packed);
	pprof_tables_done(&t);
	arena_done(&arena);
}
