/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs that do not leak, though some look as if for a while. Parameters are random, by the seed. */
#include <stdlib.h>
#include "world.h"

#define TICK 0.05

/* A cache that fills at a steady rate and then replaces what is oldest, or a random entry, or nothing. */
static void fill(struct world *w, double seconds, int replace)
{
	uint32_t entry = world_healthy(w, "entry"), count = (uint32_t)world_scale(w, 100, 20000);
	double rate = count / seconds;
	uint64_t *entries = calloc(count, sizeof(*entries));
	uint32_t used = 0, oldest = 0;

	while (world_wait(w, TICK)) {
		for (uint32_t n = world_poisson(w, rate * TICK); n; n--) {
			uint32_t at = used < count   ? used++
				      : replace == 1 ? oldest++ % count
						     : world_below(w, count);

			if (entries[at] && !replace)
				continue;
			world_free(w, entries[at]);
			entries[at] = world_alloc(w, entry, 100 + world_below(w, 100));
		}
		if (used == count)
			world_evidence(w, entry);
	}
	free(entries);
}

static void cache_quick(struct world *w)
{
	fill(w, world_between(w, 2, 18), 2);
}

static void cache_slow(struct world *w)
{
	fill(w, world_between(w, 30, 90), 2);
}

static void cache_without_end(struct world *w)
{
	fill(w, world_between(w, 5, 90), 0);
}

static void lru(struct world *w)
{
	fill(w, world_between(w, 3, 60), 1);
}

/* Keys come again: the fuller it is, the slower it fills. */
static void interned(struct world *w)
{
	uint32_t name = world_healthy(w, "name"), count = (uint32_t)world_scale(w, 50, 5000);
	double constant_s = world_between(w, 3, 40), rate = count / constant_s;
	bool *there = calloc(count, sizeof(*there));
	uint32_t used = 0;

	while (world_wait(w, TICK)) {
		for (uint32_t n = world_poisson(w, rate * TICK); n; n--) {
			uint32_t key = world_below(w, count);

			if (there[key])
				continue;
			there[key] = true;
			used++;
			world_alloc(w, name, 16 + key % 48);
		}
		if (used >= count * 0.9)
			world_evidence(w, name);
	}
	free(there);
}

/* Entries that expire. */
static void cache_expires(struct world *w)
{
	uint32_t entry = world_healthy(w, "entry");
	double rate = world_scale(w, 10, 1000), life = world_between(w, 3, 19);

	while (world_wait(w, TICK))
		for (uint32_t n = world_poisson(w, rate * TICK); n; n--)
			world_free_after(w, world_alloc(w, entry, 256), life);
}

/* A queue whose length is a random walk with a tendency to 0. */
static void queue(struct world *w)
{
	uint32_t item = world_healthy(w, "item");
	double in = world_scale(w, 20, 500), out = in * world_between(w, 1.03, 1.5);
	uint64_t items[65536];
	uint32_t head = 0, tail = 0;

	while (world_wait(w, TICK)) {
		for (uint32_t n = world_poisson(w, in * TICK); n; n--)
			items[head++ % 65536] = world_alloc(w, item, 120);
		for (uint32_t n = world_poisson(w, out * TICK); n && tail != head; n--)
			world_free(w, items[tail++ % 65536]);
	}
}

/* Work comes in lots and is done one after the other. */
static void queue_of_lots(struct world *w)
{
	uint32_t item = world_healthy(w, "item");
	double period = world_between(w, 3, 20);
	uint32_t lot = (uint32_t)world_scale(w, 20, 2000);

	while (world_wait(w, period * world_between(w, 0.8, 1.2)))
		for (uint32_t i = 0; i < lot; i++)
			world_free_after(w, world_alloc(w, item, 64), 0.9 * period * (i + 1) / lot);
}

/* Piles up, and is given back all at once. */
static void sawtooth(struct world *w, double period)
{
	uint32_t record = world_healthy(w, "record");
	double rate = world_scale(w, 10, 500);

	for (double end = period;; end += period * world_between(w, 0.9, 1.1)) {
		while (world_now(w) < end) {
			if (!world_wait(w, TICK))
				return;
			for (uint32_t n = world_poisson(w, rate * TICK); n; n--)
				world_free_after(w, world_alloc(w, record, 90), end - world_now(w));
		}
		if (period > 20)
			world_evidence(w, record);
	}
}

static void sawtooth_quick(struct world *w)
{
	sawtooth(w, world_between(w, 2, 19));
}

static void sawtooth_slow(struct world *w)
{
	sawtooth(w, world_between(w, 25, 80));
}

/* Large chunks, of which small things are made. It has proved large enough when none was added for 20 seconds. */
static void pool(struct world *w)
{
	uint32_t chunk = world_healthy(w, "chunk");
	double load = 0, chunks = 0, step = world_scale(w, 1, 20), added = 0;

	while (world_wait(w, 0.2)) {
		load = 0.98 * load + step * world_between(w, 0, 1);
		for (; chunks < load; chunks++) {
			world_alloc(w, chunk, 65536);
			added = world_now(w);
		}
		if (world_now(w) > added + 20)
			world_evidence(w, chunk);
	}
}

