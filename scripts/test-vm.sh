#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs the live tests on the kernels of other Debian releases, each in a virtual machine (QEMU, software emulation), after
# `make` and `make targets`. Needs neither root nor BPF on this machine.
#   scripts/test-vm.sh [-k SUITE] [WORD...]   the tests listed below, or those whose name contains a WORD (__ is all of
#                                             them), on every kernel or on that of one release
#   scripts/test-vm.sh --short                the least that shows that tracer works on each of the kernels
# Without a WORD also the harm suite, where its programs are built (build/harm).
# The kernels come from their Debian packages, from this machine's own mirror; they and the logs stay in build/vm.
# The last line is `N passed, N failed`; exit status 1 when anything failed, 77 when there is no QEMU or no kernel.
set -uo pipefail

suites='bookworm trixie'
# Whole names and parts of names of tests.
all='every_function operator_new mallocx threads__ churn__pairs realloc_race mmap_class blocks__ report__ csv_sites
fork__ exec__ command__ children_ shell_pipeline name__ container__ dlopen__library executable__ target__ signals__ kill__
tracers__ stacks__ stopped_target bystander usage__ process__ rights__ check_option'
least='every_function__attach_perf__exact stacks__compared check_option'
programs='dash cat id true sleep seq sort tail printf mount cp mv kill unshare setpriv env ldconfig python3'
libraries='libjemalloc.so.2 libtcmalloc_minimal.so.4 libmimalloc.so.3 libmimalloc.so.2.0 libmimalloc.so.2'
memory_mib=1024
limit_seconds=1500 # for one kernel
short_limit_seconds=200
# Emulated code runs some 10 to 30 times slower: every deadline of the tests is that much later.
slow=10

die()
{
	echo "not ok vm: $*"
	echo "0 passed, 1 failed"
	exit 1
}

# What this machine cannot have is no failure of tracer, but has to be seen.
unavailable()
{
	echo "skip vm: $*: NOTHING WAS TESTED ON OTHER KERNELS"
	echo "0 passed, 0 failed"
	exit 77
}

# apt with lists and sources of its own: those of this machine are not touched.
run_apt()
{
	local command=$1

	shift
	"$command" -q -o "Dir::Etc::sourcelist=$vm/apt/$suite.list" -o Dir::Etc::sourceparts=- \
		-o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
		-o "Dir::State::lists=$vm/apt/$suite" -o "Dir::Cache=$vm/apt/$suite" \
		-o APT::Sandbox::User=root "$@"
}

# The package that linux-image-amd64 stands for, into build/vm/SUITE.deb
download_kernel()
{
	local keys=/usr/share/keyrings/debian-archive-keyring.gpg url package

	url=$(scripts/debian-mirror.sh) || unavailable "no Debian mirror in /etc/apt/sources.list*"
	mkdir -p "$vm/apt/$suite/archives/partial" "$vm/apt/$suite/partial"
	echo "deb [arch=amd64 signed-by=$keys] $url $suite main" >"$vm/apt/$suite.list"
	run_apt apt-get update >"$vm/apt/$suite.log" 2>&1 || return 1
	package=$(run_apt apt-cache depends linux-image-amd64 | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' |
		head -n 1)
	[ -n "$package" ] || return 1
	(cd "$vm/apt" && rm -f linux-image-*.deb && run_apt apt-get download "$package") >>"$vm/apt/$suite.log" 2>&1 &&
		mv "$vm"/apt/linux-image-*.deb "$vm/$suite.deb"
}

# build/vm/SUITE.kernel; from an earlier run if there is one
get_kernel()
{
	[ ! -s "$vm/$suite.kernel" ] || return 0
	echo "# getting the kernel of $suite"
	download_kernel || {
		tail -n 5 "$vm/apt/$suite.log" 2>/dev/null
		unavailable "cannot get the kernel of $suite from this machine's mirror"
	}
	dpkg-deb --fsys-tarfile "$vm/$suite.deb" | tar -xO --wildcards './boot/vmlinuz-*' >"$vm/$suite.kernel.part" &&
		mv "$vm/$suite.kernel.part" "$vm/$suite.kernel" || die "cannot unpack '$vm/$suite.deb'"
	rm -rf "$vm/$suite.deb" "$vm/apt"
}

