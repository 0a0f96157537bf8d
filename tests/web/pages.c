/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes pages of made-up runs, for tests in a browser: pages KIND > FILE. Kinds:
 *   small     two processes, a leak, a growing and a steady site, known sums
 *   hostile   names that try to leave their place
 *   large N   N sites of 20 frames, mostly different
 *   empty     nothing was allocated
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../user/base/xalloc.h"
#include "../../user/export/html.h"

#define DEPTH 20u

struct world {
	struct snapshot s;
	struct html_series series;
	struct spread *spreads;
	struct stack_names *stacks; /* by site */
};

static const struct stack_names *names(void *context, const struct snapshot_site *site)
{
	const struct world *w = context;

	return &w->stacks[site->stack];
}

static int to_stdout(void *context, const char *data, size_t size)
{
	(void)context;
	return fwrite(data, 1, size, stdout) == size ? 0 : -1;
}

static void make_room(struct world *w, size_t processes, size_t sites)
{
	w->s.processes = xcalloc(processes, sizeof(*w->s.processes));
	w->s.process_count = processes;
	w->s.sites = xcalloc(sites + 1, sizeof(*w->s.sites));
	w->s.site_count = sites;
	w->spreads = xcalloc(processes, sizeof(*w->spreads));
	w->stacks = xcalloc(sites + 1, sizeof(*w->stacks));
	w->s.realtime_ns = 1700000000123000000ull;
	w->s.elapsed_s = 90;
	w->s.tracer_rss_bytes = 20 << 20;
}

static struct frame_name *set_frames(struct world *w, size_t site, size_t count)
{
	struct stack_names *n = &w->stacks[site];

	n->site_id = 0xabcd000000000000ull + site;
	n->frame_count = count;
	n->frames = xcalloc(count, sizeof(*n->frames));
	return n->frames;
}

static void set_site(struct world *w, size_t i, uint32_t process, struct totals totals)
{
	w->s.sites[i] = (struct snapshot_site){
		.site = (uint32_t)i + 1,
		.process = process,
		.stack = (uint32_t)i,
		.call = CALL_ID_MALLOC,
		.totals = totals,
		.verdict = VERDICT_STEADY,
		.watched_s = 30,
		.bytes_trend = {.p = 1},
		.lifetimes = {.median_s = 0.0042, .young_share = 0.25},
		.median_age_s = totals.outstanding_count ? 20.25 : -1,
		.bytes_at_peak = totals.outstanding_bytes / 2,
		.oldest_s = totals.outstanding_count ? 60.5 : -1,
	};
	totals_add(&w->s.processes[process].totals, &totals);
	w->s.processes[process].event_count += totals.alloc_count + totals.free_count;
}

static struct totals kept(uint64_t bytes, uint64_t count)
{
	return (struct totals){.outstanding_bytes = bytes,
			       .outstanding_count = count,
			       .alloc_bytes = 3 * bytes,
			       .alloc_count = 3 * count,
			       .free_bytes = 2 * bytes,
			       .free_count = 2 * count,
			       .peak_bytes = bytes + 10,
			       .temporary_count = count / 2};
}

static void judge(struct snapshot_site *site, enum verdict verdict, double growth, double score)
{
	site->verdict = verdict;
	site->growth_bytes_per_s = growth;
	site->bytes_trend = (struct trend){
		.slope = growth, .low = 0.9 * growth, .high = 1.1 * growth, .p = 0.0001};
	site->survival = (struct survival){.age_s = 20, .elders = 4012, .alive = 3998};
	site->score = score;
}

