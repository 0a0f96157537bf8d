#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Feeds hostile input to every parser of what a traced process can give: first the seeds and the corpus, then changes of
# them for some time, one target for each processor at a time:
#   tests/fuzz/run.sh SECONDS [NAME...]     SECONDS for each target; NAMEs: those of tests/fuzz/fuzz_NAME.c
# What breaks a target is kept in build/fuzz/found/NAME. The last line is `N passed, N failed`, one test for each target.
# Exit status 77: this machine's clang has no fuzzing library, nothing was tried.
set -u

# An input of at most 64 KB may take this much; targets run under sanitizers, some ten times slower than tracer.
input_max=65536
input_seconds=60
memory_mib=1024
block_mib=512

usage()
{
	echo "usage: tests/fuzz/run.sh SECONDS [NAME...]" >&2
	exit 2
}

die()
{
	echo "not ok fuzz: $*"
	echo "0 passed, 1 failed"
	exit 1
}

case ${1-} in
'' | *[!0-9]*) usage ;;
esac
seconds=$1
shift
cd "$(dirname "$0")/../.." || exit 1
out=$PWD/build/fuzz
names=${*:-$(make -s -C tests/fuzz names)}
if ! make -s -C tests/fuzz check-runtime O="$out" >/dev/null 2>&1; then
	echo "skip fuzz: clang is not here or has no fuzzing library; run: scripts/install-deps.sh --test:" \
		"NO HOSTILE INPUT WAS TRIED"
	echo "0 passed, 0 failed"
	exit 77
fi
make -C tests/fuzz O="$out" -j"$(nproc)" || die "cannot build the fuzz targets"

# Of a target whose input is a file they are shared.
seeds_of()
{
	case " $(make -s -C tests/fuzz files) " in
	*" $1 "*) echo elf ;;
	*) echo "$1" ;;
	esac
}

# One line, and more where something is wrong. What libFuzzer finds goes to the first directory; the others are only read.
run_one()
{
	local name=$1 fresh=$out/fresh/$1 found=$out/found/$1 log=$out/$1.log folder status=0
	local inputs=()

	rm -rf "$fresh"
	mkdir -p "$fresh" "$found"
	for folder in "$out/seeds/$(seeds_of "$name")" "tests/fuzz/corpus/$name"; do
		[ ! -d "$folder" ] || inputs+=("$folder")
	done
	# A loop over one input ends by the time that it may take; a target that hangs outside of it, by the limit here.
	timeout -k 10 $((seconds + 600)) "$out/fuzz_$name" -max_total_time="$seconds" -max_len=$input_max \
		-timeout=$input_seconds -rss_limit_mb=$memory_mib -malloc_limit_mb=$block_mib -print_final_stats=1 \
		-artifact_prefix="$found/" "$fresh" "${inputs[@]}" >"$log" 2>&1 || status=$?
	if [ "$status" = 0 ]; then
		echo "ok fuzz_$name ($(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs)"
	else
		echo "not ok fuzz_$name: exit status $status; its input is in '$found', its output:"
		grep -a -v '^#[0-9]' "$log" | head -n 40 | sed 's/^/    /'
	fi
}

rm -f "$out"/*.result
export out seconds input_max input_seconds memory_mib block_mib
export -f run_one seeds_of
printf '%s\n' $names | xargs -P "$(nproc)" -I NAME bash -c 'run_one NAME >"$out/NAME.result" 2>&1'
passed=0
failed=0
for name in $names; do
	cat "$out/$name.result"
	if grep -q "^ok fuzz_$name " "$out/$name.result"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
	fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
