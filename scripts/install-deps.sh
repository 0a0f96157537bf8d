#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Installs what is missing, and nothing else, on Debian 12 and 13 (tested) and Ubuntu (not tested):
#   scripts/install-deps.sh          what building needs
#   scripts/install-deps.sh --test   that, and what the tests need
#   scripts/install-deps.sh --run    only the libraries that a binary built elsewhere needs
# A service that comes with a test program is neither started now nor at the next boot.
# Each line below is one need; `a|b` are names of the same thing in different releases, first found wins.
set -eu

run_needs='
libbpf1|libbpf0
libelf1t64|libelf1
libdw1t64|libdw1
libcapstone5|libcapstone4
libncursesw6
libprotobuf-c1
libmicrohttpd12t64|libmicrohttpd12
libzstd1
zlib1g
'
build_needs='
gcc
libc6-dev
make
pkgconf|pkg-config
clang
llvm
bpftool|linux-tools-common
libbpf-dev
libelf-dev
libdw-dev
libcapstone-dev
libncurses-dev
libzstd-dev
libiberty-dev
libprotobuf-c-dev
protobuf-c-compiler
libmicrohttpd-dev
zlib1g-dev
'
test_needs='
libcmocka-dev
clang-format
libclang-rt-dev|libclang-rt-19-dev|libclang-rt-14-dev|libclang-common-14-dev
xz-utils
tmux
g++
binutils
xz-utils
libdebuginfod1t64|libdebuginfod1
musl-tools
python3
python3-jsonschema
python3-pandas
python3-prometheus-client
golang-go
chromium
sqlite3
redis-server
redis-tools
nginx-light|nginx|nginx-core|nginx-full
postgresql
libjemalloc2
libjemalloc-dev
libtcmalloc-minimal4t64|libtcmalloc-minimal4
libgoogle-perftools4t64|libgoogle-perftools4
libmimalloc3|libmimalloc2.0|libmimalloc2
util-linux
procps
git
gdb
strace
valgrind
gdb
qemu-system-x86
busybox-static|busybox
cpio
'

die()
{
	echo "install-deps: $*" >&2
	exit 1
}

installed()
{
	dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed
}

has_candidate()
{
	apt-cache policy "$1" 2>/dev/null | grep -q '^  Candidate: [^(]'
}

# missing NEEDS: the needs of which no name is installed, one a line
missing()
{
	for need in $1; do
		found=
		for name in $(echo "$need" | tr '|' ' '); do
			if installed "$name"; then
				found=1
				break
			fi
		done
		[ -n "$found" ] || echo "$need"
	done
}

# resolve NEED: the first of its names that this release has
resolve()
{
	for name in $(echo "$1" | tr '|' ' '); do
		if has_candidate "$name"; then
			echo "$name"
			return 0
		fi
	done
	return 1
}

is_ubuntu()
{
	grep -qs '^ID=ubuntu' /etc/os-release
}

run_apt()
{
	if ! DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=120 "$@" \
		>"$log" 2>&1 </dev/null; then
		tail -n 20 "$log" >&2
		die "cannot install: 'apt-get $1' failed (its last lines are above); mend apt, then run this again"
	fi
}

# Debian's own switch: a package's installation asks this file before it starts a service.
forbid_services()
{
	if [ ! -e /usr/sbin/policy-rc.d ]; then
		policy=/usr/sbin/policy-rc.d
		printf '#!/bin/sh\nexit 101\n' >"$policy"
		chmod 755 "$policy"
	fi
}

# And PostgreSQL's: its installation would make a data directory, too.
forbid_cluster()
{
	folder=/etc/postgresql-common/createcluster.d
	case "$1 " in
	*' postgresql '*) ;;
	*) return 0 ;;
	esac
	mkdir -p $folder
	cluster=$folder/none-for-tests.conf
	echo 'create_main_cluster = false' >"$cluster"
}

# An administrator's own policy-rc.d may have let them start, and a package enables its service for the next boot.
quiet_services()
{
	command -v systemctl >/dev/null 2>&1 || return 0
	for package in $1; do
		case $package in
		redis-server) unit=redis-server.service ;;
		nginx*) unit=nginx.service ;;
		postgresql) unit=postgresql.service ;;
		*) continue ;;
		esac
		systemctl disable "$unit" >/dev/null 2>&1 || true
		if [ -d /run/systemd/system ]; then
			systemctl stop "$unit" >/dev/null 2>&1 || true
		fi
	done
}

# On Ubuntu bpftool is a wrapper that wants the tools of the running kernel.
check_bpftool()
{
	command -v bpftool >/dev/null 2>&1 || [ -x /usr/sbin/bpftool ] || return 0
	PATH=$PATH:/usr/sbin bpftool version >/dev/null 2>&1 && return 0
	for tool in /usr/lib/linux-tools/*/bpftool /usr/lib/linux-tools-*/bpftool; do
		if [ -x "$tool" ] && "$tool" version >/dev/null 2>&1; then
			echo "install-deps: bpftool does not work with this kernel; build with: make BPFTOOL=$tool"
			return 0
		fi
	done
	echo "install-deps: bpftool does not work with this kernel and no other one was found" >&2
}

clean_up()
{
	[ -z "$policy" ] || rm -f "$policy"
	if [ -n "$cluster" ]; then
		rm -f "$cluster"
		rmdir "${cluster%/*}" 2>/dev/null || true
	fi
	[ -z "$log" ] || rm -f "$log"
}

case "${1-}" in
'') needs=$build_needs ;;
--test) needs="$build_needs $test_needs" ;;
--run) needs=$run_needs ;;
*)
	echo "usage: scripts/install-deps.sh [--run | --test]" >&2
	exit 2
	;;
esac

command -v dpkg-query >/dev/null 2>&1 && command -v apt-get >/dev/null 2>&1 ||
	die "cannot install packages: this is neither Debian nor Ubuntu; needed are:" $needs
is_ubuntu && echo "install-deps: Ubuntu: not tested, the names are those of Debian"

wanted=$(missing "$needs")
if [ -z "$wanted" ]; then
	echo "install-deps: everything is there"
	exit 0
fi
[ "$(id -u)" = 0 ] || die "cannot install packages: not root; run: sudo $0 ${1-}" \
	"(missing:" $wanted")"

policy=
cluster=
log=$(mktemp)
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

run_apt update
packages=
unknown=
for need in $wanted; do
	if name=$(resolve "$need"); then
		packages="$packages $name"
	else
		unknown="$unknown $need"
	fi
done
[ -z "$unknown" ] || die "cannot install: no package for:$unknown; are all sources of this release enabled?"
case "$packages " in
*' linux-tools-common '*)
	kernel_tools=$(resolve "linux-tools-$(uname -r)|linux-tools-generic") && packages="$packages $kernel_tools"
	;;
esac

forbid_services
forbid_cluster "$packages"
echo "install-deps: installing$packages"
run_apt install -y --no-install-recommends $packages
quiet_services "$packages"
check_bpftool

wanted=$(missing "$needs")
[ -z "$wanted" ] || die "cannot install: apt-get said yes, but these are not there:" $wanted
echo "install-deps: everything is there"
