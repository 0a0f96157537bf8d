// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The last report waits for names longer than others, perhaps for a download. Tracing is over then, but
 * children that ptrace holds must go on, and whoever presses Ctrl-C wants the report as it is.
 */
#include "await.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "consumer.h"
#include "launch.h"
#include "outputs.h"
#include "symbol/names.h"
#include "tracker.h"

#define SAY_AFTER_NS NS_PER_S
#define LONGEST_MS   100

static bool is_interrupted(const struct await *a)
{
	struct signalfd_siginfo info;
	bool interrupted = false;

	while (read(a->signal_fd, &info, sizeof(info)) == sizeof(info))
		interrupted |= info.ssi_signo == SIGINT || info.ssi_signo == SIGTERM;
	return interrupted;
}

static void wait_once(const struct await *a, uint64_t left_ns)
{
	struct pollfd polls[] = {
		{.fd = a->signal_fd, .events = POLLIN},
		{.fd = consumer_notice_fd(a->tracker->consumer), .events = POLLIN},
		{.fd = names_fd(a->tracker->names), .events = POLLIN},
	};
	uint64_t left_ms = left_ns / NS_PER_MS + 1;

	poll(polls, 3, left_ms < LONGEST_MS ? (int)left_ms : LONGEST_MS);
}

bool await_names(const struct await *a, uint64_t until_ns)
{
	struct names *names = a->tracker->names;
	uint64_t begun = clock_monotonic_ns(), now = begun;
	bool said = false;

	while (names_pending(names) && now < until_ns) {
		wait_once(a, until_ns - now);
		if (is_interrupted(a))
			return false;
		launch_handle(a->launch);
		tracker_notices(a->tracker);
		names_collect(names);
		now = clock_monotonic_ns();
		if (!said && now - begun > SAY_AFTER_NS) {
			log_info("waiting for the names of %zu addresses (Ctrl-C: without them)",
				 names_pending(names));
			said = true;
		}
	}
	return true;
}

void await_say_missing(const struct await *a, bool interrupted)
{
	size_t pending = names_pending(a->tracker->names);
	uint64_t forgotten = names_forgotten(a->tracker->names);

	if (pending && interrupted)
		log_warn("the names of %zu addresses are missing: not waited for", pending);
	else if (pending && getenv("DEBUGINFOD_URLS"))
		log_warn("the names of %zu addresses may be missing or without lines: the servers "
			 "of "
			 "DEBUGINFOD_URLS have not answered in time: set DEBUGINFOD_TIMEOUT or "
			 "unset "
			 "DEBUGINFOD_URLS",
			 pending);
	else if (pending)
		log_warn("the names of %zu addresses are missing: not found in time", pending);
	if (forgotten)
		log_warn("the names of %llu addresses are missing: there are more than fit into "
			 "the memory for them",
			 (unsigned long long)forgotten);
}

struct patience {
	const struct await *await;
	struct breath breath;
};

static void heed_signals(void *patience)
{
	struct patience *p = patience;

	p->breath.give_up |= is_interrupted(p->await);
}

void await_readers(const struct await *a, struct outputs *o)
{
	struct patience p = {.await = a, .breath = {.take = heed_signals}};

	p.breath.context = &p;
	outputs_breathe(o, &p.breath);
	outputs_finish(o);
	outputs_breathe(o, NULL);
}
