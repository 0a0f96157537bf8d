// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * open: check the targets, load, attach, arm. run: one poll() loop over signals, notices of the
 * consumer, ends of processes, keys and clocks. close: disarm, last snapshot, last outputs,
 * summary, detach. Everything that can fail before the targets are touched is done first.
 */
#include "session.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "await.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "consumer.h"
#include "dump.h"
#include "go_facts.h"
#include "go_profile.h"
#include "launch.h"
#include "live.h"
#include "outputs.h"
#include "preflight.h"
#include "probe/attach.h"
#include "probe/loader.h"
#include "signals.h"
#include "stages.h"
#include "strangers.h"
#include "symbol/names.h"
#include "target/process.h"
#include "tracker.h"
#include "view/screen.h"

/* A report waits this long for names, the last one longer, unless Ctrl-C is pressed. */
#define NAMES_WAIT_NS	   NS_PER_S
#define NAMES_LAST_WAIT_NS (30 * NS_PER_S)
/* The screen opens before anything was recorded: it is drawn again before the first interval is over. */
#define FIRST_DRAW_NS (NS_PER_S / 4)
/* Collections of Go programs are looked for so often, where there are such programs. */
#define GO_NS	   (NS_PER_S / 20)
#define GO_NONE_NS NS_PER_S

/* A report whose figures are taken and whose names are awaited. */
struct waiting {
	struct snapshot snapshot;
	uint64_t until_ns;
	enum output_when when;
	bool on;
};

struct session {
	const struct options *options;
	struct stages stages;
	struct launch *launch;
	struct live live;
	struct screen *screen; /* of live */
	int signal_fd;
	uint64_t begun_ns, interval_ns, sample_ns;
	uint64_t next_report_ns, next_sample_ns, next_sweep_ns, next_go_ns, first_draw_ns, end_ns;
	uint64_t baseline_ns;
	uint64_t report_count;
	struct waiting waiting;
	struct breath breath;
	unsigned int asked; /* bits of screen_request, that keys have asked for */
	bool screen_wanted, stop, failed;
	bool terminal; /* stdout was one at the start */
};

/* ---- open ---- */

static bool by_name(const struct session *s)
{
	return s->options->name != NULL;
}

static bool attach_pids(struct session *s)
{
	size_t i;

	for (i = 0; i < s->options->pid_count; i++) {
		if (!tracker_attach(&s->stages.tracker, s->options->pids[i]))
			return false;
		if (options_follow(s->options))
			launch_watch(s->launch, s->options->pids[i]);
	}
	return true;
}

static bool attach_name(struct session *s)
{
	pid_t *pids = NULL;
	int n = process_find_by_name(s->options->name, &pids), i;
	size_t attached = 0;

	for (i = 0; i < n; i++) {
		if (pids[i] == getpid())
			continue;
		if (tracker_attach(&s->stages.tracker, pids[i]))
			attached++;
	}
	free(pids);
	if (!attached)
		log_info("no process is called '%s' yet: waiting for one to start",
			 s->options->name);
	return true;
}

static bool attach_targets(struct session *s)
{
	const struct options *o = s->options;

	s->launch = launch_new(&s->stages.tracker, options_follow(o));
	if (o->command)
		return launch_command(s->launch, o->command, o->user) == 0;
	if (o->name)
		return attach_name(s);
	return attach_pids(s);
}

static void announce(struct session *s)
{
	struct tracked *t;

	for (t = s->stages.tracker.first; t; t = t->next) {
		if (!s->options->command)
			tracker_announce(&s->stages.tracker, t);
	}
}

