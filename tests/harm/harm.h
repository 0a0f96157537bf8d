/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the programs of the harm suite share. Each says "ready PID", waits for a line on stdin (not
 * with --now), does something that tracing could break, and says what came of it. Nothing that it
 * says may depend on time, addresses or process numbers: a traced run must say the same as one that
 * is not traced.
 */
#ifndef HARM_H
#define HARM_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SITE __attribute__((noinline, noclone))
/* Makes the compiler believe that the pointer is used. */
#define KEEP(p) __asm__ volatile("" : : "r"(p) : "memory")

static inline int harm_has(int argc, char **argv, const char *word)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], word))
			return 1;
	return 0;
}

/* Allocates nothing: the first allocation must be seen, whenever it comes. */
static inline void harm_line(void)
{
	char c = 0;

	while (read(STDIN_FILENO, &c, 1) == 1 && c != '\n')
		;
}

static inline void harm_say(const char *word, long value)
{
	char line[128];
	int n = snprintf(line, sizeof(line), "%s %ld\n", word, value);

	if (write(STDOUT_FILENO, line, (size_t)n) != n)
		_exit(99);
}

static inline void harm_ready(int argc, char **argv)
{
	harm_say("ready", (long)getpid());
	if (!harm_has(argc, argv, "--now"))
		harm_line();
}

/* Something to see for whoever traces: pairs, and one block that stays. */
SITE static void *harm_pairs(long count)
{
	for (long i = 0; i < count; i++) {
		void *p = malloc(100 + (size_t)(i % 64));

		KEEP(p);
		free(p);
	}
	return malloc(1009);
}

#endif /* HARM_H */