static void startup(struct world *w)
{
	uint32_t table = world_healthy(w, "table"), request = world_healthy(w, "request");
	double seconds = world_between(w, 1, 15), rate = world_scale(w, 20, 2000);

	while (world_wait(w, TICK)) {
		for (uint32_t n = world_poisson(w, 50 * TICK); n; n--)
			world_free_after(w, world_alloc(w, request, 200), 0.1);
		if (world_now(w) > seconds)
			world_evidence(w, table);
		else
			for (uint32_t n = world_poisson(w, rate * TICK); n; n--)
				world_alloc(w, table, 64);
	}
}

/* Parts are loaded when they are first needed: ever more rarely. */
static void startup_lazy(struct world *w)
{
	uint32_t part = world_healthy(w, "part");
	double constant_s = world_between(w, 3, 15), parts = world_scale(w, 20, 300), left = parts;

	while (world_wait(w, TICK)) {
		uint32_t n = world_poisson(w, left * TICK / constant_s);

		for (left -= n; n; n--)
			for (int i = 0; i < 10; i++)
				world_alloc(w, part, 200);
		if (left < parts * 0.1)
			world_evidence(w, part);
	}
}

static void visits(struct world *w)
{
	uint32_t visit = world_healthy(w, "visit");
	double rate = world_scale(w, 5, 500), longest = world_between(w, 5, 20);

	while (world_wait(w, TICK))
		for (uint32_t n = world_poisson(w, rate * TICK); n; n--)
			world_free_after(w, world_alloc(w, visit, 400),
					 world_between(w, 0, longest));
}

/* Without a longest. */
static void visits_exponential(struct world *w)
{
	uint32_t visit = world_healthy(w, "visit");
	double rate = world_scale(w, 5, 300), mean = world_between(w, 3, 40);

	while (world_wait(w, TICK))
		for (uint32_t n = world_poisson(w, rate * TICK); n; n--)
			world_free_after(w, world_alloc(w, visit, 400), world_exponential(w, mean));
}

/* There were visits before, and more come. */
static void load_rises(struct world *w)
{
	uint32_t visit = world_healthy(w, "visit");
	double rate = world_scale(w, 5, 100), life = world_scale(w, 0.5, 10);

	while (world_wait(w, TICK)) {
		double now = rate * (1 + world_now(w) / 30);

		for (uint32_t n = world_poisson(w, now * TICK); n; n--)
			world_free_after(w, world_alloc(w, visit, 400),
					 world_between(w, 0, 2 * life));
	}
}

static void load_waves(struct world *w)
{
	uint32_t visit = world_healthy(w, "visit");
	double rate = world_scale(w, 10, 300), life = world_scale(w, 0.5, 8);
	double period = world_between(w, 20, 100);

	while (world_wait(w, TICK)) {
		double phase = world_now(w) / period - (double)(long)(world_now(w) / period);
		double now = rate * (phase < 0.5 ? 0.3 + 2 * phase : 2.3 - 2 * phase);

		for (uint32_t n = world_poisson(w, now * TICK); n; n--)
			world_free_after(w, world_alloc(w, visit, 400),
					 world_between(w, 0, 2 * life));
	}
}

/* A job now and then that takes some seconds and gives all back. */
static void batch(struct world *w)
{
	uint32_t row = world_healthy(w, "row");
	double period = world_between(w, 10, 40), takes = world_between(w, 1, 9);
	uint32_t rows = (uint32_t)world_scale(w, 50, 3000);

	for (bool alive = true; alive;) {
		for (uint32_t i = 0; alive && i < rows; i++) {
			alive = world_wait(w, takes / rows);
			world_free_after(w, world_alloc(w, row, 150),
					 takes * (rows - i) / rows + 0.1);
		}
		alive = alive && world_wait(w, period - takes);
	}
}

/* Vectors that double until they are done with. */
static void vectors(struct world *w)
{
	uint32_t data = world_healthy(w, "data");
	double step = world_scale(w, 0.05, 3);
	uint32_t most = 3 + world_below(w, 15);
	uint64_t block = 0;

	for (uint32_t n = 0; world_wait(w, step); n++) {
		if (n == most) {
			world_free(w, block);
			block = n = 0;
		}
		block = world_realloc(w, data, block, 64ull << n);
	}
}

static void request(struct world *w)
{
	uint32_t line = world_healthy(w, "line"), reply = world_healthy(w, "reply");
	double rate = world_scale(w, 50, 3000);

	while (world_wait(w, TICK)) {
		for (uint32_t n = world_poisson(w, rate * TICK); n; n--) {
			world_free_after(w, world_alloc(w, line, 80), world_exponential(w, 0.002));
			world_free_after(w,
					 world_alloc(w, reply, (uint64_t)world_scale(w, 100, 1e5)),
					 world_exponential(w, 0.05));
		}
	}
}

static void thread_pool(struct world *w)
{
	uint32_t stack = world_healthy(w, "stack");
	double mean = world_scale(w, 0.2, 5);

	for (uint32_t thread = 1; world_wait(w, world_exponential(w, mean)); thread++) {
		world_thread(w, thread);
		world_free_after(w, world_alloc(w, stack, 8192), world_between(w, 0.1, 15));
	}
}

