#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Drives the live view (screen_demo: a made-up heap) in tmux and compares what is on the screen. No root, no target.
# Usage: tests/screen/screen.sh [PATH_OF_SCREEN_DEMO]

. "$(dirname "$0")/lib.bash"

test_list() {
	start 80 24 LANG=C.UTF-8
	check "header names the process" until_shows '^tracer server \(4711\) .* up [0-9]+s  every 0.5s'
	check "heap line has a history" until_shows '^Heap .* blocks  Growth \+.*/s  .*[▁█]'
	check "rss, rates and leaks" until_shows '^RSS .* Allocs 12.3K/s  Frees 12.0K/s  Sites 12  Leaks 1'
	check "losses and cost" until_shows '^Lost 0 events  Tracer 1.2% CPU, 11.8M'
	check "sorted by outstanding" until_shows 'OUTSTAND▽'
	check "largest site first" first_row_has 'leak +97 session_create'
	check "names are cleaned" until_shows 'evil\?\[2J\?\]0;owned'
	check "what is said meanwhile is shown" until_shows '^a message from while'
	check "80x24 holds it" until_true 'fits 80'
	check "it is updated" until_shows 'up ([4-9]|[1-9][0-9]+)s'
}

test_sorting() {
	keys N
	check "N sorts by count" until_shows ' COUNT▽'
	keys I
	check "I inverts" until_shows ' COUNT△'
	check "smallest first" first_row_has '^ +0B +0 .*handler_005'
	keys M
	check "M sorts by outstanding" until_shows 'OUTSTAND▽'
	keys '>'
	check "> goes to the right" until_shows ' COUNT▽'
	keys '<'
	check "< goes to the left" until_shows 'OUTSTAND▽'
	keys P
	check "P sorts by growth" until_shows ' GROWTH▽'
	keys T
	check "T sorts by age" until_shows ' OLDEST▽'
	check "oldest first" first_row_has handler_011
	keys F6
	check "F6 opens the menu" until_shows '^SORT BY'
	keys Home Down Enter
	check "the menu sorts" until_shows ' COUNT▽'
	keys M
	until_shows 'OUTSTAND▽'
}

test_pages() {
	keys Enter
	check "Enter opens the site" until_shows '^malloc in server \(4711\), site 1122334455667788'
	check "whole stack" until_shows '^ +5  __libc_start_main\+0x85 \[libc.so.6\]'
	check "inlined frame" until_shows 'accept_one \(inlined\) \[server\] \(/build/server/src/net.c:88\)'
	check "figures below" until_shows '^ +Outstanding +[0-9.]+M +\([0-9]+ bytes in [0-9]+ blocks\)'
	check "verdict and score" until_shows '^Verdict: leak, score 97 of 100'
	keys End
	check "lifetimes" until_shows '^ +32.8us..65.5us █+ +97.6% 400'
	check "what is in memory" until_shows '^ +In memory: 50.0% of 4.00K in 64 blocks looked at; swapped out: 0B'
	check "a history" until_shows '^ +0B │.*█'
	check "End scrolls to the oldest blocks" until_shows '^ +0x7f1234500080 +48B +1m28s +4713 +worker.\[2'
	keys Escape
	check "Esc goes back" until_shows 'OUTSTAND▽'
	keys Down Enter
	check "long names are wrapped whole" until_shows 'cache::Entry&&\)\+0x99'
	check "a cut stack says so" until_shows '\[cut: deeper than 256 frames\]'
	keys q
	check "q goes back" until_shows 'OUTSTAND▽'
	keys '?'
	check "? shows help" until_shows '^Keys'
	check "help lists keys" until_shows '^  t F5 +callers as a tree'
	keys Escape
	until_shows 'OUTSTAND▽'
}

test_input() {
	start 80 24 LANG=C.UTF-8
	until_shows '^a message'
	keys Home
	keys '\'
	check "\\ opens the filter" until_shows '^Filter:'
	keys serv
	check "the filter acts at once" until_gone handler_
	keys Enter
	check "the filter stays and is shown" until_shows 'filter: serv$'
	check "a match stays" until_shows session_create
	keys Escape
	check "Esc drops the filter" until_shows handler_004
	keys '\' zzzz
	check "no match is said" until_shows 'no call site matches'
	keys Escape
	check "Esc clears while typing" until_shows handler_004
	keys /
	until_shows '^Search:'
	keys handler_008 Enter
	until_gone '^Search:'
	keys n
	check "n without another match stays" until_shows handler_008
	keys Enter
	check "search finds and Enter opens it" until_shows '  0  handler_008\+0x4'
	keys Escape
	until_shows 'OUTSTAND'
	keys d
	check "d asks for the interval" until_shows '^Interval in seconds: 0.5'
	keys C-u 0.2 Enter
	check "the interval changes" until_shows 'every 0.2s'
	keys d
	until_shows '^Interval'
	keys C-u 9x Enter
	check "nonsense is refused" until_shows '^.9x. is no interval: 0.1 to 3600'
	keys e
	check "e asks for the format" until_shows '^EXPORT AS'
	check "formats are explained" until_shows '^json +everything'
	keys Down Enter
	check "and for the file" until_shows '^Export to file: tracer-4711-json.json'
	keys C-u /tmp/there Enter
	check "then it writes" until_shows "^wrote format 1 to ./tmp/there."
	keys s
	check "s asks for a snapshot" until_shows '^snapshot [0-9]+ written'
	keys Space
	check "Space pauses" until_shows 'PAUSED'
	check "paused means still" stands_still
	keys Space
	check "Space goes on" until_gone 'PAUSED'
}

