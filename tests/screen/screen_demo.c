/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The live view over a made-up heap that changes as time goes by: for tests/screen/screen.sh and
 * for looking at it. The figures depend on the number of the snapshot only. Arguments: "empty" (no
 * sites), "many" (1000 sites), "two" (two processes), "segv", "abort", "exit" (ways out, on the
 * third snapshot).
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../user/analyse/baseline.h"
#include "../../user/base/clock.h"
#include "../../user/base/log.h"
#include "../../user/base/xalloc.h"
#include "../../user/view/screen.h"

#define MANY_SITES 1000
#define FRAMES	   6
#define THREADS	   4

static struct frame_name server_frames[FRAMES] = {
	{.pc = 0x401136,
	 .function = "session_create",
	 .offset = 0x26,
	 .module = "server",
	 .file = "/build/server/src/session.c",
	 .line = 214},
	{.pc = 0x401236,
	 .function = "accept_one",
	 .offset = 0x51,
	 .module = "server",
	 .file = "/build/server/src/net.c",
	 .line = 88,
	 .inlined = true},
	{.pc = 0x401236,
	 .function = "event_loop",
	 .offset = 0x113,
	 .module = "server",
	 .file = "/build/server/src/net.c",
	 .line = 301},
	{.pc = 0x401336,
	 .function = "main",
	 .offset = 0x9b,
	 .module = "server",
	 .file = "/build/server/src/main.c",
	 .line = 40},
	{.pc = 0x7f0027b0, .module = "libc.so.6", .offset = 0x271ca},
	{.pc = 0x7f0027c0, .function = "__libc_start_main", .offset = 0x85, .module = "libc.so.6"},
};

static struct frame_name cpp_frames[] = {
	{.pc = 0x7f11,
	 .skipped = true,
	 .offset = 0x3d,
	 .module = "libstdc++.so.6",
	 .function = "std::__cxx11::basic_string<char, std::char_traits<char>, "
		     "std::allocator<char> >::_M_create(unsigned long&, unsigned long)"},
	{.pc = 0x4022,
	 .offset = 0x99,
	 .module = "server",
	 .file = "cache.cc",
	 .line = 77,
	 .function = "cache::Store<std::__cxx11::basic_string<char>, cache::Entry>::insert("
		     "std::__cxx11::basic_string<char> const&, cache::Entry&&)"},
	{.pc = 0x4033, .function = "main", .offset = 0x12, .module = "server"},
};

static struct frame_name hostile_frames[] = {
	{.pc = 0x5011,
	 .function = "evil\x1b[2J\x1b]0;owned\a\n\xff\xe2\x80\xae",
	 .offset = 1,
	 .module = "bad\tname"},
};

static const struct stack_names stacks[] = {
	{.site_id = 0x1122334455667788, .frame_count = FRAMES, .frames = server_frames},
	{.site_id = 0x99aabbccddeeff00,
	 .frame_count = 3,
	 .frames = cpp_frames,
	 .function_frame = 1},
	{.site_id = 0xdeadbeef, .frame_count = 1, .frames = hostile_frames},
	{.site_id = 0x5},
};

struct demo {
	uint32_t sites, processes;
	uint64_t number;   /* of the next snapshot */
	uint64_t baseline; /* number of the snapshot; 0: none */
	uint64_t first_realtime_ns;
	char exported[128];
	struct view_walk walk;
	struct view_thread threads[THREADS];
	struct frame_name frames[MANY_SITES];
	struct stack_names many[MANY_SITES];
	char names[MANY_SITES][24];
};

static const struct stack_names *demo_names(void *context, const struct snapshot_site *site)
{
	struct demo *d = context;

	return site->stack < 4 ? &stacks[site->stack] : &d->many[site->stack];
}

/* Of a function that a go statement has started: main.serve, or main.leak. */
static const struct stack_names *demo_goroutine_names(void *context, const struct snapshot *s,
						      const struct snapshot_goroutines *row)
{
	static struct frame_name frames[] = {
		{.function = "main.serve", .module = "server", .file = "/src/serve.go", .line = 7},
		{.function = "main.main", .module = "server", .file = "/src/main.go", .line = 19}};
	static const struct stack_names found = {
		.site_id = 0x77, .frame_count = 2, .frames = frames};

	(void)context;
	(void)s;
	frames[0].pc = row->start + 1;
	frames[1].pc = row->creator;
	frames[0].function = row->verdict == VERDICT_LEAK ? "main.leak" : "main.serve";
	return &found;
}

/* Four samples a second ago each, the last one now. */
static size_t demo_history(void *context, uint32_t site, struct view_point *points, size_t capacity)
{
	struct demo *d = context;
	size_t i, count = d->number < capacity ? (size_t)d->number : capacity;

	for (i = 0; i < count; i++)
		points[i] = (struct view_point){.ago_s = (double)(count - 1 - i),
						.bytes = 1e6 + (double)i * 1e5 * site};
	return count;
}

