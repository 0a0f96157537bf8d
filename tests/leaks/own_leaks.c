/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs that leak, in the ways in which programs do. Parameters are random, by the seed. */
#include "world.h"

#define TICK 0.05

/* Blocks that are freed soon, at a rate, for one tick. */
static void churn(struct world *w, uint32_t site, double rate, double life_s)
{
	for (uint32_t n = world_poisson(w, rate * TICK); n; n--)
		world_free_after(w, world_alloc(w, site, 64), world_exponential(w, life_s));
}

static void fast(struct world *w)
{
	uint32_t lost = world_leak(w, "lost");
	double rate = world_scale(w, 50, 3000);
	uint64_t bytes = (uint64_t)world_scale(w, 16, 4096);

	while (world_wait(w, TICK))
		for (uint32_t n = world_poisson(w, rate * TICK); n; n--)
			world_alloc(w, lost, bytes);
}

/* One block of 48 bytes a second, while another site allocates all the time. */
static void slow(struct world *w)
{
	uint32_t busy = world_healthy(w, "busy"), lost = world_leak(w, "lost");
	double start = world_between(w, 0, 30), next = start;
	double rate = world_scale(w, 300, 3000);

	while (world_wait(w, TICK)) {
		churn(w, busy, rate, 0.01);
		if (world_now(w) < next)
			continue;
		world_alloc(w, lost, 48);
		next += 1;
	}
}

/* The same at 100,000 allocations a second. */
static void slow_busy(struct world *w)
{
	uint32_t busy = world_healthy(w, "busy"), lost = world_leak(w, "lost");
	uint64_t held[100];

	for (double second = 0; world_wait(w, 0.001);) {
		for (int i = 0; i < 100; i++)
			held[i] = world_alloc(w, busy, 200);
		for (int i = 0; i < 100; i++)
			world_free(w, held[i]);
		if (world_now(w) >= second) {
			world_alloc(w, lost, 48);
			second += 1;
		}
	}
}

/* The site that loses a block a second is the busy one itself. */
static void slow_same_site(struct world *w)
{
	uint32_t site = world_leak(w, "site");
	double rate = world_scale(w, 500, 3000), life = world_scale(w, 0.001, 0.3);
	double start = world_between(w, 0, 40), next = start;

	while (world_wait(w, TICK)) {
		churn(w, site, rate, life);
		if (world_now(w) < next)
			continue;
		world_alloc(w, site, 64);
		if (world_now(w) > start + 6 * life)
			world_evidence(w, site);
		next += 1;
	}
}

/* One in a hundred is not freed. */
static void partial(struct world *w)
{
	uint32_t site = world_leak(w, "site");
	double rate = world_scale(w, 100, 3000), life = world_scale(w, 0.01, 1);

	while (world_wait(w, TICK)) {
		for (uint32_t n = world_poisson(w, rate * TICK); n; n--) {
			uint64_t block = world_alloc(w, site, 100);

			if (!world_chance(w, 0.01))
				world_free_after(w, block, world_between(w, 0, 2 * life));
		}
		if (world_now(w) > 2 * life)
			world_evidence(w, site);
	}
}

/* Visits of up to 20 seconds, some of which never end. */
static void partial_visits(struct world *w)
{
	uint32_t site = world_leak(w, "visit");
	double rate = world_scale(w, 10, 300), longest = world_between(w, 5, 20);
	double lost = world_between(w, 0.01, 0.1);

	while (world_wait(w, TICK)) {
		for (uint32_t n = world_poisson(w, rate * TICK); n; n--) {
			uint64_t block = world_alloc(w, site, 300);

			if (!world_chance(w, lost))
				world_free_after(w, block, world_between(w, 0, longest));
		}
		if (world_now(w) > longest)
			world_evidence(w, site);
	}
}

static void bursts(struct world *w)
{
	uint32_t site = world_leak(w, "burst");
	double period = world_between(w, 2, 8);
	uint32_t size = (uint32_t)world_scale(w, 5, 500);

	for (int burst = 0; world_wait(w, period * world_between(w, 0.8, 1.2)); burst++) {
		for (uint32_t i = 0; i < size; i++)
			world_alloc(w, site, 80);
		if (burst == 1)
			world_evidence(w, site);
	}
}

