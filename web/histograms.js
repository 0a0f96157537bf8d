// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How large blocks are and how long they live: a row for each power of two, with its numbers beside
 * the bar. Of sizes and lifetimes all blocks since tracing began are known, of those that are
 * outstanding their ages.
 */
"use strict";

const histograms = (() => {
	let spreads = [];
	const choicesOfBars = [
		["outstanding", "outstanding blocks", 1],
		["bytes", "outstanding bytes", 2],
		["blocks", "allocated or freed blocks", 0],
	];

	/* [allocated or freed, outstanding, its bytes] of all processes together. */
	function merge(name) {
		const merged = spreads[0][name].map(() => [0, 0, 0]);
		for (const spread of spreads)
			spread[name].forEach(
				(entry, i) =>
					entry &&
					entry.forEach((n, k) => {
						merged[i][k] += n;
					}),
			);
		return merged;
	}

	const power = (i) =>
		i < 10 ? 2 ** i + " B" : 2 ** (i % 10) + [" KiB", " MiB", " GiB"][Math.floor(i / 10) - 1];
	const sizeName = (i, last) =>
		i === 0 ? "up to 1 B" : i === last ? power(i) + " and more" : `${power(i)} to ${power(i + 1)}`;

	function duration(i) {
		const s = 2 ** (10 + i) / 1e9;
		return s < 1e-3 ? Math.round(s * 1e6) + " \u00b5s" : units.seconds(s);
	}
	const ageName = (i, last) =>
		i === 0
			? `under ${duration(1)}`
			: i === last
				? duration(i) + " and more"
				: `${duration(i)} to ${duration(i + 1)}`;

	function row(name, entry, part) {
		const [blocks, outstanding, bytes] = entry,
			bar = element("span", {});
		bar.style.width = 100 * part + "%";
		const number = (text, exact, wide) =>
			element("td", { class: "number" + (wide || ""), title: exact }, text);
		return element(
			"tr",
			{},
			element("td", { class: "number" }, name),
			element("td", { class: "bar" }, bar),
			number(units.count(blocks), units.exact(blocks) + " blocks"),
			number(units.count(outstanding), units.exact(outstanding) + " blocks"),
			number(units.bytes(bytes), units.exact(bytes) + " bytes", " wide"),
		);
	}

	function table(title, help, columns, entries, name) {
		const index = choicesOfBars.find(([key]) => key === byId("bars").value)[2];
		const used = (e) => e[0] > 0 || e[1] > 0,
			most = Math.max(...entries.map((e) => e[index]));
		const from = entries.findIndex(used),
			to = entries.findLastIndex(used);
		if (from < 0) return element("div", {}, element("h3", {}, title), element("p", {}, "No block is known."));
		const rows = entries
			.slice(from, to + 1)
			.map((e, i) => row(name(from + i, entries.length - 1), e, most > 0 ? e[index] / most : 0));
		return element(
			"div",
			{},
			element("h3", {}, title),
			element("p", { class: "hint" }, help),
			element(
				"table",
				{ class: "histogram" },
				element(
					"thead",
					{},
					element(
						"tr",
						{},
						...columns.map((t) =>
							element("th", { scope: "col", class: (t ? "number" : "") + (t === "Bytes" ? " wide" : "") }, t),
						),
					),
				),
				element("tbody", {}, ...rows),
			),
		);
	}

	function draw() {
		const note = model.run.coverage
			? " Outstanding blocks as recorded, not scaled to the time that was not traced."
			: "";
		fill(
			byId("histogram-tables"),
			table(
				"Sizes",
				"All blocks that were allocated, and those that are outstanding." + note,
				["Size", "", "Allocated", "Outstanding", "Bytes"],
				merge("sizes"),
				sizeName,
			),
			table(
				"Lifetimes",
				"How long freed blocks lived, and how long outstanding ones have been there." + note,
				["Time", "", "Freed", "Outstanding", "Bytes"],
				merge("ages"),
				ageName,
			),
		);
	}

	function show(selection) {
		spreads = selection.spreads;
		byId("histograms").hidden = !spreads.length;
		if (spreads.length) draw();
	}

	function start() {
		choices(byId("bars"), choicesOfBars, "outstanding");
		byId("bars").addEventListener("change", draw);
	}

	return { start, show };
})();
