/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A library without a C library: nested inlined functions, blocks of their own, a frame that is
 * realigned, calls through the PLT, allocator names, jumps between them.
 */
typedef unsigned long size_t;

void *malloc(size_t bytes);
void *calloc(size_t count, size_t bytes);
void free(void *block);
void outside(void *);
extern int elsewhere;

static char arena[64];
static size_t used;

static inline __attribute__((always_inline)) size_t inner(size_t n)
{
	size_t twice = n * 2;

	if (twice > sizeof(arena)) {
		size_t rest = twice - sizeof(arena);

		outside(&rest);
		return rest;
	}
	return twice;
}

static inline __attribute__((always_inline)) size_t middle(size_t n)
{
	return inner(n) + inner(n + 1);
}

__attribute__((noinline)) static void *take(size_t bytes)
{
	void *at = arena + used;

	used += middle(bytes);
	outside(at);
	return at;
}

void *malloc(size_t bytes)
{
	return take(bytes);
}

void *calloc(size_t count, size_t bytes)
{
	return take(count * bytes);
}

void free(void *block)
{
	if (block)
		outside(block);
}

__attribute__((noinline, aligned(64))) size_t realigned(size_t n)
{
	__attribute__((aligned(64))) char text[128];
	char more[n + 1];

	text[0] = more[0] = (char)n;
	outside(text);
	outside(more);
	return (size_t)text[0] + (size_t)elsewhere;
}

int choose(int n)
{
	switch (n) {
	case 0: return (int)realigned(3);
	case 1: return 17;
	case 2: return elsewhere;
	case 3: return elsewhere + 1;
	case 4: outside(arena); return 5;
	case 5: return 99;
	default: return n;
	}
}

void _start(void);
void _start(void)
{
	free(calloc(1, (size_t)choose(2)));
	for (;;)
		;
}
