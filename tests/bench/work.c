/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Allocations in several patterns, as commands on stdin say, each answered by one line. All calls of the allocator are made
 * under chains (chains.S) of DEPTH frames, STACKS different ones in turn. N is processor time.
 *   run DEPTH STACKS COUNT            COUNT pairs of malloc and free: "ns N"
 *   threads DEPTH STACKS COUNT        the same in each of two threads: "ns N"
 *   handover DEPTH STACKS COUNT       one thread allocates COUNT blocks, another one frees them: "ns N"
 *   fill DEPTH STACKS BLOCKS          BLOCKS blocks of random sizes: "ns N"
 *   churn DEPTH STACKS COUNT          COUNT times one of them, by chance, is freed and another allocated: "ns N"
 *   drain DEPTH STACKS BLOCKS         frees them all: "ns N"
 *   once DEPTH                        one pair under each chain that shares no function with another: "pairs N ns M"
 *   again                             those of `once` begin anew: "ok"
 *   keep DEPTH                        one malloc that is not freed: "kept"
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CHAIN_FUNCTIONS 8192
/* the first ones are for warm runs */
#define ONCE_FROM  2048
#define MAX_BLOCKS (1u << 21)
#define BATCH	   256
#define BATCHES	   64u

struct load {
	unsigned int depth, stacks;
	unsigned long count;
};

/*
 * What passes from one thread to the other, a batch at a time, and who waits goes on when much has changed: the lock shall
 * cost nothing beside the allocator.
 */
struct belt {
	pthread_mutex_t lock;
	pthread_cond_t more, less;
	void *blocks[BATCHES][BATCH];
	unsigned int used[BATCHES];
	unsigned long put, taken;
	const struct load *load;
};

void chain(unsigned int from, unsigned int depth);
void chain_end(void);

static void pair_once(void);

static __thread void (*at_end)(void) = pair_once;
static __thread void *block;
static __thread uint64_t random_state = 88172645463325252u;
static unsigned int once_from = ONCE_FROM;
static void *blocks[MAX_BLOCKS];
static unsigned long block_count;

void chain_end(void)
{
	at_end();
}

static void pair_once(void)
{
	void *p = malloc(24);

	__asm__ volatile("" : : "r"(p) : "memory");
	free(p);
	__asm__ volatile("" : : : "memory");
}

static void allocate_one(void)
{
	block = malloc(24);
	__asm__ volatile("" : : : "memory");
}

static uint64_t draw(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/* 16 to 1,039 bytes, most of them small. */
static void allocate_any(void)
{
	unsigned int bits = 4 + (unsigned int)(draw() % 7);

	block = malloc(16 + (draw() & ((1u << bits) - 1)));
	__asm__ volatile("" : : : "memory");
}

static void free_one(void)
{
	free(block);
	__asm__ volatile("" : : : "memory");
}

/* Traps included; of the thread or of all: others may want the processor, too. */
static unsigned long now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (unsigned long)t.tv_sec * 1000000000ul + (unsigned long)t.tv_nsec;
}

static void under_chains(const struct load *load)
{
	unsigned int from = 0;
	unsigned long i;

	for (i = 0; i < load->count; i++) {
		chain(from, load->depth);
		from = from + 1 == load->stacks ? 0 : from + 1;
	}
}

static void run(const struct load *load)
{
	under_chains(load);
}

static void *thread_of_pairs(void *argument)
{
	at_end = pair_once;
	under_chains(argument);
	return NULL;
}

static void threads(const struct load *load)
{
	pthread_t other;

	if (pthread_create(&other, NULL, thread_of_pairs, (void *)load))
		exit(1);
	under_chains(load);
	pthread_join(other, NULL);
}

static unsigned int take(struct belt *belt, void **own)
{
	unsigned int used, at = belt->taken % BATCHES;

	pthread_mutex_lock(&belt->lock);
	while (belt->taken == belt->put)
		pthread_cond_wait(&belt->more, &belt->lock);
	used = belt->used[at];
	memcpy(own, belt->blocks[at], used * sizeof(*own));
	belt->taken++;
	if (belt->put - belt->taken == BATCHES / 2)
		pthread_cond_signal(&belt->less);
	pthread_mutex_unlock(&belt->lock);
	return used;
}

static void *consume(void *argument)
{
	struct belt *belt = argument;
	void *own[BATCH];
	unsigned long done = 0;
	unsigned int used, i;

	at_end = free_one;
	while (done < belt->load->count) {
		used = take(belt, own);
		for (i = 0; i < used; i++) {
			block = own[i];
			chain((unsigned int)(done++ % belt->load->stacks), belt->load->depth);
		}
	}
	return NULL;
}

