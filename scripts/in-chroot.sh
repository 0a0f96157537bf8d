#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Proves that scripts/test needs nothing but a minimal system of a release:
#   scripts/in-chroot.sh SUITE DIR     SUITE: bookworm or trixie
# Makes DIR a fresh minimal SUITE (from DIR.tar when an earlier run left it, else with debootstrap from this
# machine's own mirror), copies the repository there, runs scripts/test in it, on this machine's kernel, and prints the
# last lines. The whole output stays in DIR.log. Exit status: that of scripts/test.
set -euo pipefail

die()
{
	echo "in-chroot: $*" >&2
	exit 1
}

mounts()
{
	awk -v dir="$dir" '$2 == dir || index($2, dir "/") == 1 { print $2 }' /proc/self/mounts
}

unmount_all()
{
	local where

	# Deepest first; only DIR and what is mounted below it.
	mounts | sort -r | while read -r where; do
		umount "$where" 2>/dev/null || umount -l "$where"
	done
}

make_base()
{
	local url extra=

	unmount_all
	# A mount that stayed would be emptied together with DIR.
	if [ -n "$(mounts)" ]; then
		die "cannot empty '$dir': something is still mounted in it"
	fi
	rm -rf --one-file-system "$dir"
	mkdir -p "$dir"
	if [ -f "$dir.tar" ]; then
		tar -C "$dir" --numeric-owner -xpf "$dir.tar"
		return
	fi
	command -v debootstrap >/dev/null || die "cannot make '$dir': no debootstrap here; run: apt-get install debootstrap"
	url=$("$repo/scripts/debian-mirror.sh") || die "cannot make '$dir': no Debian mirror in /etc/apt/sources.list*"
	case $url in
	https:*) extra=--include=ca-certificates ;;
	esac
	echo "in-chroot: debootstrap $suite"
	debootstrap --variant=minbase $extra "$suite" "$dir" "$url" >"$dir.debootstrap.log" 2>&1 || {
		tail -n 5 "$dir.debootstrap.log" >&2
		die "cannot make '$dir': debootstrap failed, see '$dir.debootstrap.log'"
	}
	tar -C "$dir" --numeric-owner -cf "$dir.tar.part" . && mv "$dir.tar.part" "$dir.tar"
}

# What is here now, committed or not, without what was built.
copy_repository()
{
	mkdir -p "$dir/root/tracer"
	tar -C "$repo" --exclude=./build -cf - . | tar -C "$dir/root/tracer" --no-same-owner -xf -
}

mount_kernel()
{
	# Its root has to be a mount point, else nothing in it can have mounts of its own (unshare -m).
	mount --bind "$dir" "$dir"
	mount --make-private "$dir"
	mount -t proc proc "$dir/proc"
	mount -t sysfs sysfs "$dir/sys"
	mount -t tmpfs tmpfs "$dir/tmp"
	mount --rbind /dev "$dir/dev"
	mount --make-rslave "$dir/dev"
	[ -r "$dir/sys/kernel/btf/vmlinux" ] || die "cannot trace: this kernel has no /sys/kernel/btf/vmlinux"
	mount -t tracefs tracefs "$dir/sys/kernel/tracing" 2>/dev/null || true
	mount -t bpf bpf "$dir/sys/fs/bpf" 2>/dev/null || true
}

copy_network_settings()
{
	local file

	for file in /etc/resolv.conf /etc/hosts; do
		[ ! -e "$file" ] || cp -L "$file" "$dir$file"
	done
}

[ $# = 2 ] || {
	echo "usage: scripts/in-chroot.sh SUITE DIR" >&2
	exit 2
}
[ "$(id -u)" = 0 ] || die "cannot make a chroot: not root"
suite=$1
mkdir -p "$2"
dir=$(realpath "$2")
repo=$(realpath "$(dirname "$0")/..")
case $dir in
/ | "$repo" | "$repo"/*) die "cannot use '$dir': choose an empty directory outside the repository" ;;
esac
# Only ever empties what it made itself, or an empty directory.
if [ -n "$(ls -A "$dir")" ] && [ ! -d "$dir/debootstrap" ] && [ ! -e "$dir/etc/debian_version" ]; then
	die "cannot use '$dir': it is not empty and no earlier chroot"
fi

trap unmount_all EXIT
make_base
copy_network_settings
copy_repository
mount_kernel
echo "in-chroot: scripts/test in $suite (whole output: $dir.log)"
status=0
chroot "$dir" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
	HOME=/root LC_ALL=C.UTF-8 TERM=xterm TRACER_TEST_NO_LIVE="${TRACER_TEST_NO_LIVE-}" \
	/root/tracer/scripts/test >"$dir.log" 2>&1 </dev/null || status=$?
tail -n 15 "$dir.log"
exit "$status"
