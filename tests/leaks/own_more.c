/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs whose blocks live longer than the window, or come further apart than that. Parameters are random, by the seed. */
#include <math.h>
#include <stdlib.h>
#include "world.h"

#define TICK  0.05
#define KEPT  8
#define LARGE 4096

/* ---- leaks ---- */

/* Visits of up to a minute, some of which never end. */
static void long_visits(struct world *w)
{
	uint32_t visit = world_leak(w, "visit");
	double rate = world_scale(w, 2, 50), longest = world_between(w, 22, 60);
	double lost = world_between(w, 0.05, 0.3), third = 0;
	uint32_t losses = 0;

	while (world_wait(w, TICK)) {
		for (uint32_t n = world_poisson(w, rate * TICK); n; n--) {
			uint64_t block = world_alloc(w, visit, 300);

			if (!world_chance(w, lost))
				world_free_after(w, block, world_between(w, 0, longest));
			else if (++losses == 3)
				third = world_now(w);
		}
		if (losses >= 3 && world_now(w) > third + longest)
			world_evidence(w, visit);
	}
}

/* A block each quarter of a minute. */
static void rare(struct world *w)
{
	uint32_t report = world_leak(w, "report");
	double period = world_between(w, 5, 18);

	for (uint32_t n = 1; world_wait(w, period * world_between(w, 0.6, 1.4)); n++) {
		world_alloc(w, report, 20000);
		if (n == 3)
			world_evidence(w, report);
	}
}

/* Each round leaves a part of its blocks behind. */
static void rounds(struct world *w)
{
	uint32_t item = world_leak(w, "item"), count = (uint32_t)world_scale(w, 20, 500);
	double period = world_between(w, 10, 50), lost = world_between(w, 0.1, 1);
	double takes = world_between(w, 0.2, 6);

	if (!world_wait(w, world_between(w, 4, period)))
		return;
	for (uint32_t round = 1;; round++) {
		for (uint32_t i = 0; i < count; i++) {
			uint64_t block = world_alloc(w, item, 90);

			if (!world_chance(w, lost))
				world_free_after(w, block, takes);
		}
		if (!world_wait(w, takes))
			return;
		if (round == 2)
			world_evidence(w, item);
		if (!world_wait(w, period * world_between(w, 0.8, 1.2)))
			return;
	}
}

/* What was said is kept: a text that realloc makes longer by as much as was said. */
static void transcript(struct world *w)
{
	uint32_t text = world_leak(w, "text"), word = world_healthy(w, "word");
	double period = world_scale(w, 0.05, 3);
	uint64_t bytes = 100 + world_below(w, 100000), block = world_alloc(w, text, bytes);

	for (uint32_t n = 1; world_wait(w, world_exponential(w, period)); n++) {
		world_free_after(w, world_alloc(w, word, 30), 0.01);
		bytes += bytes / 50 + world_below(w, 2000);
		block = world_realloc(w, text, block, bytes);
		if (n == 3)
			world_evidence(w, text);
	}
}

/* ---- healthy ---- */

/* Work of half a minute or more, that is given back at its end. */
static void long_batch(struct world *w)
{
	uint32_t row = world_healthy(w, "row"), count = (uint32_t)world_scale(w, 50, 3000);
	double takes = world_between(w, 20, 60), pause = world_between(w, 1, 60);

	do {
		double end = world_now(w) + takes * world_between(w, 0.9, 1.1);

		for (uint32_t i = 0; i < count; i++) {
			world_free_after(w, world_alloc(w, row, 150), end - world_now(w));
			if (!world_wait(w, 0.8 * takes / count))
				return;
		}
		if (!world_wait(w, end - world_now(w)))
			return;
		world_evidence(w, row);
	} while (world_wait(w, pause));
}

