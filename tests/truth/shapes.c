/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames as compilers make them, and ways from one to the next that lie in the C library. */
#include "truth.h"

#include <alloca.h>
#include <link.h>
#include <pthread.h>
#include <search.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static SHAPE void shape_plain(int depth)
{
	next(depth);
	KEEP(&depth);
}

static SHAPE void shape_alloca(int depth)
{
	char *p = alloca(16 + draw(3000));

	KEEP(p);
	next(depth);
	KEEP(p);
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wvla"
static SHAPE void shape_array(int depth)
{
	char p[1 + draw(500)];

	KEEP(p);
	next(depth);
	KEEP(p);
}
#pragma GCC diagnostic pop

/* Beyond a page. */
static SHAPE void shape_large(int depth)
{
	char big[5000];

	KEEP(big);
	next(depth);
	KEEP(big);
}

static SHAPE void shape_huge(int depth)
{
	char big[120000];

	KEEP(big);
	next(depth);
	KEEP(big);
}

static SHAPE void shape_realigned(int depth)
{
	char __attribute__((aligned(64))) line[64];

	KEEP(line);
	next(depth);
	KEEP(line);
}

static SHAPE void shape_realigned_alloca(int depth)
{
	char __attribute__((aligned(128))) line[64];
	char *p = alloca(16 + draw(100));

	KEEP(line);
	KEEP(p);
	next(depth);
	KEEP(p);
	KEEP(line);
}

typedef double vector __attribute__((vector_size(32)));

static __attribute__((target("avx"))) SHAPE void shape_avx(int depth)
{
	volatile vector v = {1, 2, 3, depth};
	vector w = v * v;

	next(depth);
	v = w + v;
	KEEP(&v);
}

struct large {
	long words[40];
};

static SHAPE struct large with_many(struct large a, int b, int c, int d, int e, int f, int g,
				    int depth)
{
	a.words[b & 31] = c + d + e + f + g;
	next(depth);
	return a;
}

static SHAPE void shape_arguments(int depth)
{
	struct large a = {{0}};

	a = with_many(a, 1, 2, 3, 4, 5, 6, depth);
	KEEP(&a);
}

/* Optimised, this one leaves no frame. */
static SHAPE void shape_tail(int depth)
{
	shape_fn *f = choose(&depth);

	f(depth);
}

static SHAPE void recursion(int levels, int depth)
{
	if (levels > 0 && room())
		recursion(levels - 1, depth);
	else
		next(depth);
	KEEP(&levels);
}

static SHAPE void shape_recursion(int depth)
{
	recursion((int)draw(20), depth);
	KEEP(&depth);
}

static SHAPE void shape_saved(int depth)
{
	volatile long v = depth;
	long a = v, b = v + 1, c = v * 2, d = v - 3, e = v ^ 5;

	next(depth);
	v = a + b * c + d * e;
	next(0);
	v = a * b + c - d + e;
}

/* ---- through the C library ---- */

static __thread int inside_depth;

/* Goes on once, from the first call of many. */
static SHAPE int compare(const void *a, const void *b)
{
	int depth = inside_depth;

	inside_depth = -1;
	if (depth >= 0)
		next(depth);
	return *(const char *)a - *(const char *)b;
}

static SHAPE void shape_qsort(int depth)
{
	char letters[] = "forms of frames";

	inside_depth = depth;
	qsort(letters, sizeof(letters) - 1, 1, compare);
	KEEP(letters);
}

static SHAPE void shape_bsearch(int depth)
{
	static const char letters[] = "abcdefghijkl";

	inside_depth = depth;
	KEEP(bsearch("h", letters, sizeof(letters) - 1, 1, compare));
}

static SHAPE void shape_lfind(int depth)
{
	static const char letters[] = "abcdefghijkl";
	size_t count = 12;

	inside_depth = depth;
	KEEP(lfind("h", letters, &count, 1, compare));
}

static SHAPE int on_object(struct dl_phdr_info *info, size_t size, void *data)
{
	int depth = *(int *)data;

	KEEP(info);
	KEEP(&size);
	/* the list of modules is locked meanwhile: nothing that loads may follow */
	recursion(depth, 0);
	return 1;
}

static SHAPE void shape_objects(int depth)
{
	int levels = (int)draw(4);

	if (lane.nested) {
		next(depth);
		return;
	}
	dl_iterate_phdr(on_object, &levels);
	KEEP(&levels);
}

static SHAPE void shape_signal(int depth)
{
	if (lane.nested < 2 && room() && draw(4) == 0) {
		lane.nested++;
		raise(lane.coroutine || draw(2) ? SIGUSR1 : SIGUSR2);
		lane.nested--;
	}
	next(depth);
	KEEP(&depth);
}

static SHAPE void shape_jump_target(int depth)
{
	jmp_buf here;
	struct lane then = lane;

	if (setjmp(here) == 0) {
		lane.jump = &here;
		lane.jumps++;
		next(depth);
	}
	then.seed = lane.seed;
	lane = then;
	next(0);
	KEEP(&here);
}

static SHAPE void shape_jump(int depth)
{
	if (lane.jumps > 0 && draw(3) == 0) {
		next(0);
		longjmp(*(jmp_buf *)lane.jump, 1);
	}
	next(depth);
	KEEP(&depth);
}

/* The first are those that need no more than the stack: see --plain. */
shape_fn *shapes[] = {
	shape_plain,
	shape_alloca,
	shape_array,
	shape_large,
	shape_realigned,
	shape_avx,
	shape_arguments,
	shape_tail,
	shape_recursion,
	shape_saved,
	shape_realigned_alloca,
	shape_qsort,
	shape_bsearch,
	shape_lfind,
	shape_objects,
	shape_signal,
	shape_jump_target,
	shape_jump,
	shape_huge,
	shape_stepped,
	shape_resume,
	shape_yield,
	shape_plugin,
	form_pushes,
	form_pointer,
	form_general_rbp,
	form_deref,
	form_last_call,
	form_remember,
	form_arguments,
	shape_catch,
	shape_destroy,
	shape_rethrow,
	shape_library,
	shape_virtual,
	shape_rust,
	shape_panic,
};

unsigned int shape_count = sizeof(shapes) / sizeof(shapes[0]);

shape_fn *const odd_shapes[] = {form_register_cfa, form_gap};
unsigned int odd_shape_count = sizeof(odd_shapes) / sizeof(odd_shapes[0]);
