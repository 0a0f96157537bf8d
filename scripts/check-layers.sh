#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Checks that the folders of user/ include only what stands before them on the way of an event:
#
#   target probe capture heap analyse symbol view export      and base, which includes nothing of ours but itself
#
# A file in a folder may include its own folder, the folders before it, base/ and include/. The files at the top of
# user/ (main.c, session.c, launch.c, options.c, ...) may include all of them; no folder may include a file of the top.
# export/ shares the blocks' record of view/report.h: no exception is needed, since view/ stands before export/.
# heap/ and analyse/ are plain C: no libbpf, elfutils, Capstone or curses headers; base/ neither.
# include/ includes only itself.
#
# Optional argument: another root to check (for the test of this script).
set -eu
cd "${1:-$(dirname "$0")/..}"

order="base target probe capture heap analyse symbol view export"
bad=0

complain()
{
	echo "$1: includes $2: $3"
	bad=$((bad + 1))
}

# "LINE NAME" of each #include, with its quotes or brackets.
includes()
{
	grep -n -E '^[[:space:]]*#[[:space:]]*include' "$1" | sed -n 's/^\([0-9]*\):[^"<]*\(["<][^">]*[">]\).*/\1 \2/p'
}

rank()
{
	n=0
	for folder in $order; do
		n=$((n + 1))
		[ "$folder" != "$1" ] || {
			echo $n
			return
		}
	done
	echo 0
}

# file folder line name
check_ours()
{
	case $4 in
	'"../../include/'*) return 0 ;;
	'"../'*/*)
		other=${4#\"../}
		other=${other%%/*}
		;;
	'"../'*)
		complain "$1:$3" "$4" "a folder may not include a file of the top of user/"
		return 0
		;;
	'"'*/*)
		complain "$1:$3" "$4" "write the path from this file, ../FOLDER/FILE"
		return 0
		;;
	*) return 0 ;;
	esac
	if [ "$(rank "$other")" -eq 0 ]; then
		complain "$1:$3" "$4" "'$other' is no folder of user/"
	elif [ "$(rank "$other")" -gt "$(rank "$2")" ]; then
		complain "$1:$3" "$4" "$2/ stands before $other/"
	fi
}

check_plain()
{
	case $2 in
	base | heap | analyse) ;;
	*) return 0 ;;
	esac
	case $4 in
	*bpf/* | *linux/bpf.h* | *elf.h* | *elfutils/* | *dwarf.h* | *libdw* | *libelf* | *curses* | *capstone* | *skel.h*)
		complain "$1:$3" "$4" "$2/ is plain C"
		;;
	esac
}

list=$(mktemp)
trap 'rm -f "$list"' EXIT
for folder in user/*/; do
	folder=$(basename "$folder")
	[ "$(rank "$folder")" -ne 0 ] || {
		echo "user/$folder: is no folder of the order: $order"
		bad=$((bad + 1))
		continue
	}
	for file in user/"$folder"/*.c user/"$folder"/*.h; do
		[ -f "$file" ] || continue
		includes "$file" >"$list"
		while read -r line name; do
			check_ours "$file" "$folder" "$line" "$name"
			check_plain "$file" "$folder" "$line" "$name"
		done <"$list"
	done
done
for file in include/*.h; do
	[ -f "$file" ] || continue
	includes "$file" >"$list"
	while read -r line name; do
		case $name in
		'"'*/*) complain "$file:$line" "$name" "include/ includes only itself" ;;
		esac
	done <"$list"
done

[ "$bad" -eq 0 ] || {
	echo "layers: $bad includes against the order"
	exit 1
}
