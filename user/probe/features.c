// SPDX-License-Identifier: GPL-2.0-or-later
/* Which ways of attaching are tried, which one is chosen, and how --check says it. */
#include "features.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "features_cache.h"

static void try_method(struct features *f, enum probe_method method, bool anew)
{
	struct selftest *result = &f->methods[method];

	if (!anew && features_recall(method, result))
		return;
	selftest_run(method, result);
	features_remember(method, result);
}

static void begin(struct features *f)
{
	enum probe_method method;

	memset(f, 0, sizeof(*f));
	f->btf = access("/sys/kernel/btf/vmlinux", R_OK) == 0;
	for (method = PROBE_SESSION; method < PROBE_METHODS; method++)
		f->methods[method].err = -ENOSYS;
}

void features_try(struct features *f, enum probe_method wanted)
{
	enum probe_method method;

	begin(f);
	for (method = PROBE_SESSION; method < PROBE_METHODS; method++) {
		if (wanted ? method == wanted : !features_best(f))
			try_method(f, method, false);
	}
}

void features_try_all(struct features *f)
{
	enum probe_method method;
	struct direct_map map;

	begin(f);
	for (method = PROBE_SESSION; method < PROBE_METHODS; method++)
		try_method(f, method, true);
	f->direct_err = direct_map_find(&map);
}

int features_direct_map(struct direct_map *map)
{
	int err;

	if (features_recall_direct(map))
		return map->base ? 0 : -ENOENT;
	err = direct_map_find(map);
	if (!err || features_lasts(err))
		features_remember_direct(map);
	return err;
}

bool features_survives_seccomp(enum probe_method method)
{
	struct selftest result = {0};

	if (!features_recall_seccomp(method, &result.err)) {
		result.err = selftest_seccomp(method);
		features_remember_seccomp(method, result.err);
	}
	return !result.err;
}

bool features_privileged(const struct features *f)
{
	enum probe_method method;

	for (method = PROBE_SESSION; method < PROBE_METHODS; method++) {
		if (f->methods[method].privileged)
			return true;
	}
	return false;
}

enum probe_method features_best(const struct features *f)
{
	enum probe_method method;

	for (method = PROBE_SESSION; method < PROBE_METHODS; method++) {
		if (!f->methods[method].err)
			return method;
	}
	return 0;
}

static void print_row(const char *name, int err, const char *yes, const char *no)
{
	if (err)
		printf("  %-22s no   (%s) %s\n", name, strerror(-err), no);
	else
		printf("  %-22s yes  %s\n", name, yes);
}

static void print_method(const struct features *f, enum probe_method method, const char *name,
			 const char *yes, const char *no)
{
	const struct selftest *result = &f->methods[method];
	char text[160];

	snprintf(text, sizeof(text), "%s; %s%s", yes,
		 result->sees_fork ? "sees fork children (filtered), " : "",
		 result->sees_vfork ? "sees vfork children"
				    : "does not see what a vfork child allocates before its exec");
	print_row(name, result->err, text, no);
}

bool features_print(const struct features *f)
{
	bool possible = f->btf && features_best(f);

	printf("This kernel and these privileges:\n");
	print_row("BPF programs", features_privileged(f) ? 0 : -EPERM, "", "run as root (sudo)");
	print_row("kernel types (BTF)", f->btf ? 0 : -ENOENT, "/sys/kernel/btf/vmlinux",
		  "needs a kernel with CONFIG_DEBUG_INFO_BTF");
	print_method(f, PROBE_SESSION, "uprobe session",
		     "filtered calls never pay for their return",
		     "Linux 6.13: without it filtered calls pay for their return");
	print_method(f, PROBE_MULTI, "uprobe multi", "attaches and detaches at once",
		     "Linux 6.6: without it attaching is slower");
	print_method(f, PROBE_PERF, "uprobe by perf event", "works everywhere, slow to detach",
		     "nothing else is left");
	print_row("stacks in place", f->direct_err, "known stacks are compared where they lie",
		  "Linux 6.2: without it each stack is copied, at more cost");
	printf("Attaching by: %s\n",
	       possible ? probe_method_name(features_best(f)) : "nothing, tracing is not possible");
	return possible;
}
