#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Drives the live view of the real tracer in tmux, on a program that leaks. As root, after `make` and `make targets`.
# A tracer that is killed with SIGKILL cannot restore its terminal: that needs `reset`, and is no test here.
# Usage: tests/screen/live.sh [PATH_OF_TRACER]

. "$(dirname "$0")/tmux.bash"

tracer=$(realpath "${1:-${O:-build}/tracer}")
leak=$(realpath "${O:-build}/targets/leak")
target=

[ "$(id -u)" = 0 ] || die "cannot trace: not root; run: sudo tests/screen/live.sh"
[ -x "$tracer" ] || die "cannot run '$tracer': build it first: make"
[ -x "$leak" ] || die "cannot run '$leak': build it first: make targets"

at_end() { [ -z "$target" ] || kill "$target" 2>/dev/null; }

# The target leaks until the writing end of the pipe, descriptor 9, is closed.
start_target() {
	mkfifo "$work/stdin"
	"$leak" 1000 1000 <"$work/stdin" >"$work/out" &
	target=$!
	exec 9>"$work/stdin"
	echo >&9
	until_true "grep -q '^ready $target' $work/out" || die "the target does not start"
}

# start ARGUMENTS: a shell, then the tracer in it
start() {
	start_shell 80 24 LANG=C.UTF-8 || return 1
	run_there "$tracer -p $target $*"
	until_shows '^F1Help'
}

# The page grows at its end meanwhile.
until_end_shows() { until_true "keys End; shot | grep -qE -- '$1'"; }
tracer_pid() { pid_there tracer; }
fits() { # WIDTH HEIGHT: nothing is wider, and the bottom line is the keys'
	[ "$(shot | LC_ALL=C.UTF-8 wc -L)" -le "$1" ] && [ "$(shot | grep -n '^F1' | cut -d: -f1)" = "$2" ]
}
bytes_shown() { shot | grep -oE '^Heap +[0-9.]+[BKMGT]?'; }
changes() {
	local before
	before=$(bytes_shown)
	until_true "[ \"\$(bytes_shown)\" != '$before' ]"
}
# Two draws pass while paused, known by their clock: this is the one place that has to wait.
stands_still() {
	local before
	before=$(shot)
	sleep 1
	[ "$before" = "$(shot)" ]
}
target_is_well() { kill -0 "$target" 2>/dev/null; }

test_view() {
	check "it starts" start -i 0.3
	check "header names the process" until_shows "^tracer leak \($target\) .* every 0.3s"
	check "heap and growth" until_shows '^Heap .* blocks  Growth \+.*/s'
	check "rss, rates and sites" until_shows '^RSS .* Allocs .*/s  Frees .*/s  Sites [0-9]+'
	check "nothing is lost" until_shows '^Lost 0 events  Tracer [0-9.]+% CPU'
	check "frees of blocks from before are counted" until_shows '  Unknown frees [0-9]+'
	check "the leak is the largest" first_row_has site_leak
	check "its bytes grow" changes
	check "80x24 holds it" fits 80 24
}

# Nothing but the first moment and the first interval, which is far off, could bring them.
test_first_sites() {
	check "it starts with a long interval" start -i 3600
	check "call sites before the first interval is over" until_shows site_leak
	keys q
	until_shows 'status=0'
}

test_sorting() {
	keys N
	check "N sorts by count" until_shows ' COUNT▽'
	keys I
	check "I inverts" until_shows ' COUNT△'
	keys I P
	check "P sorts by growth" until_shows ' GROWTH▽'
	check "the leak grows most" first_row_has site_leak
	keys T
	check "T sorts by age" until_shows ' OLDEST▽'
	keys M
	check "M sorts by outstanding" until_shows 'OUTSTAND▽'
}

