// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One list of processes, in the order in which they came; entries stay until the end, because
 * reports name them. The kernel side gives numbers to children itself (fork tracepoint), so their
 * first events have an owner before this code hears of them. Children that ptrace holds (launch.c)
 * get their probes before they run; others are noticed late, from the consumer's notices, and
 * counted as such.
 */
#include "tracker.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "go_heap.h"
#include "go_pool_watch.h"
#include "probe/places.h"
#include "refusal.h"
#include "target/process.h"

void tracker_init(struct tracker *t)
{
	t->first = NULL;
	t->tail = &t->first;
}

static void *free_attachment(void *arg)
{
	attachment_free(arg);
	return NULL;
}

void tracker_detach(struct tracker *t)
{
	struct tracked *p;

	for (p = t->first; p; p = p->next) {
		if (p->attachment)
			attachment_detach(p->attachment, false);
	}
}

void tracker_done(struct tracker *t)
{
	struct tracked *p, *next;

	for (p = t->first; p; p = next) {
		next = p->next;
		go_facts_close(p);
		go_pool_watched_free(p->go.pools);
		attachment_free(p->attachment);
		free(p->spaces);
		if (p->pidfd >= 0)
			close(p->pidfd);
		free(p);
	}
	free(t->barren);
	strangers_done(&t->strangers);
	t->first = NULL;
	t->tail = &t->first;
}

struct tracked *tracker_find_pid(struct tracker *t, pid_t pid)
{
	struct tracked *p;

	for (p = t->first; p; p = p->next) {
		if (p->pid == pid && !p->ended)
			return p;
	}
	return NULL;
}

struct tracked *tracker_find_number(struct tracker *t, uint32_t number)
{
	struct tracked *p;

	for (p = t->first; p; p = p->next) {
		if (p->number == number && !p->borrowed)
			return p;
	}
	return NULL;
}

static void read_comm(pid_t pid, char comm[16])
{
	struct process_info info;

	if (!process_read(pid, &info))
		memcpy(comm, info.comm, 16);
}

static void push_space(struct tracker *t, struct tracked *p)
{
	p->spaces = xrealloc(p->spaces, (p->space_count + 1) * sizeof(*p->spaces));
	p->spaces[p->space_count++] = ++t->last_space;
}

uint32_t tracker_space(const struct tracked *p, uint32_t image)
{
	return p->spaces[image < p->space_count ? image : p->space_count - 1];
}

static uint32_t newest_space(const struct tracked *p)
{
	return p->spaces[p->space_count - 1];
}

static struct tracked *add(struct tracker *t, pid_t pid, uint32_t number, const char *comm)
{
	struct tracked *p = xcalloc(1, sizeof(*p));

	p->pid = pid;
	p->number = number;
	p->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	snprintf(p->comm, sizeof(p->comm), "%s", comm);
	p->attachment = attachment_new(t->loader, pid, t->paused);
	p->go_builds = t->go_builds;
	p->rss_first = process_rss(pid);
	push_space(t, p);
	*t->tail = p;
	t->tail = &p->next;
	t->live_count++;
	return p;
}

static void heap_add(struct tracker *t, const struct tracked *p)
{
	consumer_lock(t->consumer);
	if (!heap_find_process(t->heap, p->number) &&
	    !feed_add_process(consumer_feed(t->consumer), p->number, (uint32_t)p->pid, p->comm,
			      clock_monotonic_ns()))
		log_error("cannot add process %d: out of memory", (int)p->pid);
	consumer_unlock(t->consumer);
}

static void remember_barren(struct tracker *t, const struct targets *targets, dev_t device,
			    ino_t inode)
{
	size_t i;

	if (!inode)
		return;
	for (i = 0; i < targets->module_count; i++) {
		if (targets->modules[i].device == device && targets->modules[i].inode == inode)
			return;
	}
	t->barren = xrealloc(t->barren, (t->barren_count + 1) * sizeof(*t->barren));
	t->barren[t->barren_count++] = (struct barren){.device = device, .inode = inode};
}

static bool is_barren(const struct tracker *t, dev_t device, ino_t inode)
{
	size_t i;

	for (i = 0; i < t->barren_count; i++) {
		if (t->barren[i].device == device && t->barren[i].inode == inode)
			return true;
	}
	return false;
}

static void say_nothing_found(const struct tracked *p, const char *looked_at)
{
	log_error("cannot find an allocator in process %d (%s): looked at %s: if it is a stripped "
		  "static program its "
		  "functions have no names; name a library with -O PATH",
		  (int)p->pid, p->comm, looked_at && looked_at[0] ? looked_at : "no file at all");
}

