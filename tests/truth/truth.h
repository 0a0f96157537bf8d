/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random call chains of every shape, and at each allocation what another unwinder finds at the same
 * place. See tests/live/truth.py for the file that the records go to.
 */
#ifndef TRUTH_TRUTH_H
#define TRUTH_TRUTH_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SHAPE	__attribute__((noinline))
#define KEEP(p) __asm__ volatile("" : : "r"(p) : "memory")

/* A function that goes on with next(), or, when depth is used up, a function that allocates. */
typedef void shape_fn(int depth);

/* What belongs to a stack that code runs on: a thread's, a coroutine's, a signal handler's. */
struct lane {
	uint64_t seed;
	uintptr_t floor; /* no new frames below */
	int nested;	 /* callbacks and handlers that go on of their own */
	int jumps;	 /* setjmp()s that may be jumped to */
	void *jump;	 /* the last of them */
	void *coroutine;
};

extern __thread struct lane lane;

uint32_t draw(uint32_t below);
int room(void);
/* Which function goes on; counts depth down. */
shape_fn *choose(int *depth);
/* choose() and call. */
void truth_next(int depth);

/*
 * `block` was allocated by a call in the function that calls this; up to `extra` functions lie
 * between that one and the allocator. exact: where that call returns to; 0: not known.
 */
void truth_note(void *block, unsigned int extra, uintptr_t exact);

/* Return addresses from the caller on, outermost last. */
int truth_unwind(uint64_t *pcs, int room);

static inline void next(int depth)
{
	shape_fn *f = choose(&depth);

	f(depth);
}

/* Some are NULL in programs that lack a language or a library, until main() has begun. */
extern shape_fn *takes[], *shapes[], *const odd_shapes[];
extern unsigned int take_count, shape_count, odd_shape_count;

/* places.c: functions that allocate, forms.S: with call frame information written by hand. */
void form_pushes(int depth);
void form_pointer(int depth);
void form_general_rbp(int depth);
void form_deref(int depth);
void form_last_call(int depth);
void form_remember(int depth);
void form_arguments(int depth);
void form_register_cfa(int depth);
void form_gap(int depth);
void form_take_rsp(int depth);
void form_take_rbp(int depth);
void form_take_pushed(int depth);
void *form_take_jump(unsigned long bytes);
/* what the forms call */
void form_next(int depth);

/* stepped.c: an allocation after each instruction of some code. */
void shape_stepped(int depth);
/* coroutines.c */
void shape_resume(int depth);
void shape_yield(int depth);
/* plugins.c */
void shape_plugin(int depth);
extern const char *plugin_directory;
/* throws.cc, chains.rs: weak, since not in every program */
#define OPTIONAL __attribute__((weak))
OPTIONAL void shape_catch(int depth);
OPTIONAL void shape_destroy(int depth);
OPTIONAL void shape_rethrow(int depth);
OPTIONAL void shape_library(int depth);
OPTIONAL void shape_virtual(int depth);
OPTIONAL void take_new(int depth);
OPTIONAL void take_string(int depth);
OPTIONAL void take_exception(int depth);
OPTIONAL void shape_rust(int depth);
OPTIONAL void shape_panic(int depth);
OPTIONAL void take_rust(int depth);

#ifdef __cplusplus
}
#endif

#endif /* TRUTH_TRUTH_H */
