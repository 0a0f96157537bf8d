/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The families are tables: what they are called, and which field of the snapshot they are. Both formats differ in the names of
 * counters in the lines about a family, in units, in "info" and in the last line.
 *
 * Invariant: all samples of a family stand together, and no two have the same labels; a counter never goes back, also when
 * figures are estimates that get better (of runs in time windows).
 */
#include "openmetrics.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "../analyse/counter_text.h"
#include "../base/clock.h"
#include "../base/xalloc.h"
#include "../view/frames.h"
#include "number.h"
#include "openmetrics_private.h"

/* Longer values of labels are cut. */
#define LABEL_BYTES 200

enum field { FIELD_U64, FIELD_U32, FIELD_DOUBLE };

/* A family with a sample for each process, or for each site. */
struct field_family {
	struct family family;
	enum field field;
	size_t offset;
};

#define PROCESS(field) offsetof(struct snapshot_process, field)
#define SITE(field)    offsetof(struct snapshot_site, field)

/* clang-format off */
static const struct field_family process_families[] = {
	{{"tracer_outstanding_bytes", GAUGE, "bytes", "Bytes allocated since tracing began and not freed."},
	 FIELD_U64, PROCESS(totals.outstanding_bytes)},
	{{"tracer_outstanding_allocations", GAUGE, NULL, "Blocks allocated since tracing began and not freed."},
	 FIELD_U64, PROCESS(totals.outstanding_count)},
	{{"tracer_mapped_bytes", GAUGE, "bytes", "Of the outstanding bytes, those in mapped ranges."},
	 FIELD_U64, PROCESS(ranges_bytes)},
	{{"tracer_growth_bytes_per_second", GAUGE, NULL, "Growth of the outstanding bytes over the leak window."},
	 FIELD_DOUBLE, PROCESS(growth_bytes_per_s)},
	{{"tracer_resident_memory_bytes", GAUGE, "bytes", "Resident memory of the traced process."},
	 FIELD_U64, PROCESS(rss_bytes)},
	{{"tracer_sites", GAUGE, NULL, "Call sites with outstanding blocks."}, FIELD_U32, PROCESS(site_count)},
	{{"tracer_leak_sites", GAUGE, NULL, "Call sites that look like leaks."}, FIELD_U32, PROCESS(leak_site_count)},
	{{"tracer_allocations", COUNTER, NULL, "Allocations recorded."}, FIELD_U64, PROCESS(totals.alloc_count)},
	{{"tracer_frees", COUNTER, NULL, "Frees of blocks that were seen allocated."},
	 FIELD_U64, PROCESS(totals.free_count)},
	{{"tracer_allocated_bytes", COUNTER, "bytes", "Bytes allocated."}, FIELD_U64, PROCESS(totals.alloc_bytes)},
	{{"tracer_freed_bytes", COUNTER, "bytes", "Bytes freed."}, FIELD_U64, PROCESS(totals.free_bytes)},
	{{"tracer_temporary_allocations", COUNTER, NULL,
	  "Blocks freed before the thread that allocated them allocated again."},
	 FIELD_U64, PROCESS(totals.temporary_count)},
	{{"tracer_events", COUNTER, NULL, "Recorded allocations and frees."}, FIELD_U64, PROCESS(event_count)},
	{{"tracer_lost_events", COUNTER, NULL, "Events that are missing from the figures."},
	 FIELD_U64, PROCESS(lost_events)},
};

static const struct field_family site_families[] = {
	{{"tracer_site_outstanding_bytes", GAUGE, "bytes", "Outstanding bytes of the largest call sites."},
	 FIELD_U64, SITE(totals.outstanding_bytes)},
	{{"tracer_site_outstanding_allocations", GAUGE, NULL, "Outstanding blocks of the largest call sites."},
	 FIELD_U64, SITE(totals.outstanding_count)},
	{{"tracer_site_growth_bytes_per_second", GAUGE, NULL, "Growth of the largest call sites over the leak window."},
	 FIELD_DOUBLE, SITE(growth_bytes_per_s)},
	{{"tracer_site_leak_score", GAUGE, NULL, "How much the largest call sites look like leaks, from 0 to 100."},
	 FIELD_DOUBLE, SITE(score)},
};
/* clang-format on */

#define PROCESS_FAMILIES (sizeof(process_families) / sizeof(process_families[0]))
#define SITE_FAMILIES	 (sizeof(site_families) / sizeof(site_families[0]))

struct openmetrics_floor {
	uint64_t v[PROCESS_FAMILIES];
};

static const char *suffix(enum type type)
{
	return type == COUNTER ? "_total" : type == INFO ? "_info" : "";
}

