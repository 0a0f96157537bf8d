/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the live view takes of the main thread, step by step, on a made-up heap in which every site is active:
 *   view SITES ROUNDS COLUMNS LINES
 * Each round is one interval, in a pseudo terminal of its own; one line for each step: "NAME ROUND MS". Steps:
 *   sample, build       what is read of the heap, in pieces
 *   sample-hold, build-hold    the longest of these: so long the events' thread has to wait
 *   fold                rows by code, with the ids at hand
 *   draw                the new figures on the screen
 *   down, page, sort, open, ...     the screen after a key
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "../../user/analyse/build.h"
#include "../../user/base/clock.h"
#include "../../user/base/xalloc.h"
#include "../../user/view/screen.h"

#define PROCESS	     1
#define FIRST_BLOCK  0x1000
#define BLOCK_STRIDE 0x1000
#define KEYS_A_ROUND 12
#define FRAMES	     12

struct bench {
	uint32_t sites;
	struct heap *heap;
	struct growth *growth;
	struct screen *screen;
	uint64_t now_ns, longest_ns, *ids;
	uint32_t *primary, turn;
	struct frame_name *frames;
	struct stack_names names;
	int master;
	FILE *out;
};

struct key {
	const char *name, *bytes;
};

static const struct key keys[KEYS_A_ROUND] = {
	{"down", "\033OB"}, {"page", "\033[6~"},   {"sort", "N"},   {"open", "\r"},
	{"back", "q"},	    {"callers", "t"},	   {"expand", "+"}, {"turn", "r"},
	{"turn-back", "r"}, {"modules", "\t\t\t"}, {"pools", "\t"}, {"sites", "\t\t"},
};

/* ---- a heap ---- */

static void send(struct bench *b, uint8_t type, uint32_t site, uint64_t address)
{
	struct event_alloc e = {
		.h = {.time_ns = b->now_ns,
		      .process = PROCESS,
		      .tid = 9,
		      .type = type,
		      .call = CALL_ID_MALLOC},
		.address = address,
		.bytes = 16 + (site + address / 64 * 31) % 997,
		.stack = site + 1,
	};

	e.h.size = type == EVENT_FREE ? sizeof(struct event_free) : sizeof(e);
	heap_apply(b->heap, &e.h);
}

static void add_stack(struct bench *b, uint32_t site)
{
	struct {
		struct event_stack e;
		uint64_t pcs[1];
	} s = {.e = {.h = {.time_ns = b->now_ns,
			   .process = PROCESS,
			   .size = sizeof(s),
			   .type = EVENT_STACK},
		     .id = site + 1,
		     .frame_count = 1},
	       .pcs = {0x400000 + site}};

	heap_apply(b->heap, &s.e.h);
}

static uint64_t block_of(uint32_t site, uint32_t turn)
{
	return FIRST_BLOCK + (uint64_t)site * BLOCK_STRIDE + turn % 8 * 64;
}

/* How many turns a block lives. */
static uint32_t life_of(uint32_t site, uint32_t turn)
{
	return 2 + ((site * 2654435761u ^ turn * 0x9e3779b9u) >> 13) % 4;
}

/* Every site gets a block, and gives back those whose time has come: all of them go up and down. */
static void churn(struct bench *b)
{
	uint32_t i;

	b->now_ns += NS_PER_S;
	b->turn++;
	for (i = 0; i < b->sites; i++) {
		for (uint32_t age = 2; age < 6 && age < b->turn; age++)
			if (life_of(i, b->turn - age) == age)
				send(b, EVENT_FREE, i, block_of(i, b->turn - age));
		send(b, EVENT_ALLOC, i, block_of(i, b->turn));
	}
}

static const struct stack_names *find_names(void *context, const struct snapshot_site *site)
{
	struct bench *b = context;

	b->names.site_id = b->ids[site->site - 1];
	b->names.frames = &b->frames[(size_t)(site->site - 1) * FRAMES];
	b->names.frame_count = FRAMES;
	return &b->names;
}

/* A caller of three at each depth, so that stacks part and meet as in a program. */
static void name_frames(struct frame_name *frames, uint32_t site)
{
	uint32_t i, rest = site;

	for (i = 0; i < FRAMES; i++, rest /= 3)
		frames[i] = (struct frame_name){.pc = 0x400000 + site,
						.function = xasprintf("function_%u_%u", i, rest),
						.module = "bench"};
}

static void make_heap(struct bench *b)
{
	struct heap_options ho = {.generation_ns = NS_PER_S,
				  .elder_ns = (uint64_t)growth_elder_s(0) * NS_PER_S};
	struct growth_options go = {.interval_s = 1, .threshold = 0.1};
	uint32_t i;

	b->heap = heap_new(&ho);
	b->growth = growth_new(&go);
	b->now_ns = NS_PER_S;
	heap_add_process(b->heap, PROCESS, 4711, "bench", b->now_ns);
	b->ids = xcalloc(b->sites, sizeof(*b->ids));
	b->frames = xcalloc((size_t)b->sites * FRAMES, sizeof(*b->frames));
	b->primary = xcalloc(b->sites + 1, sizeof(*b->primary));
	for (i = 0; i < b->sites; i++) {
		add_stack(b, i);
		b->ids[i] = (i + 1) * 0x9e3779b97f4a7c15ull;
		name_frames(&b->frames[(size_t)i * FRAMES], i);
	}
}

