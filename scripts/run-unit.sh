#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs cmocka programs, one for each processor at a time, and counts their tests: scripts/run-unit.sh BINARY...
# Quiet for what passes, everything for what does not. The last line is "N passed, N failed"; the exit status is 1 when
# anything failed. A program that crashes, reports no test or ends with a status that its tests do not explain counts
# as one failure. Skipped tests are named, and are neither passed nor failed.
set -u

limit_s=300 # for one program, so that a test that hangs is a failure, not a wait
skip_line='^(not )?ok [0-9]+.*# SKIP'
passed=0
failed=0
skipped=0
outputs=$(mktemp -d) || exit 1
trap 'rm -rf "$outputs"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# run_all BINARY...: what the first says comes into the file 1, its exit status into 1.status, and so on
run_all()
{
	number=0
	for binary in "$@"; do
		number=$((number + 1))
		printf '%s\0%s\0' "$binary" "$outputs/$number"
	done | CMOCKA_MESSAGE_OUTPUT=TAP xargs -0 -n 2 -P "$(nproc)" sh -c '
		timeout --foreground "'$limit_s'" "$0" >"$1" 2>&1 </dev/null
		echo $? >"$1.status"'
}

# count BINARY OUTPUT
count()
{
	output=$2
	# One that was never started has written nothing, which is a failure below.
	status=$(cat "$output.status" 2>/dev/null || echo unknown)
	: >>"$output"
	good=$(grep -E '^ok [0-9]+' "$output" | grep -c -v '# SKIP')
	# cmocka writes a skipped test as "not ok N # SKIP", other writers of TAP as "ok".
	bad=$(grep -E '^not ok [0-9]+' "$output" | grep -c -v '# SKIP')
	skip=$(grep -c -E "$skip_line" "$output")
	# TAP's plan says how many tests should have reported.
	plan=$(sed -n 's/^1\.\.\([0-9][0-9]*\).*/\1/p' "$output" | awk '{ n += $1 } END { print n + 0 }')
	seen=$((good + bad + skip))

	why=
	if [ "$seen" -eq 0 ]; then
		why="no test ran, exit status $status"
	elif [ "$status" -eq 124 ]; then
		why="not ended after $limit_s s"
	elif [ "$seen" -ne "$plan" ]; then
		why="$seen of $plan tests reported, exit status $status"
	elif [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then
		why="all tests passed, but the exit status is $status"
	elif [ "$status" -ge 126 ]; then
		why="exit status $status"
	fi
	passed=$((passed + good))
	failed=$((failed + bad))
	skipped=$((skipped + skip))
	if [ -n "$why" ]; then
		failed=$((failed + 1))
	fi
	if [ -n "$why" ] || [ "$bad" -ne 0 ]; then
		echo "FAILED: $1${why:+: $why}"
		cat "$output"
	elif [ "$skip" -ne 0 ]; then
		echo "$1:"
		grep -E "$skip_line" "$output"
	fi
}

if [ $# -eq 0 ]; then
	echo "usage: scripts/run-unit.sh BINARY..." >&2
	echo "0 passed, 0 failed"
	exit 2
fi
run_all "$@"
number=0
for binary in "$@"; do
	number=$((number + 1))
	count "$binary" "$outputs/$number"
done
[ "$skipped" -eq 0 ] || echo "$skipped skipped"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
