// SPDX-License-Identifier: GPL-2.0-or-later
/* Two ends that the page compares: each call site has what it held at either. */
"use strict";

const model = (() => {
	const { data, text } = names;

	const sites = names.rows();
	for (const site of sites) {
		site.name = text(site.name) || "[stack not known]";
		site.source = text(site.source);
		site.module = text(site.module);
		site.bytes_change = site.bytes_b - site.bytes_a;
		site.count_change = site.count_b - site.count_a;
		site.alloc_change = site.alloc_b - site.alloc_a;
		site.bytes_less = -site.bytes_change;
	}

	const flameValues = [
		["bytes_change", "more bytes", units.bytes, "Sites that shrank"],
		["bytes_less", "fewer bytes", units.bytes, "Sites that grew"],
		["count_change", "more blocks", units.count, "Sites with fewer blocks"],
		["alloc_change", "more allocated bytes", units.bytes, "Sites that allocated less"],
		["bytes_b", "bytes in B", units.bytes],
		["bytes_a", "bytes in A", units.bytes],
	];

	const search = (words) => names.search(words, (site) => site.change);

	return { data, sites, flameValues, search };
})();
