#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Traces real programs and compares what tracer says with what they did. As root, after `make` and `make targets`.
#   scripts/run-live.sh [-l] [-v] [-jN] [WORD...]     -l lists the tests, -jN runs N at a time; with WORDs: only tests whose name contains one
set -eu
cd "$(dirname "$0")/.."

die()
{
	echo "not ok live: $*"
	echo "0 passed, 1 failed"
	exit 1
}

command -v python3 >/dev/null || die "no python3; run: scripts/install-deps.sh --test"
[ "${1-}" = -l ] || {
	[ "$(id -u)" = 0 ] || die "cannot trace: not root; run: sudo scripts/run-live.sh"
	[ -x build/tracer ] || die "no build/tracer; run: make"
	[ -d build/targets ] || die "no build/targets; run: make targets"
}
exec python3 -B -u tests/live/run.py "$@"
