/* SPDX-License-Identifier: GPL-2.0-or-later */
/* May the functions of a module get return probes in this process? */
#ifndef PROBE_RETURNS_H
#define PROBE_RETURNS_H

#include <stdbool.h>
#include <sys/types.h>
#include "../target/discover.h"
#include "../target/process.h"
#include "loader.h"

enum return_rule {
	RETURNS_FREE = 0,   /* yes */
	RETURNS_AVOID = 1,  /* better at ret instructions, where those are all known */
	RETURNS_FORBID = 2, /* at ret instructions or not at all */
};

/* Pure: from what /proc/PID/status says. `survives`: return probes work under a seccomp filter
 * here. `words` gets the reason, "" when there is none. */
enum return_rule returns_by_status(const struct process_info *info, bool survives,
				   const char **words);
/* Says the reason: log_warn, or log_verbose when `known`. */
enum return_rule returns_rule(struct loader *loader, pid_t pid, const struct target_module *m,
			      bool known);

#endif /* PROBE_RETURNS_H */
