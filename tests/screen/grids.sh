#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Drives every page of the live view, and the mouse, over a made-up heap (screen_demo) in tmux. No root, no target.
# Usage: tests/screen/grids.sh [PATH_OF_SCREEN_DEMO]

. "$(dirname "$0")/lib.bash"

# Each page has its titles, keeps within the screen and says what it is.
test_grids() { # WIDTH HEIGHT
	start "$1" "$2" LANG=C.UTF-8
	until_shows '^a message'
	keys Home
	check "$1: the pages have names" until_shows '^ Sites  Callers  Threads  Processes  Modules  Pools  Go  Alerts'
	keys t
	check "$1: callers, from the root down" until_shows 'root down$'
	check "$1: sums of all below" until_shows '[0-9.]+M +[0-9.]+ +[0-9.]+K .* ├─- __libc_start_main'
	check "$1: callers of one thing below each other" until_shows '│ - event_loop'
	check "$1: callers fit" fits "$1"
	keys -
	check "$1: - closes" until_shows '├─\+ __libc_start_main'
	keys Right
	check "$1: Right opens" until_shows '│ - event_loop'
	keys r
	check "$1: r turns it round" until_shows 'allocator up$'
	check "$1: closed at first" until_shows '├─\+ session_create'
	keys Enter
	check "$1: Enter opens in place" until_shows '│ - accept_one'
	keys '*'
	check "$1: * opens all" until_shows '├─- cache::Store'
	keys '*'
	check "$1: * closes all" until_shows '├─\+ cache::Store'
	keys H
	check "$1: threads" until_shows '^ +4711 +391K +40.0 +1.00K +400B +0s +worker.\[0'
	check "$1: a thread that has ended" until_shows '^ +4714 .*\(ended\)'
	check "$1: how old that is" until_shows 'as of .* ago$'
	check "$1: threads fit" fits "$1"
	keys Tab
	check "$1: processes" until_shows '^ +4711 +[0-9.]+M +[0-9.]+K .* server$'
	check "$1: processes fit" fits "$1"
	keys Enter
	check "$1: a process opened" until_shows '^server \(4711\)$'
	check "$1: its memory" until_shows '^ +RSS [0-9.]+M \(anonymous'
	keys Escape Tab
	check "$1: modules" until_shows '^ +[0-9.]+M +[0-9.]+ .* plugin.so$'
	check "$1: a hostile module" until_shows ' bad\?name$'
	check "$1: modules fit" fits "$1"
	keys Tab
	check "$1: pools" until_shows '^ *SPARED/S▽ .*TEMP%'
	check "$1: a site that churns" until_shows ' handler_00[0-9]'
	check "$1: a pool of a Go program" until_shows '^ +198K +200K .* sync.Pool main.bufferPool'
	check "$1: a hostile pool" until_shows 'sync.Pool of main.bad\?name'
	check "$1: pools fit" fits "$1"
	keys Tab
	check "$1: goroutines" until_shows '^ +[0-9.]+K +\+12 .* leak 93 +main.leak( |$)'
	check "$1: what a target says is cleaned" until_shows ' IO wa\?it( |$)'
	check "$1: goroutines fit" fits "$1"
	keys Home Enter
	check "$1: a group opened" until_shows '^goroutine leak .* grew 12/s for 30s'
	check "$1: where it comes from" until_shows '^ +main.main.*main.go:19\)$'
	keys Escape Tab
	check "$1: alerts" until_shows '^[0-9:]{8} +[0-9]+s +4711 server +12.3M outstanding>10M$'
	check "$1: alerts fit" fits "$1"
	keys Tab
	check "$1: Tab goes round" until_shows 'OUTSTAND▽ +COUNT +GROWTH'
	keys BTab
	check "$1: Shift-Tab goes back" until_shows 'outstanding>10M$'
	keys P
	check "$1: a column that is not there" until_shows '^this page has no column for that'
	keys t t q
	until_shows 'status=0'
}

test_baseline() {
	start 80 24 LANG=C.UTF-8
	until_shows '^a message'
	keys Home b
	check "b: since the baseline" until_shows ' baseline [0-9]+s ago$'
	check "b: the heap's change" until_shows '^Heap \+[0-9.]+K in \+[0-9]+ blocks'
	check "b: a site's change" until_shows '^ +\+[0-9.]+K +\+[0-9]+ .* session_create'
	keys t
	check "b: changes in the tree" until_shows ' +\+[0-9.]+K +[0-9.]+ +\+[0-9]+ .* ├─- __libc_start_main'
	keys z t
	check "z: absolute again" until_shows '^Heap [0-9.]+M in [0-9.]+K blocks'
	check "z: and says so no more" until_gone 'baseline'
	keys q
	until_shows 'status=0'
}

test_mouse() {
	local line
	start 80 24 LANG=C.UTF-8
	until_shows '^a message'
	keys Home
	line=$(line_of 'handler_004')
	click 10 "$line"
	check "a click selects" until_true 'tm capture-pane -pe -t t | grep -qE "46m.*handler_004"'
	click 10 "$line"
	check "the second click opens" until_shows '  0  handler_004\+0x4'
	line=$(line_of '^EscBack')
	click 2 "$line"
	check "a click on a key of the bottom line" until_shows 'OUTSTAND▽'
	line=$(line_of OUTSTAND)
	click "$(column_of COUNT "$line")" "$line"
	check "a click on a title sorts" until_shows ' COUNT▽'
	click "$(column_of COUNT "$line")" "$line"
	check "again: inverted" until_shows ' COUNT△'
	line=$(line_of '^ Sites')
	click "$(column_of Modules "$line")" "$line"
	check "a click on a page's name" until_shows 'MODULE$'
	keys q
	until_shows 'status=0'
	start 80 24 LANG=C.UTF-8 many
	until_shows '^a message'
	keys Home
	press 65 10 10
	press 65 10 10
	keys Enter
	check "the wheel moves three rows at a time" until_shows '  0  handler_007'
	keys q q
	until_shows 'status=0'
}

test_grids 80 24
test_grids 200 60
test_baseline
test_mouse
finish
