/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A heap that goes up and down as it is told, a command a line: `+SITE N` has N more blocks, `-SITE N` gives the newest N back, `~ N` has
 * and frees N blocks one after the other. Each is answered by `did`; the end of stdin ends it. Sites are
 *   a, b      blocks of 1009 bytes
 *   f, m      blocks of a megabyte, each a mapping of its own: filled; not touched at all
 */
#include <stdio.h>
#include "target.h"

#define SMALL	   1009
#define LARGE	   (1ul << 20)
#define MOST	   100000
#define LINE_BYTES 64

struct pile {
	char name;
	const char *site;
	void *(*take)(void);
	size_t bytes;
	long count;
	void *blocks[MOST];
};

SITE static void *site_a(void)
{
	return memset(malloc(SMALL), 1, SMALL);
}

SITE static void *site_b(void)
{
	return memset(malloc(SMALL), 1, SMALL);
}

SITE static void *site_filled(void)
{
	return memset(malloc(LARGE), 1, LARGE);
}

SITE static void *site_mapped(void)
{
	void *p = malloc(LARGE);

	KEEP(p);
	return p;
}

SITE static void site_temporary(void)
{
	void *p = malloc(SMALL);

	KEEP(p);
	gave("malloc", "site_temporary", SMALL);
	free(p);
	took("malloc", "site_temporary", SMALL);
}

static struct pile piles[] = {
	{.name = 'a', .site = "site_a", .take = site_a, .bytes = SMALL},
	{.name = 'b', .site = "site_b", .take = site_b, .bytes = SMALL},
	{.name = 'f', .site = "site_filled", .take = site_filled, .bytes = LARGE},
	{.name = 'm', .site = "site_mapped", .take = site_mapped, .bytes = LARGE},
};

static struct pile *find(char name)
{
	for (size_t i = 0; i < sizeof(piles) / sizeof(*piles); i++) {
		if (piles[i].name == name)
			return &piles[i];
	}
	_exit(2);
}

static void rise(struct pile *p, long n)
{
	for (; n > 0 && p->count < MOST; n--) {
		p->blocks[p->count] = p->take();
		KEEP(p->blocks[p->count]);
		p->count++;
		gave("malloc", p->site, p->bytes);
	}
}

static void fall(struct pile *p, long n)
{
	for (; n > 0 && p->count; n--) {
		free(p->blocks[--p->count]);
		took("malloc", p->site, p->bytes);
	}
}

static void obey(const char *line)
{
	long n = 0;
	char name;

	if (sscanf(line, "~ %ld", &n) == 1) {
		while (n-- > 0)
			site_temporary();
	} else if (sscanf(line, "+%c %ld", &name, &n) == 2) {
		rise(find(name), n);
	} else if (sscanf(line, "-%c %ld", &name, &n) == 2) {
		fall(find(name), n);
	} else {
		_exit(2);
	}
	target_write("did\n", 4);
}

/* Without stdio, which would have a buffer of its own in the heap. 0 at the end of stdin. */
static int read_line(char *line)
{
	size_t length = 0;

	for (;;) {
		if (length == LINE_BYTES - 1 || read(STDIN_FILENO, &line[length], 1) != 1)
			return 0;
		if (line[length] == '\n') {
			line[length] = '\0';
			return 1;
		}
		length++;
	}
}

int main(int argc, char **argv)
{
	char line[LINE_BYTES];

	target_ready(argc, argv);
	while (read_line(line))
		obey(line);
	target_done();
	return 0;
}
