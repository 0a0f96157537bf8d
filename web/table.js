// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The table of call sites: which are shown, in which order, and what is behind one. Only so many rows
 * are ever in the page.
 */
"use strict";

const table = (() => {
	const FIRST_ROWS = 25,
		MORE_ROWS = 100,
		MOST_ROWS = 1000;
	const marks = {
		leak: "\u25b2 leak",
		growing: "\u2197 growing",
		steady: "= steady",
		new: "\u00b7 new",
		"": "suppressed",
	};
	const mark = (site) => (site.rest ? "" : marks[site.verdict]);

	const columns = [
		{
			key: "verdict",
			title: "Verdict",
			wide: true,
			value: (s) => model.rank[s.verdict] ?? -1,
			help:
				"leak: it grows, and its old blocks stay; growing: it grows, but old blocks do get freed; " +
				"new: too young to tell. Sorted by the verdict, then by growth",
		},
		{ key: "name", title: "Function and why", name: true, value: (s) => s.name.toLowerCase() },
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
	const state = {
		sites: [],
		show: "all",
		sort: "outstanding_bytes",
		descending: true,
		rows: FIRST_ROWS,
		open: new Set(),
	};

	const valueOf = (column, site) => (column.value ? column.value(site) : (site[column.key] ?? -Infinity));

	function shown() {
		const wanted = shows.find(([name]) => name === state.show)[2];
		const matches = model.search(byId("sites-filter").value);
		const column = columns.find((c) => c.key === state.sort);
		const sign = state.descending ? -1 : 1;
		return state.sites
			.filter((s) => wanted(s) && matches(s))
			.sort((a, b) => {
				const x = valueOf(column, a),
					y = valueOf(column, b);
				return x < y
					? -sign
					: x > y
						? sign
						: column.key === "verdict"
							? b.growth - a.growth
							: a.number - b.number;
			});
	}

	function head() {
		fill(
			byId("sites-table").tHead,
			element(
				"tr",
				{},
				...columns.map((c) => {
					const sorted = c.key === state.sort;
					const arrow = sorted ? (state.descending ? " \u25bc" : " \u25b2") : "";
					return element(
						"th",
						{
							scope: "col",
							class: (c.text ? "number" : c.name ? "name" : "") + (c.wide ? " wide" : ""),
							"aria-sort": sorted ? (state.descending ? "descending" : "ascending") : null,
						},
						element(
							"button",
							{
								type: "button",
								title: c.help || "Sort by this column",
								"data-sort": c.key,
								on: { click: () => sortBy(c) },
							},
							c.title + arrow,
						),
					);
				}),
			),
		);
	}

	function sortBy(column) {
		state.descending = state.sort === column.key ? !state.descending : !column.name;
		state.sort = column.key;
		draw();
		byId("sites-table").tHead.querySelector(`[data-sort="${column.key}"]`).focus();
	}

	/* Who called it, as far as a line has room. */
	const callers = (site) =>
		site.frames
			.slice(site.function + 1, site.function + 4)
			.map((n) => model.frameName[n].slice(0, 60))
			.join(" \u2190 ");

	function nameCell(site) {
		const frame = site.frames.length ? site.frames[site.function] : null;
		const place =
			frame === null ? "" : [model.frameModule[frame], model.frameSource(frame)].filter((t) => t).join("  ");
		const process =
			model.processes.length > 1
				? `${model.processes[site.process].comm} (${model.processes[site.process].pid})`
				: "";
		return element(
			"td",
			{ class: "name" },
			element(
				"button",
				{
					type: "button",
					class: "open code",
					title: site.name.slice(0, 400),
					disabled: site.rest,
					"aria-expanded": String(state.open.has(site.number)),
					on: { click: () => toggle(site) },
				},
				site.name,
			),
			element("span", { class: "narrow verdict " + site.verdict }, mark(site)),
			element(
				"div",
				{ class: "small short" },
				element("span", { class: "code" }, callers(site) ? "\u2190 " + callers(site) + "  " : ""),
				[place, process, site.mapped ? "mapped range" : ""].filter((t) => t).join(" \u00b7 "),
			),
			model.isCandidate(site) ? element("div", { class: "why" }, site.why) : null,
		);
	}

	function cell(column, site) {
		if (column.key === "verdict")
			return element(
				"td",
				{ class: "wide" },
				element("span", { class: "verdict " + site.verdict, title: site.why }, mark(site)),
				model.isCandidate(site) ? element("div", { class: "small" }, `score ${site.score.toFixed(0)}`) : null,
			);
		if (column.name) return nameCell(site);
		const value = site[column.key];
		return element(
			"td",
			{
				class: "number" + (column.wide ? " wide" : ""),
				title: value === null ? null : units.exact(value) + column.exact,
			},
			column.text(value),
		);
	}

	function toggle(site) {
		if (!state.open.delete(site.number)) state.open.add(site.number);
		draw();
		byId("sites-table").querySelector(`tr[data-site="${site.number}"] .open`).focus();
	}

	function stack(site) {
		const rows = site.frames.map((n, i) =>
			element(
				"li",
				{ class: "code" + (i < site.function ? " skipped" : i === site.function ? " site" : "") },
				model.frameText(n),
			),
		);
		if (site.cut) rows.push(element("li", { class: "code skipped" }, site.cut));
		return element(
			"ol",
			{ class: "stack", start: 0, tabindex: 0, "aria-label": "Stack, innermost frame first" },
			...rows,
		);
	}

	function figures(site) {
		const amount = (b, n) => `${units.bytes(b)} (${units.exact(b)} bytes in ${units.plural(n, "block")})`;
		const pairs = [
			["Called", site.api],
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
		return element(
			"dl",
			{ class: "pairs" },
			...pairs
				.filter(([, value]) => value !== null)
				.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]),
		);
	}

	function detail(site) {
		return element(
			"tr",
			{ class: "detail" },
			element(
				"td",
				{ colspan: columns.length },
				element(
					"div",
					{ class: "columns" },
					element("div", {}, stack(site)),
					element(
						"div",
						{},
						figures(site),
						element(
							"p",
							{},
							element(
								"button",
								{ type: "button", on: { click: () => flame.showSite(site) } },
								"Show in the flame graph",
							),
						),
					),
				),
			),
		);
	}

	function draw() {
		const list = shown(),
			visible = list.slice(0, state.rows),
			more = byId("sites-more");
		head();
		fill(
			byId("sites-table").tBodies[0],
			...visible
				.flatMap((site) => [
					element("tr", { "data-site": site.number }, ...columns.map((c) => cell(c, site))),
					state.open.has(site.number) ? detail(site) : null,
				])
				.filter((row) => row),
		);
		byId("sites-count").textContent =
			`${units.plural(list.length, "call site")} of ${units.exact(state.sites.length)}, ` +
			`${units.bytes(list.reduce((n, s) => n + s.outstanding_bytes, 0))} outstanding`;
		more.hidden = list.length <= visible.length;
		more.disabled = state.rows >= MOST_ROWS;
		more.textContent = more.disabled
			? `${units.exact(list.length - visible.length)} more: filter or sort to see them`
			: `Show more (${units.exact(list.length - visible.length)} left)`;
	}

	function show(selection) {
		const found = selection.sites.some(model.isCandidate);
		state.sites = selection.sites;
		state.rows = FIRST_ROWS;
		state.show = found ? "candidates" : "all";
		state.sort = found ? "verdict" : "outstanding_bytes";
		state.descending = true;
		choices(
			byId("sites-show"),
			shows.map(([name, title, test]) => [
				name,
				`${title} (${units.exact(selection.sites.filter(test).length)})`,
			]),
			state.show,
		);
		draw();
	}

	function restart() {
		state.show = byId("sites-show").value;
		state.rows = FIRST_ROWS;
		draw();
	}

	function start() {
		byId("sites-show").addEventListener("change", restart);
		byId("sites-filter").addEventListener("input", restart);
		byId("sites-more").addEventListener("click", () => {
			state.rows = Math.min(state.rows + MORE_ROWS, MOST_ROWS);
			draw();
		});
	}

	return { start, show };
})();