# Several intervals pass, seen by nothing but the clock: this is the one place that has to wait.
stands_still() {
	local before
	before=$(shot)
	sleep 1
	[ "$before" = "$(shot)" ]
}

test_leaving() {
	tm resize-window -t t -x 100 -y 30
	check "it follows a larger size" until_true '[ "$(shot | grep -n "^F1Help" | cut -d: -f1)" = 30 ]'
	tm resize-window -t t -x 40 -y 10
	check "it follows a smaller size" until_true '[ "$(shot | grep -n "^F1Help" | cut -d: -f1)" = 10 ]'
	check "40x10 holds it" fits 40
	tm resize-window -t t -x 80 -y 24
	until_shows '^Lost'
	keys C-z
	check "Ctrl-Z stops" until_shows 'Stopped'
	keys 'clear; fg; echo status=$?' Enter
	check "fg brings it back" until_shows '^Lost [0-9]'
	kill -TSTP "$(demo_pid)"
	check "sent TSTP: stops" until_shows 'Stopped'
	keys 'clear; fg; echo status=$?' Enter
	check "sent TSTP: fg brings it back" until_shows '^Lost [0-9]'
	kill -STOP "$(demo_pid)"
	keys 'clear; fg; echo status=$?' Enter
	check "sent STOP: fg brings it back" until_shows '^Lost [0-9]'
	keys C-l
	check "Ctrl-L redraws" until_shows '^Lost [0-9]'
	keys F10
	check "F10 quits and restores" terminal_is_back
	check "kept messages follow" until_shows '^tracer: a message from while'
	check "status 0" until_shows 'status=0'
}

test_ways_out() {
	local way
	for way in segv:139 abort:134 exit:5; do
		start 80 24 LANG=C.UTF-8 "${way%:*}"
		check "${way%:*}: terminal restored" terminal_is_back
		check "${way%:*}: status ${way#*:}" until_shows "status=${way#*:}"
	done
	for way in SEGV:139 QUIT:131; do
		start 80 24 LANG=C.UTF-8
		until_shows '^F1Help'
		kill -"${way%:*}" "$(demo_pid)"
		check "sent ${way%:*}: terminal restored" terminal_is_back
		check "sent ${way%:*}: status ${way#*:}" until_shows "status=${way#*:}"
	done
	start 80 24 LANG=C.UTF-8
	until_shows '^F1Help'
	keys C-c
	check "Ctrl-C: terminal restored" terminal_is_back
	start 80 24 TERM=no-such-terminal
	check "an unknown terminal is said" until_shows '^tracer: cannot use terminal type .no-such-terminal.: it'
	check "an unknown terminal: status 1" until_shows 'status=1'
	start 80 24 TERM=dumb
	check "a dumb terminal is said" until_shows '^tracer: cannot use terminal type .dumb.: it cannot move'
	check "a dumb terminal: status 1" until_shows 'status=1'
}

test_terminals() {
	start 80 24 'LANG=C LC_ALL=C'
	check "without UTF-8: plain marks" until_shows 'OUTSTANDv'
	check "without UTF-8: plain bars" until_shows '^Heap .*/s  [_.=+*#@-]+ '
	check "without UTF-8: nothing else" until_true "! shot | LC_ALL=C grep -q '[^ -~]'"
	keys q
	start 80 24 'LANG=xx_YY.UTF-8'
	check "a UTF-8 locale that is not installed" until_shows 'OUTSTAND▽'
	keys q
	start 80 24 'NO_COLOR=1 LANG=C.UTF-8'
	until_shows '^F1Help'
	check "NO_COLOR: no colours" until_true '! tm capture-pane -pe -t t | grep -qE "\[([0-9;]*;)?[34][0-7]m"'
	keys q
	start 80 24 LANG=C.UTF-8
	until_shows '^F1Help'
	check "else: colours" until_true 'tm capture-pane -pe -t t | grep -qE "\[([0-9;]*;)?[34][0-7]m"'
	keys q
	start 20 5 LANG=C.UTF-8 many
	check "20x5 works" until_shows '^OUTSTAND▽'
	keys End
	check "20x5 scrolls" until_shows 'handler_'
	keys t Enter r '*' H Tab Tab Tab Enter Escape h
	check "20x5 has every page" until_shows '^Keys'
	keys Escape M / handler Enter n d Escape
	for size in 3x2 120x50 1x1 20x5; do
		tm resize-window -t t -x "${size%x*}" -y "${size#*x}"
		keys Tab Enter Escape
	done
	keys H t t
	check "any size does no harm" until_shows '^OUTSTAND▽'
	keys q
	until_shows 'status=0'
	start 160 40 LANG=C.UTF-8 two
	check "wide: all columns" until_shows '^ +# +PROCESS +OUTSTAND.* +PEAK +VERDICT +API +FUNCTION < CALLERS +SOURCE'
	check "wide: source" until_shows 'session.c:214'
	check "what is under way" until_shows 'reading tables of libfoo.so 3/41$'
	check "two processes" until_shows '^tracer 2 processes '
	keys q
	start 80 24 LANG=C.UTF-8 empty
	check "an empty heap" until_shows 'no allocation seen yet'
	keys Enter Down End PgDn q
	check "an empty heap: keys do no harm" until_shows 'status=0'
}

test_list
test_sorting
test_pages
test_input
test_leaving
test_ways_out
test_terminals
finish