/* ---- a terminal ---- */

static void *swallow(void *argument)
{
	struct bench *b = argument;
	char data[65536];

	while (read(b->master, data, sizeof(data)) > 0)
		;
	return NULL;
}

static bool open_terminal(struct bench *b, unsigned short columns, unsigned short lines)
{
	struct winsize size = {.ws_col = columns, .ws_row = lines};
	pthread_t thread;
	int slave;

	b->out = fdopen(dup(STDOUT_FILENO), "w");
	b->master = posix_openpt(O_RDWR | O_NOCTTY);
	if (!b->out || b->master < 0 || grantpt(b->master) || unlockpt(b->master))
		return false;
	slave = open(ptsname(b->master), O_RDWR | O_NOCTTY);
	if (slave < 0 || ioctl(slave, TIOCSWINSZ, &size) || dup2(slave, STDIN_FILENO) < 0 ||
	    dup2(slave, STDOUT_FILENO) < 0)
		return false;
	setenv("TERM", "xterm-256color", 1);
	setenv("LANG", "C.UTF-8", 1);
	return pthread_create(&thread, NULL, swallow, b) == 0;
}

/* ---- the steps ---- */

static uint64_t step(struct bench *b, const char *name, unsigned int round, uint64_t begun_ns)
{
	fprintf(b->out, "%s %u %.4f\n", name, round,
		(double)(clock_monotonic_ns() - begun_ns) / NS_PER_MS);
	return clock_monotonic_ns();
}

static void press(struct bench *b, const struct key *key, unsigned int round)
{
	struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
	uint64_t begun;

	if (write(b->master, key->bytes, strlen(key->bytes)) < 0)
		return;
	poll(&in, 1, -1);
	begun = clock_monotonic_ns();
	screen_key(b->screen);
	step(b, key->name, round, begun);
}

static void end_hold(struct bench *b, uint64_t begun_ns)
{
	uint64_t held_ns = clock_monotonic_ns() - begun_ns;

	if (held_ns > b->longest_ns)
		b->longest_ns = held_ns;
}

static void say_hold(struct bench *b, const char *name, unsigned int round)
{
	fprintf(b->out, "%s %u %.4f\n", name, round, (double)b->longest_ns / NS_PER_MS);
	b->longest_ns = 0;
}

static void sample(struct bench *b)
{
	uint64_t at;
	bool more;

	growth_sample_begin(b->growth, heap_site_count(b->heap), heap_process_count(b->heap),
			    b->now_ns);
	do {
		at = clock_monotonic_ns();
		more = growth_sample_some(b->growth, b->heap, b->now_ns);
		end_hold(b, at);
	} while (more);
	growth_sample_end(b->growth);
}

static bool build(struct bench *b, struct snapshot *s)
{
	struct snapshot_builder sb = {.heap = b->heap, .growth = b->growth};
	uint64_t at;
	bool more;
	int err;

	if (snapshot_begin(&sb, s, heap_site_count(b->heap), heap_process_count(b->heap),
			   b->now_ns))
		return false;
	do {
		at = clock_monotonic_ns();
		more = snapshot_some(&sb);
		end_hold(b, at);
	} while (more);
	at = clock_monotonic_ns();
	err = snapshot_settle(&sb);
	end_hold(b, at);
	if (!err)
		snapshot_end(&sb);
	return !err;
}

static void interval(struct bench *b, unsigned int round)
{
	struct snapshot s = {0};
	uint64_t at;
	size_t i;

	churn(b);
	at = clock_monotonic_ns();
	sample(b);
	step(b, "sample", round, at);
	say_hold(b, "sample-hold", round);
	at = clock_monotonic_ns();
	if (!build(b, &s))
		return;
	step(b, "build", round, at);
	say_hold(b, "build-hold", round);
	at = clock_monotonic_ns();
	if (snapshot_fold(&s, b->ids, b->primary))
		return;
	at = step(b, "fold", round, at);
	s.elapsed_s = round;
	s.realtime_ns = clock_realtime_ns();
	screen_draw(b->screen, &s);
	step(b, "draw", round, at);
	for (i = 0; i < KEYS_A_ROUND; i++)
		press(b, &keys[i], round);
}

static unsigned int number(const char *text)
{
	return (unsigned int)strtoul(text, NULL, 10);
}

int main(int argc, char **argv)
{
	const struct screen_options options = {.sort = SORT_OUTSTANDING, .interval_s = 1};
	struct screen_sources sources = {.names = find_names};
	struct bench b = {0};
	unsigned int i;

	if (argc != 5 || !number(argv[1])) {
		fputs("usage: view SITES ROUNDS COLUMNS LINES\n", stderr);
		return 2;
	}
	b.sites = number(argv[1]);
	if (!open_terminal(&b, (unsigned short)number(argv[3]), (unsigned short)number(argv[4]))) {
		perror("view: cannot open a pseudo terminal");
		return 1;
	}
	make_heap(&b);
	sources.context = &b;
	b.screen = screen_open(&options, &sources);
	if (!b.screen)
		return 1;
	for (i = 0; i < number(argv[2]); i++)
		interval(&b, i);
	screen_close(b.screen);
	fclose(b.out);
	return 0;
}