void openmetrics_add_family(struct page *p, const struct family *f)
{
	static const char *const types[] = {[GAUGE] = "gauge",
					    [COUNTER] = "counter",
					    [INFO] = "info",
					    [UNKNOWN] = "unknown",
					    [SUMMARY] = "summary"};
	const char *end = p->classic ? suffix(f->type) : "";

	buffer_printf(p->out, "# TYPE %s%s %s\n", f->name, end,
		      types[!p->classic		 ? f->type
			    : f->type == INFO	 ? GAUGE
			    : f->type == UNKNOWN ? COUNTER
						 : f->type]);
	if (f->unit && !p->classic)
		buffer_printf(p->out, "# UNIT %s %s\n", f->name, f->unit);
	buffer_printf(p->out, "# HELP %s%s %s\n", f->name, end, f->help);
}

/* A character that is begun is finished or left out. */
static void cut(struct buffer *b, size_t length)
{
	if (b->length <= length)
		return;
	while (length > 0 && (b->data[length] & 0xc0) == 0x80)
		length--;
	b->data[b->length = length] = '\0';
}

void openmetrics_add_label(struct page *p, char before, const char *name, const char *value)
{
	struct buffer text = {0};
	size_t i;

	buffer_add_clean(&text, value);
	cut(&text, LABEL_BYTES);
	buffer_printf(p->out, "%c%s=\"", before, name);
	for (i = 0; i < text.length; i++) {
		if (text.data[i] == '"' || text.data[i] == '\\')
			buffer_add_char(p->out, '\\');
		buffer_add_char(p->out, text.data[i]);
	}
	buffer_add_char(p->out, '"');
	buffer_done(&text);
}

void openmetrics_add_process_labels(struct page *p, const struct snapshot_process *process)
{
	buffer_printf(p->out, "{pid=\"%" PRIu32 "\"", process->pid);
	openmetrics_add_label(p, ',', "comm", process->comm);
}

void openmetrics_add_number(struct page *p, double value)
{
	buffer_add_char(p->out, ' ');
	if (!number_add(p->out, value))
		buffer_add_string(p->out, "NaN");
	buffer_add_char(p->out, '\n');
}

static uint64_t field_u64(const struct field_family *f, const void *object)
{
	const char *at = (const char *)object + f->offset;
	uint64_t wide;
	uint32_t narrow;

	if (f->field == FIELD_U64) {
		memcpy(&wide, at, sizeof(wide));
		return wide;
	}
	memcpy(&narrow, at, sizeof(narrow));
	return narrow;
}

static double field_double(const struct field_family *f, const void *object)
{
	double value;

	memcpy(&value, (const char *)object + f->offset, sizeof(value));
	return value;
}

/* ---- processes ---- */

static void keep_floors(struct openmetrics *m, const struct snapshot *s)
{
	size_t i, j;

	if (m->floor_count < s->process_count) {
		m->floors = xrealloc(m->floors, s->process_count * sizeof(*m->floors));
		memset(m->floors + m->floor_count, 0,
		       (s->process_count - m->floor_count) * sizeof(*m->floors));
		m->floor_count = s->process_count;
	}
	for (i = 0; i < s->process_count; i++) {
		for (j = 0; j < PROCESS_FAMILIES; j++) {
			const struct field_family *f = &process_families[j];
			uint64_t *floor = &m->floors[i].v[j];

			if (f->family.type == COUNTER && field_u64(f, &s->processes[i]) > *floor)
				*floor = field_u64(f, &s->processes[i]);
		}
	}
}

static void add_process_sample(struct openmetrics *m, struct page *p, const struct snapshot *s,
			       size_t i, size_t j)
{
	const struct field_family *f = &process_families[j];
	const struct snapshot_process *process = &s->processes[i];
	uint64_t value = f->family.type == COUNTER ? m->floors[i].v[j] : 0;

	if (f->family.type == GAUGE && f->field != FIELD_DOUBLE)
		value = field_u64(f, process);
	if (value == UINT64_MAX) /* not known */
		return;
	buffer_add_string(p->out, f->family.name);
	buffer_add_string(p->out, suffix(f->family.type));
	openmetrics_add_process_labels(p, process);
	buffer_add_char(p->out, '}');
	if (f->field == FIELD_DOUBLE)
		openmetrics_add_number(p, field_double(f, process));
	else
		buffer_printf(p->out, " %" PRIu64 "\n", value);
}

/* The limit of memory that a growing process meets first. */
static bool limit_of(const struct snapshot_process *p, double *value)
{
	*value = (double)p->exhaustion.limit_bytes;
	return p->exhaustion.known;
}

