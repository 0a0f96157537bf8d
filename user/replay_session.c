/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * In batch mode a recording is read as fast as it goes. On the screen it is played: the clock of the events goes on as that of
 * the wall does, times a speed, and stands while it is paused.
 */
#include "replay_session.h"

#include <errno.h>
#include <math.h>
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

/* Between two looks at signals, and at keys: a millisecond or two. */
#define SLICE_RECORDS  65536u
#define SCREEN_RECORDS 16384u
#define PLAY_MS	       40
#define IDLE_MS	       500

struct session {
	struct player *player;
	struct live live;
	struct screen *screen; /* of live; NULL: batch mode */
	int signal_fd;
	struct breath breath;
	unsigned int asked; /* bits of screen_request, that keys have asked for */
	bool stop, goes_on, stale;
	bool behind;	  /* there is more to apply until the moment where the player should be */
	uint64_t seek_ns; /* that moment, when a key has named it; 0: the clock does */
	uint64_t wall_ns, next_draw_ns; /* when the player was moved last */
};

static bool wants_screen(const struct options *o)
{
	return !o->batch && isatty(STDOUT_FILENO) && isatty(STDIN_FILENO) && !options_to_stdout(o);
}

/* Answered at once, also in a breath: what asks for more than the screen has is only noted. */
static void read_keys(struct session *s)
{
	s->asked |= 1u << screen_key(s->screen);
}

static void read_signals(struct session *s)
{
	struct signalfd_siginfo info;

	while (read(s->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGINT || info.ssi_signo == SIGTERM ||
		    info.ssi_signo == SIGHUP)
			s->stop = true;
		else if (info.ssi_signo == SIGWINCH || info.ssi_signo == SIGTSTP ||
			 info.ssi_signo == SIGCONT)
			live_signal(&s->live, info.ssi_signo);
	}
}

/* A reader of what is written may take long. */
static void breathe(void *session)
{
	struct session *s = session;
	struct pollfd keys = {.fd = s->screen ? screen_fd(s->screen) : -1, .events = POLLIN};

	read_signals(s);
	if (poll(&keys, 1, 0) > 0)
		read_keys(s);
	s->breath.give_up = s->stop || s->asked >> SCREEN_QUIT & 1;
}

static bool open_screen(struct session *s, const struct options *o)
{
	struct screen_options so = {.sort = o->sort,
				    .interval_s = o->interval_s > 0 ? o->interval_s : 1};

	if (!wants_screen(o))
		return true;
	s->live.replay = true;
	if (!live_open(&s->live, player_stages(s->player), &so))
		return false;
	s->screen = s->live.screen;
	return true;
}

static void run_batch(struct session *s)
{
	while (!s->stop && player_run(s->player, UINT64_MAX, SLICE_RECORDS, true))
		read_signals(s);
}

/* ---- on the screen ---- */

/* For the title, and for what asks how long ago something was. */
static void note_place(struct session *s)
{
	uint64_t now = player_now(s->player), begun = player_begun(s->player);
	uint64_t ends = player_ends(s->player);

	s->live.now_ns = now;
	s->live.play.at_s = now > begun ? (double)(now - begun) / NS_PER_S : 0;
	s->live.play.length_s = ends > begun ? (double)(ends - begun) / NS_PER_S : 0;
	s->live.play.ended = !s->goes_on;
}

static void draw(struct session *s)
{
	struct snapshot snapshot;

	note_place(s);
	player_look(s->player, &snapshot);
	screen_draw(s->screen, &snapshot);
	s->stale = false;
	s->next_draw_ns = clock_monotonic_ns() + (uint64_t)(screen_interval(s->screen) * 1e9);
}

/* Only begun here: play() goes there, between keys. */
static void begin_seek(struct session *s, double seconds)
{
	uint64_t begun = player_begun(s->player),
		 from = s->seek_ns ? s->seek_ns : player_now(s->player);
	double at_s = (from > begun ? (double)(from - begun) / NS_PER_S : 0) + seconds;

	s->seek_ns = begun + (uint64_t)(fmax(at_s, 0) * NS_PER_S);
	if (!player_go_back(s->player, s->seek_ns))
		s->stop = true;
	s->goes_on = s->behind = true;
	live_moved(&s->live, player_now(s->player));
}

