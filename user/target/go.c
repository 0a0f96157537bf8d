/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Notices Go programs and reads their figures. Memory is read by a descriptor of /proc/PID/mem, which stays with the program that
 * ran when it was opened: after an exec it reads nothing. Invariant: figures are given only when they have passed the checks that the
 * runtime makes of itself, so that a version that lies about itself has none.
 */
#include "go.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../base/xalloc.h"
#include "files.h"
#include "go_builds.h"
#include "go_private.h"
#include "go_watch.h"

/* Readings until one is of one moment; under full load about half of them are not. */
#define TRIES 12

struct go_process {
	struct go_runtime runtime;
	struct go_layout own; /* by its debug information */
	char version[GO_VERSION_MAX];
};

struct mapped_file *go_program_find(struct files *files)
{
	size_t i;

	for (i = 0; i < files->count; i++) {
		if (files->data[i].is_executable)
			return files_open(files, &files->data[i]) ? NULL : &files->data[i];
	}
	return NULL;
}

bool go_version(pid_t pid, char version[GO_VERSION_MAX])
{
	struct mapped_file *program;
	struct files files;
	bool found = false;

	version[0] = '\0';
	if (!files_load(&files, pid)) {
		program = go_program_find(&files);
		found = program && go_build_version(program->elf, version);
	}
	files_done(&files);
	return found;
}

/* What the program says of itself comes before what is known of its version. NULL: *why says what is missing. */
static const struct go_layout *find_layout(struct go_process *go, struct mapped_file *program,
					   struct go_builds *builds, unsigned int minor,
					   char why[GO_WHY_MAX])
{
	const struct go_layout *known = go_layout_find(minor);
	const struct go_member_name *name;
	enum go_member wrong;

	go->own.minor = minor ? minor : UINT_MAX;
	if (!go_builds_layout(builds, program->elf, &go->own)) {
		snprintf(why, GO_WHY_MAX,
			 "built with %s, whose runtime is not known, and it has no debug "
			 "information",
			 go->version);
		return known;
	}
	if (go_layout_check(&go->own, &wrong))
		return &go->own;
	name = go_member_name(wrong);
	snprintf(why, GO_WHY_MAX, "built with %s, and '%s.%s' is not in its debug information",
		 go->version, name->type, name->member ? name->member : "size");
	return known;
}

static bool locate(struct go_process *go, struct mapped_file *program, struct go_builds *builds,
		   char why[GO_WHY_MAX])
{
	struct go_runtime *r = &go->runtime;
	struct go_place place = {r->memory, program->bias, go_build_minor(go->version)};
	const char *missing;
	size_t i;

	r->layout = find_layout(go, program, builds, place.minor, why);
	if (!r->layout)
		return false;
	why[0] = '\0';
	if (!go_symbols_find(program->elf, &place, r->at, &missing)) {
		snprintf(why, GO_WHY_MAX, "built with %s, but '%s' is not where that has it",
			 go->version, missing);
		return false;
	}
	for (i = 0; i < GO_SYMBOLS; i++)
		r->at[i] += r->at[i] ? program->bias : 0;
	r->bias = program->bias;
	/* without them its own goroutines stand among the others */
	go_system_load(&r->system, program->elf, &place);
	return true;
}

struct go_process *go_open(pid_t pid, struct go_builds *builds, char why[GO_WHY_MAX])
{
	struct go_process *go = xcalloc(1, sizeof(*go));
	struct mapped_file *program;
	struct files files;
	char path[32];
	bool good = false;

	why[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	/* first: if it becomes another program from here on, nothing can be read */
	go->runtime = (struct go_runtime){.pid = pid, .memory = open(path, O_RDONLY | O_CLOEXEC)};
	if (!files_load(&files, pid)) {
		program = go_program_find(&files);
		if (program && go_build_version(program->elf, go->version))
			good = locate(go, program, builds, why);
	}
	files_done(&files);
	if (good && go->runtime.memory >= 0)
		return go;
	if (good)
		snprintf(why, GO_WHY_MAX, "its memory cannot be read");
	go_close(go);
	return NULL;
}

void go_close(struct go_process *go)
{
	if (!go)
		return;
	if (go->runtime.memory >= 0)
		close(go->runtime.memory);
	go_system_done(&go->runtime.system);
	free(go);
}

const struct go_runtime *go_runtime_of(const struct go_process *go)
{
	return &go->runtime;
}

const char *go_version_of(const struct go_process *go)
{
	return go->version;
}

int go_read(struct go_process *go, struct go_figures *figures)
{
	struct go_figures f;
	int best = 0, level = 0, i;
	uint64_t goroutines;

	*figures = (struct go_figures){0};
	for (i = 0; i < TRIES && best < 2; i++) {
		level = go_stats_read(&go->runtime, &f);
		if (level == -ESRCH || level == -EAGAIN)
			return level;
		if (level <= best)
			continue;
		best = level;
		*figures = f;
	}
	if (!best)
		return -EBADMSG;
	if (!go_goroutines_count(&go->runtime, &goroutines))
		figures->goroutines = goroutines;
	figures->consistent = best == 2;
	figures->known = true;
	return 0;
}

int go_read_cycles(const struct go_process *go, struct go_cycles *cycles)
{
	return go_cycles_read(&go->runtime, cycles);
}

int go_read_cycle_count(const struct go_process *go, uint32_t *count)
{
	return go_cycles_count(&go->runtime, count);
}

int go_read_goroutines(const struct go_process *go, struct go_watch *w, uint64_t now_ns,
		       uint64_t elder_ns, struct go_goroutines *out)
{
	return go_watch_read(w, &go->runtime, now_ns, elder_ns, out);
}
