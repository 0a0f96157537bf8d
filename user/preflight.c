// SPDX-License-Identifier: GPL-2.0-or-later
/* Everything that can fail before a target is touched. Nothing here attaches anything but the test on ourselves. */
#include "preflight.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "../include/unwind_row.h"
#include "base/log.h"
#include "go_heap.h"
#include "probe/places.h"
#include "refusal.h"
#include "target/discover.h"
#include "target/go.h"
#include "target/go_profile.h"
#include "tracker.h"

/* Modules and links of many processes stay open. */
void preflight_limits(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		log_verbose("cannot raise the limit of open files: %s", strerror(errno));
}

int preflight_check(void)
{
	struct features f;

	features_try_all(&f);
	if (!features_print(&f))
		return 1;
	printf("Kernel memory: %zu KB of rings and %zu KB of tables in all, however many threads "
	       "and blocks "
	       "there are; unwind tables take some 0.1 MB for each MB of code, at most %u MB\n",
	       loader_planned_ring_bytes() >> 10, loader_planned_table_bytes() >> 10,
	       UNWIND_CHUNKS * (UNWIND_CHUNK_WORDS >> 17));
	return 0;
}

bool preflight_targets(const struct options *o)
{
	size_t i;

	for (i = 0; i < o->pid_count; i++) {
		if (!refusal_check(o->pids[i]))
			return false;
	}
	return true;
}

/* Why not even a program could be loaded: the same for all methods that were tried. */
static const char *load_error(const struct features *f)
{
	enum probe_method method;

	for (method = PROBE_SESSION; method < PROBE_METHODS; method++) {
		if (f->methods[method].err != -ENOSYS)
			return strerror(-f->methods[method].err);
	}
	return "permission denied";
}

enum probe_method preflight_method(const struct options *o, struct features *f)
{
	enum probe_method wanted = (enum probe_method)o->method;
	int err;

	features_try(f, wanted);
	if (!features_privileged(f)) {
		log_error("cannot load BPF programs: %s: run as root (sudo tracer ...); tracer "
			  "--check says more",
			  load_error(f));
		return 0;
	}
	if (!f->btf) {
		log_error("cannot read '/sys/kernel/btf/vmlinux': this kernel has no type "
			  "information (BTF): use a kernel "
			  "with CONFIG_DEBUG_INFO_BTF");
		return 0;
	}
	if (!wanted)
		wanted = features_best(f);
	err = wanted ? f->methods[wanted].err : -ENOSYS;
	if (!err)
		return wanted;
	log_error("cannot attach by '%s': %s: leave --attach-method out, or see tracer --check",
		  wanted ? probe_method_name(wanted) : "any method", strerror(-err));
	return 0;
}

/* What its live heap by call site would be. */
static void say_go_heap(const struct options *o, pid_t pid, struct targets *targets)
{
	char why[GO_WHY_MAX];
	struct go_process *go = go_open(pid, NULL, why);
	bool keeps = go && go_heap_keeps_profile(go), sampled = false;
	size_t i;

	go_close(go);
	if (keeps || o->go_enable_profile)
		targets_drop_go(targets);
	for (i = 0; i < targets->module_count; i++)
		sampled |= targets->modules[i].has_go;
	if (keeps)
		printf("its heap by call site is that of its runtime's own profile\n");
	else if (o->go_enable_profile)
		printf("where its MemProfileRate is 0, it is set to %u (8 bytes are written in the "
		       "process), and to 0 again at the end\n",
		       GO_PROFILE_RATE);
	else if (sampled)
		printf("its heap by call site is sampled where it allocates\n");
	else
		printf("its heap cannot be sampled: unsupported build: %s\n", targets->go_refused);
}

/* False: it is none. */
static bool say_go(const struct options *o, pid_t pid, struct targets *targets)
{
	char version[GO_VERSION_MAX];

	if (!go_version(pid, version))
		return false;
	printf("process %d is a Go program (%s): ", (int)pid, version);
	say_go_heap(o, pid, targets);
	return true;
}

int preflight_plan(const struct options *o)
{
	struct discover_options d = {.objects = (const char *const *)o->objects,
				     .object_count = o->object_count,
				     .ranges = o->mmap};
	size_t i;

	if (!o->pid_count) {
		log_error("cannot plan for a process that does not run yet: use --dry-run with -p "
			  "PID");
		return 2;
	}
	for (i = 0; i < o->pid_count; i++) {
		struct targets targets = {0};
		int err;

		if (!refusal_check(o->pids[i]))
			return 1;
		err = discover_process(o->pids[i], &d, &targets);
		if (!err && !say_go(o, o->pids[i], &targets) && !targets.module_count) {
			log_error("cannot find an allocator in process %d: looked at %s: name a "
				  "library with -O PATH",
				  (int)o->pids[i],
				  targets.looked_at ? targets.looked_at : "no file at all");
			err = -ENOENT;
		} else if (!err) {
			places_print_plan(&targets);
		} else {
			refusal_of(o->pids[i], err);
		}
		targets_done(&targets);
		if (err)
			return 1;
	}
	return 0;
}
