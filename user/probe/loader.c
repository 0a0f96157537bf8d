// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Opens the skeleton, chooses the programs of the attach method, gives every CPU its ring and
 * loads.
 */
#include "loader.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "../../include/calls.h"
#include "../../include/event.h"
#include "../../include/hits.h"
#include "../base/log.h"
#include "link.h"
#include "rings.h"
#include "tracer.skel.h"

/* Memory for walks of stacks, about 36 KB each. */
#define SCRATCHES_MIN	  64
#define SCRATCHES_MAX	  512
#define SCRATCHES_PER_CPU 8

/* Must match struct process and its flags of bpf/maps.bpf.h. */
#define PROCESS_PROBED 2u
struct process_value {
	uint32_t number, flags;
	uint64_t image;
	uint64_t cpu_ns;
	uint64_t counters[COUNTER_BPF_COUNT];
};

struct loader {
	struct tracer_bpf *skel;
	enum probe_method method;
	struct rings rings;
	bool seccomp_tried, survives_seccomp;
};

/* Only with -v: what went wrong is said by us, in words for users. A verifier's log has many lines. */
static int print_libbpf(enum libbpf_print_level level, const char *format, va_list args)
{
	char *text, *line, *rest;

	if (level == LIBBPF_DEBUG || log_level() < LOG_VERBOSE ||
	    vasprintf(&text, format, args) < 0)
		return 0;
	rest = text;
	while ((line = strsep(&rest, "\n"))) {
		if (*line)
			log_verbose("%s", line);
	}
	free(text);
	return 0;
}

static void choose_programs(struct loader *l)
{
	bool session = l->method == PROBE_SESSION;

	bpf_program__set_autoload(l->skel->progs.call_session, session);
	bpf_program__set_autoload(l->skel->progs.call_malloc, session);
	bpf_program__set_autoload(l->skel->progs.call_free, session);
	bpf_program__set_autoload(l->skel->progs.call_return, !session);
	/* older kernels do not look at it */
	bpf_program__set_expected_attach_type(l->skel->progs.call_idle, ATTACH_UPROBE_MULTI);
	if (session) {
		bpf_program__set_expected_attach_type(l->skel->progs.call_session,
						      ATTACH_UPROBE_SESSION);
		bpf_program__set_expected_attach_type(l->skel->progs.call_malloc,
						      ATTACH_UPROBE_SESSION);
		bpf_program__set_expected_attach_type(l->skel->progs.call_free,
						      ATTACH_UPROBE_MULTI);
	}
	if (l->method != PROBE_PERF) {
		bpf_program__set_expected_attach_type(l->skel->progs.call_entry,
						      ATTACH_UPROBE_MULTI);
		bpf_program__set_expected_attach_type(l->skel->progs.call_return,
						      ATTACH_UPROBE_MULTI);
		bpf_program__set_expected_attach_type(l->skel->progs.go_pool, ATTACH_UPROBE_MULTI);
	}
}

static void fill_log2(struct tracer_bpf *skel)
{
	uint32_t *table = (uint32_t *)skel->rodata->log2_table;
	int i;

	for (i = 0; i <= 256; i++)
		table[i] = (uint32_t)lround(log2(1 + i / 256.0) * (1 << 24));
}

static uint32_t scratch_count(size_t cpus)
{
	uint32_t count = SCRATCHES_MIN;

	while (count < SCRATCHES_MAX && count < cpus * SCRATCHES_PER_CPU)
		count *= 2;
	return count;
}

static int configure_rings(struct loader *l, struct config *config)
{
	const struct rings *r = &l->rings;
	int err;

	config->slot_count = (uint32_t)r->slot_count;
	config->slot_bits = (uint32_t)__builtin_ctzl(r->slot_count);
	if (rings_are_small(r)) {
		config->ring_wake_bytes = (uint32_t)(r->bytes / 4);
		config->slot_wake = config->slot_count / 4;
	}
	err = bpf_map__set_max_entries(l->skel->maps.rings, (uint32_t)r->count);
	if (!err)
		err = bpf_map__set_max_entries(l->skel->maps.slot_rings, (uint32_t)r->count);
	return err ? err
		   : bpf_map__set_max_entries(l->skel->maps.slots,
					      (uint32_t)(r->count * r->slot_count));
}