/* Complete from the third snapshot on. */
static struct view_walk *demo_walk(void *context, uint32_t site)
{
	struct demo *d = context;
	struct view_walk *w = &d->walk;
	uint32_t i;

	w->known = d->number > 2;
	w->done = w->known ? 1 : 0.25;
	w->ended = d->number;
	w->threads = d->threads;
	w->thread_count = w->known ? THREADS : 0;
	for (i = 0; i < THREADS; i++)
		d->threads[i] = (struct view_thread){.process = 1,
						     .tid = 4711 + i,
						     .bytes = 100000 * (THREADS - i),
						     .count = 1000 * (i + 1),
						     .oldest_s = i};
	w->resident_known = true;
	w->resident = (struct resident){
		.looked_bytes = 4096, .resident_bytes = 2048, .looked_blocks = 64};
	w->site = w->known ? site : 0;
	w->oldest_count = w->known ? 3 : 0;
	for (i = 0; i < 3; i++)
		w->oldest[i] = (struct report_block){.address = 0x7f1234500000 + i * 64,
						     .bytes = 48,
						     .age_s = 90 - i,
						     .tid = 4711 + i};
	return w;
}

/* The last one has ended. */
static void demo_thread_name(void *context, uint32_t process, uint32_t tid, char *out, size_t size)
{
	(void)context;
	(void)process;
	if (tid < 4711 + THREADS - 1)
		snprintf(out, size, "worker\x1b[%u", tid - 4711);
	else
		out[0] = '\0';
}

static void demo_progress(void *context, struct buffer *out)
{
	struct demo *d = context;

	if (d->processes > 1)
		buffer_add_string(out, "reading tables of libfoo.so 3/41");
}

static bool demo_lifetimes(void *context, uint32_t site, struct lifetimes *out)
{
	(void)context;
	(void)site;
	*out = (struct lifetimes){0};
	out->sizes.v[9] = 4000;
	out->sizes.v[10] = 1000;
	out->ages.v[3] = 10;
	out->ages.v[5] = 400;
	return true;
}

/* As if nothing had been there: the change is all that was allocated since. */
static void demo_baseline(void *context, bool on)
{
	struct demo *d = context;

	d->baseline = on ? d->number : 0;
}

static size_t demo_alerts(void *context, struct view_alert *out, size_t capacity)
{
	struct demo *d = context;

	if (!d->first_realtime_ns || !capacity)
		return 0;
	out[0] = (struct view_alert){.realtime_ns = d->first_realtime_ns,
				     .rule = "outstanding>10M",
				     .pid = 4711,
				     .comm = "server",
				     .value = "12.3M"};
	return 1;
}

static bool demo_format(void *context, size_t index, struct view_format *out)
{
	static const struct view_format formats[] = {{"csv", ".csv", "call sites"},
						     {"json", ".json", "everything"}};

	(void)context;
	if (index < 2)
		*out = formats[index];
	return index < 2;
}

static bool demo_export(void *context, size_t format, const char *path)
{
	struct demo *d = context;

	snprintf(d->exported, sizeof(d->exported), "format %zu to '%s'", format, path);
	return true;
}

static void make_names(struct demo *d)
{
	uint32_t i;

	for (i = 0; i < MANY_SITES; i++) {
		snprintf(d->names[i], sizeof(d->names[i]), "handler_%03u", i);
		d->frames[i] = (struct frame_name){.pc = 0x1000 + i,
						   .function = d->names[i],
						   .offset = 4,
						   .module = "plugin.so"};
		d->many[i] = (struct stack_names){
			.site_id = i, .frame_count = 1, .frames = &d->frames[i]};
	}
}

static void fill_site(const struct demo *d, struct snapshot_site *site, uint32_t i)
{
	static const uint8_t calls[] = {CALL_ID_MALLOC, CALL_ID_NEW_ARRAY, CALL_ID_CALLOC,
					CALL_ID_POSIX_MEMALIGN};
	uint64_t n = d->number, grows = i % 3 == 0;
	struct totals *t = &site->totals;

	*site = (struct snapshot_site){.site = i + 1, .stack = i, .call = calls[i % 4]};
	site->process = i % d->processes;
	site->rank = i + 1;
	t->outstanding_count = i == 5 ? 0 : 4000 / (i + 1) + (grows ? n * 10 : n % 3);
	t->outstanding_bytes = t->outstanding_count * (1000 + i * 7);
	t->alloc_count = t->outstanding_count + n * 100;
	t->alloc_bytes = t->alloc_count * (1000 + i * 7);
	t->free_count = n * 100;
	t->free_bytes = t->alloc_bytes - t->outstanding_bytes;
	t->peak_bytes = t->outstanding_bytes + 4096;
	t->temporary_count = n * 20;
	site->growth_bytes_per_s = grows ? 10.0 * (1000 + i * 7) : 0;
	site->allocs_per_s = 110.0 / (i + 1);
	site->score = grows ? 97.0 / (i / 3 + 1) : 3;
	site->verdict = i == 0 ? VERDICT_LEAK : grows ? VERDICT_GROWING : (enum verdict)(i % 2);
	site->oldest_s = t->outstanding_count ? (double)n * (i + 1) : -1;
	site->version = n;
	site->stack_flags = i == 1 ? STACK_F_CUT : 0;
}

