/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A recording is read twice: once into a heap, to learn when it has grown up, and then for the bench. It is decoded while the bench
 * makes its next piece, so that the decoding is not measured.
 */
#include "recorded.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../user/capture/replay.h"
#include "../../user/heap/heap.h"

#define RECORDS 4096u
/* How often the first reading looks at how many blocks there are. */
#define LOOK_EVENTS 4096u

struct recorded {
	const char *path;
	struct replay *replay;
	uint32_t *numbers;
	size_t number_count;
	uint64_t *seen; /* blocks at each look */
	size_t seen_count;
	uint64_t start;
	bool again; /* the processes are known */
	const struct event_header *records[RECORDS];
	size_t count, at;
};

static void give_up(const char *path, const char *why)
{
	fprintf(stderr, "consume: '%s': %s\n", path, why);
	exit(1);
}

static void *must(const struct recorded *r, void *v)
{
	if (!v)
		give_up(r->path, "no memory");
	return v;
}

static void note_process(struct recorded *r, struct unpack u)
{
	uint64_t number = unpack_u64(&u);

	if (u.bad || !number || number > UINT32_MAX)
		give_up(r->path, "a process without a number");
	r->numbers = must(r, realloc(r->numbers, (r->number_count + 1) * sizeof(*r->numbers)));
	r->numbers[r->number_count++] = (uint32_t)number;
}

static void take_note(struct recorded *r, const struct event_header *e)
{
	if (e->process == NOTE_PROCESS && !r->again)
		note_process(r, replay_note(e));
	if (e->process == NOTE_GAP || e->process == NOTE_FULL || e->process == NOTE_TOTALS)
		give_up(r->path, "not all of its events are there");
}

const struct event_header *recorded_next(struct recorded *r)
{
	for (;;) {
		if (r->at == r->count) {
			r->count = replay_next(r->replay, r->records, RECORDS);
			r->at = 0;
		}
		if (!r->count)
			return NULL;
		if (!replay_is_note(r->records[r->at]))
			return r->records[r->at++];
		take_note(r, r->records[r->at++]);
	}
}

static void look(struct recorded *r, struct heap *h)
{
	uint64_t blocks = 0;

	for (uint32_t i = 1; i <= heap_process_count(h); i++)
		blocks += heap_process(h, i)->totals.outstanding_count;
	r->seen = must(r, realloc(r->seen, (r->seen_count + 1) * sizeof(*r->seen)));
	r->seen[r->seen_count++] = blocks;
}

static void read_once(struct recorded *r)
{
	const struct heap_options options = {.generation_ns = 1000000000};
	struct heap *h = must(r, heap_new(&options));
	const struct event_header *e;
	size_t known = 0;

	for (uint64_t n = 1; (e = recorded_next(r)); n++) {
		for (; known < r->number_count; known++)
			if (!heap_add_process(h, r->numbers[known], 1, "recorded", e->time_ns))
				must(r, NULL);
		heap_apply(h, e);
		if (n % LOOK_EVENTS == 0)
			look(r, h);
	}
	heap_free(h);
}

static uint64_t grown_up(const struct recorded *r)
{
	uint64_t most = 0;
	size_t i;

	for (i = 0; i < r->seen_count; i++)
		most = r->seen[i] > most ? r->seen[i] : most;
	for (i = 0; i < r->seen_count && r->seen[i] < most - most / 10; i++)
		;
	return (i + 1) * LOOK_EVENTS;
}

static void begin_again(struct recorded *r)
{
	if (replay_end(r->replay) != REPLAY_WHOLE)
		give_up(r->path, "its end is missing");
	r->again = true;
	if (replay_rewind(r->replay))
		must(r, NULL);
}

struct recorded *recorded_open(const char *path)
{
	struct recorded *r = calloc(1, sizeof(*r));
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;

	if (!r || fd < 0)
		give_up(path, strerror(errno));
	r->path = path;
	err = replay_open(&r->replay, fd);
	if (err)
		give_up(path, err == -EBADMSG ? "no recording" : strerror(-err));
	read_once(r);
	r->start = grown_up(r);
	begin_again(r);
	return r;
}

void recorded_close(struct recorded *r)
{
	replay_close(r->replay);
	free(r->numbers);
	free(r->seen);
	free(r);
}

size_t recorded_processes(const struct recorded *r, const uint32_t **numbers)
{
	*numbers = r->numbers;
	return r->number_count;
}

uint64_t recorded_start(const struct recorded *r)
{
	return r->start;
}