void tracker_say_nothing_found(struct tracker *t, struct tracked *p)
{
	struct targets targets = {0};

	if (go_facts_alone(p))
		return;
	if (!discover_process(p->pid, &t->discover, &targets))
		say_nothing_found(p, targets.looked_at);
	targets_done(&targets);
}

static void read_mappings(struct tracker *t, struct tracked *p)
{
	uint64_t image = loader_find_image(t->loader, p->pid);
	int err;

	if (!t->unwind || !image)
		return;
	err = unwind_process_set(t->unwind, p->number, image, p->pid);
	if (err)
		log_verbose("cannot read the mappings of process %d for unwinding: %s", (int)p->pid,
			    strerror(-err));
}

static void names_read(struct tracker *t, struct tracked *p)
{
	p->maps_read_ns = clock_monotonic_ns();
	names_read_process(t->names, newest_space(p), p->pid);
}

void tracker_read_modules(struct tracker *t, struct tracked *p)
{
	read_mappings(t, p);
	names_read(t, p);
}

static void say_kernel_memory(const struct tracker *t, const struct tracked *p)
{
	struct process_info info = {0};
	size_t thread = loader_thread_bytes(t->loader);

	if (process_read(p->pid, &info))
		return;
	log_verbose(
		"kernel memory: %zu KB of rings (for each of %zu CPUs %zu KB and %zu slots), %zu "
		"KB of "
		"tables, %zu KB of unwind "
		"tables, and %zu bytes for each thread that finds no place in them: at most %zu KB "
		"for %d of %d",
		loader_rings_bytes(t->loader) >> 10, loader_ring_count(t->loader),
		loader_ring_bytes(t->loader) >> 10, loader_slot_count(t->loader),
		loader_table_bytes(t->loader) >> 10,
		t->unwind ? unwind_tables_bytes(t->unwind) >> 10 : 0, thread,
		(thread * (size_t)info.thread_count) >> 10, info.thread_count, (int)p->pid);
}

void tracker_announce(struct tracker *t, struct tracked *p)
{
	if (p->announced)
		return;
	say_kernel_memory(t, p);
	p->announced = true;
	log_info("attached to %d (%s): %zu probes in %zu modules", (int)p->pid, p->comm,
		 attachment_probe_count(p->attachment), attachment_module_count(p->attachment));
}

static void note_layers(struct tracked *p)
{
	unsigned layers = attachment_free_count(p->attachment);

	p->layers = layers > p->layers ? layers : p->layers;
}

struct tracked *tracker_attach(struct tracker *t, pid_t pid)
{
	struct targets targets = {0};
	struct process_info info = {0};
	struct tracked *p;
	int err;

	if (!refusal_check(pid))
		return NULL;
	process_read(pid, &info);
	err = discover_process(pid, &t->discover, &targets);
	if (err) {
		refusal_say_errno(pid, info.comm, err);
		return NULL;
	}
	p = add(t, pid, loader_take_number(t->loader), info.comm);
	p->attached = true;
	go_heap_choose(t, p, &targets);
	if (!places_have_allocator(&targets, CALL_RANGE) && !go_facts_alone(p)) {
		say_nothing_found(p, targets.looked_at);
		p = NULL;
	} else {
		uint64_t begun = clock_monotonic_ns();

		heap_add(t, p);
		err = loader_add_process(t->loader, pid, p->number);
		if (!err)
			err = attachment_update(p->attachment, &targets, false);
		note_layers(p);
		go_heap_begin(t, p, &targets);
		log_verbose("process %d: planned and attached in %.1f ms", (int)pid,
			    (double)(clock_monotonic_ns() - begun) / 1e6);
		if (err) {
			refusal_say_errno(pid, info.comm, err);
			p = NULL;
		} else if (attachment_is_blind(p->attachment)) {
			refusal_say(
				pid, info.comm,
				"its allocator's code is not the mapped file's (moved to anonymous "
				"memory for huge pages?): no probe can see it; start it without "
				"that, "
				"or trace another build of it");
			p = NULL;
		} else {
			tracker_read_modules(t, p);
		}
	}
	targets_done(&targets);
	return p;
}

struct tracked *tracker_add_held(struct tracker *t, pid_t pid)
{
	struct tracked *p = add(t, pid, loader_take_number(t->loader), "");

	p->held = true;
	read_comm(pid, p->comm);
	heap_add(t, p);
	loader_add_process(t->loader, pid, p->number);
	return p;
}

static void follow_fork(struct tracker *t, const struct tracked *from, struct tracked *p)
{
	names_fork(t->names, newest_space(from), newest_space(p));
	if (t->unwind && !unwind_process_fork(t->unwind, from->number, p->number, p->pid))
		read_mappings(t, p);
}

