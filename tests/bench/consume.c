/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an event costs the consumer: made-up programs (workload.c) are replayed from memory through the merge and the
 * heap, in sweeps and batches as user/consumer.c makes them. CPU time of this thread, without the making of the events.
 *
 *   consume [--quick] [--large] [--csv FILE] [--events N] [--only WORD] [--record FILE] [--replay FILE]
 *
 * Parts: the workloads at 1 M blocks; the curve over the number of blocks; with --large the curve goes on to 100 M blocks
 * and needs some 6 GB. --quick makes all of it small: to see that it works. --only: rows whose name contains the word.
 * --record: as with -w FILE, which is written by another thread. --replay: nothing but the program that the recording FILE is of.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <getopt.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../../user/base/clock.h"
#include "../../user/capture/order.h"
#include "../../user/capture/record.h"
#include "../../user/heap/heap.h"
#include "workload.h"

#define BATCH	   256
#define PIECES_MAX 64

struct row {
	const char *name;
	struct workload_options o;
};

struct figures {
	double start_ns, event_ns, best_ns; /* an event, while growing and in the steady state */
	double block_bytes, peak_bytes;	    /* of the tables, for each block outstanding */
	double heap_bytes, private_bytes;
	double longest_us, longest_steady_us; /* one batch */
	uint64_t events, blocks;
	uint32_t sites;
};

struct bench {
	struct workload *w;
	struct heap *heap;
	struct record *record; /* NULL: none */
	struct order order;
	struct ring *rings;
	struct event_alloc *records; /* of the rings of slots */
	unsigned long *producers, *consumers;
	pthread_mutex_t lock;
	uint64_t longest_ns;
	bool watch; /* the time of each batch */
	unsigned notices;
	double peak_bytes;
	double private_before; /* without the tables */
};

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static void *must(void *v)
{
	if (!v) {
		fputs("consume: no memory\n", stderr);
		exit(1);
	}
	return v;
}

/* Resident memory of this process that is private: the events are in shared memory. */
static double private_bytes(void)
{
	unsigned long size = 0, resident = 0, shared = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (!f || fscanf(f, "%lu %lu %lu", &size, &resident, &shared) != 3)
		resident = shared = 0;
	if (f)
		fclose(f);
	return (double)(resident - shared) * (double)sysconf(_SC_PAGESIZE);
}

static void open_slots(struct bench *b, size_t i)
{
	b->rings[i] = (struct ring){.producer = &b->producers[i],
				    .consumer = &b->consumers[i],
				    .slots = (const void *)workload_ring(b->w, i),
				    .records = b->records + i * RING_RECORDS,
				    .size = RING_SLOTS,
				    .slot_bits = (unsigned)__builtin_ctzl(RING_SLOTS)};
}

static void open_buffer(struct bench *b, size_t i)
{
	b->rings[i] = (struct ring){.producer = &b->producers[i],
				    .consumer = &b->consumers[i],
				    .data = workload_ring(b->w, i),
				    .size = RING_BYTES};
}

static void bench_open(struct bench *b, const struct workload_options *o)
{
	const struct heap_options options = {.generation_ns = NS_PER_S / 4};
	const uint32_t *numbers;
	size_t n, i;

	memset(b, 0, sizeof(*b));
	b->w = workload_new(o);
	malloc_trim(0);
	b->private_before = private_bytes();
	n = workload_rings(b->w);
	b->heap = must(heap_new(&options));
	b->rings = must(calloc(n, sizeof(*b->rings)));
	b->producers = must(calloc(n, sizeof(*b->producers)));
	b->consumers = must(calloc(n, sizeof(*b->consumers)));
	b->records = must(calloc(o->cpus * RING_RECORDS, sizeof(*b->records)));
	for (i = 0; i < n; i++) {
		if (i < o->cpus)
			open_slots(b, i);
		else
			open_buffer(b, i);
	}
	if (order_init(&b->order, b->rings, n))
		must(NULL);
	n = workload_processes(b->w, &numbers);
	for (i = 0; i < n; i++)
		if (!heap_add_process(b->heap, numbers[i], 1, "bench", NS_PER_S))
			must(NULL);
	pthread_mutex_init(&b->lock, NULL);
}