# take FILE...: into the tree, under its own name; a link with what it leads to
take()
{
	local file real

	for file in "$@"; do
		real=$(realpath -e "$file") || die "cannot find '$file'"
		[ -e "$tree$real" ] || install -D -p "$real" "$tree$real"
		[ -e "$tree/$file" ] || [ -L "$tree/$file" ] || {
			mkdir -p "$tree/$(dirname "$file")"
			ln -s "$real" "$tree/$file"
		}
	done
}

# The shared libraries of programs; static ones have none.
take_libraries_of()
{
	local file

	while read -r file; do
		case $file in
		"$PWD"/*) ;; # comes with the build
		*) take "$file" ;;
		esac
	done < <(ldd "$@" 2>/dev/null | sed -n 's/^[^/]*\(\/[^ :]*\) (0x.*/\1/p' | sort -u)
}

take_programs()
{
	local name path

	for name in $programs; do
		path=$(PATH=/usr/bin:/bin:/usr/sbin:/sbin command -v "$name") || continue
		case $path in
		/*) ;;
		*) path=/usr/bin/$name ;; # a builtin of this shell
		esac
		take "$path"
		take_libraries_of "$path"
	done
	ln -s dash "$tree/usr/bin/sh"
}

take_python()
{
	local home

	home=$(/usr/bin/python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))') ||
		die "no /usr/bin/python3; run: scripts/install-deps.sh --test"
	mkdir -p "$tree$home"
	tar -C "$home" --exclude='./config-*' --exclude=./test --exclude=./idlelib --exclude=./tkinter \
		--exclude=./ensurepip --exclude=./lib2to3 --exclude=./pydoc_data -cf - . | tar -C "$tree$home" -xf -
	take_libraries_of "$home"/lib-dynload/*.so
}

take_preloads()
{
	local name path

	for name in $libraries; do
		path=$(PATH=$PATH:/usr/sbin:/sbin ldconfig -p |
			sed -n "s/^[[:space:]]*$name (.*x86-64.*=> \(.*\)/\1/p" | head -n 1)
		[ -n "$path" ] || continue
		take "$path"
		take_libraries_of "$path"
	done
	[ ! -e /lib/ld-musl-x86_64.so.1 ] || take /lib/ld-musl-x86_64.so.1
}

# The C library's own symbols, where this machine has them: stacks begin in functions that it does not export.
take_debug_file()
{
	local libc id file

	libc=$(realpath /lib/x86_64-linux-gnu/libc.so.6) || return 0
	id=$(LC_ALL=C readelf -n "$libc" 2>/dev/null | sed -n 's/^ *Build ID: //p')
	file=/usr/lib/debug/.build-id/${id:0:2}/${id:2}.debug
	[ ! -f "$file" ] || take "$file"
}

take_build()
{
	mkdir -p "$tree/tracer/build" "$tree/tracer/tests/bench" "$tree/tracer/scripts"
	cp -p build/tracer "$tree/tracer/build/"
	cp -pr build/targets "$tree/tracer/build/"
	if [ -x build/bench/work ]; then
		mkdir -p "$tree/tracer/build/bench"
		cp -p build/bench/work "$tree/tracer/build/bench/"
	fi
	cp -pr tests/live tests/web "$tree/tracer/tests/"
	cp -p tests/bench/terminal.py "$tree/tracer/tests/bench/" # live tests look through it, too
	if [ -d build/harm ]; then
		cp -pr build/harm "$tree/tracer/build/"
		cp -pr tests/harm "$tree/tracer/tests/"
		take_libraries_of build/harm/*
	fi
	cp -p scripts/run-live.sh "$tree/tracer/scripts/"
	cp -p tests/vm/init "$tree/init"
	take_libraries_of build/tracer build/targets/*
}

make_initramfs()
{
	local folder busybox

	busybox=$(command -v busybox) || unavailable "no busybox; run: scripts/install-deps.sh --test"
	command -v cpio >/dev/null || unavailable "no cpio; run: scripts/install-deps.sh --test"
	rm -rf "$tree"
	for folder in bin sbin lib lib64; do
		mkdir -p "$tree/usr/$folder"
		ln -s "usr/$folder" "$tree/$folder"
	done
	mkdir -p "$tree/etc"
	printf 'root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n' >"$tree/etc/passwd"
	printf 'root:x:0:\nnogroup:x:65534:\n' >"$tree/etc/group"
	install -p "$busybox" "$tree/bin/busybox"
	take_programs
	take_python
	take_preloads
	take_debug_file
	take_build
	PATH=$PATH:/usr/sbin:/sbin ldconfig -r "$tree" 2>/dev/null
	(cd "$tree" && find . -print0 | cpio --null --quiet -o -H newc --owner=+0:+0) >"$vm/initramfs" ||
		die "cannot make '$vm/initramfs'"
	rm -rf "$tree"
}

# What the virtual machine prints, as it comes.
boot()
{
	timeout -k 10 "$limit" qemu-system-x86_64 -nodefaults -no-user-config -display none -monitor none -no-reboot \
		-accel tcg,thread=multi -cpu max -smp 2 -m "$memory_mib" \
		-serial "file:$vm/$suite.console" -serial stdio \
		-kernel "$vm/$suite.kernel" -initrd "$vm/initramfs" \
		-append "console=ttyS0 loglevel=5 panic=-1 mitigations=off nowatchdog \
			rcupdate.rcu_cpu_stall_suppress=1 TRACER_TEST_SLOW=$slow TRACER_VM_HARM=$harm -- $*" </dev/null
}

# A complaint of the kernel is a failure even when every test has passed.
check_console()
{
	grep -E -m 5 'BUG:|WARNING:|Oops|Kernel panic|Call Trace' "$vm/$suite.console" || {
		echo "ok $suite kernel__its_messages__no_complaint"
		passed=$((passed + 1))
		return
	}
	echo "not ok $suite kernel__its_messages__no_complaint: see '$vm/$suite.console'"
	failed=$((failed + 1))
}

run_kernel()
{
	local status=0 summary ended p f

	echo "# booting the kernel of $suite"
	boot "$@" 2>&1 | tee "$vm/$suite.log" | sed -u -E "s/^(ok|not ok|skip) /\1 $suite /; /^[0-9]+ passed, /d"
	status=${PIPESTATUS[0]}
	ended=$(sed -n 's/^# \([0-9]*\) suites have ended.*/\1/p' "$vm/$suite.log")
	# how many summaries, their sums
	summary=$(awk '/^[0-9]+ passed, [0-9]+ failed/ { n++; p += $1; f += $3 } END { print n + 0, p + 0, f + 0 }' \
		"$vm/$suite.log")
	if [ "${summary%% *}" = "$ended" ]; then
		read -r _ p f <<<"$summary"
		passed=$((passed + p))
		failed=$((failed + f))
		check_console
		return
	fi
	tail -n 20 "$vm/$suite.console"
	passed=$((passed + $(grep -c '^ok ' "$vm/$suite.log")))
	failed=$((failed + $(grep -c '^not ok ' "$vm/$suite.log") + 1))
	[ "$status" != 124 ] || status="$status, not finished after $limit s"
	echo "not ok $suite tests__in_the_virtual_machine__end: a summary is missing (exit status $status)"
}

usage()
{
	echo "usage: scripts/test-vm.sh [--short | [-k bookworm|trixie] [WORD...]]" >&2
	exit 2
}

limit=$limit_seconds
words=$all
harm=1
case ${1-} in
--short)
	[ $# = 1 ] || usage
	words=$least
	limit=$short_limit_seconds
	harm=0
	;;
-k)
	case " $suites " in
	*" ${2-} "*) suites=$2 ;;
	*) usage ;;
	esac
	shift 2
	;;
-*) usage ;;
esac
# Words choose among the live tests.
if [ $# != 0 ] && [ "$1" != --short ]; then
	words=$*
	harm=0
fi

cd "$(dirname "$0")/.." || exit 1
vm=$PWD/build/vm
tree=$vm/tree
passed=0
failed=0
[ -x build/tracer ] || die "no build/tracer; run: make"
[ -d build/targets ] || die "no build/targets; run: make targets"
command -v qemu-system-x86_64 >/dev/null || unavailable "no qemu-system-x86_64; run: scripts/install-deps.sh --test"
mkdir -p "$vm"
for suite in $suites; do
	get_kernel
done
make_initramfs
for suite in $suites; do
	run_kernel $words
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