/* Entries expire after some minutes. */
static void expires_late(struct world *w)
{
	uint32_t entry = world_healthy(w, "entry");
	double rate = world_scale(w, 1, 100), life = world_between(w, 20, 120);

	while (world_wait(w, TICK)) {
		for (uint32_t n = world_poisson(w, rate * TICK); n; n--)
			world_free_after(w, world_alloc(w, entry, 256),
					 life * world_between(w, 0.9, 1.1));
		if (world_now(w) > life)
			world_evidence(w, entry);
	}
}

/* Two generations: the old one is looked through each minute or so, and most of it is dead by then. */
static void old_generation(struct world *w)
{
	uint32_t object = world_healthy(w, "object");
	double major = world_between(w, 20, 90), rate = world_scale(w, 20, 300);
	double live = world_between(w, 0, 0.3);

	for (double minor = 1, full = major; world_wait(w, TICK);) {
		for (uint32_t n = world_poisson(w, rate * TICK); n; n--)
			world_free_after(w, world_alloc(w, object, 48),
					 world_chance(w, 0.9)	 ? minor - world_now(w)
					 : world_chance(w, live) ? full + major - world_now(w)
								 : full - world_now(w));
		if (world_now(w) >= minor)
			minor += 1;
		if (world_now(w) < full)
			continue;
		full += major;
		world_evidence(w, object);
	}
}

/* The last few reports are kept. */
static void last_reports(struct world *w)
{
	uint32_t line = world_healthy(w, "line"), lines = (uint32_t)world_scale(w, 5, 300);
	uint32_t kept = 2 + world_below(w, KEPT - 1);
	double period = world_between(w, 5, 30);
	uint64_t *blocks = calloc((size_t)kept * lines, sizeof(*blocks));

	for (uint32_t n = 0; world_wait(w, period * world_between(w, 0.8, 1.2)); n++) {
		for (uint32_t i = 0; i < lines; i++) {
			uint64_t *place = &blocks[(size_t)(n % kept) * lines + i];

			world_free(w, *place);
			*place = world_alloc(w, line, 80);
		}
		if (n >= kept)
			world_evidence(w, line);
	}
	free(blocks);
}

/* Visits with a long tail (Pareto). It can be seen when one of the long ones has ended. */
static void visits_tail(struct world *w)
{
	uint32_t visit = world_healthy(w, "visit");
	double rate = world_scale(w, 5, 100), least = world_between(w, 0.3, 3);
	double longest = world_between(w, 20, 90);

	while (world_wait(w, TICK)) {
		for (uint32_t n = world_poisson(w, rate * TICK); n; n--)
			world_free_after(
				w, world_alloc(w, visit, 400),
				fmin(least * pow(world_between(w, 1e-6, 1), -1 / 1.2), longest));
		if (world_now(w) > longest)
			world_evidence(w, visit);
	}
}

/* A buffer for each file that is open, enlarged while it is read, and freed with it. */
static void files(struct world *w)
{
	uint32_t buffer = world_healthy(w, "buffer");
	double takes = world_between(w, 5, 60), step = world_scale(w, 0.2, 2);

	for (uint64_t block = 0; world_wait(w, world_between(w, 0, 5)); block = 0) {
		double end = world_now(w) + takes * world_between(w, 0.5, 1);

		for (uint64_t bytes = LARGE; world_now(w) < end; bytes += LARGE) {
			block = world_realloc(w, buffer, block, bytes);
			if (!world_wait(w, step))
				return;
		}
		world_free(w, block);
		world_evidence(w, buffer);
	}
}

const struct workload own_more[] = {
	{"long_visits", long_visits, 200},
	{"rare", rare, 150},
	{"rounds", rounds, 250},
	{"transcript", transcript, 150},
	{"long_batch", long_batch, 400},
	{"expires_late", expires_late, 300},
	{"old_generation", old_generation, 400},
	{"last_reports", last_reports, 400},
	{"visits_tail", visits_tail, 250},
	{"files", files, 300},
	{0},
};
