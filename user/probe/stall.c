// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The meter's object is one of its own: whatever a kernel refuses of it, tracing goes on without. It
 * shares the map of traced processes with the tracer's.
 */
#include "stall.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "../base/log.h"
#include "../base/xalloc.h"
#include "stall.skel.h"

struct stall {
	struct stall_bpf *skel;
	enum stall_phase phase;
	bool seen[STALL_PHASES];
};

/* Loaded and attached, or NULL with errno. */
static struct stall_bpf *open_skeleton(int processes, bool any_sleep)
{
	struct stall_bpf *skel = stall_bpf__open();
	int err;

	if (!skel)
		return NULL;
	skel->rodata->any_sleep = any_sleep;
	bpf_program__set_autoload(skel->progs.lock_begin, !any_sleep);
	bpf_program__set_autoload(skel->progs.lock_end, !any_sleep);
	err = bpf_map__reuse_fd(skel->maps.processes, processes);
	if (!err)
		err = stall_bpf__load(skel);
	if (!err)
		err = stall_bpf__attach(skel);
	if (!err)
		return skel;
	stall_bpf__destroy(skel);
	errno = -err;
	return NULL;
}

struct stall *stall_open(const struct loader *loader)
{
	libbpf_print_fn_t before = libbpf_set_print(NULL);
	struct stall *s = xcalloc(1, sizeof(*s));

	s->skel = open_skeleton(loader_processes_map(loader), false);
	if (!s->skel)
		s->skel = open_skeleton(loader_processes_map(loader), true);
	libbpf_set_print(before);
	if (s->skel) {
		stall_phase(s, STALL_ATTACHING);
		return s;
	}
	log_verbose("longest stall of a thread: not measured: the kernel does not let us see waits "
		    "(%s)",
		    strerror(errno));
	free(s);
	return NULL;
}

void stall_close(struct stall *s)
{
	if (!s)
		return;
	stall_bpf__destroy(s->skel);
	free(s);
}

void stall_phase(struct stall *s, enum stall_phase phase)
{
	if (!s)
		return;
	s->seen[phase] = true;
	s->phase = phase;
	__atomic_store_n(&s->skel->bss->phase, (uint32_t)phase, __ATOMIC_SEQ_CST);
}

void stall_update_begin(struct stall *s)
{
	if (s && s->phase == STALL_TRACING)
		stall_phase(s, STALL_UPDATING);
}

void stall_update_end(struct stall *s)
{
	if (s && s->phase == STALL_UPDATING)
		stall_phase(s, STALL_TRACING);
}

void stall_say(const struct stall *s, enum stall_phase phase)
{
	static const char *const names[STALL_PHASES] = {
		[STALL_ATTACHING] = "while attaching",
		[STALL_TRACING] = "while no probe changes",
		[STALL_UPDATING] = "at changes of probes while tracing",
		[STALL_DETACHING] = "while detaching",
	};
	uint64_t ns;

	if (!s || !s->seen[phase])
		return;
	ns = __atomic_load_n(&s->skel->bss->longest_ns[phase], __ATOMIC_RELAXED);
	log_verbose("longest stall of a thread %s: %.3f ms%s", names[phase], (double)ns / 1e6,
		    s->skel->rodata->any_sleep ? " (in any uninterruptible sleep)" : "");
}
