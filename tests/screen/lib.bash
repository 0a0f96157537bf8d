# SPDX-License-Identifier: GPL-2.0-or-later
# What the scripts share that drive screen_demo (a made-up heap) in tmux. No root, no target.
# shellcheck shell=bash

. "$(dirname "${BASH_SOURCE[0]}")/tmux.bash"

demo=$(realpath "${1:-${O:-build}/screen_demo}")
[ -x "$demo" ] || die "cannot run '$demo': build it first"

# start WIDTH HEIGHT ENVIRONMENT ARGUMENTS: a shell, then the demo in it
start() {
	start_shell "$1" "$2" || return 1
	run_there "$3 $demo $4"
}

demo_pid() { pid_there "$demo"; }
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

# Nothing is wider than the screen, and the bottom line is the keys'.
fits() {
	local width=$1
	[ "$(shot | LC_ALL=C.UTF-8 wc -L)" -le "$width" ] && shot | grep -v '^$' | tail -1 | grep -q '^F1'
}
