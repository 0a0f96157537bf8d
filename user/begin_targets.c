/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "begin_targets.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "target/process.h"

static bool attach_pids(const struct options *o, struct tracker *tracker, struct launch *launch)
{
	size_t i;

	for (i = 0; i < o->pid_count; i++) {
		if (!tracker_attach(tracker, o->pids[i]))
			return false;
		if (options_follow(o))
			launch_watch(launch, o->pids[i]);
	}
	return true;
}

/* Those that cannot be traced are said, and others of the name may still start. */
static void attach_name(const char *name, struct tracker *tracker)
{
	pid_t *pids = NULL;
	int n = process_find_by_name(name, &pids), i;
	size_t attached = 0;

	for (i = 0; i < n; i++) {
		if (pids[i] == getpid())
			continue;
		if (tracker_attach(tracker, pids[i]))
			attached++;
	}
	free(pids);
	if (!attached)
		log_info("no process is called '%s' yet: waiting for one to start", name);
}

bool begin_targets(const struct options *options, struct tracker *tracker, struct launch *launch)
{
	if (options->command)
		return launch_command(launch, options->command, options->user) == 0;
	if (!options->name)
		return attach_pids(options, tracker, launch);
	attach_name(options->name, tracker);
	return true;
}