static bool left_of(const struct snapshot_process *p, double *value)
{
	*value = (double)p->exhaustion.left_bytes;
	return p->exhaustion.known;
}

static bool time_left_of(const struct snapshot_process *p, double *value)
{
	*value = p->exhaustion.seconds;
	return p->exhaustion.known;
}

static void add_limits(struct page *p, const struct snapshot *s)
{
	static const struct {
		struct family family;
		bool (*get)(const struct snapshot_process *p, double *value);
	} families[] = {
		{{"tracer_memory_limit_bytes", GAUGE, "bytes",
		  "The limit of memory that the process meets first; only while it grows."},
		 limit_of},
		{{"tracer_memory_left_bytes", GAUGE, "bytes", "What is left until that limit."},
		 left_of},
		{{"tracer_memory_left_seconds", GAUGE, "seconds",
		  "Time until that limit, at the present growth."},
		 time_left_of},
	};
	double value;
	size_t i, j;

	for (j = 0; j < sizeof(families) / sizeof(families[0]); j++) {
		openmetrics_add_family(p, &families[j].family);
		for (i = 0; i < s->process_count; i++) {
			if (s->processes[i].exited || !families[j].get(&s->processes[i], &value))
				continue;
			buffer_add_string(p->out, families[j].family.name);
			openmetrics_add_process_labels(p, &s->processes[i]);
			buffer_add_char(p->out, '}');
			openmetrics_add_number(p, value);
		}
	}
}

/* A process id is a label: of processes that had the same one, one after the other, only one can live. */
static void add_processes(struct openmetrics *m, struct page *p, const struct snapshot *s)
{
	size_t i, j;

	keep_floors(m, s);
	for (j = 0; j < PROCESS_FAMILIES; j++) {
		openmetrics_add_family(p, &process_families[j].family);
		for (i = 0; i < s->process_count; i++) {
			if (!s->processes[i].exited)
				add_process_sample(m, p, s, i, j);
		}
	}
}

/* ---- sites ---- */

static int by_bytes(const void *left, const void *right)
{
	const struct snapshot_site *const *a = left, *const *b = right;
	uint64_t x = (*a)->totals.outstanding_bytes, y = (*b)->totals.outstanding_bytes;

	if (x != y)
		return x > y ? -1 : 1;
	return ((*a)->site > (*b)->site) - ((*a)->site < (*b)->site);
}

size_t openmetrics_pick(const struct snapshot *s, uint64_t top, const struct snapshot_site ***sites)
{
	size_t i, count = 0;

	*sites = xcalloc(s->site_count + 1, sizeof(**sites));
	for (i = 0; i < s->site_count; i++) {
		const struct snapshot_site *site = &s->sites[i];

		if (site->process < s->process_count && !s->processes[site->process].exited &&
		    site->totals.outstanding_count)
			(*sites)[count++] = site;
	}
	qsort(*sites, count, sizeof(**sites), by_bytes);
	return count > top ? (size_t)top : count;
}

/* Made once for all families of a site. */
static void add_site_labels(struct page *p, const struct export_input *in,
			    const struct snapshot_site *site)
{
	const struct stack_names *names = in->names(in->context, site);
	const struct frame_name *frame = frames_function(names);
	struct buffer function = {0};

	if (frame)
		frames_add_short(&function, frame);
	openmetrics_add_process_labels(p, &in->snapshot->processes[site->process]);
	buffer_printf(p->out, ",site=\"%016" PRIx64 "\"", names->site_id);
	openmetrics_add_label(p, ',', "function", function.data ? function.data : "[unknown]");
	openmetrics_add_label(p, ',', "module", frame && frame->module ? frame->module : "");
	buffer_add_char(p->out, '}');
	buffer_done(&function);
}

static void add_site_family(struct page *p, const struct field_family *f,
			    const struct snapshot_site **sites, size_t count,
			    const struct buffer *labels, const size_t *starts)
{
	size_t i;

	openmetrics_add_family(p, &f->family);
	for (i = 0; i < count; i++) {
		buffer_add_string(p->out, f->family.name);
		buffer_add(p->out, labels->data + starts[i], starts[i + 1] - starts[i]);
		if (f->field == FIELD_DOUBLE)
			openmetrics_add_number(p, field_double(f, sites[i]));
		else
			buffer_printf(p->out, " %" PRIu64 "\n", field_u64(f, sites[i]));
	}
}