/* Of a Go program; one is fine, one is not. */
static struct go_pools_figures make_pools(const struct demo *d)
{
	struct go_pools_figures f = {.known = true,
				     .lists = true,
				     .sees_calls = true,
				     .sees_misses = true,
				     .slices = 1,
				     .covered_ns = 1000000000,
				     .count = 2};

	f.v = xcalloc(f.count, sizeof(*f.v));
	f.v[0] = (struct go_pool){.facts = {.address = 0x54b0a0, .bytes = 512},
				  .gets = 200000 + d->number,
				  .puts = 200000,
				  .misses = 2000};
	strcpy(f.v[0].facts.name, "main.bufferPool");
	strcpy(f.v[0].facts.made_by, "main.newBuffer");
	f.v[1] = (struct go_pool){
		.facts = {.address = 0x54b0e0}, .gets = 100000, .puts = 10000, .misses = 91000};
	strcpy(f.v[1].facts.made_by, "main.bad\nname");
	return f;
}

static void fill_process(const struct demo *d, struct snapshot *s, uint32_t i)
{
	struct snapshot_process *p = &s->processes[i];
	size_t j;

	*p = (struct snapshot_process){.index = i + 1, .number = i + 1, .pid = 4711 + i};
	strcpy(p->comm, i ? "worker" : "server");
	for (j = 0; j < s->site_count; j++) {
		if (s->sites[j].process != i)
			continue;
		p->totals.outstanding_bytes += s->sites[j].totals.outstanding_bytes;
		p->totals.outstanding_count += s->sites[j].totals.outstanding_count;
		p->growth_bytes_per_s += s->sites[j].growth_bytes_per_s;
		p->site_count++;
		p->leak_site_count += s->sites[j].verdict == VERDICT_LEAK;
	}
	p->allocs_per_s = 12345;
	p->frees_per_s = 12001;
	p->lost_events = d->number > 20 ? 3 : 0;
	p->unknown_frees = 17;
	p->beside = (struct beside){.known = true,
				    .first = {.rss = 60000000, .anonymous = 60000000},
				    .now = {.rss = 64000000, .anonymous = 64000000}};
	p->rss_bytes = 64000000 + d->number * 1000;
	if (!i)
		p->go_pools = make_pools(d);
}

/* Each third site has had ten blocks more in each snapshot since. */
static void add_changes(const struct demo *d, struct snapshot *s)
{
	int64_t count = 10 * (int64_t)(d->number - d->baseline + 1);
	size_t i;

	s->baseline_s = (double)d->baseline - 1;
	s->changes = xcalloc(s->site_count + s->process_count, sizeof(*s->changes));
	for (i = 0; i < s->process_count; i++)
		s->processes[i].change = &s->changes[s->site_count + i];
	for (i = 0; i < s->site_count; i++) {
		struct snapshot_site *site = &s->sites[i];
		struct change *total = s->processes[site->process].change;

		site->change = &s->changes[i];
		if (i % 3)
			continue;
		site->change->outstanding_count = count;
		site->change->outstanding_bytes = count * (1000 + (int64_t)i * 7);
		total->outstanding_count += count;
		total->outstanding_bytes += site->change->outstanding_bytes;
	}
}

static void add_goroutines(const struct demo *d, struct snapshot *s)
{
	s->goroutines = xcalloc(2, sizeof(*s->goroutines));
	s->goroutine_count = 2;
	s->goroutines[0] = (struct snapshot_goroutines){.creator = 0x100,
							.start = 0x200,
							.reason = "chan receive",
							.count = 1000 + d->number,
							.longest_wait_s = 185,
							.trend = {.slope = 12, .p = 0.0001},
							.watched_s = 30,
							.survival = {20, 900, 900},
							.verdict = VERDICT_LEAK,
							.score = 93};
	s->goroutines[1] = (struct snapshot_goroutines){.creator = 0x101,
							.start = 0x201,
							.reason = "IO wa\x1bit",
							.count = 17,
							.longest_wait_s = -1,
							.watched_s = 30,
							.verdict = VERDICT_STEADY};
	s->processes[0].goroutines = (struct goroutine_figures){
		.known = true, .whole = true, .groups = 2, .leak_count = 1};
}

