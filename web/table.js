// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A table of call sites: which are shown, in which order, and what is behind one. Only so many rows
 * are ever in the page. Who makes one says of what it is:
 *   columns [{key, title}] and of each: `text` and `exact` of a number, or `value` to sort by and `cell`; `wide`: not on
 *           a narrow screen; `name`: sorted upwards first; `tie`: the order of equal ones
 *   shows [key, title, test], first(sites) {show, sort}, search(words) test, pairs(site) [name, value], total(sites) words
 */
"use strict";

/* Who called it, as far as a line has room. */
const callersOf = (site) =>
	site.frames
		.slice(site.function + 1, site.function + 4)
		.map((n) => names.frameName[n].slice(0, 60))
		.join(" \u2190 ");

function makeTable({ columns, shows, first, search, pairs, total }) {
	const FIRST_ROWS = 25,
		MORE_ROWS = 100,
		MOST_ROWS = 1000;
	const state = { sites: [], show: "all", sort: "", descending: true, rows: FIRST_ROWS, open: new Set() };

	const valueOf = (column, site) => (column.value ? column.value(site) : (site[column.key] ?? -Infinity));

	function shown() {
		const wanted = shows.find(([name]) => name === state.show)[2];
		const matches = search(byId("sites-filter").value);
		const column = columns.find((c) => c.key === state.sort);
		const sign = state.descending ? -1 : 1;
		return state.sites
			.filter((s) => wanted(s) && matches(s))
			.sort((a, b) => {
				const x = valueOf(column, a),
					y = valueOf(column, b);
				return x < y ? -sign : x > y ? sign : column.tie ? column.tie(a, b) : a.number - b.number;
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

	const opener = (site) =>
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
		);

	function cell(column, site) {
		if (column.cell) return column.cell(site, opener(site));
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
				names.frameText(n),
			),
		);
		if (site.cut) rows.push(element("li", { class: "code skipped" }, site.cut));
		return element(
			"ol",
			{ class: "stack", start: 0, tabindex: 0, "aria-label": "Stack, innermost frame first" },
			...rows,
		);
	}

	const figures = (site) =>
		element(
			"dl",
			{ class: "pairs" },
			...pairs(site)
				.filter(([, value]) => value !== null)
				.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]),
		);

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
			`${units.plural(list.length, "call site")} of ${units.exact(state.sites.length)}, ${total(list)}`;
		more.hidden = list.length <= visible.length;
		more.disabled = state.rows >= MOST_ROWS;
		more.textContent = more.disabled
			? `${units.exact(list.length - visible.length)} more: filter or sort to see them`
			: `Show more (${units.exact(list.length - visible.length)} left)`;
	}

	function show(selection) {
		state.sites = selection.sites;
		state.rows = FIRST_ROWS;
		Object.assign(state, { descending: true }, first(selection.sites));
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
}
