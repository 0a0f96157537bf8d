/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The terminal, taken and given back. A program that dies with the terminal in curses' mode leaves
 * its user without echo and without a cursor, so what has to be written and set to undo that is
 * computed at the start and kept where a signal handler reaches it: handlers can call neither
 * curses nor malloc.
 *
 * Invariant: `restore.active` is set exactly while the terminal is in our mode; whoever clears it
 * gives it back. Only the process that took it does: children inherit the handlers and the memory.
 */
#include "terminal.h"

#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>
#include "../base/guard.h"
#include "../base/log.h"

/* ncurses' term.h defines plain words as macros. */
#undef lines
#undef columns

#define SIGNAL_STACK_BYTES (64 * 1024)
#define ESCAPE_DELAY_MS	   25

static const int fatal_signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS, SIGQUIT};

#define FATAL_SIGNALS (sizeof(fatal_signals) / sizeof(fatal_signals[0]))

/* Read by the signal handler: written only while active is false. */
static struct {
	atomic_bool active;
	pid_t owner;
	int in, out;
	struct termios mode;
	char sequence[256];
	size_t length;
	struct sigaction before[FATAL_SIGNALS];
	struct sigaction action;
} restore;

static struct {
	SCREEN *screen;
	FILE *tty; /* /dev/tty, where it was needed */
	FILE *in;
	void *signal_stack;
	bool at_exit;
} terminal;

/* Async-signal-safe. */
static void give_back(void)
{
	size_t done = 0;

	if (restore.owner != getpid() || !atomic_exchange(&restore.active, false))
		return;
	while (done < restore.length) {
		ssize_t n = write(restore.out, restore.sequence + done, restore.length - done);

		if (n <= 0 && errno != EINTR)
			break;
		done += n > 0 ? (size_t)n : 0;
	}
	tcsetattr(restore.in, TCSANOW, &restore.mode);
}

static void on_fatal(int signal, siginfo_t *info, void *context)
{
	int saved_errno = errno;
	size_t i;

	(void)context;
	if (signal == SIGBUS && guard_recover(info)) {
		sigaction(signal, &restore.action, NULL);
		return;
	}
	give_back();
	for (i = 0; i < FATAL_SIGNALS; i++) {
		if (fatal_signals[i] == signal)
			sigaction(signal, &restore.before[i], NULL);
	}
	/* A fault comes again by itself, with its own context for the core dump; a sent signal does
	 * not. */
	if (info->si_code <= 0 || signal == SIGQUIT)
		raise(signal);
	errno = saved_errno;
}

static void catch_fatal_signals(void)
{
	struct sigaction action = {.sa_sigaction = on_fatal};
	stack_t stack = {.ss_size = SIGNAL_STACK_BYTES};
	size_t i;

	/* The stack may be what is broken. */
	terminal.signal_stack = malloc(SIGNAL_STACK_BYTES);
	stack.ss_sp = terminal.signal_stack;
	if (stack.ss_sp && sigaltstack(&stack, NULL) == 0)
		action.sa_flags = SA_ONSTACK;
	action.sa_flags |= (int)SA_RESETHAND | SA_SIGINFO;
	sigemptyset(&action.sa_mask);
	restore.action = action;
	for (i = 0; i < FATAL_SIGNALS; i++) {
		sigaction(fatal_signals[i], NULL, &restore.before[i]);
		if (fatal_signals[i] == SIGQUIT && restore.before[i].sa_handler != SIG_DFL)
			continue;
		sigaction(fatal_signals[i], &action, NULL);
	}
}

static void release_fatal_signals(void)
{
	stack_t none = {.ss_flags = SS_DISABLE};
	size_t i;

	for (i = 0; i < FATAL_SIGNALS; i++)
		sigaction(fatal_signals[i], &restore.before[i], NULL);
	sigaltstack(&none, NULL);
	free(terminal.signal_stack);
	terminal.signal_stack = NULL;
}

static int keep_char(int c)
{
	if (restore.length < sizeof(restore.sequence))
		restore.sequence[restore.length++] = (char)c;
	return c;
}

static void keep_string(const char *s)
{
	while (*s)
		keep_char(*s++);
}

static bool has_string(const char *name)
{
	const char *sequence = tigetstr((char *)(uintptr_t)name);

	return sequence && sequence != (char *)-1;
}

static void keep_sequence(const char *name)
{
	/* ncurses' parameter is not const in all versions, and nothing is written through it. */
	char *sequence = tigetstr((char *)(uintptr_t)name);

	if (sequence && sequence != (char *)-1)
		tputs(sequence, 1, keep_char);
}

static void prepare_restore(FILE *out)
{
	restore.owner = getpid();
	restore.out = fileno(out);
	restore.length = 0;
	keep_sequence("sgr0");
	keep_sequence("cnorm");
	keep_sequence("rmkx");
	keep_sequence("rmcup");
	keep_char('\r');
	/* What curses has switched on for it; terminals without a mouse never see it. */
	if (has_string("kmous"))
		keep_string("\033[?1006l\033[?1000l");
}

