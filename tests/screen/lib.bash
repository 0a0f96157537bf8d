# SPDX-License-Identifier: GPL-2.0-or-later
# What the scripts share that drive screen_demo (a made-up heap) in tmux. No root, no target.
# shellcheck shell=bash

demo=$(realpath "${1:-${O:-build}/screen_demo}")
deadline_s=10
passed=0
failed=0
socket=tracer-screen-$$
work=$(mktemp -d)

command -v tmux >/dev/null || { echo "tmux is not installed"; echo "0 passed, 1 failed"; exit 1; }
[ -x "$demo" ] || { echo "cannot run '$demo': build it first"; echo "0 passed, 1 failed"; exit 1; }

tm() { tmux -L "$socket" -f /dev/null "$@"; }
cleanup() { tm kill-server 2>/dev/null; rm -rf "$work"; }
trap cleanup EXIT
keys() { tm send-keys -t t "$@"; }
shot() { tm capture-pane -p -t t 2>/dev/null; }

# A session that stays: the server would end, and race with the next start, when the last one goes.
tm new-session -d -s holder 'sleep 1000'

# start WIDTH HEIGHT ENVIRONMENT ARGUMENTS: an interactive shell without history, then the demo in it
start() {
	tm kill-session -t t 2>/dev/null
	tm new-session -d -x "$1" -y "$2" -s t "env -u NO_COLOR PS1='ready> ' HISTFILE= bash --norc --noprofile -i"
	until_shows 'ready>' || return 1
	keys "clear; stty -a >$work/before; $3 $demo $4; echo status=\$?" Enter
}

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

demo_pid() { pgrep -P "$(tm display-message -p -t t '#{pane_pid}')" -x "$(basename "$demo" | cut -c1-15)"; }
# A button pressed and let go, as the terminal tells it: BUTTON COLUMN LINE, both counted from 1.
press() {
	local x y
	x=$(printf %x $((32 + $2)))
	y=$(printf %x $((32 + $3)))
	tm send-keys -t t -H 1b 5b 4d "$(printf %x $((32 + $1)))" "$x" "$y"
	[ "$1" != 0 ] || tm send-keys -t t -H 1b 5b 4d 23 "$x" "$y"
}
click() { press 0 "$1" "$2"; }
line_of() { shot | grep -nE -- "$1" | head -1 | cut -d: -f1; }
column_of() { shot | sed -n "$2p" | awk -v w="$1" '{ print index($0, w) }'; }

# The first row below the titles, where the largest is.
first_row() { shot | grep -A1 -E '^ *(# +)?(PROCESS +)?OUTSTAND' | tail -1; }
first_row_has() { until_true "first_row | grep -qE -- '$1'"; }

# Nothing is wider than the screen, and the bottom line is the keys'.
fits() {
	local width=$1
	[ "$(shot | LC_ALL=C.UTF-8 wc -L)" -le "$width" ] && shot | grep -v '^$' | tail -1 | grep -q '^F1'
}

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