static bool begin(struct session *s)
{
	const struct options *o = s->options;
	double interval = o->interval_s > 0 ? o->interval_s : s->screen_wanted ? 1 : 5;

	s->interval_ns = (uint64_t)(interval * 1e9);
	s->sample_ns = (uint64_t)(o->leak_interval_s * 1e9);
	s->begun_ns = clock_monotonic_ns();
	s->next_report_ns = s->begun_ns + s->interval_ns;
	s->next_sample_ns = s->begun_ns + s->sample_ns;
	s->next_sweep_ns = UINT64_MAX;
	s->first_draw_ns = s->screen_wanted ? s->begun_ns + FIRST_DRAW_NS : UINT64_MAX;
	s->end_ns = o->duration_s > 0 ? s->begun_ns + (uint64_t)(o->duration_s * 1e9) : UINT64_MAX;
	s->baseline_ns =
		o->baseline_s > 0 ? s->begun_ns + (uint64_t)(o->baseline_s * 1e9) : UINT64_MAX;
	outputs_begin(s->stages.outputs, s->begun_ns);
	consumer_lock(s->stages.tracker.consumer);
	recording_begin(s->stages.recording, s->begun_ns, clock_realtime_ns(), interval);
	consumer_unlock(s->stages.tracker.consumer);
	outputs_sample(s->stages.outputs, s->begun_ns);
	if (!windows_begin(&s->stages.windows))
		return false;
	go_pool_watch_begin(&s->stages.go_pools);
	loader_arm(s->stages.tracker.loader, true);
	announce(s);
	stall_say(s->stages.tracker.stall, STALL_ATTACHING);
	stall_phase(s->stages.tracker.stall, STALL_TRACING);
	if (o->command)
		launch_go(s->launch);
	return true;
}

/* Answered at once, also in a breath: what asks for more than the screen has is only noted. */
static void read_keys(struct session *s)
{
	s->asked |= 1u << screen_key(s->screen);
	s->interval_ns = (uint64_t)(screen_interval(s->screen) * 1e9);
}

static void breathe(void *session)
{
	struct session *s = session;
	struct pollfd keys = {.fd = s->screen ? screen_fd(s->screen) : -1, .events = POLLIN};

	if (poll(&keys, 1, 0) > 0)
		read_keys(s);
}

static bool open_screen(struct session *s)
{
	struct screen_options so = {.sort = s->options->sort,
				    .interval_s = (double)s->interval_ns / 1e9};

	if (!s->screen_wanted)
		return true;
	if (!live_open(&s->live, &s->stages, &so))
		return false;
	s->screen = s->live.screen;
	s->breath = (struct breath){.take = breathe, .context = s};
	outputs_breathe(s->stages.outputs, &s->breath);
	return true;
}

static bool session_open(struct session *s)
{
	if (!preflight_targets(s->options) || !stages_open(&s->stages, s->options) ||
	    !attach_targets(s))
		return false;
	go_pool_watch_init(&s->stages.go_pools, &s->stages.windows, s->options, s->screen_wanted);
	return begin(s) && open_screen(s);
}

/* ---- run ---- */

/* At the rules of --alert. */
static void look(struct session *s, const struct snapshot *snapshot)
{
	const struct watch_firing *firings;
	size_t count, fired = watch_look(s->stages.watch, snapshot, s->screen != NULL);
	char text[256];

	count = watch_firings(s->stages.watch, &firings);
	if (fired && s->screen)
		screen_message(s->screen, "alert %s",
			       watch_firing_text(&firings[count - 1], text, sizeof(text)));
}

/* When no report or screen has looked since `since_ns`. */
static void look_alone(struct session *s, uint64_t since_ns)
{
	struct snapshot snapshot;

	if (!watch_due(s->stages.watch, since_ns))
		return;
	outputs_figures(s->stages.outputs, &snapshot);
	look(s, &snapshot);
	snapshot_free(&snapshot);
}

static void draw(struct session *s)
{
	struct snapshot snapshot;

	outputs_snapshot(s->stages.outputs, &snapshot, false, WHEN_LOOK);
	look(s, &snapshot);
	screen_draw(s->screen, &snapshot);
}

static void write_waiting(struct session *s)
{
	struct waiting *w = &s->waiting;

	if (!w->on)
		return;
	w->on = false;
	outputs_write(s->stages.outputs, &w->snapshot, !s->screen, w->when);
	if (s->screen)
		screen_draw(s->screen, &w->snapshot);
	else
		snapshot_free(&w->snapshot);
	if (w->when == WHEN_NOW)
		live_written(&s->live);
	if (w->when == WHEN_INTERVAL && s->options->report_count &&
	    ++s->report_count >= s->options->report_count)
		s->stop = true;
	if (recording_failed(s->stages.recording))
		s->failed = true;
}

/*
 * What is recorded is replayed with all names, and both are to write the same: so names are waited for longer than an interval, which
 * costs time at most when they are asked for first.
 */
static void await_recorded(struct session *s)
{
	struct await a = {&s->stages.tracker, s->launch, s->signal_fd};

	if (s->waiting.on && s->stages.recording &&
	    !await_names(&a, clock_monotonic_ns() + NAMES_WAIT_NS))
		s->stop = true;
}