static int copy_probes(struct tracker *t, struct tracked *p, const struct tracked *from)
{
	int err;

	stall_update_begin(t->stall);
	err = attachment_copy(p->attachment, from->attachment);
	stall_update_end(t->stall);
	p->layers = from->layers;
	return err;
}

struct tracked *tracker_add_child(struct tracker *t, pid_t pid, pid_t parent)
{
	struct tracked *from = tracker_find_pid(t, parent), *p;
	uint32_t number = loader_find_process(t->loader, pid);
	int err;

	if (!from || !number)
		return NULL;
	p = add(t, pid, number, from->comm);
	p->held = true;
	p->borrowed = number == from->number;
	if (p->borrowed)
		t->live_count--;
	follow_fork(t, from, p);
	err = copy_probes(t, p, from);
	if (err == -ESRCH)
		log_verbose("process %d ended before its probes were placed", (int)pid);
	else if (err)
		log_warn(
			"process %d (%s), a child: not all probes could be placed: %s; its figures "
			"are too low",
			(int)pid, p->comm, strerror(-err));
	else if (p->borrowed)
		loader_mark_probed(t->loader, pid);
	return p;
}

void tracker_exec(struct tracker *t, struct tracked *p, bool by_other_thread)
{
	uint32_t number = loader_find_process(t->loader, p->pid);

	if (number && number != p->number)
		p->number = number;
	if (p->borrowed) {
		p->borrowed = false;
		t->live_count++;
	}
	/* links follow the thread that was the leader: it is gone when another thread called exec
	 */
	if (by_other_thread) {
		attachment_free(p->attachment);
		p->attachment = attachment_new(t->loader, p->pid, t->paused);
	}
	go_sampler_drop(t->go_sampler, p->number);
	push_space(t, p);
	read_comm(p->pid, p->comm);
}

int tracker_mapped(struct tracker *t, struct tracked *p, dev_t device, ino_t inode)
{
	struct targets targets = {0};
	int err;

	if (is_barren(t, device, inode) || attachment_has(p->attachment, device, inode))
		return 0;
	err = discover_process(p->pid, &t->discover, &targets);
	if (!err)
		go_heap_choose(t, p, &targets);
	stall_update_begin(t->stall);
	if (!err)
		err = attachment_update(p->attachment, &targets, p->announced || p != t->first);
	stall_update_end(t->stall);
	if (!err)
		go_heap_begin(t, p, &targets);
	if (!err && places_have_allocator(&targets, CALL_RANGE))
		p->productive = true;
	note_layers(p);
	if (!err)
		remember_barren(t, &targets, device, inode);
	targets_done(&targets);
	/* from here on it may allocate; the rest of the modules are read when all are there */
	if (!err)
		read_mappings(t, p);
	return err;
}

/*
 * A program that runs may map its allocator between our look at its files and the moment at which the
 * dynamic linker's notice is probed: then nothing would tell us. So it is looked at once more, with
 * the notice in place; what is mapped from then on is told.
 */
int tracker_update(struct tracker *t, struct tracked *p)
{
	int err = tracker_mapped(t, p, 0, 0);

	if (!err && !p->productive && !p->held)
		err = tracker_mapped(t, p, 0, 0);
	return err;
}

/* On a busy machine its fork may be told before it has come to its first stop: then it is no late one. */
static bool is_held_by_us(pid_t pid)
{
	struct process_info info;

	return !process_read(pid, &info) && info.tracer == getpid();
}

static void late_child(struct tracker *t, const struct notice *n)
{
	struct tracked *from = tracker_find_number(t, n->process), *p;
	p = add(t, (pid_t)n->pid, n->child, from ? from->comm : "");
	if (from)
		follow_fork(t, from, p);
	if (from && copy_probes(t, p, from))
		log_verbose("child %u ended before its probes were placed", n->pid);
	consumer_lock(t->consumer);
	feed_count(consumer_feed(t->consumer), n->child, COUNTER_LATE_CHILD);
	consumer_unlock(t->consumer);
	log_info("process %u (%s), a child, was noticed %.1f ms late: allocations of that time are "
		 "not shown",
		 n->pid, p->comm, (double)(clock_monotonic_ns() - n->time_ns) / 1e6);
}

static void on_exec(struct tracker *t, struct tracked *p, const struct notice *n)
{
	snprintf(p->comm, sizeof(p->comm), "%s", n->comm);
	if (p->held)
		return;
	go_sampler_drop(t->go_sampler, p->number);
	push_space(t, p);
	p->productive = false;
	if (tracker_update(t, p))
		log_verbose("process %u ended before its new program's probes were placed", n->pid);
	tracker_read_modules(t, p);
}