static int configure(struct loader *l, const struct loader_options *options)
{
	struct config *config = (struct config *)&l->skel->rodata->config;
	int err = rings_make(&l->rings, options->ring_total_bytes);

	if (err)
		return err;
	*config = options->config;
	fill_log2(l->skel);
	config->selective =
		config->sample_bytes || config->min_bytes || config->max_bytes != UINT64_MAX;
	if (!config->selective) {
		bpf_map__set_max_entries(l->skel->maps.recorded, 1);
		bpf_map__set_max_entries(l->skel->maps.recorded_hints, 1);
	}
	if (!config->max_frames)
		config->max_frames = STACK_MAX_FRAMES;
	if (getrandom(&config->stack_seed, sizeof(config->stack_seed), 0) < 0)
		return -errno;
	config->scratch_count = options->no_scratch ? 1 : scratch_count(l->rings.count);
	err = bpf_map__set_max_entries(l->skel->maps.scratches, config->scratch_count);
	if (err)
		return err;
	choose_programs(l);
	return configure_rings(l, config);
}

static int attach_life(struct loader *l)
{
	struct tracer_bpf *s = l->skel;

	s->links.process_fork = bpf_program__attach(s->progs.process_fork);
	if (!s->links.process_fork)
		return -errno;
	s->links.process_exec = bpf_program__attach(s->progs.process_exec);
	if (!s->links.process_exec)
		return -errno;
	s->links.process_exit = bpf_program__attach(s->progs.process_exit);
	return s->links.process_exit ? 0 : -errno;
}

static struct loader *give_up(struct loader *l, const char *what, int err)
{
	const char *advice = "see tracer --check";

	if (err == -EPERM)
		advice = "run as root (sudo tracer ...)";
	else if (err == -EACCES || err == -EINVAL || err == -E2BIG)
		advice = "this kernel does not accept them; -v shows its reasons, which we want to "
			 "know";
	log_error("cannot %s the BPF programs: %s: %s", what, strerror(-err), advice);
	loader_close(l);
	return NULL;
}

/* The first word of each piece says that it is taken. */
static int take_scratch(struct loader *l)
{
	uint32_t *value = calloc(1, bpf_map__value_size(l->skel->maps.scratches)), key = 0;
	int err;

	if (!value)
		return -ENOMEM;
	value[0] = 1;
	err = bpf_map_update_elem(bpf_map__fd(l->skel->maps.scratches), &key, value, BPF_ANY)
		      ? -errno
		      : 0;
	free(value);
	return err;
}

struct loader *loader_open(const struct loader_options *options)
{
	struct loader *l = calloc(1, sizeof(*l));
	int err;

	if (!l)
		return NULL;
	libbpf_set_print(print_libbpf);
	l->method = options->method;
	l->skel = tracer_bpf__open();
	if (!l->skel)
		return give_up(l, "open", -errno);
	err = configure(l, options);
	if (err)
		return give_up(l, "configure", err);
	err = tracer_bpf__load(l->skel);
	if (err)
		return give_up(l, "load", err);
	err = rings_put(&l->rings, bpf_map__fd(l->skel->maps.rings));
	if (!err && options->no_scratch)
		err = take_scratch(l);
	if (err)
		return give_up(l, "connect", err);
	err = attach_life(l);
	if (err)
		return give_up(l, "attach", err);
	return l;
}

void loader_close(struct loader *l)
{
	if (!l)
		return;
	tracer_bpf__destroy(l->skel);
	rings_done(&l->rings);
	free(l);
}

bool loader_survives_seccomp(struct loader *l)
{
	if (!l->seccomp_tried)
		l->survives_seccomp = features_survives_seccomp(l->method);
	l->seccomp_tried = true;
	return l->survives_seccomp;
}

enum probe_method loader_method(const struct loader *l)
{
	return l->method;
}

size_t loader_ring_count(const struct loader *l)
{
	return l->rings.count;
}

int loader_ring_fd(const struct loader *l, size_t cpu)
{
	return l->rings.fds[cpu];
}

size_t loader_ring_bytes(const struct loader *l)
{
	return l->rings.bytes;
}

size_t loader_slot_count(const struct loader *l)
{
	return l->rings.slot_count;
}

struct turn *loader_turn(struct loader *l)
{
	return &l->skel->data_turn->turn;
}

int loader_slot_rings_fd(const struct loader *l)
{
	return bpf_map__fd(l->skel->maps.slot_rings);
}

int loader_slots_fd(const struct loader *l)
{
	return bpf_map__fd(l->skel->maps.slots);
}