/* As in a run: totals grow, a second process comes later, the resident memory is ahead. */
static void add_series(struct world *w, unsigned int points)
{
	struct snapshot s = w->s;
	struct snapshot_process *now = xcalloc(s.process_count, sizeof(*now));
	size_t i;

	for (unsigned int n = 1; n <= points; n++) {
		double part = (double)n / points, wave = 0.8 + 0.2 * sin(n * 0.3);

		s.elapsed_s = w->s.elapsed_s * part;
		s.process_count = n > points / 3 ? w->s.process_count : 1;
		s.processes = now;
		for (i = 0; i < s.process_count; i++) {
			const struct snapshot_process *p = &w->s.processes[i];
			double bytes = (double)p->totals.outstanding_bytes * part * wave;

			now[i] = *p;
			now[i].totals.outstanding_bytes =
				n == points ? p->totals.outstanding_bytes : (uint64_t)bytes;
			now[i].totals.alloc_count =
				(uint64_t)((double)p->totals.alloc_count * part);
			now[i].totals.free_count = (uint64_t)((double)p->totals.free_count * part);
			now[i].rss_bytes = (uint64_t)(bytes * 1.2) + (8u << 20);
			now[i].lost_events = n > points / 2 ? p->lost_events : 0;
		}
		html_series_add(&w->series, &s);
	}
	free(now);
}

static void spread(struct world *w, uint32_t process, uint64_t bytes, uint64_t age_ms, double count)
{
	struct spread_class *size = &w->spreads[process].sizes[histogram_bucket(bytes)];
	struct spread_class *age =
		&w->spreads[process].ages[lifetimes_age_bucket(age_ms * 1000000)];

	size->blocks += 3 * count;
	size->outstanding += count;
	size->bytes += count * (double)bytes;
	age->outstanding += count;
	age->bytes += count * (double)bytes;
	w->spreads[process].ages[8].blocks += 2 * count;
}

static void set_process(struct world *w, uint32_t i, uint32_t pid, const char *comm)
{
	struct snapshot_process *p = &w->s.processes[i];

	p->number = i + 1;
	p->pid = pid;
	p->attached = true;
	p->rss_bytes = 100u << 20;
	p->growth_bytes_per_s = 700000;
	p->allocs_per_s = 45000;
	p->frees_per_s = 30000;
	snprintf(p->comm, sizeof(p->comm), "%s", comm);
}

static void make_small(struct world *w)
{
	static const char *const leak[] = {"xmalloc", "cache_insert", "handle_request", "main"};
	static const char *const grow[] = {"queue_push", "handle_request", "main"};
	static const char *const steady[] = {"load_config", "main"};
	static const char *const *const functions[] = {leak, grow, steady, steady};
	static const size_t depths[] = {4, 3, 2, 2};

	make_room(w, 2, 4);
	set_process(w, 0, 4711, "server");
	set_process(w, 1, 4712, "worker");
	w->s.processes[1].lost_events = 7;
	w->s.counts[COUNTER_RING_FULL] = 7;
	set_site(w, 0, 0, kept(40 << 20, 400000));
	set_site(w, 1, 0, kept(9 << 20, 90000));
	set_site(w, 2, 0, kept(12345678, 1234));
	set_site(w, 3, 1, kept(1000003, 17));
	judge(&w->s.sites[0], VERDICT_LEAK, 650000, 93);
	judge(&w->s.sites[1], VERDICT_GROWING, 51000, 31);
	for (size_t i = 0; i < 4; i++) {
		struct frame_name *frames = set_frames(w, i, depths[i]);

		for (size_t k = 0; k < depths[i]; k++)
			frames[k] =
				(struct frame_name){.function = functions[i][k],
						    .module = i == 2 ? "libconfig.so" : "server",
						    .file = "server.c",
						    .line = (int)(10 + k),
						    .offset = 0x10 + k};
	}
	w->stacks[0].function_frame = 1;
	spread(w, 0, 104, 60500, 400000);
	spread(w, 0, 10004, 500, 1234);
	spread(w, 1, 58823, 100, 17);
	add_series(w, 300);
}