/* Figures of now; written when the names are there, at the latest before the next ones. */
static void report(struct session *s, enum output_when when)
{
	struct waiting *w = &s->waiting;
	uint64_t longest = s->interval_ns < NAMES_WAIT_NS ? s->interval_ns : NAMES_WAIT_NS;

	await_recorded(s);
	write_waiting(s);
	outputs_snapshot(s->stages.outputs, &w->snapshot, !s->screen, when);
	look(s, &w->snapshot);
	w->on = true;
	w->when = when;
	w->until_ns = clock_monotonic_ns() + longest;
	if (!outputs_prepare(s->stages.outputs, &w->snapshot, !s->screen, when))
		write_waiting(s);
}

static void on_names(struct session *s)
{
	names_collect(s->stages.tracker.names);
	if (s->screen)
		screen_draw(s->screen, NULL);
}

static void on_signal(struct session *s, const struct signalfd_siginfo *info)
{
	switch (info->ssi_signo) {
	case SIGINT:
		/* from the terminal it goes to the command as well, and the command's end is ours
		 */
		if (!s->options->command || info->ssi_code != SI_KERNEL)
			s->stop = true;
		break;
	case SIGTERM: s->stop = true; break;
	case SIGHUP:
		/* the terminal is gone, or somebody asks for new files */
		if (s->terminal && !isatty(STDOUT_FILENO))
			s->stop = true;
		else
			outputs_reopen(s->stages.outputs);
		break;
	case SIGUSR1: report(s, WHEN_NOW); break;
	case SIGWINCH:
	case SIGTSTP:
	case SIGCONT: live_signal(&s->live, info->ssi_signo); break;
	default: break;
	}
}

static void read_signals(struct session *s)
{
	struct signalfd_siginfo info;

	while (read(s->signal_fd, &info, sizeof(info)) == sizeof(info))
		on_signal(s, &info);
}

static void set_baseline(struct session *s)
{
	int wanted = s->live.play.baseline;

	s->live.play.baseline = 0;
	if (wanted > 0)
		outputs_set_baseline(s->stages.outputs);
	else if (wanted < 0)
		outputs_reset_baseline(s->stages.outputs);
}

static bool take_asked(struct session *s, enum screen_request request)
{
	bool asked = s->asked >> request & 1;

	s->asked &= ~(1u << request);
	return asked;
}

/* What keys have asked for, in the order of their weight. */
static void follow_keys(struct session *s)
{
	s->stop |= take_asked(s, SCREEN_QUIT);
	if (s->stop || !s->asked)
		return;
	set_baseline(s);
	if (take_asked(s, SCREEN_SNAPSHOT))
		report(s, WHEN_NOW);
	if (take_asked(s, SCREEN_EXPORT))
		report(s, WHEN_EXPORT);
	if (take_asked(s, SCREEN_REFRESH))
		draw(s);
	take_asked(s, SCREEN_NOTHING);
}

/* Processes whose end the kernel tells by pidfd. Their last events are applied first. */
static void collect_ended(struct session *s)
{
	struct tracked *t;
	struct pollfd p;
	bool synced = false;

	for (t = s->stages.tracker.first; t; t = t->next) {
		p = (struct pollfd){.fd = t->pidfd, .events = POLLIN};
		if (t->ended || t->pidfd < 0 || poll(&p, 1, 0) <= 0)
			continue;
		if (!synced) {
			consumer_sync(s->stages.tracker.consumer);
			tracker_notices(&s->stages.tracker);
			synced = true;
		}
		tracker_end(&s->stages.tracker, t, false, 0);
		if (s->screen)
			screen_message(s->screen, "%d (%s) has ended", (int)t->pid, t->comm);
	}
}

static int timeout_ms(const struct session *s)
{
	uint64_t now = clock_monotonic_ns(), next = s->asked ? now : s->next_report_ns;

	if (s->waiting.on && s->waiting.until_ns < next)
		next = s->waiting.until_ns;
	if (s->next_sample_ns < next)
		next = s->next_sample_ns;
	if (s->end_ns < next)
		next = s->end_ns;
	if (s->first_draw_ns < next)
		next = s->first_draw_ns;
	if (s->next_go_ns < next)
		next = s->next_go_ns;
	if (s->next_sweep_ns < next)
		next = s->next_sweep_ns;
	if (s->baseline_ns < next)
		next = s->baseline_ns;
	if (s->stages.windows.next_ns < next)
		next = s->stages.windows.next_ns;
	if (s->stages.go_pools.next_ns < next)
		next = s->stages.go_pools.next_ns;
	if (live_next_ns(&s->live) < next)
		next = live_next_ns(&s->live);
	return next <= now ? 0 : (int)((next - now + NS_PER_MS - 1) / NS_PER_MS);
}