size_t loader_rings_bytes(const struct loader *l)
{
	return rings_memory(&l->rings);
}

/* Maps that take all of their memory at once. */
static size_t array_bytes(const struct tracer_bpf *skel)
{
	const struct bpf_map *tables[] = {skel->maps.sent,	     skel->maps.unwind_spaces,
					  skel->maps.unwind_rules,   skel->maps.unwind_memo,
					  skel->maps.recorded_hints, skel->maps.scratches,
					  skel->maps.thread_places};
	size_t bytes = 0, i;

	for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		bytes += (size_t)bpf_map__max_entries(tables[i]) * bpf_map__value_size(tables[i]);
	return bytes;
}

size_t loader_table_bytes(const struct loader *l)
{
	return array_bytes(l->skel);
}

size_t loader_thread_bytes(const struct loader *l)
{
	size_t bytes = bpf_map__value_size(l->skel->maps.threads), slab = 64;

	/* the kernel takes it from slabs of powers of two */
	while (slab < bytes)
		slab *= 2;
	return slab;
}

size_t loader_planned_ring_bytes(void)
{
	int cpus = libbpf_num_possible_cpus();

	return cpus > 0 ? rings_planned((size_t)cpus) : 0;
}

size_t loader_planned_table_bytes(void)
{
	struct tracer_bpf *skel = tracer_bpf__open();
	int cpus = libbpf_num_possible_cpus();
	size_t bytes = 0;

	if (skel && cpus > 0 &&
	    !bpf_map__set_max_entries(skel->maps.scratches, scratch_count((size_t)cpus)))
		bytes = array_bytes(skel);
	tracer_bpf__destroy(skel);
	return bytes;
}

int loader_entry_program(const struct loader *l, uint64_t cookie)
{
	bool is_free = l->method == PROBE_SESSION && cookie == COOKIE_FREE;

	return bpf_program__fd(is_free ? l->skel->progs.call_free : l->skel->progs.call_entry);
}

int loader_session_program(const struct loader *l, uint64_t cookie)
{
	if (l->method != PROBE_SESSION)
		return -1;
	return bpf_program__fd(cookie == COOKIE_MALLOC ? l->skel->progs.call_malloc
						       : l->skel->progs.call_session);
}

int loader_return_program(const struct loader *l)
{
	return l->method == PROBE_SESSION ? -1 : bpf_program__fd(l->skel->progs.call_return);
}

int loader_idle_program(const struct loader *l)
{
	return bpf_program__fd(l->skel->progs.call_idle);
}

int loader_go_pool_program(const struct loader *l)
{
	return bpf_program__fd(l->skel->progs.go_pool);
}

int loader_go_pools_map(const struct loader *l)
{
	return bpf_map__fd(l->skel->maps.go_pools);
}

struct go_pool_sums loader_go_pool_sums(const struct loader *l)
{
	struct go_pool_sums sums = {0};
	size_t cpu;

	for (cpu = 0; cpu < HIT_CPUS; cpu++) {
		const struct go_pool_sums *at = &l->skel->data_go_pool_sums->go_pool_sums[cpu];

		sums.hits += __atomic_load_n(&at->hits, __ATOMIC_RELAXED);
		sums.lost += __atomic_load_n(&at->lost, __ATOMIC_RELAXED);
	}
	return sums;
}

void loader_count_go_pools(struct loader *l, bool on)
{
	__atomic_store_n(&l->skel->bss->go_pools_counted, on, __ATOMIC_SEQ_CST);
}

int loader_processes_map(const struct loader *l)
{
	return bpf_map__fd(l->skel->maps.processes);
}

uint32_t loader_take_number(struct loader *l)
{
	return __atomic_fetch_add(&l->skel->data->next_number, 1, __ATOMIC_SEQ_CST);
}

void loader_bump_generation(struct loader *l)
{
	__atomic_fetch_add(&l->skel->data->generation, 1, __ATOMIC_SEQ_CST);
}

static int put_process(struct loader *l, pid_t tgid, const struct process_value *value)
{
	uint32_t key = (uint32_t)tgid;

	if (bpf_map_update_elem(bpf_map__fd(l->skel->maps.processes), &key, value, BPF_ANY))
		return -errno;
	loader_bump_generation(l);
	return 0;
}