static void make_hostile(struct world *w)
{
	static const char *const bad[] = {
		"</script><img src=x onerror=\"document.title='owned'\">",
		"<!--<script>alert(1)</script>-->",
		"\"quoted\" 'single' \\ back\\u003cslash &lt;b&gt;",
		"line\nbreak\ttab\x01\x1b[31m",
		"invalid \xff\xfe\xc0\x80 utf-8",
		"separators \xe2\x80\xa8 and \xe2\x80\xa9, override \xe2\x80\xae",
		"__proto__",
		"constructor",
		"\xf0\x9f\x92\xa5 multi\xc3\xa4-byte",
	};
	const size_t count = sizeof(bad) / sizeof(bad[0]);
	char *longest = xcalloc(1, 10001);

	memset(longest, 'W', 10000);
	make_room(w, 1, count + 1);
	set_process(w, 0, 1, "</title><b>x");
	for (size_t i = 0; i <= count; i++) {
		struct frame_name *frames = set_frames(w, i, 2);
		const char *name = i < count ? bad[i] : longest;

		frames[0] = (struct frame_name){
			.function = name, .module = name, .file = name, .line = 1};
		frames[1] = (struct frame_name){.function = "main", .module = "a"};
		set_site(w, i, 0, kept(1000 + i, 10));
		judge(&w->s.sites[i], VERDICT_LEAK, 100, 90);
	}
	add_series(w, 5);
}

static const char *numbered(const char *what, size_t n)
{
	return xasprintf("%s_%zu", what, n);
}

/* Stacks branch from a common root, each differently from some depth on. */
static void make_large(struct world *w, size_t count)
{
	const char **pool = xcalloc(4096, sizeof(*pool));

	for (size_t i = 0; i < 4096; i++)
		pool[i] = numbered("namespace_of_some_length::function_with_a_long_name", i);
	make_room(w, 1, count);
	set_process(w, 0, 99, "large");
	for (size_t i = 0; i < count; i++) {
		struct frame_name *frames = set_frames(w, i, DEPTH);

		for (size_t k = 0; k < DEPTH; k++) {
			size_t level = DEPTH - 1 - k, mixed = i >> (level < 12 ? 12 - level : 0);

			frames[k] = (struct frame_name){
				.function = pool[(mixed * 31 + level * 7) % 4096],
				.module = level < 5 ? "large" : "liblarge.so.1",
				.file = "large.cc",
				.line = (int)(mixed % 5000) + 1,
				.offset = mixed % 997};
		}
		set_site(w, i, 0, kept(1000000 / (i + 1) + 16 + i % 97, 1 + i % 13));
		if (i % 500 == 3)
			judge(&w->s.sites[i], VERDICT_LEAK, (double)(i % 700), 80);
	}
	add_series(w, 5000);
	spread(w, 0, 100, 1000, (double)count);
}

static int write_page(const struct world *w)
{
	static char kernel[] = "Linux 6.12", window[] = "window 30s";
	const struct html_fact facts[] = {{"Kernel", kernel}, {"Leak detection", window}};
	const struct html_extra extra = {
		.series = &w->series, .spreads = w->spreads, .facts = facts, .fact_count = 2};
	const struct export_input in = {.snapshot = &w->s,
					.realtime_ns = w->s.realtime_ns,
					.names = names,
					.context = (void *)w,
					.html = &extra};
	struct sink sink = {.write = to_stdout};

	html_write(&sink, &in);
	if (!sink.error)
		sink.error = to_stdout(NULL, sink.text.data, sink.text.length);
	buffer_done(&sink.text);
	return sink.error || fflush(stdout) ? 1 : 0;
}

/* All that is made lives as long as the program. */
int main(int argc, char **argv)
{
	const char *kind = argc > 1 ? argv[1] : "";
	struct world w = {0};

	if (!strcmp(kind, "small"))
		make_small(&w);
	else if (!strcmp(kind, "hostile"))
		make_hostile(&w);
	else if (!strcmp(kind, "large") && argc > 2)
		make_large(&w, strtoul(argv[2], NULL, 10));
	else if (!strcmp(kind, "empty"))
		make_room(&w, 1, 0);
	else
		return 2;
	return write_page(&w);
}
