/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * In batch mode a recording is read as fast as it goes. On the screen it is played: the clock of the events goes on as that of
 * the wall does, times a speed, and stands while it is paused.
 */
#include "replay_session.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "live.h"
#include "outputs.h"
#include "player.h"
#include "signals.h"
#include "symbol/names.h"
#include "view/screen.h"

/* Between two looks at keys and signals. */
#define SLICE_RECORDS 65536u
#define PLAY_MS	      40
#define IDLE_MS	      500

#define EXIT_ALERT 3

struct session {
	struct player *player;
	struct live live;
	struct screen *screen; /* of live; NULL: batch mode */
	int signal_fd;
	double speed; /* of the clock of events; 0: as fast as it goes */
	bool paused, stop, goes_on, stale;
	uint64_t wall_ns, next_draw_ns; /* when the player was moved last */
};

static bool wants_screen(const struct options *o)
{
	return !o->batch && isatty(STDOUT_FILENO) && isatty(STDIN_FILENO) && !options_to_stdout(o);
}

static bool open_screen(struct session *s, const struct options *o)
{
	struct screen_options so = {.sort = o->sort, .interval_s = player_interval(s->player)};

	if (!wants_screen(o))
		return true;
	if (!(so.interval_s > 0))
		so.interval_s = 1;
	s->live.replay = true;
	if (!live_open(&s->live, player_stages(s->player), &so))
		return false;
	s->screen = s->live.screen;
	return true;
}

static void read_signals(struct session *s)
{
	struct signalfd_siginfo info;

	while (read(s->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGINT || info.ssi_signo == SIGTERM ||
		    info.ssi_signo == SIGHUP)
			s->stop = true;
		else if (info.ssi_signo == SIGWINCH && s->screen)
			screen_resize(s->screen);
	}
}

static void run_batch(struct session *s)
{
	while (!s->stop && player_run(s->player, UINT64_MAX, SLICE_RECORDS, true))
		read_signals(s);
}

/* ---- on the screen ---- */

static void draw(struct session *s)
{
	struct snapshot snapshot;

	s->live.now_ns = player_now(s->player);
	player_look(s->player, &snapshot);
	screen_draw(s->screen, &snapshot);
	s->stale = false;
	s->next_draw_ns = clock_monotonic_ns() + (uint64_t)(screen_interval(s->screen) * 1e9);
}

static void read_keys(struct session *s)
{
	switch (screen_key(s->screen)) {
	case SCREEN_QUIT: s->stop = true; break;
	case SCREEN_REFRESH: draw(s); break;
	case SCREEN_SNAPSHOT: player_write(s->player, WHEN_NOW); break;
	case SCREEN_EXPORT:
		player_write(s->player, WHEN_EXPORT);
		live_exported(&s->live);
		break;
	case SCREEN_NOTHING: break;
	}
}

/* The clock of events follows that of the wall. */
static void play(struct session *s)
{
	uint64_t now = clock_monotonic_ns(), passed = now - s->wall_ns, until = UINT64_MAX;

	s->wall_ns = now;
	if (s->paused || !s->goes_on)
		return;
	if (s->speed > 0)
		until = player_now(s->player) + (uint64_t)((double)passed * s->speed);
	s->goes_on = player_run(s->player, until, SLICE_RECORDS, false);
	s->stale = true;
	if (!s->goes_on)
		screen_message(s->screen, "the recording ends here");
}

static int timeout_ms(const struct session *s)
{
	if (s->paused || !s->goes_on)
		return s->stale ? 0 : IDLE_MS;
	return s->speed > 0 ? PLAY_MS : 0;
}

static void run_screen(struct session *s)
{
	s->goes_on = true;
	s->wall_ns = clock_monotonic_ns();
	while (!s->stop) {
		struct pollfd polls[] = {
			{.fd = s->signal_fd, .events = POLLIN},
			{.fd = screen_fd(s->screen), .events = POLLIN},
			{.fd = names_fd(player_names(s->player)), .events = POLLIN},
		};

		if (poll(polls, 3, timeout_ms(s)) < 0 && errno != EINTR)
			break;
		read_signals(s);
		play(s);
		if (polls[2].revents) {
			names_collect(player_names(s->player));
			screen_draw(s->screen, NULL);
		}
		if (polls[1].revents)
			read_keys(s);
		if (s->stale && (clock_monotonic_ns() >= s->next_draw_ns || !s->goes_on))
			draw(s);
	}
}

int replay_session_run(const struct options *options)
{
	struct session s = {.speed = 1};
	bool failed, fired, screen;

	s.player = player_open(options);
	if (!s.player)
		return 1;
	s.signal_fd = signals_open(wants_screen(options));
	if (!open_screen(&s, options)) {
		player_close(s.player);
		return 1;
	}
	screen = s.screen != NULL;
	if (screen)
		run_screen(&s);
	else
		run_batch(&s);
	live_close(&s.live);
	player_finish(s.player, !screen);
	failed = player_failed(s.player);
	fired = watch_fired(player_stages(s.player)->watch);
	failed |= !player_close(s.player);
	if (s.signal_fd >= 0)
		close(s.signal_fd);
	return failed ? 1 : fired ? EXIT_ALERT : 0;
}