int loader_add_process(struct loader *l, pid_t tgid, uint32_t number)
{
	return put_process(l, tgid, &(struct process_value){.number = number, .image = number});
}

static bool find(const struct loader *l, pid_t tgid, struct process_value *value)
{
	uint32_t key = (uint32_t)tgid;

	return !bpf_map_lookup_elem(bpf_map__fd(l->skel->maps.processes), &key, value);
}

void loader_mark_probed(struct loader *l, pid_t tgid)
{
	struct process_value value;

	if (!find(l, tgid, &value))
		return;
	value.flags |= PROCESS_PROBED;
	put_process(l, tgid, &value);
}

uint32_t loader_find_process(const struct loader *l, pid_t tgid)
{
	struct process_value value;

	return find(l, tgid, &value) ? value.number : 0;
}

uint64_t loader_ended_cpu_ns(const struct loader *l, pid_t tgid)
{
	struct process_value value;

	return find(l, tgid, &value) ? value.cpu_ns : 0;
}

uint64_t loader_find_image(const struct loader *l, pid_t tgid)
{
	struct process_value value;

	return find(l, tgid, &value) ? value.image : 0;
}

void loader_remove_process(struct loader *l, pid_t tgid, uint32_t number)
{
	uint32_t key = (uint32_t)tgid;

	if (loader_find_process(l, tgid) != number)
		return;
	bpf_map_delete_elem(bpf_map__fd(l->skel->maps.processes), &key);
	loader_bump_generation(l);
}

void loader_process_counts(const struct loader *l, pid_t tgid, uint64_t counts[COUNTER_BPF_COUNT])
{
	struct process_value value;

	memset(counts, 0, COUNTER_BPF_COUNT * sizeof(*counts));
	if (find(l, tgid, &value))
		memcpy(counts, value.counters, sizeof(value.counters));
}

void loader_counts(const struct loader *l, uint64_t counts[COUNTER_BPF_COUNT])
{
	size_t i;

	for (i = 0; i < COUNTER_BPF_COUNT; i++)
		counts[i] = __atomic_load_n(&l->skel->bss->counters[i], __ATOMIC_RELAXED);
}

void loader_hits(const struct loader *l, struct probe_hits *hits)
{
	size_t cpu, kind;

	memset(hits, 0, sizeof(*hits));
	for (cpu = 0; cpu < HIT_CPUS; cpu++) {
		const struct hits *at = &l->skel->data_hits->hits[cpu];

		for (kind = 0; kind < HIT_KINDS; kind++) {
			hits->count[kind] += __atomic_load_n(&at->count[kind], __ATOMIC_RELAXED);
			hits->timed[kind] += __atomic_load_n(&at->timed[kind], __ATOMIC_RELAXED);
			hits->time_ns[kind] +=
				__atomic_load_n(&at->time_ns[kind], __ATOMIC_RELAXED);
		}
	}
}

bool loader_unwinds(const struct loader *l)
{
	return l->skel->rodata->config.unwind_tables;
}

struct loader_unwind_maps loader_unwind_maps(const struct loader *l)
{
	const struct tracer_bpf *s = l->skel;

	return (struct loader_unwind_maps){
		.chunks = bpf_map__fd(s->maps.unwind_chunks),
		.spaces = bpf_map__fd(s->maps.unwind_spaces),
		.owners = bpf_map__fd(s->maps.unwind_owners),
		.rules = bpf_map__fd(s->maps.unwind_rules),
		.gone = bpf_map__fd(s->maps.unwind_gone),
	};
}

struct loader_go_maps loader_go_maps(const struct loader *l)
{
	return (struct loader_go_maps){.shapes = bpf_map__fd(l->skel->maps.go_shapes),
				       .thinnings = bpf_map__fd(l->skel->maps.go_thinnings)};
}

uint32_t loader_rule_slots(const struct loader *l)
{
	return bpf_map__max_entries(l->skel->maps.unwind_rules);
}

void loader_forget_stacks(struct loader *l)
{
	__atomic_fetch_add(&l->skel->bss->list_epoch, 1, __ATOMIC_SEQ_CST);
}

void loader_arm(struct loader *l, bool on)
{
	__atomic_store_n(&l->skel->bss->armed, on ? 1u : 0u, __ATOMIC_SEQ_CST);
}

void loader_pause(struct loader *l, bool on)
{
	__atomic_store_n(&l->skel->bss->paused, on ? 1u : 0u, __ATOMIC_SEQ_CST);
}
