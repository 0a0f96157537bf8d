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
 *   fork    many blocks by realloc, then a child that waits for a line and has blocks of its own
 * and of stacks that cannot be walked to their end, one block each:
 *   bare    called through code without unwind information
 *   jit     called through code generated at run time, which keeps frame pointers
 *   nowhere on a stack of its own, with a return address where nothing is mapped
 *   beyond  the same, with a caller whose frame lies where nothing can be read
 *   twisted the same, with a caller whose frame lies below the one that it called
 */
#include "target.h"

#include <setjmp.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>

#define ARENA_BYTES  (64ul << 20)
#define JUMP_BYTES   4093
#define REUSE_BYTES  4099
#define FAULT_ADDR   8ul
#define FAULTS	     7
#define JUMPS	     5
#define REUSES	     3
#define EARLY_BLOCKS 23
#define BLOCKS	     11
#define FILL_BITS    8
#define FILL_DEPTH   90
#define DEEP_DEPTH   300
#define FORK_BLOCKS  1009
#define STACK_BYTES  (64ul << 10)
#define PAGE_BYTES   4096ul
#define NOWHERE	     0xdeadul

static char arena[ARENA_BYTES] __attribute__((aligned(16)));
static size_t arena_used;
static char reused[REUSE_BYTES] __attribute__((aligned(16)));
static jmp_buf out;
static void *early[EARLY_BLOCKS];
static ucontext_t here, there;
static void (*generated)(void (*function)(void));

/*
 * call_bare has no .cfi lines, and is followed by more bytes than are taken for padding between
 * functions. Nobody ever runs the callers: they only stand as return addresses, and what they say
 * of their frames is what matters.
 */
void call_bare(void (*function)(void));
void caller_above(void);
void caller_by_pointer(void);

__asm__(".text\n"
	".type call_bare, @function\n"
	"call_bare:\n"
	"	sub $8, %rsp\n"
	"	call *%rdi\n"
	"	add $8, %rsp\n"
	"	ret\n"
	"	.fill 32, 1, 0x90\n"
	".size call_bare, . - call_bare\n"
	".type caller_above, @function\n"
	"caller_above:\n"
	"	.cfi_startproc\n"
	"	.cfi_def_cfa %rsp, 16\n"
	"	nop\n"
	"	ud2\n"
	"	.cfi_endproc\n"
	".size caller_above, . - caller_above\n"
	".type caller_by_pointer, @function\n"
	"caller_by_pointer:\n"
	"	.cfi_startproc\n"
	"	.cfi_def_cfa %rbp, 16\n"
	"	nop\n"
	"	ud2\n"
	"	.cfi_endproc\n"
	".size caller_by_pointer, . - caller_by_pointer\n");

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

SITE static void site_realloc(size_t bytes)
{
	void *p = realloc(NULL, bytes);

	KEEP(p);
	gave("realloc", "site_realloc", bytes);
}

static void work_fork(void)
{
	pid_t child;

	/* their events share a ring with that of the fork */
	for (int i = 0; i < FORK_BLOCKS; i++)
		site_realloc(211);
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

SITE static void one_block(void)
{
	site_malloc(227);
}

static void work_bare(void)
{
	call_bare(one_block);
	target_truth("stack_no_info", 1);
}

/* Before the tracer comes, so that it knows the mapping. */
static void generate(void)
{
	static const unsigned char code[] = {
		0x55,		  /* push %rbp */
		0x48, 0x89, 0xe5, /* mov %rsp, %rbp */
		0xff, 0xd7,	  /* call *%rdi */
		0x5d,		  /* pop %rbp */
		0xc3,		  /* ret */
	};
	void *p =
		mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		_exit(1);
	memcpy(p, code, sizeof(code));
	if (mprotect(p, PAGE_BYTES, PROT_READ | PROT_EXEC))
		_exit(1);
	memcpy(&generated, &p, sizeof(generated));
}

static void work_jit(void)
{
	generated(one_block);
	target_truth("stack_guessed", 1);
}

/* It cannot return: its caller is not one. */
static void on_other_stack(void)
{
	one_block();
	setcontext(&here);
	_exit(1);
}

/* A block from a stack that ends right below a page that cannot be read, as if called from there. */
static void call_from(uintptr_t return_address)
{
	char *stack = mmap(NULL, STACK_BYTES + PAGE_BYTES, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uintptr_t *top;

	if (stack == MAP_FAILED || mprotect(stack + STACK_BYTES, PAGE_BYTES, PROT_NONE) ||
	    getcontext(&there))
		_exit(1);
	there.uc_stack.ss_sp = stack;
	there.uc_stack.ss_size = STACK_BYTES;
	makecontext(&there, on_other_stack, 0);
	top = (uintptr_t *)(void *)(stack + STACK_BYTES) - 1;
	*top = return_address;
	there.uc_mcontext.gregs[REG_RSP] = (greg_t)(uintptr_t)top;
	there.uc_mcontext.gregs[REG_RBP] = 0;
	swapcontext(&here, &there);
}

static void work_nowhere(void)
{
	call_from(NOWHERE);
	target_truth("stack_no_mapping", 1);
}

static void work_beyond(void)
{
	call_from((uintptr_t)caller_above + 1);
	target_truth("stack_fault", 1);
}

static void work_twisted(void)
{
	call_from((uintptr_t)caller_by_pointer + 1);
	target_truth("stack_broken", 1);
}

struct mode {
	const char *name;
	void (*work)(void);
};

static const struct mode modes[] = {
	{"fault", work_fault},	   {"jump", work_jump},	      {"under", work_under},
	{"reuse", work_reuse},	   {"deep", work_deep},	      {"fill", work_fill},
	{"free", work_free},	   {"fork", work_fork},	      {"bare", work_bare},
	{"jit", work_jit},	   {"nowhere", work_nowhere}, {"beyond", work_beyond},
	{"twisted", work_twisted},
};

int main(int argc, char **argv)
{
	for (int i = 0; i < EARLY_BLOCKS; i++)
		early[i] = malloc(229);
	if (target_has(argc, argv, "jit"))
		generate();
	target_ready(argc, argv);
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (target_has(argc, argv, modes[i].name))
			modes[i].work();
	target_done();
	return 0;
}
