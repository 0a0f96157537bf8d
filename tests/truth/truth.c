/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * truth FILE STACKS [--now] [--threads N] [--deep N] [--odd] [--plain] [--plugins DIRECTORY]
 *
 * Talks as the programs of tests/targets do. FILE: 64-bit words; the first says how many there are,
 * then for each record block, extra, exact, count and so many return addresses (truth.h).
 */
#include "truth.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define WORDS	     (1ull << 27) /* of the file, which has holes */
#define FRAMES	     1000
#define RECORD_WORDS 4
#define RESERVE	     (160 << 10)
#define HANDLER	     (256 << 10)

__thread struct lane lane;

static uint64_t *words;
static uint64_t taken, wanted;
static int deepest = 60, odd, plain;

uint32_t draw(uint32_t below)
{
	lane.seed = lane.seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(lane.seed >> 33) % below;
}

int room(void)
{
	return (uintptr_t)__builtin_frame_address(0) > lane.floor;
}

shape_fn *choose(int *depth)
{
	if (*depth <= 0 || !room())
		return takes[draw(plain ? 7 : take_count)];
	--*depth;
	if (odd && draw(40) == 0)
		return odd_shapes[draw(odd_shape_count)];
	return shapes[draw(plain ? 12 : shape_count)];
}

SHAPE void truth_next(int depth)
{
	next(depth);
	KEEP(&depth);
}

__attribute__((noinline)) void truth_note(void *block, unsigned int extra, uintptr_t exact)
{
	uint64_t pcs[FRAMES], at, size;
	int n;

	if (!block)
		return;
	n = truth_unwind(pcs, FRAMES);
	size = RECORD_WORDS + (uint64_t)n;
	at = __atomic_fetch_add(&words[0], size, __ATOMIC_RELAXED);
	if (at + size > WORDS)
		abort();
	words[at] = (uintptr_t)block;
	words[at + 1] = extra;
	words[at + 2] = exact;
	words[at + 3] = (uint64_t)n;
	memcpy(&words[at + RECORD_WORDS], pcs, (size_t)n * sizeof(*pcs));
	__atomic_fetch_add(&taken, 1, __ATOMIC_RELAXED);
}

/* ---- handlers ---- */

static void goes_on(void)
{
	struct lane before = lane;

	lane.floor = (uintptr_t)__builtin_frame_address(0) - HANDLER + RESERVE;
	/* an ordinary stack has its own floor, if it is higher */
	if (before.floor < (uintptr_t)__builtin_frame_address(0) && before.floor > lane.floor)
		lane.floor = before.floor;
	lane.nested++;
	lane.jumps = 0;
	truth_next((int)draw(6));
	before.seed = lane.seed;
	lane = before;
}

static SHAPE void on_signal(int number)
{
	goes_on();
	if (number == SIGUSR1 && lane.nested < 3 && draw(3) == 0) {
		lane.nested++;
		raise(SIGUSR2);
		lane.nested--;
	}
}

static void set_handlers(void)
{
	struct sigaction action = {.sa_handler = on_signal};

	sigaction(SIGUSR1, &action, NULL);
	action.sa_flags = SA_ONSTACK;
	sigaction(SIGUSR2, &action, NULL);
}

/* ---- threads ---- */

static pthread_key_t key;

static SHAPE void on_thread_end(void *value)
{
	KEEP(value);
	truth_next(3);
}

static void lane_begin(uint64_t seed, size_t stack_bytes)
{
	stack_t alternate = {.ss_size = HANDLER};

	memset(&lane, 0, sizeof(lane));
	lane.seed = seed;
	lane.floor = (uintptr_t)__builtin_frame_address(0) - stack_bytes + 2 * RESERVE;
	alternate.ss_sp =
		mmap(NULL, HANDLER, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	sigaltstack(&alternate, NULL);
}

static int draw_depth(void)
{
	return (int)draw(draw(8) ? 20 : (uint32_t)deepest);
}

static void work(void)
{
	while (__atomic_load_n(&taken, __ATOMIC_RELAXED) < wanted)
		truth_next(draw_depth());
}

static SHAPE void *thread_main(void *seed)
{
	lane_begin((uintptr_t)seed, 4 << 20);
	pthread_setspecific(key, seed);
	work();
	return NULL;
}

static void work_in_threads(int count)
{
	pthread_t threads[16];
	pthread_attr_t attributes;
	int i;

	pthread_key_create(&key, on_thread_end);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 4 << 20);
	for (i = 0; i < count; i++) {
		if (pthread_create(&threads[i], &attributes, thread_main,
				   (void *)(intptr_t)(1000 + i)))
			abort();
	}
	work();
	for (i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
}

/* ---- all ---- */

static void close_ranks(shape_fn **table, unsigned int *count)
{
	unsigned int i, n = 0;

	for (i = 0; i < *count; i++) {
		if (table[i])
			table[n++] = table[i];
	}
	*count = n;
}

static void open_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || ftruncate(fd, WORDS * sizeof(*words)))
		abort();
	words = mmap(NULL, WORDS * sizeof(*words), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (words == MAP_FAILED)
		abort();
	words[0] = 1;
}

static void say(const char *text)
{
	if (write(STDOUT_FILENO, text, strlen(text)) < 0)
		_exit(1);
}

static void wait_line(int now)
{
	char c = 0;

	while (!now && c != '\n' && read(STDIN_FILENO, &c, 1) == 1)
		;
}

int main(int argc, char **argv)
{
	int i, now = 0, threads = 3;
	char line[64];

	if (argc < 3)
		return 2;
	open_file(argv[1]);
	wanted = strtoull(argv[2], NULL, 10);
	for (i = 3; i < argc; i++) {
		now |= !strcmp(argv[i], "--now");
		odd |= !strcmp(argv[i], "--odd");
		plain |= !strcmp(argv[i], "--plain");
		if (i + 1 < argc && !strcmp(argv[i], "--threads"))
			threads = atoi(argv[i + 1]) & 15;
		if (i + 1 < argc && !strcmp(argv[i], "--deep"))
			deepest = atoi(argv[i + 1]);
		if (i + 1 < argc && !strcmp(argv[i], "--plugins"))
			plugin_directory = argv[i + 1];
	}
	close_ranks(takes, &take_count);
	close_ranks(shapes, &shape_count);
	lane_begin(4711, 7 << 20);
	set_handlers();
	snprintf(line, sizeof(line), "ready %d\n", (int)getpid());
	say(line);
	wait_line(now);
	work_in_threads(threads);
	snprintf(line, sizeof(line), "truth stacks %llu\n", (unsigned long long)taken);
	say(line);
	say("done\n");
	wait_line(now);
	return 0;
}
