#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Makes the files that the fuzz targets start from: tests/fuzz/seeds.sh DIR
# Into DIR/elf: small programs and libraries of our own source, in the forms that compilers, linkers and strippers give
# them, and hostile files made by hand (hostile.py). Into DIR/NAME: what the other targets start from.
# What a tool of this machine cannot make is left out: the committed corpus has the most important of it.
set -u

[ $# = 1 ] || {
	echo "usage: tests/fuzz/seeds.sh DIR" >&2
	exit 2
}
mkdir -p "$1/elf" "$1/work"
out=$(realpath "$1")/elf
work=$(realpath "$1")/work
cd "$(dirname "$0")/seeds" || exit 1

CC=${CC:-gcc}
CXX=${CXX:-g++}
CLANG=${CLANG:-clang}
# No start files: nothing in a seed is anybody else's, and nothing says where it was made. Few pages and no padding: small.
plain="-nostdlib -fno-builtin -fno-stack-protector -w -fdebug-prefix-map=$PWD=/src -fdebug-prefix-map=$out=/out"
small='-Wl,-z,max-page-size=4096 -Wl,-z,noseparate-code -Wl,--build-id=0x0102030405060708'
library="$plain $small -shared -fPIC -Wl,--unresolved-symbols=ignore-all"
program="$plain $small -static -Wl,--unresolved-symbols=ignore-all"

# make_one NAME COMMAND...: COMMAND writes its last argument
make_one()
{
	local name=$1

	shift
	"$@" -o "$out/$name" 2>"$work/log" || {
		rm -f "$out/$name"
		echo "seeds: left out $name: $(head -n 1 "$work/log")"
	}
}

# copy_one NAME FROM OPTION...: by objcopy
copy_one()
{
	local name=$1 from=$2

	shift 2
	objcopy "$@" "$out/$from" "$out/$name" 2>"$work/log" || {
		rm -f "$out/$name"
		echo "seeds: left out $name: $(head -n 1 "$work/log")"
	}
}

# The symbols that stripping removes, packed, as some distributions ship them.
make_minidebuginfo()
{
	command -v xz >/dev/null || {
		echo "seeds: left out minidebuginfo: no xz"
		return
	}
	mkdir -p "$1/xz"
	objcopy --remove-section .comment --strip-debug "$out/dwarf5" "$work/mini" && xz -9 -f "$work/mini" &&
		cp "$work/mini.xz" "$1/xz/symbols" && head -c 9000000 /dev/zero | xz -9 >"$1/xz/zeros" &&
		copy_one minidebuginfo stripped --add-section .gnu_debugdata="$work/mini.xz"
}

make_forms()
{
	make_one dwarf5 $CC -O2 -g -gdwarf-5 $library small.c
	make_one dwarf4 $CC -O2 -g -gdwarf-4 $library small.c
	make_one dwarf3 $CC -O1 -g -gdwarf-3 -gstrict-dwarf $library small.c
	make_one unoptimised $CC -O0 -g $library small.c
	make_one split $CC -O2 -g -gsplit-dwarf $library small.c
	make_one debug_frame $CC -O2 -g -fno-asynchronous-unwind-tables -fno-unwind-tables $library small.c
	make_one program $CC -O2 -g $program small.c
	make_one realigned $CC -O2 -mstackrealign $library small.c
	make_one branch_tracking $CC -O2 -fcf-protection=full $library small.c
	make_one no_frame_header $CC -O2 -Wl,--no-eh-frame-hdr $library small.c
	make_one packed_zlib $CC -O2 -g -Wl,--compress-debug-sections=zlib-gabi $library small.c
	make_one packed_zdebug $CC -O2 -g -Wl,--compress-debug-sections=zlib-gnu $library small.c
	make_one clang $CLANG -O2 -g $library small.c
	make_one types $CXX -O1 -g -fdebug-types-section -fno-exceptions -fno-rtti $library scopes.cc
	make_one scopes $CXX -O1 -g -fno-exceptions -fno-rtti $library scopes.cc
	make_one frames $CC $program frames.S
	make_one go_table $CC $program gopclntab.S
	make_one go_alloc $CC $program goalloc.S
	make_one relocatable $CC -c -O2 -g $plain small.c
	copy_one stripped dwarf5 --strip-all
	copy_one only_debug dwarf5 --only-keep-debug
	copy_one linked stripped --add-gnu-debuglink="$out/only_debug"
	make_minidebuginfo "$1"
}

# What Go's linker leaves: at addresses that are offsets in the file, too, because the file stands for memory as well.
make_go()
{
	local low="-Wl,-Ttext-segment=0"

	make_one go_stripped $CC $program $low -Wl,-s go.S
	# a unit is called as its file is, and C knows no names with a dot
	cp go_types.c "$work/runtime" &&
		(cd "$work" && $CC -O1 -g -gdwarf-4 $plain -fno-eliminate-unused-debug-types -S -x c -o go_types.s runtime) &&
		sed -i 's/runtime_/runtime./g' "$work/go_types.s"
	make_one go_types $CC $program $low "$work/go_types.s"
	make_one go_types_packed $CC $program $low -Wl,--compress-debug-sections=zlib-gabi "$work/go_types.s"
}

# Names that each demangler knows, at the right places for the targets demangle and text; texts of /proc, maps of
# generated code.
make_texts()
{
	local n=0 name

	mkdir -p "$1/demangle" "$1/text" "$1/maps" "$1/perf_map"
	while read -r name; do
		n=$((n + 1))
		printf '\377%s' "$name" >"$1/demangle/name$n"
		printf '%s\0mod,ule\0a "file"\0%s\0b\0c\nd\0e\0\303\251\342\200\256\0' "$name" "$name" >"$1/text/name$n"
	done <names.txt
	cat /proc/self/maps >"$1/maps/maps"
	printf '7f0010 20 LazyCompile:*f a.js:1\n7f0020 8 Stub b\n7f0018 10 replaces\nffffffffffffffff 2 wraps\n5 0 none\n' \
		>"$1/perf_map/map"
	cat /proc/self/status >"$1/maps/status"
	printf '10-20 r-xp 0 1:2 3 /a\n18-30 r-xp 0 1:2 3 /b (deleted)\n20-28 r-xp 0 1:2 3 /c\\012d\n' >"$1/maps/merged"
}

make_forms "$(dirname "$out")"
make_go
make_texts "$(dirname "$out")"
python3 -B ../hostile.py "$(dirname "$out")" || echo "seeds: left out the hostile ones: no python3"
rm -rf "$work"