static void put(struct belt *belt, void *const *own, unsigned int used)
{
	unsigned int at = belt->put % BATCHES;

	pthread_mutex_lock(&belt->lock);
	if (belt->put - belt->taken == BATCHES)
		while (belt->put - belt->taken > BATCHES / 2)
			pthread_cond_wait(&belt->less, &belt->lock);
	memcpy(belt->blocks[at], own, used * sizeof(*own));
	belt->used[at] = used;
	belt->put++;
	pthread_cond_signal(&belt->more);
	pthread_mutex_unlock(&belt->lock);
}

static void produce(struct belt *belt)
{
	void *own[BATCH];
	unsigned long done = 0;
	unsigned int used = 0;

	at_end = allocate_one;
	while (done < belt->load->count) {
		chain((unsigned int)(done++ % belt->load->stacks), belt->load->depth);
		own[used++] = block;
		if (used == BATCH || done == belt->load->count) {
			put(belt, own, used);
			used = 0;
		}
	}
}

static void handover(const struct load *load)
{
	static struct belt belt = {.lock = PTHREAD_MUTEX_INITIALIZER,
				   .more = PTHREAD_COND_INITIALIZER,
				   .less = PTHREAD_COND_INITIALIZER};
	pthread_t other;

	belt.load = load;
	if (pthread_create(&other, NULL, consume, &belt))
		exit(1);
	produce(&belt);
	pthread_join(other, NULL);
}

static void fill(const struct load *load)
{
	unsigned long i;

	at_end = allocate_any;
	for (i = 0; i < load->count && block_count < MAX_BLOCKS; i++) {
		chain((unsigned int)(i % load->stacks), load->depth);
		blocks[block_count++] = block;
	}
}

static void churn(const struct load *load)
{
	unsigned long i, at;

	for (i = 0; i < load->count && block_count; i++) {
		at = draw() % block_count;
		block = blocks[at];
		at_end = free_one;
		chain((unsigned int)(i % load->stacks), load->depth);
		at_end = allocate_any;
		chain((unsigned int)(i % load->stacks), load->depth);
		blocks[at] = block;
	}
}

static void drain(const struct load *load)
{
	unsigned long i;

	at_end = free_one;
	for (i = 0; i < load->count && block_count; i++) {
		block = blocks[--block_count];
		chain((unsigned int)(i % load->stacks), load->depth);
	}
}

/* Each call goes on where the last one ended, until all functions were used. */
static void once(unsigned int depth)
{
	unsigned long begun = now_ns(CLOCK_THREAD_CPUTIME_ID);
	unsigned int pairs = 0;

	for (; pairs < 64 && once_from + depth < CHAIN_FUNCTIONS; once_from += depth, pairs++)
		chain(once_from, depth);
	printf("pairs %u ns %lu\n", pairs, now_ns(CLOCK_THREAD_CPUTIME_ID) - begun);
}

static const struct {
	const char *name;
	void (*work)(const struct load *load);
	clockid_t clock;
} commands[] = {
	{"run", run, CLOCK_THREAD_CPUTIME_ID},
	{"threads", threads, CLOCK_PROCESS_CPUTIME_ID},
	{"handover", handover, CLOCK_PROCESS_CPUTIME_ID},
	{"fill", fill, CLOCK_THREAD_CPUTIME_ID},
	{"churn", churn, CLOCK_THREAD_CPUTIME_ID},
	{"drain", drain, CLOCK_THREAD_CPUTIME_ID},
};

static void work(const char *name, const struct load *load)
{
	unsigned long begun;
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(commands[i].name, name) != 0)
			continue;
		begun = now_ns(commands[i].clock);
		commands[i].work(load);
		printf("ns %lu\n", now_ns(commands[i].clock) - begun);
	}
}

static void obey(const char *line)
{
	struct load load = {.stacks = 1};
	char name[16];

	at_end = pair_once;
	if (sscanf(line, "once %u", &load.depth) == 1) {
		once(load.depth);
	} else if (sscanf(line, "keep %u", &load.depth) == 1) {
		at_end = allocate_one;
		chain(0, load.depth);
		puts("kept");
	} else if (!strcmp(line, "again\n")) {
		once_from = ONCE_FROM;
		puts("ok");
	} else if (sscanf(line, "%15s %u %u %lu", name, &load.depth, &load.stacks, &load.count) ==
			   4 &&
		   load.stacks && load.stacks <= ONCE_FROM) {
		work(name, &load);
	}
	fflush(stdout);
}

int main(void)
{
	static char out[4096], line[256];

	/* nothing but the work may allocate */
	setvbuf(stdout, out, _IOFBF, sizeof(out));
	setvbuf(stdin, NULL, _IONBF, 0);
	printf("ready %d\n", (int)getpid());
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin))
		obey(line);
	return 0;
}