/* Deadlines keep their beat; those that were missed are skipped. */
static uint64_t next_beat(uint64_t beat, uint64_t step, uint64_t now)
{
	return beat + ((now - beat) / step + 1) * step;
}

static void on_clock(struct session *s)
{
	uint64_t now = clock_monotonic_ns(), sampled_ns = 0;

	if (s->waiting.on &&
	    (now >= s->waiting.until_ns || names_pending(s->stages.tracker.names) == 0))
		write_waiting(s);
	if (now >= s->next_sample_ns) {
		outputs_sample(s->stages.outputs, now);
		s->next_sample_ns = next_beat(s->next_sample_ns, s->sample_ns, now);
		sampled_ns = now;
	}
	if (now >= s->next_go_ns)
		s->next_go_ns =
			now + (go_facts_poll(&s->stages.tracker, s->options) ? GO_NS : GO_NONE_NS);
	if (now >= s->baseline_ns) {
		outputs_set_baseline(s->stages.outputs);
		s->baseline_ns = UINT64_MAX;
	}
	if (now >= s->end_ns) {
		s->stop = true;
		return;
	}
	if (now >= s->next_report_ns) {
		s->next_report_ns = next_beat(s->next_report_ns, s->interval_ns, now);
		report(s, WHEN_INTERVAL);
	} else if (now >= s->first_draw_ns) {
		draw(s);
	} else {
		look_alone(s, sampled_ns);
		return;
	}
	s->first_draw_ns = UINT64_MAX;
}

/* Without a screen there is nothing more to do when tracing costs too much. */
static void keep_budget(struct session *s)
{
	struct windows *w = &s->stages.windows;
	bool before = w->given_up;

	windows_step(w, clock_monotonic_ns());
	if (before || !w->given_up)
		return;
	if (s->screen)
		screen_message(s->screen, "detached: it costs more than %g%% in any case",
			       w->percent);
	else
		s->stop = true;
}

enum { POLL_SIGNALS, POLL_NOTICES, POLL_KEYS, POLL_NAMES, POLL_TABLES, POLL_FIXED };

static size_t fill_polls(struct session *s, struct pollfd **polls)
{
	size_t n = POLL_FIXED, i = POLL_FIXED;
	struct tracked *t;

	for (t = s->stages.tracker.first; t; t = t->next)
		n += t->pidfd >= 0;
	*polls = xrealloc(*polls, n * sizeof(**polls));
	(*polls)[POLL_SIGNALS] = (struct pollfd){.fd = s->signal_fd, .events = POLLIN};
	(*polls)[POLL_NOTICES] = (struct pollfd){
		.fd = consumer_notice_fd(s->stages.tracker.consumer), .events = POLLIN};
	(*polls)[POLL_KEYS] =
		(struct pollfd){.fd = s->screen ? screen_fd(s->screen) : -1, .events = POLLIN};
	(*polls)[POLL_TABLES] = (struct pollfd){
		.fd = s->stages.tracker.unwind ? unwind_tables_fd(s->stages.tracker.unwind) : -1,
		.events = POLLIN};
	(*polls)[POLL_NAMES] =
		(struct pollfd){.fd = names_fd(s->stages.tracker.names), .events = POLLIN};
	for (t = s->stages.tracker.first; t; t = t->next) {
		if (t->pidfd >= 0)
			(*polls)[i++] = (struct pollfd){.fd = t->pidfd, .events = POLLIN};
	}
	return n;
}

static void attend_files(struct session *s)
{
	if (outputs_attend(s->stages.outputs))
		live_exported(&s->live);
	/* the view goes on without a file */
	if (outputs_failed(s->stages.outputs) && !s->screen)
		s->stop = true;
}

static bool is_over(struct session *s)
{
	return s->stop || (!s->stages.tracker.live_count && !by_name(s));
}

