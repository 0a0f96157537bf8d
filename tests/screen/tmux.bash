# SPDX-License-Identifier: GPL-2.0-or-later
# What all scripts share that drive a program in tmux and look at its screen. The one who sources it may define at_end(), for what it has started.
# shellcheck shell=bash

deadline_s=20
passed=0
failed=0
socket=tracer-screen-$$
work=$(mktemp -d)

die() { echo "not ok screen: $*"; echo "0 passed, 1 failed"; exit 1; }
command -v tmux >/dev/null || die "tmux is not installed"

tm() { tmux -L "$socket" -f /dev/null "$@"; }
at_end() { :; }
cleanup() {
	tm kill-server 2>/dev/null
	at_end
	rm -rf "$work"
}
trap cleanup EXIT
keys() { tm send-keys -t t "$@"; }
shot() { tm capture-pane -p -t t 2>/dev/null; }

# A session that stays: the server would end, and race with the next start, when the last one goes.
tm new-session -d -s holder 'sleep 1000'

# start_shell WIDTH HEIGHT [ENVIRONMENT]: an interactive shell without history; the modes of its terminal are kept
start_shell() {
	tm kill-session -t t 2>/dev/null
	tm new-session -d -x "$1" -y "$2" -s t "env -u NO_COLOR PS1='ready> ' HISTFILE= $3 bash --norc --noprofile -i"
	until_shows 'ready>'
}
# run_there COMMAND: in that shell, which says its status afterwards
run_there() { keys "clear; stty -a >$work/before; $*; echo status=\$?" Enter; }

# Waits until a line of the screen matches, or does not match any more.
until_shows() { until_true "shot | grep -qE -- '$1'"; }
until_gone() { until_true "! shot | grep -qE -- '$1'"; }
until_true() {
	local end=$((SECONDS + deadline_s))
	until eval "$1"; do
		[ $SECONDS -ge $end ] && return 1
		sleep 0.05
	done
}

check() { # NAME COMMAND...
	local name=$1
	shift
	if "$@"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED: $name"
		shot | sed 's/^/    |/'
	fi
}

# The program of that name that runs in the shell.
pid_there() { pgrep -P "$(tm display-message -p -t t '#{pane_pid}')" -x "$(basename "$1" | cut -c1-15)"; }

# The first row below the titles, where the largest is.
first_row() { shot | grep -A1 -E '^ *(# +)?(PROCESS +)?OUTSTAND' | tail -1; }
first_row_has() { until_true "first_row | grep -qE -- '$1'"; }

# The shell is back, with the screen and the modes as before.
terminal_is_back() {
	until_shows 'status=[0-9]' || return 1
	[ "$(tm display-message -p -t t '#{alternate_on}#{cursor_flag}#{keypad_flag}#{mouse_any_flag}')" = 0100 ] || return 1
	keys "stty -a >$work/after; echo compared" Enter
	until_shows '^compared' && cmp -s "$work/before" "$work/after"
}

finish() {
	echo "$passed passed, $failed failed"
	[ $failed = 0 ]
}
