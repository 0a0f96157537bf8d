// SPDX-License-Identifier: GPL-2.0-or-later
/* The call sites of two ends: which appeared, grew, shrank and disappeared. */
"use strict";

const table = (() => {
	const kinds = {
		appeared: "+ appeared",
		grew: "\u25b2 grew",
		shrank: "\u25bc shrank",
		disappeared: "\u2212 disappeared",
		unchanged: "= unchanged",
	};
	const order = Object.keys(kinds);
	const mark = (site) => (site.rest ? "" : kinds[site.change]);

	const signedCount = (v) => (v > 0 ? "+" : "") + units.count(v);

	const nameCell = (site, opener) =>
		element(
			"td",
			{ class: "name" },
			opener,
			element("span", { class: "narrow verdict " + site.change }, mark(site)),
			element(
				"div",
				{ class: "small short" },
				element("span", { class: "code" }, callersOf(site) ? "\u2190 " + callersOf(site) + "  " : ""),
				[site.module, site.source].filter((t) => t).join("  "),
			),
		);

	const columns = [
		{
			key: "change",
			title: "Change",
			wide: true,
			value: (s) => -order.indexOf(s.change),
			tie: (a, b) => Math.abs(b.bytes_change) - Math.abs(a.bytes_change),
			cell: (site) =>
				element("td", { class: "wide" }, element("span", { class: "verdict " + site.change }, mark(site))),
			help: "What appeared first, then what grew, shrank and disappeared; each by the size of its change",
		},
		{ key: "name", title: "Function", name: true, value: (s) => s.name.toLowerCase(), cell: nameCell },
		{ key: "bytes_change", title: "B \u2212 A", text: units.signed, exact: " bytes" },
		{ key: "count_change", title: "Blocks", text: signedCount, exact: " blocks", wide: true },
		{ key: "bytes_a", title: "In A", text: units.bytes, exact: " bytes" },
		{ key: "bytes_b", title: "In B", text: units.bytes, exact: " bytes" },
		{
			key: "alloc_change",
			title: "Allocated, B \u2212 A",
			text: units.signed,
			exact: " bytes",
			wide: true,
		},
	];
	const shows = [
		["changed", "changed", (s) => s.change !== "unchanged"],
		...order.map((kind) => [kind, kind, (s) => s.change === kind]),
		["all", "all", () => true],
	];

	const amount = (b, n) => `${units.bytes(b)} (${units.exact(b)} bytes in ${units.plural(n, "block")})`;

	const pairs = (site) => [
		["Called", site.api],
		["Outstanding in A", amount(site.bytes_a, site.count_a)],
		["Outstanding in B", amount(site.bytes_b, site.count_b)],
		["Change", `${units.signed(site.bytes_change)}, ${signedCount(site.count_change)} blocks: ${site.change}`],
		["Allocated in A", amount(site.alloc_a, site.alloc_count_a)],
		["Allocated in B", amount(site.alloc_b, site.alloc_count_b)],
		["Site", site.id],
	];

	return makeTable({
		columns,
		shows,
		first: (list) => ({
			show: list.some((s) => s.change !== "unchanged") ? "changed" : "all",
			sort: "bytes_change",
		}),
		search: model.search,
		pairs,
		total: (list) => `${units.signed(list.reduce((n, s) => n + s.bytes_change, 0))} together`,
	});
})();