static void bench_close(struct bench *b)
{
	order_done(&b->order);
	heap_free(b->heap);
	free(b->rings);
	free(b->records);
	free(b->producers);
	free(b->consumers);
	workload_free(b->w);
}

/* As user/consumer.c does it. */
static size_t apply_some(struct bench *b)
{
	const struct event_header *events[BATCH];
	size_t n = order_next(&b->order, events, BATCH), i;

	if (!n)
		return 0;
	pthread_mutex_lock(&b->lock);
	heap_apply_batch(b->heap, events, n);
	if (b->record)
		record_events(b->record, events, n);
	pthread_mutex_unlock(&b->lock);
	for (i = 0; i < n && b->order.buffer_count; i++)
		b->notices += events[i]->type >= EVENT_FORK;
	order_release(&b->order);
	return n;
}

static size_t apply_watched(struct bench *b)
{
	uint64_t begun = cpu_ns(), ns;
	size_t n = apply_some(b);

	ns = cpu_ns() - begun;
	if (ns > b->longest_ns)
		b->longest_ns = ns;
	return n;
}

static void sweep_once(struct bench *b, const struct sweep *s)
{
	memcpy(b->producers, s->ends, workload_rings(b->w) * sizeof(*b->producers));
	order_begin(&b->order, s->until_ns);
	if (b->watch)
		while (apply_watched(b))
			;
	else
		while (apply_some(b))
			;
	order_release(&b->order);
}

static void rewind_rings(struct bench *b)
{
	size_t i;

	for (i = 0; i < workload_rings(b->w); i++)
		b->rings[i].position = b->rings[i].decoded = b->rings[i].limit = b->producers[i] =
			b->consumers[i] = 0;
}

static void note_memory(struct bench *b)
{
	const struct heap_process *p = heap_process(b->heap, 1);
	double bytes = (double)blocks_memory(&p->blocks) / (double)p->blocks.count;

	/* few blocks share the first segment's fixed costs */
	if (p->blocks.count >= 10000 && bytes > b->peak_bytes)
		b->peak_bytes = bytes;
}

