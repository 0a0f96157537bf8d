/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each mode makes the tracer count one thing that it cannot record as it should. The allocator is
 * the program's own, so that it misbehaves exactly as often as asked for; it never reuses memory.
 *   fault   posix_memalign succeeds but stores its result where nothing can be read
 *   jump    malloc is left by longjmp, and the caller goes on
 *   under   the same, and then everything is allocated further down the stack
 *   reuse   malloc hands out the same address again and again
 *   deep    a block from a stack deeper than the tracer keeps
 *   fill    many blocks, each from a large stack of its own
 *   free    blocks from before the work are freed
 *   fork    many blocks, then a child that waits for a line and has blocks of its own
 */
#include "target.h"

#include <setjmp.h>
#include <sys/wait.h>

#define ARENA_BYTES  (64ul << 20)
#define JUMP_BYTES   4093
#define REUSE_BYTES  4099
#define FAULT_ADDR   8ul
#define FAULTS	     7
#define JUMPS	     5
#define REUSES	     3
#define EARLY_BLOCKS 23
#define BLOCKS	     11
#define FILL_BITS    6
#define FILL_DEPTH   90
#define DEEP_DEPTH   200
#define FORK_BLOCKS  1009

static char arena[ARENA_BYTES] __attribute__((aligned(16)));
static size_t arena_used;
static char reused[REUSE_BYTES] __attribute__((aligned(16)));
static jmp_buf out;
static void *early[EARLY_BLOCKS];

__attribute__((noinline)) void *malloc(size_t bytes)
{
	size_t at;

	if (bytes == JUMP_BYTES)
		longjmp(out, 1);
	if (bytes == REUSE_BYTES)
		return reused;
	at = __atomic_fetch_add(&arena_used, (bytes + 15) & ~15ul, __ATOMIC_RELAXED);
	return at + bytes > ARENA_BYTES ? NULL : arena + at;
}

__attribute__((noinline)) void free(void *p)
{
	KEEP(p);
}

__attribute__((noinline)) int posix_memalign(void **p, size_t alignment, size_t bytes)
{
	KEEP(alignment);
	KEEP(bytes);
	if ((uintptr_t)p != FAULT_ADDR)
		*p = malloc(bytes);
	return 0;
}

SITE static void *site_malloc(size_t bytes)
{
	void *p = malloc(bytes);

	KEEP(p);
	gave("malloc", "site_malloc", bytes);
	return p;
}

SITE static void site_fault(void **p)
{
	int error = posix_memalign(p, 16, 181);

	KEEP(&error);
}

static void work_fault(void)
{
	for (int i = 0; i < FAULTS; i++)
		site_fault((void **)FAULT_ADDR);
	target_truth("result_fault", FAULTS);
}

SITE static void site_jump(void)
{
	void *volatile p = NULL;

	if (!setjmp(out))
		p = malloc(JUMP_BYTES);
	KEEP(p);
}

static void work_jump(void)
{
	for (int i = 0; i < JUMPS; i++) {
		site_jump();
		site_malloc(191);
	}
	target_truth("pending_stale", JUMPS);
}

/* What comes after the jump is called by the function that it ended in, further down. */
SITE static void site_under(void)
{
	void *volatile p = NULL;

	if (!setjmp(out))
		p = malloc(JUMP_BYTES);
	for (int i = 0; i < BLOCKS; i++)
		p = site_malloc(193);
	free(p);
	took("malloc", "site_malloc", 193);
}

static void work_under(void)
{
	site_under();
	target_truth("pending_stale", 1);
}

SITE static void site_reuse(void)
{
	void *p = malloc(REUSE_BYTES);

	KEEP(p);
}

static void work_reuse(void)
{
	for (int i = 0; i <= REUSES; i++)
		site_reuse();
	gave("malloc", "site_reuse", REUSE_BYTES);
	target_truth("reused_address", REUSES);
}

/* The bits of `path` choose the way down, so that each path is a stack of its own. */
SITE static void *descend_left(int depth, unsigned int path);
SITE static void *descend_right(int depth, unsigned int path)
{
	void *p;

	if (depth == 0)
		p = site_malloc(197);
	else if (path & 1)
		p = descend_left(depth - 1, path >> 1);
	else
		p = descend_right(depth - 1, path >> 1);
	KEEP(p);
	return p;
}

SITE static void *descend_left(int depth, unsigned int path)
{
	void *p;

	if (depth == 0)
		p = site_malloc(199);
	else if (path & 1)
		p = descend_left(depth - 1, path >> 1);
	else
		p = descend_right(depth - 1, path >> 1);
	KEEP(p);
	return p;
}

static void work_deep(void)
{
	descend_right(DEEP_DEPTH, 0);
	target_truth("stack_cut", 1);
}

static void work_fill(void)
{
	for (unsigned int path = 0; path < 1u << FILL_BITS; path++)
		descend_right(FILL_DEPTH, path);
}

static void work_free(void)
{
	for (int i = 0; i < EARLY_BLOCKS; i++)
		free(early[i]);
	target_truth("unknown_free", EARLY_BLOCKS);
}

static void work_fork(void)
{
	pid_t child;

	for (int i = 0; i < FORK_BLOCKS; i++)
		site_malloc(211);
	child = fork();
	if (child == 0) {
		if (!truth.now)
			target_wait();
		for (int i = 0; i < BLOCKS; i++)
			site_malloc(223);
		_exit(0);
	}
	target_say("", "child", (long)child);
	waitpid(child, NULL, 0);
}

struct mode {
	const char *name;
	void (*work)(void);
};

static const struct mode modes[] = {
	{"fault", work_fault}, {"jump", work_jump}, {"under", work_under}, {"reuse", work_reuse},
	{"deep", work_deep},   {"fill", work_fill}, {"free", work_free},   {"fork", work_fork},
};

int main(int argc, char **argv)
{
	for (int i = 0; i < EARLY_BLOCKS; i++)
		early[i] = malloc(229);
	target_ready(argc, argv);
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (target_has(argc, argv, modes[i].name))
			modes[i].work();
	target_done();
	return 0;
}