/* Whatever was registered stays so: entries with their names, and a table that doubles. */
static void registry(struct world *w)
{
	uint32_t entry = world_leak(w, "entry"), name = world_leak(w, "name");
	uint32_t table = world_healthy(w, "table"), lookup = world_healthy(w, "lookup");
	double rate = world_scale(w, 2, 200);
	uint64_t slots = 16, used = 0, array = world_alloc(w, table, slots * 8);

	while (world_wait(w, TICK)) {
		churn(w, lookup, 50, 0.001);
		for (uint32_t n = world_poisson(w, rate * TICK); n; n--) {
			world_alloc(w, entry, 56);
			world_alloc(w, name, 8 + world_below(w, 40));
			if (++used > slots * 3 / 4)
				array = world_realloc(w, table, array, (slots *= 2) * 8);
		}
	}
}

/* Pairs that hold each other. Most are taken apart properly. */
static void cyclic(struct world *w)
{
	uint32_t parent = world_leak(w, "parent"), child = world_leak(w, "child");
	double rate = world_scale(w, 5, 300), good = world_between(w, 0, 0.9);

	while (world_wait(w, TICK)) {
		for (uint32_t n = world_poisson(w, rate * TICK); n; n--) {
			uint64_t a = world_alloc(w, parent, 120), b = world_alloc(w, child, 40);

			if (!world_chance(w, good))
				continue;
			world_free_after(w, a, 0.5);
			world_free_after(w, b, 0.5);
		}
		if (world_now(w) > 0.5) {
			world_evidence(w, parent);
			world_evidence(w, child);
		}
	}
}

static void threads(struct world *w)
{
	uint32_t work = world_healthy(w, "work"), lost = world_leak(w, "lost");
	uint32_t count = 2 + world_below(w, 14);
	double each = world_scale(w, 0.3, 10);

	while (world_wait(w, TICK)) {
		for (uint32_t t = 1; t <= count; t++) {
			world_thread(w, t);
			churn(w, work, 20, 0.1);
			for (uint32_t n = world_poisson(w, each * TICK); n; n--)
				world_alloc(w, lost, 32);
		}
	}
}

/* A buffer that is enlarged a few times, and then forgotten or freed. */
static void by_realloc(struct world *w)
{
	uint32_t buffer = world_leak(w, "buffer");
	double rate = world_scale(w, 2, 200), good = world_between(w, 0, 0.8);

	while (world_wait(w, TICK)) {
		for (uint32_t n = world_poisson(w, rate * TICK); n; n--) {
			uint64_t block = 0, bytes = 64;

			for (uint32_t i = 1 + world_below(w, 5); i; i--, bytes *= 2)
				block = world_realloc(w, buffer, block, bytes);
			if (world_chance(w, good))
				world_free_after(w, block, world_between(w, 0, 1));
		}
		if (world_now(w) > 1)
			world_evidence(w, buffer);
	}
}

/* Only the path of an error forgets. */
static void on_error(struct world *w)
{
	uint32_t request = world_healthy(w, "request"), message = world_leak(w, "message");
	double next = world_exponential(w, 1), mean = world_between(w, 0.3, 1.5);

	while (world_wait(w, TICK)) {
		churn(w, request, 200, 0.05);
		for (; world_now(w) >= next; next += world_exponential(w, mean))
			world_alloc(w, message, 128);
	}
}

/* All in all the process gets smaller. */
static void beside_shrinking(struct world *w)
{
	uint32_t data = world_healthy(w, "data"), lost = world_leak(w, "lost");
	double rate = world_scale(w, 1, 100);

	for (int i = 0; i < 20000; i++)
		world_free_after(w, world_alloc(w, data, 4096), world_between(w, 20, 200));
	world_evidence(w, data);
	while (world_wait(w, TICK))
		for (uint32_t n = world_poisson(w, rate * TICK); n; n--)
			world_alloc(w, lost, 100);
}