/* CPU time that the last piece takes. */
static uint64_t replay(struct bench *b)
{
	const struct sweep *sweeps;
	size_t count = workload_sweeps(b->w, &sweeps), i;
	uint64_t ns = 0;

	rewind_rings(b);
	for (i = 0; i < count; i++) {
		uint64_t begun = cpu_ns();

		sweep_once(b, &sweeps[i]);
		ns += cpu_ns() - begun;
		note_memory(b);
	}
	return ns;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void grow(struct bench *b, struct figures *f)
{
	uint64_t events = 0, ns = 0, n;

	b->watch = true;
	while ((n = workload_start(b->w))) {
		events += n;
		ns += replay(b);
	}
	b->watch = false;
	f->start_ns = (double)ns / (double)events;
	f->longest_us = (double)b->longest_ns / 1000;
	f->peak_bytes = b->peak_bytes;
}

/* The median of the pieces; each batch of the one before them. */
static void run_steady(struct bench *b, struct figures *f, uint64_t events)
{
	double pieces[PIECES_MAX];
	size_t count = 0;
	uint64_t n;

	b->watch = true;
	b->longest_ns = 0;
	workload_run(b->w, events < PIECE_EVENTS ? events : PIECE_EVENTS);
	replay(b);
	b->watch = false;
	f->longest_steady_us = (double)b->longest_ns / 1000;
	for (f->events = 0; f->events < events && count < PIECES_MAX; f->events += n) {
		n = workload_run(b->w, events < PIECE_EVENTS ? events : PIECE_EVENTS);
		if (!n)
			break;
		pieces[count++] = (double)replay(b) / (double)n;
	}
	if (!count) {
		fputs("consume: the recording ends before there is anything to measure\n", stderr);
		exit(1);
	}
	qsort(pieces, count, sizeof(*pieces), by_value);
	f->event_ns = pieces[count / 2];
	f->best_ns = pieces[0];
}

/* A figure of events that were not applied as they should be is worth nothing. A recorded program may have had blocks before. */
static void check(const struct bench *b, bool recorded)
{
	int id;

	for (id = 0; id < COUNTER_COUNT && !recorded; id++) {
		if (!heap_counter(b->heap, (enum counter_id)id))
			continue;
		fprintf(stderr, "consume: counter %d of the heap is not zero\n", id);
		exit(1);
	}
	if (b->order.late_count || b->order.bad_count || (b->notices && !recorded)) {
		fputs("consume: records were not read as they were written\n", stderr);
		exit(1);
	}
}

static void begin_record(struct bench *b, const char *path)
{
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;

	if (path)
		b->record = must(fd < 0 ? NULL : record_open(fd, "", 0, 0, 0));
}

/* What it took; said apart from the table. */
static void end_record(struct bench *b, const struct figures *f)
{
	struct record_figures r;

	if (!b->record)
		return;
	record_drain(b->record);
	r = record_figures(b->record);
	fprintf(stderr, "recorded: %llu events, %llu lost, %.2f bytes each (%llu measured)\n",
		(unsigned long long)r.events, (unsigned long long)r.lost_events,
		(double)r.bytes / (double)(r.events - r.lost_events),
		(unsigned long long)f->events);
	if (record_close(b->record))
		must(NULL);
}

static struct figures measure(const struct row *row, uint64_t events, const char *record)
{
	struct figures f = {0};
	struct bench b;

	bench_open(&b, &row->o);
	begin_record(&b, record);
	grow(&b, &f);
	run_steady(&b, &f, events);
	f.sites = heap_site_count(b.heap);
	f.blocks = heap_process(b.heap, 1)->totals.outstanding_count;
	f.block_bytes = (double)blocks_memory(&heap_process(b.heap, 1)->blocks) / (double)f.blocks;
	f.heap_bytes = (double)heap_memory(b.heap) / (double)f.blocks;
	if (row->o.kind != RECORDED) /* there it has what reads the file, too */
		f.private_bytes = (private_bytes() - b.private_before) / (double)f.blocks;
	check(&b, row->o.kind == RECORDED);
	end_record(&b, &f);
	bench_close(&b);
	return f;
}

static void print_row(FILE *csv, const struct row *r, const struct figures *f)
{
	printf("%-10s %4u %6u %7u %10llu %8.1f %8.1f %8.1f %8.1f %8.1f %8.1f %8.1f %9.0f %9.0f\n",
	       r->name, r->o.cpus, f->sites, r->o.threads, (unsigned long long)f->blocks,
	       f->event_ns, f->best_ns, f->start_ns, f->block_bytes, f->peak_bytes, f->heap_bytes,
	       f->private_bytes, f->longest_us, f->longest_steady_us);
	fflush(stdout);
	if (!csv)
		return;
	fprintf(csv, "%s,%u,%u,%u,%llu,%llu,%.2f,%.0f,%.2f,%.2f,%.2f,%.2f,%.2f,%.1f,%.1f\n",
		r->name, r->o.cpus, f->sites, r->o.threads, (unsigned long long)f->blocks,
		(unsigned long long)f->events, f->event_ns, f->best_ns, f->start_ns, f->block_bytes,
		f->peak_bytes, f->heap_bytes, f->private_bytes, f->longest_us,
		f->longest_steady_us);
}

static void print_head(FILE *csv)
{
	printf("%-10s %4s %6s %7s %10s %8s %8s %8s %8s %8s %8s %8s %9s %9s\n", "", "", "", "", "",
	       "ns an", "its best", "ns while", "bytes a", "its peak", "of all", "resident",
	       "longest", "steady");
	printf("%-10s %4s %6s %7s %10s %8s %8s %8s %8s %8s %8s %8s %9s %9s\n", "workload", "CPUs",
	       "sites", "threads", "blocks", "event", "piece", "growing", "block", "growing",
	       "tables", "memory", "batch us", "batch us");
	if (csv)
		fputs("workload,cpus,sites,threads,blocks,events,event_ns,best_event_ns,growing_"
		      "event_ns,"
		      "block_bytes,peak_block_bytes,heap_bytes,private_bytes,longest_batch_us,"
		      "longest_steady_batch_us\n",
		      csv);
}

#define MILLION 1000000ull

static const struct row workloads[] = {
	{"random", {.kind = RANDOM, .cpus = 1, .sites = 1, .threads = 1, .blocks = MILLION}},
	{"random", {.kind = RANDOM, .cpus = 1, .sites = 1000, .threads = 1, .blocks = MILLION}},
	{"random", {.kind = RANDOM, .cpus = 1, .sites = 10000, .threads = 1, .blocks = MILLION}},
	{"random", {.kind = RANDOM, .cpus = 2, .sites = 1000, .threads = 8, .blocks = MILLION}},
	{"random", {.kind = RANDOM, .cpus = 8, .sites = 1000, .threads = 32, .blocks = MILLION}},
	{"realloc", {.kind = REALLOC, .cpus = 2, .sites = 1000, .threads = 8, .blocks = MILLION}},
	{"pairs", {.kind = PAIRS, .cpus = 1, .sites = 1, .threads = 1, .blocks = MILLION}},
	{"pairs", {.kind = PAIRS, .cpus = 2, .sites = 1000, .threads = 2, .blocks = MILLION}},
	{"pairs", {.kind = PAIRS, .cpus = 8, .sites = 1000, .threads = 32, .blocks = MILLION}},
	{"handoff", {.kind = HANDOFF, .cpus = 2, .sites = 1000, .threads = 2, .blocks = MILLION}},
	{"handoff", {.kind = HANDOFF, .cpus = 8, .sites = 1000, .threads = 8, .blocks = MILLION}},
};

static const uint64_t curve[] = {10000,	      30000,	    100000,	  300000,	MILLION,
				 3 * MILLION, 10 * MILLION, 30 * MILLION, 100 * MILLION};
#define CURVE_QUICK 3
#define CURVE_USUAL 7
#define CURVE_LARGE 9

struct settings {
	const char *csv, *only, *record, *replay;
	uint64_t events;
	bool quick, large;
};

static void run_row(const struct settings *s, FILE *csv, struct row r)
{
	struct figures f;

	if (s->only && !strstr(r.name, s->only))
		return;
	r.o.seed = 1;
	f = measure(&r, s->events, s->record);
	print_row(csv, &r, &f);
}

static void run(const struct settings *s, FILE *csv)
{
	size_t points = s->quick ? CURVE_QUICK : s->large ? CURVE_LARGE : CURVE_USUAL, i;

	print_head(csv);
	if (s->replay) {
		run_row(s, csv,
			(struct row){
				"recorded",
				{.kind = RECORDED, .cpus = 1, .sites = 1, .recording = s->replay}});
		return;
	}
	for (i = 0; i < sizeof(workloads) / sizeof(workloads[0]); i++) {
		struct row r = workloads[i];

		if (s->quick)
			r.o.blocks = 20000;
		run_row(s, csv, r);
	}
	for (i = 0; i < points; i++)
		run_row(s, csv,
			(struct row){"curve",
				     {.kind = RANDOM,
				      .cpus = 1,
				      .sites = 1000,
				      .threads = 1,
				      .blocks = curve[i]}});
}

static bool parse(struct settings *s, int argc, char **argv)
{
	static const struct option names[] = {
		{"quick", no_argument, NULL, 'q'},	  {"large", no_argument, NULL, 'l'},
		{"csv", required_argument, NULL, 'c'},	  {"events", required_argument, NULL, 'e'},
		{"only", required_argument, NULL, 'o'},	  {"record", required_argument, NULL, 'r'},
		{"replay", required_argument, NULL, 'p'}, {NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (c) {
		case 'q': s->quick = true; break;
		case 'l': s->large = true; break;
		case 'c': s->csv = optarg; break;
		case 'e': s->events = strtoull(optarg, NULL, 10); break;
		case 'o': s->only = optarg; break;
		case 'r': s->record = optarg; break;
		case 'p': s->replay = optarg; break;
		default: return false;
		}
	}
	if (!s->events)
		s->events = s->quick ? 50000 : s->replay ? PIECES_MAX * MILLION : 5 * MILLION;
	return optind == argc;
}

int main(int argc, char **argv)
{
	struct settings s = {0};
	FILE *csv = NULL;

	if (!parse(&s, argc, argv)) {
		fputs("usage: consume [--quick] [--large] [--csv FILE] [--events N] [--only "
		      "WORD] [--record FILE] [--replay FILE]\n",
		      stderr);
		return 2;
	}
	if (s.csv && !(csv = fopen(s.csv, "we"))) {
		fprintf(stderr, "consume: cannot write '%s': %s\n", s.csv, strerror(errno));
		return 1;
	}
	run(&s, csv);
	return csv && fclose(csv) ? 1 : 0;
}