/* What the keys have asked for beside what screen_key() says. */
static void follow_play(struct session *s)
{
	struct live_play *play = &s->live.play;

	if (play->baseline > 0)
		player_set_baseline(s->player);
	else if (play->baseline < 0)
		outputs_reset_baseline(player_outputs(s->player));
	play->baseline = 0;
	if (play->seek_s != 0)
		begin_seek(s, play->seek_s);
	play->seek_s = 0;
}

static bool take_asked(struct session *s, enum screen_request request)
{
	bool asked = s->asked >> request & 1;

	s->asked &= ~(1u << request);
	return asked;
}

static void follow_requests(struct session *s)
{
	follow_play(s);
	s->stop |= take_asked(s, SCREEN_QUIT);
	if (take_asked(s, SCREEN_SNAPSHOT)) {
		player_write(s->player, WHEN_NOW);
		live_written(&s->live);
	}
	if (take_asked(s, SCREEN_EXPORT))
		player_write(s->player, WHEN_EXPORT);
	if (take_asked(s, SCREEN_REFRESH))
		draw(s);
	take_asked(s, SCREEN_NOTHING);
}

static void end_seek(struct session *s)
{
	s->seek_ns = 0;
	s->next_draw_ns = 0;
	live_moved(&s->live, player_now(s->player));
}

/* The clock of events follows that of the wall, as fast as it can. */
static void play(struct session *s)
{
	uint64_t now = clock_monotonic_ns(), passed = now - s->wall_ns, until = s->seek_ns;

	s->wall_ns = now;
	s->behind = false;
	if (!s->goes_on || (s->live.play.paused && !until))
		return;
	if (!until)
		until = player_now(s->player) + (uint64_t)((double)passed * s->live.play.speed);
	s->goes_on = player_run(s->player, until, SCREEN_RECORDS, false);
	s->behind = s->goes_on && player_now(s->player) < until;
	s->stale = true;
	if (s->seek_ns && !s->behind)
		end_seek(s);
	if (!s->goes_on)
		screen_message(s->screen, "the recording ends here");
}

static int timeout_ms(const struct session *s)
{
	if (s->asked || s->behind || live_next_ns(&s->live) <= clock_monotonic_ns())
		return 0;
	if (s->live.play.paused || !s->goes_on)
		return s->stale ? 0 : IDLE_MS;
	return PLAY_MS;
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
		if (s->asked)
			follow_requests(s);
		if (s->stale && (clock_monotonic_ns() >= s->next_draw_ns || !s->goes_on))
			draw(s);
		if (outputs_attend(player_outputs(s->player)))
			live_exported(&s->live);
		live_step(&s->live);
	}
}

/* Who has asked for the end once may ask again, when the readers of what is written last do not take it. */
static void finish(struct session *s)
{
	bool screen = s->screen != NULL;

	live_close(&s->live);
	s->screen = NULL;
	s->stop = s->breath.give_up = false;
	s->asked = 0;
	player_finish(s->player, !screen);
}

int replay_session_run(const struct options *options)
{
	struct session s = {.live.play.speed = 1};
	bool failed, fired;

	s.player = player_open(options);
	if (!s.player)
		return 1;
	s.signal_fd = signals_open(wants_screen(options));
	if (!open_screen(&s, options)) {
		player_close(s.player);
		return 1;
	}
	s.breath = (struct breath){.take = breathe, .context = &s};
	outputs_breathe(player_outputs(s.player), &s.breath);
	if (s.screen)
		run_screen(&s);
	else
		run_batch(&s);
	finish(&s);
	outputs_breathe(player_outputs(s.player), NULL);
	failed = player_failed(s.player);
	fired = watch_fired(player_stages(s.player)->watch);
	failed |= !player_close(s.player);
	if (s.signal_fd >= 0)
		close(s.signal_fd);
	return failed ? 1 : fired ? EXIT_ALERT : 0;
}
