// SPDX-License-Identifier: GPL-2.0-or-later
/* Options -> session -> exit status. What happens in between starts at session.c. */
#include <stdio.h>

#include "base/log.h"
#include "diff.h"
#include "options.h"
#include "preflight.h"
#include "replay_session.h"
#include "session.h"

#define EXIT_USAGE 2

static int run(const struct options *o)
{
	if (o->quiet)
		log_set_level(LOG_QUIET);
	else if (o->verbose)
		log_set_level(LOG_VERBOSE);
	switch (o->mode) {
	case MODE_HELP: options_print_help(); return 0;
	case MODE_VERSION: printf("tracer %s\n", TRACER_VERSION); return 0;
	case MODE_CHECK: return preflight_check();
	case MODE_DIFF: return diff_run(o);
	case MODE_TRACE: break;
	}
	return o->read ? replay_session_run(o) : session_run(o);
}

int main(int argc, char **argv)
{
	struct options o;
	int status = EXIT_USAGE;

	if (options_parse(&o, argc, argv))
		status = run(&o);
	options_done(&o);
	return status;
}
