/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages to the user: one line each on stderr, "tracer: cannot VERB 'OBJECT': reason", then what
 * to do. Control characters in arguments are replaced when the line is written, so names from a
 * target can be passed as they are. Any thread. While the screen is up (log_capture) lines are kept
 * and written when it is gone.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>

enum log_level { LOG_QUIET = 0, LOG_NORMAL = 1, LOG_VERBOSE = 2 };

void log_set_level(enum log_level level);
enum log_level log_level(void);

/* Always written, also with -q. */
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The lines that -q keeps by contract (the summary). */
void log_always(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_verbose(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Keep lines in memory (true) or write the kept ones and go on writing (false). */
void log_capture(bool on);
/*
 * The newest kept line, without its end and the program's name, when lines were kept since *seen, which is brought
 * up to date. False: none was.
 */
bool log_newest(unsigned long *seen, char *out, size_t size);

/*
 * For the way out without memory: a whole constant line, written at once, or while lines are kept,
 * behind them at exit(). Neither allocates nor waits for a lock.
 */
void log_last_words(const char *line);

#endif /* BASE_LOG_H */