static void add_sites(struct page *p, const struct export_input *in, uint64_t top)
{
	const struct snapshot_site **sites;
	size_t count = openmetrics_pick(in->snapshot, top, &sites), i;
	size_t *starts = xcalloc(count + 1, sizeof(*starts));
	struct buffer labels = {0};
	struct page of_labels = {.out = &labels, .classic = p->classic};

	for (i = 0; i < count; i++) {
		add_site_labels(&of_labels, in, sites[i]);
		starts[i + 1] = labels.length;
	}
	for (i = 0; i < SITE_FAMILIES; i++)
		add_site_family(p, &site_families[i], sites, count, &labels, starts);
	free(sites);
	free(starts);
	buffer_done(&labels);
}

/* ---- the tracer itself ---- */

static void add_single(struct page *p, const char *name, enum type type, const char *unit,
		       const char *help, double value)
{
	const struct family f = {name, type, unit, help};

	if (isnan(value))
		return;
	openmetrics_add_family(p, &f);
	buffer_printf(p->out, "%s%s", name, suffix(type));
	openmetrics_add_number(p, value);
}

static void add_build(struct page *p)
{
	static const struct family f = {"tracer_build", INFO, NULL, "The tracer itself."};

	openmetrics_add_family(p, &f);
	buffer_add_string(p->out, "tracer_build_info");
	openmetrics_add_label(p, '{', "version", TRACER_VERSION);
	buffer_add_string(p->out, "} 1\n");
}

static void add_counters(struct page *p, const struct snapshot *s)
{
	struct buffer name = {0};
	size_t i;

	for (i = 0; i < counter_text_count; i++) {
		const struct counter_text *text = &counter_texts[i];

		buffer_reset(&name);
		buffer_printf(&name, "tracer_%s", text->name);
		openmetrics_add_family(p, &(struct family){name.data, COUNTER, NULL, text->help});
		buffer_printf(p->out, "%s_total %" PRIu64 "\n", name.data, s->counts[text->id]);
	}
	buffer_done(&name);
}

static void add_own(struct page *p, const struct export_input *in)
{
	const struct snapshot *s = in->snapshot;
	const double unknown = (double)NAN;

	add_single(p, "tracer_snapshot_timestamp_seconds", GAUGE, "seconds",
		   "When these figures were taken.", (double)(in->realtime_ns / NS_PER_MS) / 1000);
	add_single(p, "tracer_elapsed_seconds", GAUGE, "seconds", "Time since tracing began.",
		   s->elapsed_s);
	add_single(p, "tracer_self_cpu_seconds", COUNTER, "seconds",
		   "Processor time that the tracer itself has used.", s->tracer_cpu_s);
	add_single(p, "tracer_self_resident_memory_bytes", GAUGE, "bytes",
		   "Resident memory of the tracer itself.",
		   s->tracer_rss_bytes == UINT64_MAX ? unknown : (double)s->tracer_rss_bytes);
	add_single(p, "tracer_cost_ratio", GAUGE, NULL,
		   "Part of the traced processes' processor time that tracing takes, estimated.",
		   s->cost.known ? s->cost.percent / 100 : unknown);
	add_single(p, "tracer_cost_seconds", COUNTER, "seconds",
		   "Processor time that tracing took from the traced processes, estimated.",
		   s->cost.known ? s->cost.total_s : unknown);
	add_single(p, "tracer_coverage_ratio", GAUGE, NULL,
		   "Part of the time that was traced; 1 unless the overhead is limited.",
		   s->coverage.partial ? s->coverage.time_percent / 100 : 1);
	add_single(p, "tracer_sample_bytes", GAUGE, "bytes",
		   "Mean distance of samples; 0 when every allocation is recorded.",
		   s->sampled ? (double)s->sample_bytes : 0);
}

void openmetrics_write(struct openmetrics *m, struct buffer *out, const struct export_input *in,
		       uint64_t top, bool classic)
{
	struct page p = {.out = out, .classic = classic};

	add_build(&p);
	if (in) {
		add_own(&p, in);
		add_processes(m, &p, in->snapshot);
		add_limits(&p, in->snapshot);
		openmetrics_add_go(&p, in->snapshot);
		openmetrics_add_go_gc(&p, in->snapshot);
		openmetrics_add_go_heap(&p, in->snapshot);
		openmetrics_add_go_pools(&p, in->snapshot);
		openmetrics_add_goroutines(&p, in, top);
		add_sites(&p, in, top);
		add_counters(&p, in->snapshot);
	}
	if (!classic)
		buffer_add_string(out, "# EOF\n");
}

void openmetrics_done(struct openmetrics *m)
{
	free(m->floors);
	*m = (struct openmetrics){0};
}
