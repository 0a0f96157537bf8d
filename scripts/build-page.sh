#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Makes the two halves of an HTML page of web/: everything before the data, and everything behind it. As `make` runs it:
#   scripts/build-page.sh PAGE HEAD TAIL
# PAGE.html is filled with styles and scripts. The page allows exactly the scripts and styles that are put in here, by their hashes.
set -eu
web=$(dirname "$0")/../web
page=$1
head=$2
tail=$3

case $page in
page)
	styles="vendor/uPlot.min.css page.css"
	libraries="vendor/uPlot.min.js vendor/d3-hierarchy.min.js"
	scripts="units.js names.js model.js table.js sites.js timeline.js flame.js histograms.js facts.js page.js"
	licences="vendor/uPlot.LICENSE vendor/d3-hierarchy.LICENSE"
	;;
difference)
	styles="page.css"
	libraries="vendor/d3-hierarchy.min.js"
	scripts="units.js names.js difference_model.js table.js changes.js flame.js difference.js"
	licences="vendor/d3-hierarchy.LICENSE"
	;;
*)
	echo "build-page: there is no page '$page'" >&2
	exit 2
	;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

all()
{
	for file; do
		cat "$web/$file"
		echo
	done
}

# The hash of standard input, as a policy names it.
allow()
{
	printf " 'sha256-%s'" "$(sha256sum | cut -c1-64 | tr a-f A-F | basenc --base16 -d | base64)"
}

escape()
{
	sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g'
}

all $styles >"$work/style"
all $scripts >"$work/script"
for file in $libraries; do
	all "$file" >"$work/$(basename "$file")"
done
if cat "$work"/* | grep -qiE '</(script|style)|<!--'; then
	echo "build-page: a script or style has what would end it in a page" >&2
	exit 1
fi

policy="default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; style-src$(allow <"$work/style"); script-src"
for file in $libraries; do
	policy="$policy$(allow <"$work/$(basename "$file")")"
done
policy="$policy$(allow <"$work/script")"

while IFS= read -r line; do
	case $line in
	*@POLICY@*) printf '%s\n' "${line%%@POLICY@*}$policy${line#*@POLICY@}" ;;
	@STYLE@) printf '<style>' && cat "$work/style" && echo '</style>' ;;
	@LICENCES@) all $licences | escape ;;
	@DATA@) break ;;
	*) printf '%s\n' "$line" ;;
	esac
done <"$web/$page.html" >"$head"
printf '<script type="application/json" id="data">' >>"$head"

{
	echo '</script>'
	for file in $libraries; do
		printf '<script>' && cat "$work/$(basename "$file")" && echo '</script>'
	done
	printf '<script>' && cat "$work/script" && echo '</script>'
	sed '1,/^@DATA@$/d' "$web/$page.html"
} >"$tail"
