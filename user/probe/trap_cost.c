// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Two functions of one instruction and a return, the first instruction one that the kernel emulates or one that it
 * single-steps, are called in small pieces with an empty program at them and without. Time is the thread's own, and of the pieces
 * the fastest counts, so that what else the machine does is left out.
 */
#include "trap_cost.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../base/clock.h"
#include "../base/log.h"
#include "../base/xalloc.h"
#include "features_cache.h"
#include "link.h"
#include "own_offset.h"

#define PIECES	       24
#define CALLS_EMULATED 32
#define CALLS_STEPPED  8

void trap_cost_emulated(void);
void trap_cost_stepped(void);
__asm__(".text\n"
	".p2align 4\n"
	".globl trap_cost_emulated\n"
	".type trap_cost_emulated, @function\n"
	"trap_cost_emulated:\n"
	"	push %rbx\n"
	"	pop %rbx\n"
	"	ret\n"
	".size trap_cost_emulated, .-trap_cost_emulated\n"
	".p2align 4\n"
	".globl trap_cost_stepped\n"
	".type trap_cost_stepped, @function\n"
	"trap_cost_stepped:\n"
	"	mov %rdi, %rax\n"
	"	ret\n"
	".size trap_cost_stepped, .-trap_cost_stepped\n");

static uint64_t thread_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

/* Of one call. */
static double fastest_ns(void (*function)(void), unsigned int calls)
{
	uint64_t least = UINT64_MAX;
	unsigned int piece, i;

	for (piece = 0; piece < PIECES; piece++) {
		uint64_t begun = thread_ns(), took;

		for (i = 0; i < calls; i++)
			function();
		took = thread_ns() - begun;
		if (took < least)
			least = took;
	}
	return (double)least / calls;
}

/* An empty program. Of a session: result 1 declines the return. */
static int load(enum probe_method method, int result)
{
	const struct bpf_insn code[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = result},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options);
	int fd;

	if (method == PROBE_SESSION)
		options.expected_attach_type = (enum bpf_attach_type)ATTACH_UPROBE_SESSION;
	else if (method == PROBE_MULTI)
		options.expected_attach_type = (enum bpf_attach_type)ATTACH_UPROBE_MULTI;
	fd = bpf_prog_load(BPF_PROG_TYPE_KPROBE, "trap_cost", "GPL", code, 2, &options);
	return fd < 0 ? -errno : fd;
}

struct probe {
	int fds[2];
};

static int attach(enum probe_method method, int program, uint64_t offset, bool at_return,
		  struct probe *probe)
{
	uint64_t cookie = 0;

	probe->fds[0] = probe->fds[1] = -1;
	if (method == PROBE_PERF)
		return link_uprobe_perf(program, "/proc/self/exe", offset, cookie, at_return,
					getpid(), probe->fds);
	probe->fds[0] = link_uprobe_multi(
		program, method == PROBE_SESSION ? ATTACH_UPROBE_SESSION : ATTACH_UPROBE_MULTI,
		"/proc/self/exe", &offset, &cookie, 1,
		method == PROBE_MULTI && at_return ? LINK_RETURN : 0, getpid());
	return probe->fds[0] < 0 ? probe->fds[0] : 0;
}

static void detach(struct probe *probe)
{
	if (probe->fds[0] >= 0)
		close(probe->fds[0]);
	if (probe->fds[1] >= 0)
		close(probe->fds[1]);
}

/* `result` and `at_return`: as above. What a hit takes, over the call without it. */
static int measure(enum probe_method method, void (*function)(void), unsigned int calls, int result,
		   bool at_return, double *ns)
{
	double without = fastest_ns(function, calls);
	int program = load(method, result), err;
	struct probe probe;
	uint64_t offset;

	if (program < 0)
		return program;
	err = own_offset((uintptr_t)function, &offset);
	if (!err)
		err = attach(method, program, offset, at_return, &probe);
	close(program);
	if (err)
		return err;
	*ns = fastest_ns(function, calls) - without;
	detach(&probe);
	return *ns > 0 ? 0 : -ENODATA;
}

/*
 * A return that a session or a return probe takes over costs its own trap and the preparation at the entry. A link for returns alone
 * has the breakpoint at the entry, too: in the tracer a second one stands there anyway.
 */
int trap_cost_measure(enum probe_method method, struct trap_costs *costs)
{
	double *ns = costs->ns, both;
	uint64_t begun = clock_monotonic_ns();
	int err;

	err = measure(method, trap_cost_emulated, CALLS_EMULATED, 1, false, &ns[HIT_EMULATED]);
	if (!err)
		err = measure(method, trap_cost_stepped, CALLS_STEPPED, 1, false, &ns[HIT_STEPPED]);
	if (!err)
		err = measure(method, trap_cost_emulated, CALLS_EMULATED, 0, true, &both);
	if (err)
		return err;
	ns[HIT_RETURN] = both > ns[HIT_EMULATED] ? both - ns[HIT_EMULATED] : 0;
	log_verbose("a hit costs %.0f ns, %.0f where it is single-stepped, %.0f more with its "
		    "return (measured in %.1f ms)",
		    ns[HIT_EMULATED], ns[HIT_STEPPED], ns[HIT_RETURN],
		    (double)(clock_monotonic_ns() - begun) / 1e6);
	return 0;
}

struct trap_cost_job {
	enum probe_method method;
	struct trap_costs costs;
	int err;
	bool running; /* a thread is to be joined */
	pthread_t thread;
};

static void *measure_in_thread(void *arg)
{
	struct trap_cost_job *job = arg;

	job->err = trap_cost_measure(job->method, &job->costs);
	if (!job->err)
		features_remember_costs(job->method, &job->costs);
	else
		log_verbose("what a hit costs could not be measured: %s", strerror(-job->err));
	return NULL;
}

struct trap_cost_job *trap_cost_begin(enum probe_method method)
{
	struct trap_cost_job *job = xcalloc(1, sizeof(*job));

	job->method = method;
	if (features_recall_costs(method, &job->costs))
		return job;
	job->running = !pthread_create(&job->thread, NULL, measure_in_thread, job);
	if (job->running)
		return job;
	free(job);
	return NULL;
}

bool trap_cost_get(struct trap_cost_job *job, bool wait, struct trap_costs *costs)
{
	if (!job)
		return false;
	if (job->running && wait)
		job->running = pthread_join(job->thread, NULL) != 0;
	else if (job->running)
		job->running = pthread_tryjoin_np(job->thread, NULL) != 0;
	if (job->running || job->err)
		return false;
	*costs = job->costs;
	return true;
}

void trap_cost_end(struct trap_cost_job *job)
{
	if (job && job->running)
		pthread_join(job->thread, NULL);
	free(job);
}
