// SPDX-License-Identifier: GPL-2.0-or-later
/* The call sites of a run: verdicts, figures and reasons. */
"use strict";

const table = (() => {
	const marks = {
		leak: "\u25b2 leak",
		growing: "\u2197 growing",
		steady: "= steady",
		new: "\u00b7 new",
		"": "suppressed",
	};
	const mark = (site) => (site.rest ? "" : marks[site.verdict]);

	function nameCell(site, opener) {
		const frame = site.frames.length ? site.frames[site.function] : null;
		const place =
			frame === null ? "" : [names.frameModule[frame], names.frameSource(frame)].filter((t) => t).join("  ");
		const process =
			model.processes.length > 1
				? `${model.processes[site.process].comm} (${model.processes[site.process].pid})`
				: "";
		return element(
			"td",
			{ class: "name" },
			opener,
			element("span", { class: "narrow verdict " + site.verdict }, mark(site)),
			element(
				"div",
				{ class: "small short" },
				element("span", { class: "code" }, callersOf(site) ? "\u2190 " + callersOf(site) + "  " : ""),
				[site.type, place, process, site.mapped ? "mapped range" : ""].filter((t) => t).join(" \u00b7 "),
			),
			model.isCandidate(site) ? element("div", { class: "why" }, site.why) : null,
		);
	}

	const verdictCell = (site) =>
		element(
			"td",
			{ class: "wide" },
			element("span", { class: "verdict " + site.verdict, title: site.why }, mark(site)),
			model.isCandidate(site) ? element("div", { class: "small" }, `score ${site.score.toFixed(0)}`) : null,
		);

	const columns = [
		{
			key: "verdict",
			title: "Verdict",
			wide: true,
			value: (s) => model.rank[s.verdict] ?? -1,
			tie: (a, b) => b.growth - a.growth,
			cell: verdictCell,
			help:
				"leak: it grows, and its old blocks stay; growing: it grows, but old blocks do get freed, or may be what something is filled with; " +
				"new: too young to tell. Sorted by the verdict, then by growth",
		},
		{
			key: "name",
			title: "Function and why",
			name: true,
			value: (s) => s.name.toLowerCase(),
			cell: nameCell,
		},
		{ key: "outstanding_bytes", title: "Outstanding", text: units.bytes, exact: " bytes" },
		{ key: "outstanding_count", title: "Blocks", text: units.count, exact: " blocks", wide: true },
		{ key: "growth", title: "Growth/s", text: units.signed, exact: " bytes per second" },
		{
			key: "oldest",
			title: "Oldest",
			text: (v) => (v === null ? "" : units.seconds(v)),
			exact: " seconds",
			wide: true,
		},
		{
			key: "temporary_count",
			title: "Temporary",
			text: units.count,
			wide: true,
			exact: " blocks",
			help: "freed before the thread that allocated them allocated again",
		},
		{
			key: "alloc_bytes",
			title: "Allocated",
			text: units.bytes,
			exact: " bytes since tracing began",
			wide: true,
		},
	];
	const shows = [
		["candidates", "leak and growing", model.isCandidate],
		["leak", "leak", (s) => s.verdict === "leak"],
		["all", "all", () => true],
		["outstanding", "with outstanding blocks", (s) => s.outstanding_count > 0],
	];

	function pairs(site) {
		const amount = (b, n) => `${units.bytes(b)} (${units.exact(b)} bytes in ${units.plural(n, "block")})`;
		return [
			["Called", site.api],
			["Type", site.type],
			["Outstanding", amount(site.outstanding_bytes, site.outstanding_count)],
			["Range (95 %)", site.low === null ? null : `${units.bytes(site.low)} to ${units.bytes(site.high)}`],
			["Allocated", amount(site.alloc_bytes, site.alloc_count)],
			["Freed", amount(site.free_bytes, site.free_count)],
			["Peak", `${units.bytes(site.peak_bytes)} (${units.exact(site.peak_bytes)} bytes)`],
			[
				"Temporary",
				`${units.plural(site.temporary_count, "block")}, ` +
					`${units.share(site.temporary_count, site.alloc_count)} of those allocated`,
			],
			["Growth", `${units.signed(site.growth)}/s`],
			["Allocations", `${units.count(site.rate)}/s`],
			["At the peak of its process", units.bytes(site.at_peak)],
			[
				"Age of its blocks",
				site.oldest === null
					? "none is outstanding"
					: `half of them ${units.seconds(site.median_age)} or more, the oldest ${units.seconds(site.oldest)}`,
			],
			[
				"Lifetime",
				site.median_life === null
					? "none was freed"
					: `half of the freed blocks lived ${units.seconds(site.median_life)} or less, ` +
						`${units.percent(100 * site.young_share)} of them less than a millisecond`,
			],
			["Verdict", `${site.verdict}, score ${site.score.toFixed(0)} of 100: ${site.why}`],
			["Site", site.id],
		];
	}

	/* What looks like a leak first, where there is such a thing. */
	function first(list) {
		const found = list.some(model.isCandidate);
		return { show: found ? "candidates" : "all", sort: found ? "verdict" : "outstanding_bytes" };
	}

	return makeTable({
		columns,
		shows,
		first,
		search: model.search,
		pairs,
		total: (list) => `${units.bytes(list.reduce((n, s) => n + s.outstanding_bytes, 0))} outstanding`,
	});
})();