/* Its exec is noticed before the dynamic linker has mapped the allocator: attached it is then. */
static void announce_started(struct tracker *t, struct tracked *p)
{
	if (p->announced || !p->started_ns || !p->productive)
		return;
	tracker_announce(t, p);
	log_info("process %d (%s) was noticed at its start; what it allocated in the first %.1f ms "
		 "is not shown",
		 (int)p->pid, p->comm, (double)(clock_monotonic_ns() - p->started_ns) / 1e6);
}

static void on_started(struct tracker *t, const struct notice *n)
{
	struct tracked *p = add(t, (pid_t)n->pid, n->process, n->comm);
	int err;

	p->started_ns = n->time_ns;
	err = tracker_update(t, p);
	tracker_read_modules(t, p);
	if (err)
		log_warn("process %u (%s) could not be attached to: %s", n->pid, p->comm,
			 strerror(-err));
	announce_started(t, p);
}

/* The process runs on while we look. */
static void look_for_allocator(struct tracker *t, struct tracked *p, uint64_t mapped_ns)
{
	size_t before = attachment_probe_count(p->attachment);

	if (!tracker_update(t, p) && before && attachment_probe_count(p->attachment) > before)
		log_info("process %d (%s) has loaded another allocator; what it allocated there in "
			 "the first %.1f ms is not shown",
			 (int)p->pid, p->comm, (double)(clock_monotonic_ns() - mapped_ns) / 1e6);
}

static void work_off(struct tracker *t, const struct notice *n)
{
	struct tracked *p = tracker_find_number(t, n->type == EVENT_FORK ? n->child : n->process);

	switch (n->type) {
	case EVENT_FORK:
		/* a vfork child that has become a process of its own is known by its pid */
		if (!p && !tracker_find_pid(t, (pid_t)n->pid) && !is_held_by_us((pid_t)n->pid))
			late_child(t, n);
		break;
	case EVENT_STRANGER:
		if (loader_method(t->loader) != PROBE_PERF)
			strangers_add(&t->strangers, n);
		break;
	case EVENT_EXEC:
		if (n->flags & EVENT_F_STARTED && !p)
			on_started(t, n);
		else if (p)
			on_exec(t, p, n);
		break;
	case EVENT_MODULES:
		if (p && !p->ended) {
			/* first, since stacks through the new code are cut until then */
			read_mappings(t, p);
			/* code that no dynamic linker announced: generated, or mapped by hand */
			if (!(n->flags & EVENT_F_UNWIND))
				look_for_allocator(t, p, n->time_ns);
			names_read(t, p);
			announce_started(t, p);
		}
		break;
	case EVENT_EXIT:
		if (p)
			tracker_end(t, p, true, (int)n->exit_code);
		break;
	default: break;
	}
}

void tracker_adopt(struct tracker *t)
{
	struct tracked *p;

	consumer_lock(t->consumer);
	for (p = t->first; p; p = p->next) {
		if (p->borrowed || heap_find_process(t->heap, p->number))
			continue;
		feed_add_process(consumer_feed(t->consumer), p->number, (uint32_t)p->pid, p->comm,
				 clock_monotonic_ns());
		feed_count(consumer_feed(t->consumer), p->number, COUNTER_LATE_CHILD);
	}
	consumer_unlock(t->consumer);
}

void tracker_notices(struct tracker *t)
{
	struct notice *notices;
	size_t n = consumer_take_notices(t->consumer, &notices), i;

	for (i = 0; i < n; i++)
		work_off(t, &notices[i]);
	free(notices);
}

void tracker_end(struct tracker *t, struct tracked *p, bool has_code, int exit_code)
{
	pthread_t thread;

	if (p->ended)
		return;
	if (has_code) {
		p->exit_code = exit_code;
		p->has_code = true;
	}
	p->ended = true;
	if (!p->borrowed) {
		t->live_count--;
		loader_process_counts(t->loader, p->pid, p->counts);
		p->cpu_ns = loader_ended_cpu_ns(t->loader, p->pid) ?: p->cpu_ns;
		loader_remove_process(t->loader, p->pid, p->number);
		if (t->unwind)
			unwind_process_drop(t->unwind, p->number);
	}
	go_facts_close(p);
	go_sampler_drop(t->go_sampler, p->number);
	if (p->pidfd >= 0)
		close(p->pidfd);
	p->pidfd = -1;
	/* detaching waits for grace periods of the kernel: not here, where other processes may be
	 * held */
	if (!pthread_create(&thread, NULL, free_attachment, p->attachment))
		pthread_detach(thread);
	else
		attachment_free(p->attachment);
	p->attachment = NULL;
}
