/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages to the user. Input is printf arguments, among them names from a target, so a line is
 * cleaned as a whole after formatting. Each line is one write to stderr: lines of several threads,
 * or of this program and a command that shares its stderr, do not mix. While the screen owns the
 * terminal the newest LOG_KEPT_LINES lines are kept; what had to be dropped is counted and said.
 * Invariant: nothing is written to stderr between log_capture(true) and log_capture(false) or
 * exit(). The level and the kept lines are the process-wide state that the house style grants to
 * the log.
 */
#include "log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buffer.h"

#define LOG_KEPT_LINES 200
#define LOG_PREFIX     "tracer: "

static atomic_int current_level = LOG_NORMAL;

static struct {
	atomic_bool on; /* changed under the lock, read without it by log_last_words */
	_Atomic(const char *) last_words;
	pthread_mutex_t lock; /* guards all below, and the order of writes */
	bool at_exit;
	struct buffer lines[LOG_KEPT_LINES]; /* line i is at i % LOG_KEPT_LINES */
	unsigned long count;
} capture = {.lock = PTHREAD_MUTEX_INITIALIZER};

void log_set_level(enum log_level level)
{
	atomic_store_explicit(&current_level, (int)level, memory_order_relaxed);
}

enum log_level log_level(void)
{
	return (enum log_level)atomic_load_explicit(&current_level, memory_order_relaxed);
}

/* A closed or full stderr must not end the tracing: errors other than EINTR are given up on. */
static void write_all(const char *data, size_t length)
{
	while (length) {
		ssize_t n = write(STDERR_FILENO, data, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		data += n;
		length -= (size_t)n;
	}
}

static void write_or_keep(const struct buffer *line)
{
	pthread_mutex_lock(&capture.lock);
	if (capture.on) {
		struct buffer *slot = &capture.lines[capture.count++ % LOG_KEPT_LINES];

		buffer_reset(slot);
		buffer_add(slot, line->data, line->length);
	} else {
		write_all(line->data, line->length);
	}
	pthread_mutex_unlock(&capture.lock);
}

static void __attribute__((format(printf, 1, 0))) log_line(const char *format, va_list args)
{
	struct buffer text = {0}, line = {0};
	int saved_errno = errno;

	buffer_vprintf(&text, format, args);
	if (text.length && text.data[text.length - 1] == '\n')
		text.data[--text.length] = '\0';
	buffer_add_string(&line, LOG_PREFIX);
	buffer_add_clean(&line, text.data);
	buffer_add_char(&line, '\n');
	write_or_keep(&line);
	buffer_done(&text);
	buffer_done(&line);
	errno = saved_errno;
}

void log_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_line(format, args);
	va_end(args);
}

void log_always(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_line(format, args);
	va_end(args);
}

void log_warn(const char *format, ...)
{
	va_list args;

	if (log_level() < LOG_NORMAL)
		return;
	va_start(args, format);
	log_line(format, args);
	va_end(args);
}

void log_info(const char *format, ...)
{
	va_list args;

	if (log_level() < LOG_NORMAL)
		return;
	va_start(args, format);
	log_line(format, args);
	va_end(args);
}

void log_verbose(const char *format, ...)
{
	va_list args;

	if (log_level() < LOG_VERBOSE)
		return;
	va_start(args, format);
	log_line(format, args);
	va_end(args);
}

/* Under the lock. */
static void write_kept_lines(void)
{
	unsigned long first = capture.count > LOG_KEPT_LINES ? capture.count - LOG_KEPT_LINES : 0;
	unsigned long i;
	char note[80];

	if (first) {
		snprintf(note, sizeof(note), LOG_PREFIX "%lu older messages are not shown\n",
			 first);
		write_all(note, strlen(note));
	}
	for (i = first; i < capture.count; i++) {
		struct buffer *line = &capture.lines[i % LOG_KEPT_LINES];

		write_all(line->data, line->length);
		buffer_done(line);
	}
	capture.count = 0;
}

/* Exit handlers run newest first: one that restores the terminal must be registered after
 * log_capture(true). */
static void release_at_exit(void)
{
	const char *last_words;

	/* An exit from inside this file (out of memory) holds the lock: then the kept lines are
	 * lost. */
	if (!pthread_mutex_trylock(&capture.lock)) {
		capture.on = false;
		write_kept_lines();
		pthread_mutex_unlock(&capture.lock);
	}
	last_words = capture.last_words;
	if (last_words)
		write_all(last_words, strlen(last_words));
}

void log_last_words(const char *line)
{
	if (capture.on)
		capture.last_words = line;
	else
		write_all(line, strlen(line));
}

void log_capture(bool on)
{
	pthread_mutex_lock(&capture.lock);
	if (on && !capture.at_exit)
		capture.at_exit = !atexit(release_at_exit);
	capture.on = on;
	if (!on)
		write_kept_lines();
	pthread_mutex_unlock(&capture.lock);
}

bool log_newest(unsigned long *seen, char *out, size_t size)
{
	const struct buffer *line;
	bool fresh;

	pthread_mutex_lock(&capture.lock);
	fresh = capture.on && capture.count > *seen;
	if (fresh) {
		line = &capture.lines[(capture.count - 1) % LOG_KEPT_LINES];
		snprintf(out, size, "%.*s", (int)(line->length - strlen(LOG_PREFIX) - 1),
			 line->data + strlen(LOG_PREFIX));
	}
	*seen = capture.count;
	pthread_mutex_unlock(&capture.lock);
	return fresh;
}
