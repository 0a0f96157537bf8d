/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What all target programs share: the talk with the test that runs them, and the bookkeeping of
 * what is true.
 *
 * Protocol: "ready PID" on stdout, then one line is read from stdin (not with --now), the work is
 * done, "truth ..." lines tell what a tracer must have found, "done", and one more line is read
 * (not with --now). Lines are:
 *   truth KEY VALUE         totals: outstanding_bytes, outstanding_count, alloc_bytes, alloc_count,
 *                           free_count
 *   truth NAME BYTES COUNT  outstanding, by allocator function and by site_* function (names may
 *                           have spaces)
 * A successful realloc counts as one free of the old block and one allocation. Only public entry
 * points count, and only those called by the program itself: nothing in here allocates, so nothing
 * else happens between "ready" and "done".
 */
#ifndef TARGETS_TARGET_H
#define TARGETS_TARGET_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SITE	   __attribute__((noinline, noclone))
#define TRUTH_ROWS 64

/* Makes the compiler believe that the pointer is used. */
#define KEEP(p) __asm__ volatile("" : : "r"(p) : "memory")

struct truth_row {
	const char *api;
	const char *site;
	long bytes;
	long count;
};

struct truth {
	struct truth_row rows[TRUTH_ROWS];
	int lock;
	long alloc_bytes, alloc_count, free_count;
	int now;
};

static struct truth truth;

static inline void target_write(const char *s, size_t length)
{
	while (length > 0) {
		ssize_t n = write(STDOUT_FILENO, s, length);

		if (n <= 0)
			_exit(1);
		s += n;
		length -= (size_t)n;
	}
}

static inline size_t target_append(char *line, size_t at, const char *s)
{
	while (*s && at < 250)
		line[at++] = *s++;
	return at;
}

static inline size_t target_append_number(char *line, size_t at, long value)
{
	char digits[24];
	size_t n = sizeof(digits);
	unsigned long rest = value < 0 ? 0ul - (unsigned long)value : (unsigned long)value;

	digits[--n] = '\0';
	do {
		digits[--n] = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest);
	if (value < 0)
		digits[--n] = '-';
	return target_append(line, at, digits + n);
}

static inline void target_say(const char *word, const char *key, long value)
{
	char line[256];
	size_t at = target_append(line, 0, word);

	at = target_append(line, at, key);
	at = target_append(line, at, " ");
	at = target_append_number(line, at, value);
	line[at++] = '\n';
	target_write(line, at);
}

static inline void target_truth(const char *key, long value)
{
	target_say("truth ", key, value);
}

static inline void target_truth_two(const char *name, long bytes, long count)
{
	char line[256];
	size_t at = target_append(line, 0, "truth ");

	at = target_append(line, at, name);
	at = target_append(line, at, " ");
	at = target_append_number(line, at, bytes);
	at = target_append(line, at, " ");
	at = target_append_number(line, at, count);
	line[at++] = '\n';
	target_write(line, at);
}

/* Returns 0 at the end of stdin. */
static inline int target_wait(void)
{
	char c = 0;
	ssize_t n;

	do {
		n = read(STDIN_FILENO, &c, 1);
	} while (n == 1 && c != '\n');
	return n == 1;
}

/* The n-th argument that is a number, counted from 0. */
static inline long target_number(int argc, char **argv, int n, long otherwise)
{
	for (int i = 1; i < argc; i++)
		if (argv[i][0] >= '0' && argv[i][0] <= '9' && n-- == 0)
			return strtol(argv[i], NULL, 10);
	return otherwise;
}

static inline int target_has(int argc, char **argv, const char *option)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], option) == 0)
			return 1;
	return 0;
}

static inline void target_ready(int argc, char **argv)
{
	truth.now = target_has(argc, argv, "--now");
	target_say("", "ready", (long)getpid());
	if (!truth.now)
		target_wait();
}

static inline void truth_lock(void)
{
	while (__atomic_exchange_n(&truth.lock, 1, __ATOMIC_ACQUIRE))
		;
}

static inline void truth_unlock(void)
{
	__atomic_store_n(&truth.lock, 0, __ATOMIC_RELEASE);
}

static inline struct truth_row *truth_find(const char *api, const char *site)
{
	for (int i = 0; i < TRUTH_ROWS; i++) {
		struct truth_row *row = &truth.rows[i];

		if (!row->api) {
			row->api = api;
			row->site = site;
		}
		if (strcmp(row->api, api) == 0 && strcmp(row->site, site) == 0)
			return row;
	}
	_exit(1);
}

/* A block was handed out by `api`, called in the function `site`. */
static inline void gave(const char *api, const char *site, size_t bytes)
{
	struct truth_row *row;

	truth_lock();
	row = truth_find(api, site);
	row->bytes += (long)bytes;
	row->count++;
	truth.alloc_bytes += (long)bytes;
	truth.alloc_count++;
	truth_unlock();
}

/* A block that `api` had handed out in `site` was given back. */
static inline void took(const char *api, const char *site, size_t bytes)
{
	struct truth_row *row;

	truth_lock();
	row = truth_find(api, site);
	row->bytes -= (long)bytes;
	row->count--;
	truth.free_count++;
	truth_unlock();
}

static inline void truth_say_sum(const char *name, int by_site)
{
	long bytes = 0, count = 0;

	for (int i = 0; i < TRUTH_ROWS && truth.rows[i].api; i++) {
		struct truth_row *row = &truth.rows[i];

		if (strcmp(by_site ? row->site : row->api, name) == 0) {
			bytes += row->bytes;
			count += row->count;
		}
	}
	target_truth_two(name, bytes, count);
}

static inline void truth_say_rows(int by_site)
{
	for (int i = 0; i < TRUTH_ROWS && truth.rows[i].api; i++) {
		const char *name = by_site ? truth.rows[i].site : truth.rows[i].api;
		int seen = 0;

		for (int k = 0; k < i; k++)
			seen |= strcmp(by_site ? truth.rows[k].site : truth.rows[k].api, name) == 0;
		if (!seen)
			truth_say_sum(name, by_site);
	}
}

static inline void truth_say_all(void)
{
	long bytes = 0, count = 0;

	for (int i = 0; i < TRUTH_ROWS && truth.rows[i].api; i++) {
		bytes += truth.rows[i].bytes;
		count += truth.rows[i].count;
	}
	target_truth("outstanding_bytes", bytes);
	target_truth("outstanding_count", count);
	target_truth("alloc_bytes", truth.alloc_bytes);
	target_truth("alloc_count", truth.alloc_count);
	target_truth("free_count", truth.free_count);
	truth_say_rows(0);
	truth_say_rows(1);
}

static inline void target_done(void)
{
	truth_say_all();
	target_write("done\n", 5);
	if (!truth.now)
		target_wait();
}

#endif /* TARGETS_TARGET_H */