static void make_snapshot(struct demo *d, struct snapshot *s)
{
	uint32_t i;

	memset(s, 0, sizeof(*s));
	s->time_ns = clock_monotonic_ns();
	s->realtime_ns = clock_realtime_ns();
	s->elapsed_s = (double)d->number;
	s->tracer_cpu_percent = 1.2;
	s->tracer_rss_bytes = 12345678;
	s->sites = xcalloc(d->sites + 1, sizeof(*s->sites));
	s->site_count = d->sites;
	s->processes = xcalloc(d->processes, sizeof(*s->processes));
	s->process_count = d->processes;
	for (i = 0; i < d->sites; i++)
		fill_site(d, &s->sites[i], i);
	for (i = 0; i < d->processes; i++)
		fill_process(d, s, i);
	add_goroutines(d, s);
	if (d->baseline)
		add_changes(d, s);
	if (!d->first_realtime_ns)
		d->first_realtime_ns = s->realtime_ns;
	d->number++;
}

static void leave(const char *way)
{
	volatile int *volatile nowhere = NULL;

	if (strcmp(way, "segv") == 0)
		*nowhere = 1;
	if (strcmp(way, "abort") == 0)
		abort();
	if (strcmp(way, "exit") == 0)
		exit(5);
}

static volatile sig_atomic_t resized;

static void on_resize(int signal)
{
	(void)signal;
	resized = 1;
}

static volatile sig_atomic_t continued;

static void on_continue(int signal)
{
	(void)signal;
	continued = 1;
}

static volatile sig_atomic_t stopping;

static void on_stop(int signal)
{
	(void)signal;
	stopping = 1;
}

static void follow_signals(void)
{
	struct sigaction action = {.sa_handler = on_resize};

	sigaction(SIGWINCH, &action, NULL);
	action.sa_handler = on_continue;
	sigaction(SIGCONT, &action, NULL);
	action.sa_handler = on_stop;
	sigaction(SIGTSTP, &action, NULL);
}

static void handle_signals(struct screen *screen)
{
	if (stopping) {
		stopping = 0;
		screen_suspend(screen);
	}
	if (resized)
		screen_resize(screen);
	if (continued)
		screen_continue(screen);
	resized = continued = 0;
}

static void run(struct demo *d, struct screen *screen, const char *way)
{
	struct pollfd p = {.fd = screen_fd(screen), .events = POLLIN};
	enum screen_request request = SCREEN_REFRESH;
	struct snapshot snapshot;

	while (request != SCREEN_QUIT) {
		int ready;

		if (request == SCREEN_SNAPSHOT)
			screen_message(screen, "snapshot %u written", (unsigned int)d->number);
		if (request == SCREEN_EXPORT)
			screen_message(screen, "wrote %s", d->exported);
		if (request != SCREEN_NOTHING) {
			make_snapshot(d, &snapshot);
			screen_draw(screen, &snapshot);
		}
		if (d->number == 4)
			leave(way);
		ready = poll(&p, 1, (int)(screen_interval(screen) * 1000));
		handle_signals(screen);
		request = SCREEN_NOTHING;
		if (ready > 0)
			request = screen_key(screen);
		else if (ready == 0)
			request = SCREEN_REFRESH;
	}
}

int main(int argc, char **argv)
{
	const struct screen_options options = {.sort = SORT_OUTSTANDING, .interval_s = 0.5};
	struct screen_sources sources = {.names = demo_names,
					 .goroutine_names = demo_goroutine_names,
					 .history = demo_history,
					 .walk = demo_walk,
					 .thread_name = demo_thread_name,
					 .progress = demo_progress,
					 .lifetimes = demo_lifetimes,
					 .set_baseline = demo_baseline,
					 .alerts = demo_alerts,
					 .export_format = demo_format,
					 .export_begin = demo_export};
	const char *way = argc > 1 ? argv[1] : "";
	struct demo *d = xcalloc(1, sizeof(*d));
	struct screen *screen;

	d->sites = strcmp(way, "empty") == 0 ? 0 : strcmp(way, "many") == 0 ? MANY_SITES : 12;
	d->processes = strcmp(way, "two") == 0 ? 2 : 1;
	make_names(d);
	follow_signals();
	sources.context = d;
	screen = screen_open(&options, &sources);
	if (!screen) {
		free(d);
		return 1;
	}
	log_info("a message from while the screen was up");
	run(d, screen, way);
	screen_close(screen);
	free(d);
	return 0;
}