/* Healthy for a minute; then something happens, and it leaks. */
static void later(struct world *w)
{
	uint32_t site = world_leak(w, "site");
	double rate = world_scale(w, 20, 1000), life = world_scale(w, 0.01, 3);
	double start = world_between(w, 40, 80), lost = world_between(w, 0.02, 1);

	while (world_wait(w, TICK)) {
		for (uint32_t n = world_poisson(w, rate * TICK); n; n--) {
			uint64_t block = world_alloc(w, site, 100);

			if (world_now(w) < start || !world_chance(w, lost))
				world_free_after(w, block, world_between(w, 0, 2 * life));
		}
		if (world_now(w) > start + 2 * life)
			world_evidence(w, site);
	}
}

static double wave(double now, double period)
{
	double phase = now / period - (double)(long)(now / period);

	return phase < 0.5 ? 4 * phase - 1 : 3 - 4 * phase;
}

/* The load comes and goes, and the leak with it. */
static void with_load(struct world *w)
{
	uint32_t request = world_healthy(w, "request"), lost = world_leak(w, "lost");
	double rate = world_scale(w, 5, 100), period = world_between(w, 10, 60);

	while (world_wait(w, TICK)) {
		double now = rate * (1 + 0.7 * wave(world_now(w), period));

		churn(w, request, 10 * now, 0.2);
		for (uint32_t n = world_poisson(w, now * TICK); n; n--)
			world_alloc(w, lost, 100);
	}
}

/* A large block now and then. */
static void large(struct world *w)
{
	uint32_t image = world_leak(w, "image");
	double period = world_between(w, 1, 3);

	while (world_wait(w, period * world_between(w, 0.5, 1.5)))
		world_alloc(w, image, 1 << 20);
}

/* Sizes of many powers of ten: a few blocks are most of the bytes. */
static void all_sizes(struct world *w)
{
	uint32_t message = world_leak(w, "message");
	double rate = world_scale(w, 5, 200), good = world_between(w, 0, 0.9);

	while (world_wait(w, TICK)) {
		for (uint32_t n = world_poisson(w, rate * TICK); n; n--) {
			uint64_t block = world_alloc(w, message, (uint64_t)world_scale(w, 8, 1e6));

			if (world_chance(w, good))
				world_free_after(w, block, world_exponential(w, 0.2));
		}
		if (world_now(w) > 1)
			world_evidence(w, message);
	}
}

/* Much is there from the start-up, at the same site. */
static void after_startup(struct world *w)
{
	uint32_t node = world_leak(w, "node");
	uint32_t start = (uint32_t)world_scale(w, 100, 5000);
	double begin = world_between(w, 5, 40), rate = world_between(w, 0.01, 0.1) * start;

	for (uint32_t i = 0; i < start; i++)
		world_alloc(w, node, 72);
	while (world_wait(w, TICK)) {
		if (world_now(w) < begin)
			continue;
		world_evidence(w, node);
		for (uint32_t n = world_poisson(w, rate * TICK); n; n--)
			world_alloc(w, node, 72);
	}
}

/* Lists of which only the first half is freed. */
static void half_lists(struct world *w)
{
	uint32_t node = world_leak(w, "node");
	double period = world_between(w, 0.2, 2);
	uint64_t list[40];

	while (world_wait(w, period)) {
		for (int i = 0; i < 40; i++)
			list[i] = world_alloc(w, node, 24);
		for (int i = 0; i < 20; i++)
			world_free_after(w, list[i], 1);
		if (world_now(w) > 2)
			world_evidence(w, node);
	}
}

const struct workload own_leaks[] = {
	{"fast", fast, 90},
	{"slow", slow, 120},
	{"slow_busy", slow_busy, 45},
	{"slow_same_site", slow_same_site, 150},
	{"partial", partial, 120},
	{"partial_visits", partial_visits, 150},
	{"bursts", bursts, 120},
	{"registry", registry, 120},
	{"cyclic", cyclic, 120},
	{"threads", threads, 100},
	{"by_realloc", by_realloc, 120},
	{"on_error", on_error, 120},
	{"beside_shrinking", beside_shrinking, 150},
	{"later", later, 200},
	{"with_load", with_load, 150},
	{"large", large, 100},
	{"all_sizes", all_sizes, 120},
	{"after_startup", after_startup, 150},
	{"half_lists", half_lists, 120},
	{0},
};