static void session_loop(struct session *s)
{
	struct pollfd *polls = NULL;

	if (s->screen)
		draw(s);
	while (!is_over(s)) {
		size_t n = fill_polls(s, &polls);

		if (poll(polls, n, timeout_ms(s)) < 0 && errno != EINTR)
			break;
		read_signals(s);
		launch_handle(s->launch);
		if (polls[POLL_NOTICES].revents)
			tracker_notices(&s->stages.tracker);
		if (polls[POLL_TABLES].revents)
			unwind_tables_collect(s->stages.tracker.unwind);
		collect_ended(s);
		s->next_sweep_ns = strangers_sweep(&s->stages.tracker, clock_monotonic_ns());
		keep_budget(s);
		go_pool_watch_step(&s->stages.go_pools, clock_monotonic_ns());
		if (polls[POLL_NAMES].revents)
			on_names(s);
		if (s->screen && polls[POLL_KEYS].revents)
			read_keys(s);
		follow_keys(s);
		if (!is_over(s))
			on_clock(s);
		attend_files(s);
		live_step(&s->live);
	}
	free(polls);
}

/* ---- close ---- */

/* Before the summary, which is the last that is said. */
static void detach(struct session *s)
{
	struct stall *stall = s->stages.tracker.stall;

	stall_say(stall, STALL_TRACING);
	stall_say(stall, STALL_UPDATING);
	stall_phase(stall, STALL_DETACHING);
	go_profiles_end(&s->stages.tracker);
	windows_done(&s->stages.windows);
	go_pool_watch_done(&s->stages.go_pools);
	tracker_detach(&s->stages.tracker);
	stall_say(stall, STALL_DETACHING);
}

static void write_last(struct session *s, struct snapshot *snapshot, bool report)
{
	struct await a = {&s->stages.tracker, s->launch, s->signal_fd};

	outputs_snapshot(s->stages.outputs, snapshot, report, WHEN_END);
	if (outputs_prepare(s->stages.outputs, snapshot, report, WHEN_END))
		await_say_missing(&a, !await_names(&a, clock_monotonic_ns() + NAMES_LAST_WAIT_NS));
	look(s, snapshot);
	outputs_write(s->stages.outputs, snapshot, report, WHEN_END);
}

static void finish(struct session *s)
{
	struct await a = {&s->stages.tracker, s->launch, s->signal_fd};
	bool screen = s->screen != NULL, done;
	struct snapshot snapshot;

	await_recorded(s);
	if (s->waiting.on && !s->stop)
		await_names(&a, s->waiting.until_ns);
	write_waiting(s);
	done = s->options->report_count && s->report_count >= s->options->report_count;
	outputs_breathe(s->stages.outputs, NULL);
	live_close(&s->live);
	s->screen = NULL;
	loader_arm(s->stages.tracker.loader, false);
	launch_handle(s->launch);
	consumer_sync(s->stages.tracker.consumer);
	tracker_notices(&s->stages.tracker);
	outputs_sample(s->stages.outputs, clock_monotonic_ns());
	write_last(s, &snapshot, !done && !screen && !outputs_failed(s->stages.outputs));
	if (!dump_stacks(s->stages.tracker.heap))
		s->failed = true;
	overhead_say(&s->stages.overhead);
	windows_say(&s->stages.windows);
	if (s->options->command)
		launch_say_status(s->launch, s->stages.tracker.first);
	if (s->options->command && s->stages.tracker.first->refused)
		s->failed = true;
	detach(s);
	if (!stages_end_recording(&s->stages))
		s->failed = true;
	watch_finish(s->stages.watch);
	await_readers(&a, s->stages.outputs);
	outputs_summary(s->stages.outputs, &snapshot);
	snapshot_free(&snapshot);
}

static void session_close(struct session *s)
{
	launch_free(s->launch);
	if (!stages_close(&s->stages))
		s->failed = true;
	if (s->signal_fd >= 0)
		close(s->signal_fd);
}

int session_run(const struct options *options)
{
	struct session s = {.options = options, .signal_fd = -1};
	bool fired;

	if (options->dry_run)
		return preflight_plan(options);
	tracker_init(&s.stages.tracker);
	preflight_limits();
	s.screen_wanted = live_wanted(options);
	s.signal_fd = signals_open(s.screen_wanted);
	s.terminal = isatty(STDOUT_FILENO);
	if (session_open(&s)) {
		session_loop(&s);
		finish(&s);
	} else {
		s.failed = true;
	}
	fired = watch_fired(s.stages.watch);
	session_close(&s);
	return s.failed ? EXIT_FAILURE : fired ? EXIT_ALERT : EXIT_SUCCESS;
}