test_pages() {
	keys Home Enter
	check "Enter opens the site" until_shows "^malloc in leak \($target\), site [0-9a-f]{16}"
	check "stack with file and line" until_shows 'site_leak\+0x[0-9a-f]+ \[leak\] \(.*leak.c:[0-9]+\)'
	check "figures" until_shows '^ +Outstanding +[0-9.]+.? +\([0-9]+ bytes in [0-9]+ blocks\)'
	keys Escape
	check "Esc goes back" until_shows 'OUTSTAND▽'
	keys h
	check "h shows help" until_shows '^Keys'
	keys q
	check "q leaves the help" until_shows 'OUTSTAND▽'
	keys t
	check "t shows callers with sums of all" until_shows '^ +[0-9.]+.? +100.0 .* main$'
	keys H
	check "H walks over the blocks: the thread has them" until_shows "^ +$target +[0-9.]+.? +100.0 .* leak\$"
	keys Tab
	check "the process, with its memory" until_shows "^ +$target +[0-9.]+.? .* leak\$"
	keys Enter
	check "the process opened" until_shows '^Its memory as the kernel counts it'
	keys Escape Tab
	check "modules" until_shows '^ +[0-9.]+.? +100.0 .* leak$'
	keys t t Home Enter End
	check "the oldest blocks of a site" until_shows "^ +0x[0-9a-f]+ +1000B +[0-9]+s +$target +leak\$"
	check "and what is in memory of it" until_end_shows '^ +In memory: [0-9.]+% of .* blocks looked at'
	keys Escape b
	check "b: the change since now" until_shows ' baseline [0-9]+s ago$'
	keys z
	check "z: absolute again" until_gone ' baseline [0-9]+s ago$'
	keys e
	check "e lists the formats" until_shows '^csv +call sites'
	keys Enter C-u "$work/now.csv" Enter
	check "e writes a file" until_true "grep -q site_leak $work/now.csv"
	check "and says so" until_shows "^wrote .$work/now.csv."
	keys s
	check "s: without a file of the command line says so" until_shows '^there is no file to write to'
	keys Home Space
	check "Space pauses" until_shows PAUSED
	check "paused means still" stands_still
	keys Space
	check "Space goes on" until_gone PAUSED
	check "and it moves again" changes
}

test_sizes() {
	tm resize-window -t t -x 60 -y 15
	check "60x15 holds it" until_true 'fits 60 15'
	check "60x15 shows the leak" until_shows site_leak
	tm resize-window -t t -x 80 -y 24
	check "80x24 again" until_true 'fits 80 24'
}

test_stops() {
	kill -TSTP "$(tracer_pid)"
	check "sent TSTP: stops" until_shows 'Stopped'
	keys 'clear; fg; echo status=$?' Enter
	check "sent TSTP: fg brings it back" until_shows '^Lost [0-9]'
	keys C-z
	check "Ctrl-Z: stops" until_shows 'Stopped'
	keys 'clear; fg; echo status=$?' Enter
	check "Ctrl-Z: fg brings it back" until_shows '^Lost [0-9]'
	check "and it moves again" changes
}

test_ways_out() {
	keys q
	check "q: terminal restored" terminal_is_back
	check "q: status 0" until_shows 'status=0'
	check "q: summary is the last line" until_shows "^tracer: $target \(leak\): [0-9]+ events, 0 lost,"
	check "q: the target is well" target_is_well
	for number in TERM INT; do
		start -i 0.3
		kill -"$number" "$(tracer_pid)"
		check "SIG$number: terminal restored" terminal_is_back
		check "SIG$number: status 0" until_shows 'status=0'
	done
	start -i 0.3
	keys C-c
	check "Ctrl-C: terminal restored" terminal_is_back
	check "the target is well" target_is_well
}

test_window_closed() {
	local pid

	start -i 0.3
	pid=$(tracer_pid)
	tm kill-session -t t
	check "window closed: the tracer ends" until_true "! kill -0 $pid 2>/dev/null"
	check "window closed: the target is well" target_is_well
}

test_replay() {
	"$tracer" -p "$target" -b -q -d 2 -i 1 -w "$work/recording" >"$work/out" 2>&1
	tm kill-session -t t 2>/dev/null
	tm new-session -d -x 80 -y 24 -s t "env -u NO_COLOR LANG=C.UTF-8 $tracer -r $work/recording"
	check "a replay says where it is" until_shows '^replay leak .* 1x [0-9]s of [0-9]s'
	keys Space
	check "Space stops it" until_shows ' 1x [0-9]s of [0-9]s PAUSED'
	keys +
	check "+ makes it faster" until_shows ' 2x [0-9]s of [0-9]s PAUSED'
	keys '['
	check "[ goes back" until_shows ' 2x 0s of [0-9]s PAUSED'
	keys ']'
	check "] goes forward, to the end at most" until_shows '  ended at [23]s PAUSED'
	check "the leak is there" first_row_has site_leak
	keys '[' Space
	check "Space goes on to the end" until_shows '  ended at [0-9]s'
	keys q
}

test_target_ends() {
	start -i 0.3
	exec 9>&-
	check "the target's end is the view's" terminal_is_back
	check "the target's end: summary" until_shows "^tracer: $target \(leak\): "
	wait "$target"
	check "the target ended well" [ $? = 0 ]
	target=
}

start_target
test_first_sites
test_view
test_sorting
test_pages
test_sizes
test_stops
test_ways_out
test_window_closed
test_replay
test_target_ends
finish