static void shrinks(struct world *w)
{
	uint32_t data = world_healthy(w, "data");
	double seconds = world_between(w, 60, 150);

	for (int i = 0; i < 5000; i++)
		world_free_after(w, world_alloc(w, data, 1000), world_between(w, 30, seconds));
	while (world_wait(w, 1))
		;
}

/* Connections that are kept for some minutes at most; the longer it is watched, the more old ones there are. */
static void connections(struct world *w)
{
	uint32_t connection = world_healthy(w, "connection");
	double mean = world_between(w, 20, 90), rate = world_scale(w, 2, 50);

	for (uint32_t i = 0; i < rate * mean; i++)
		world_free_after(w, world_alloc(w, connection, 1500), world_exponential(w, mean));
	while (world_wait(w, TICK))
		for (uint32_t n = world_poisson(w, rate * TICK); n; n--)
			world_free_after(w, world_alloc(w, connection, 1500),
					 world_exponential(w, mean));
}

/* Most die young, the others are looked through every half minute or so. */
static void collector(struct world *w)
{
	uint32_t object = world_healthy(w, "object");
	double minor = world_between(w, 1, 3), major = world_between(w, 12, 18);
	double rate = world_scale(w, 20, 500);

	for (double next = minor, full = major; world_wait(w, TICK);) {
		for (uint32_t n = world_poisson(w, rate * TICK); n; n--)
			world_free_after(w, world_alloc(w, object, 48),
					 (world_chance(w, 0.9) ? next : full) - world_now(w));
		if (world_now(w) >= next)
			next += minor;
		if (world_now(w) >= full)
			full += major;
	}
}

/* The new configuration is there before the old one goes. */
static void reload(struct world *w)
{
	uint32_t rule = world_healthy(w, "rule");
	double period = world_between(w, 8, 40);
	uint32_t count = (uint32_t)world_scale(w, 20, 2000);

	do {
		for (uint32_t i = 0; i < count + world_below(w, count / 10); i++)
			world_free_after(w, world_alloc(w, rule, 112), period + 0.5);
	} while (world_wait(w, period));
}

/* One data set more, once, and it stays. */
static void one_step(struct world *w)
{
	uint32_t row = world_healthy(w, "row");
	uint32_t before = (uint32_t)world_scale(w, 10, 1000),
		 rows = (uint32_t)world_scale(w, 50, 5000);
	double seconds = world_between(w, 0.1, 4);

	for (uint32_t i = 0; i < before; i++)
		world_alloc(w, row, 100);
	if (!world_wait(w, world_between(w, 20, 60)))
		return;
	for (uint32_t i = 0; i < rows && world_wait(w, seconds / rows); i++)
		world_alloc(w, row, 100);
	world_evidence(w, row);
}

/* Entries live as long as it takes until another hits their place. */
static void memo(struct world *w)
{
	uint32_t value = world_healthy(w, "value"), count = (uint32_t)world_scale(w, 16, 2048);
	double rate = count / world_between(w, 0.5, 8);
	uint64_t *values = calloc(count, sizeof(*values));

	while (world_wait(w, TICK)) {
		for (uint32_t n = world_poisson(w, rate * TICK); n; n--) {
			uint32_t at = world_below(w, count);

			world_free(w, values[at]);
			values[at] = world_alloc(w, value, (uint64_t)world_scale(w, 16, 10000));
		}
	}
	free(values);
}

/* Two buffers in turn, whose sizes differ. */
static void double_buffer(struct world *w)
{
	uint32_t frame = world_healthy(w, "frame");
	double period = world_scale(w, 0.03, 2);

	while (world_wait(w, period))
		world_free_after(w, world_alloc(w, frame, 100000 + world_below(w, 900000)),
				 1.9 * period);
}

const struct workload own_healthy[] = {
	{"cache_quick", cache_quick, 150},
	{"cache_slow", cache_slow, 240},
	{"cache_without_end", cache_without_end, 240},
	{"lru", lru, 200},
	{"interned", interned, 300},
	{"cache_expires", cache_expires, 120},
	{"queue", queue, 200},
	{"queue_of_lots", queue_of_lots, 150},
	{"sawtooth_quick", sawtooth_quick, 150},
	{"sawtooth_slow", sawtooth_slow, 400},
	{"pool", pool, 200},
	{"startup", startup, 120},
	{"startup_lazy", startup_lazy, 200},
	{"visits", visits, 150},
	{"visits_exponential", visits_exponential, 240},
	{"load_rises", load_rises, 150},
	{"load_waves", load_waves, 240},
	{"batch", batch, 200},
	{"vectors", vectors, 150},
	{"request", request, 60},
	{"thread_pool", thread_pool, 150},
	{"shrinks", shrinks, 200},
	{"connections", connections, 240},
	{"collector", collector, 150},
	{"reload", reload, 200},
	{"one_step", one_step, 200},
	{"memo", memo, 150},
	{"double_buffer", double_buffer, 100},
	{0},
};