/* UTF-8 is wanted by name more often than the named locale is installed. */
static void set_locale(void)
{
	const char *wanted = getenv("LC_ALL");

	if (!wanted || !*wanted)
		wanted = getenv("LC_CTYPE");
	if (!wanted || !*wanted)
		wanted = getenv("LANG");
	if (setlocale(LC_CTYPE, "") || !wanted)
		return;
	if (strcasestr(wanted, "utf-8") || strcasestr(wanted, "utf8"))
		setlocale(LC_CTYPE, "C.UTF-8");
}

/* Ctrl-Z comes as a key: curses' own handler for it does work that is not safe in a signal handler.
 */
static void set_modes(void)
{
	struct termios mode;

	cbreak();
	noecho();
	nonl();
	keypad(stdscr, true);
	nodelay(stdscr, true);
	curs_set(0);
	set_escdelay(ESCAPE_DELAY_MS);
	/* Presses alone, at once: no waiting for what might become a double click. */
	mousemask(BUTTON1_PRESSED | BUTTON4_PRESSED | BUTTON5_PRESSED, NULL);
	mouseinterval(0);
	if (tcgetattr(restore.in, &mode) == 0) {
		mode.c_cc[VSUSP] = _POSIX_VDISABLE;
		tcsetattr(restore.in, TCSANOW, &mode);
		def_prog_mode();
	}
}

static int choose_files(FILE **out)
{
	bool in_tty = isatty(STDIN_FILENO), out_tty = isatty(STDOUT_FILENO);
	int err;

	if (!in_tty || !out_tty) {
		terminal.tty = fopen("/dev/tty", "r+e");
		if (!terminal.tty) {
			err = -errno;
			log_error("cannot open '/dev/tty': %s; without a terminal use -b",
				  strerror(-err));
			return err;
		}
	}
	terminal.in = in_tty ? stdin : terminal.tty;
	*out = out_tty ? stdout : terminal.tty;
	restore.in = fileno(terminal.in);
	if (tcgetattr(restore.in, &restore.mode) < 0)
		return -errno;
	return 0;
}

static void close_tty(void)
{
	if (terminal.tty)
		fclose(terminal.tty);
	terminal.tty = NULL;
}

int terminal_open(void)
{
	const char *type = getenv("TERM");
	FILE *out = NULL;
	int err = choose_files(&out);

	if (err)
		goto fail;
	set_locale();
	use_tioctl(true);
	terminal.screen = newterm(NULL, out, terminal.in);
	if (!terminal.screen) {
		err = -ENOTTY;
		log_error("cannot use terminal type '%s': it is not known here; set TERM or use -b",
			  type ? type : "");
		goto fail;
	}
	/* "dumb" and the like */
	if (!has_string("cup")) {
		err = -ENOTTY;
		log_error("cannot use terminal type '%s': it cannot move the cursor; set TERM or "
			  "use -b",
			  type ? type : "");
		endwin();
		delscreen(terminal.screen);
		terminal.screen = NULL;
		goto fail;
	}
	/* Exit handlers run newest first, and kept messages belong on a restored terminal. */
	log_capture(true);
	if (!terminal.at_exit)
		terminal.at_exit = atexit(give_back) == 0;
	prepare_restore(out);
	catch_fatal_signals();
	atomic_store(&restore.active, true);
	set_modes();
	return 0;
fail:
	close_tty();
	return err;
}

void terminal_close(void)
{
	if (!terminal.screen)
		return;
	endwin();
	atomic_store(&restore.active, false);
	/* curses keeps the mode it found; ours is the same and also holds when it was suspended. */
	tcsetattr(restore.in, TCSANOW, &restore.mode);
	release_fatal_signals();
	delscreen(terminal.screen);
	terminal.screen = NULL;
	close_tty();
	log_capture(false);
}

int terminal_fd(void)
{
	return restore.in;
}

bool terminal_alive(void)
{
	struct pollfd p = {.fd = restore.in, .events = POLLIN};
	int waiting = 0;

	if (poll(&p, 1, 0) < 0)
		return errno == EINTR;
	if (p.revents & (POLLHUP | POLLERR | POLLNVAL))
		return false;
	/* Readable without anything to read is the end of input. */
	if (p.revents & POLLIN)
		return ioctl(restore.in, FIONREAD, &waiting) < 0 || waiting > 0;
	return true;
}

void terminal_suspend(void)
{
	struct sigaction stop = {.sa_handler = SIG_DFL}, before;
	sigset_t set, mask;

	endwin();
	tcsetattr(restore.in, TCSANOW, &restore.mode);
	atomic_store(&restore.active, false);
	sigaction(SIGTSTP, &stop, &before);
	/* The whole job, as the terminal would do it: sudo and the shell must see it too. */
	kill(0, SIGTSTP);
	sigemptyset(&set);
	sigaddset(&set, SIGTSTP);
	pthread_sigmask(SIG_UNBLOCK, &set, &mask);
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
	sigaction(SIGTSTP, &before, NULL);
	tcgetattr(restore.in, &restore.mode);
	atomic_store(&restore.active, true);
	terminal_resize();
	terminal_redraw();
}

void terminal_resize(void)
{
	struct winsize size;

	if (ioctl(restore.out, TIOCGWINSZ, &size) < 0 || !size.ws_row || !size.ws_col)
		return;
	if (is_term_resized(size.ws_row, size.ws_col))
		resizeterm(size.ws_row, size.ws_col);
}

void terminal_redraw(void)
{
	reset_prog_mode();
	curs_set(0);
	clearok(curscr, true);
}
