#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Fetches the libraries of the HTML page into web/vendor, in the versions below, with npm, and verifies them. Not needed
# to build: what it writes is kept in the repository. For a newer version change its line, run this, and web/vendor/README.md.
set -eu
cd "$(dirname "$0")/.."

# NAME VERSION SHA512 FILE:KEPT...: the sum of the package's archive; its files that are kept, and their names here
packages='
uplot 1.6.32 2883159c6ebccefbb95d751b0b82d010f9e1c0ec41b8bc96d401eda66e882935c89a46cb824332fa369b8cb8122cc6ac36e186cd09bf7a9ded3a4c93c6989023 dist/uPlot.iife.min.js:uPlot.min.js dist/uPlot.min.css:uPlot.min.css LICENSE:uPlot.LICENSE
d3-hierarchy 3.1.3 1916a337965c9c4c18156aaa773846d6a277f9f0e0e965b3938ed3260ede3d8ef2bd802045f0f6af5994c7ec2f881396b82c1a9825338f031275ab68e378db18 dist/d3-hierarchy.min.js:d3-hierarchy.min.js LICENSE:d3-hierarchy.LICENSE
'

die()
{
	echo "update-web: $*" >&2
	exit 1
}

command -v npm >/dev/null || die "cannot fetch: npm is not installed"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

echo "$packages" | while read -r name version sum files; do
	[ -n "$name" ] || continue
	archive=$(cd "$work" && npm pack --silent "$name@$version") || die "cannot fetch $name $version"
	echo "$sum  $work/$archive" | sha512sum -c --quiet || die "$name $version is not what it was"
	tar -xzf "$work/$archive" -C "$work"
	for file in $files; do
		install -m 644 "$work/package/${file%:*}" "web/vendor/${file#*:}"
	done
	rm -rf "$work/package"
done
(cd web/vendor && sha512sum -- *.js *.css *.LICENSE >SHA512SUMS)
