// SPDX-License-Identifier: GPL-2.0-or-later
/* Puts the page of a difference together. */
"use strict";

(() => {
	const { data, sites } = model;

	const kindCount = (kind) => sites.filter((s) => s.change === kind).length;

	function headline() {
		byId("subtitle").textContent = `A: ${data.a.path} \u00b7 B: ${data.b.path}`;
		document.title = `${data.b.path} against ${data.a.path} - tracer`;
		byId("made-by").textContent =
			`Written by tracer ${data.version} at ${new Date(data.time_ms).toISOString().slice(0, 19).replace("T", " ")} UTC. ` +
			"This page needs no network, and sends nothing.";
	}

	function verdict() {
		const change = data.b.bytes - data.a.bytes;
		const what = change
			? `B holds ${units.bytes(Math.abs(change))} ${change > 0 ? "more" : "less"} than A.`
			: "Both hold the same number of bytes.";
		const parts = ["appeared", "grew", "shrank", "disappeared"]
			.filter(kindCount)
			.map((kind) => `${units.exact(kindCount(kind))} ${kind}`);
		return `${what} ${parts.length ? "Of the call sites " + parts.join(", ") + "." : "No call site has changed."}`;
	}

	function card(title, figure, more, exact) {
		return element(
			"div",
			{},
			element("dt", {}, title),
			element("dd", { class: "figure", title: exact }, figure),
			element("dd", { class: "small" }, more),
		);
	}

	const sideCard = (title, side) =>
		card(
			title,
			units.bytes(side.bytes),
			`in ${units.count(side.count)} blocks of ${units.plural(side.sites, "call site")}`,
			`${units.exact(side.bytes)} bytes in ${units.plural(side.count, "block")}`,
		);

	function cards() {
		const bytes = data.b.bytes - data.a.bytes,
			count = data.b.count - data.a.count;
		return [
			card(
				"B \u2212 A",
				units.signed(bytes),
				`in ${count > 0 ? "+" : ""}${units.count(count)} blocks`,
				`${units.exact(bytes)} bytes in ${units.exact(count)} blocks`,
			),
			sideCard("Outstanding in A", data.a),
			sideCard("Outstanding in B", data.b),
		];
	}

	try {
		[table, flame].forEach((part) => part.start());
		headline();
		byId("verdict").textContent = verdict();
		fill(byId("cards"), ...cards());
		[table, flame].forEach((part) => part.show({ sites }));
		matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => flame.redraw());
		document.documentElement.dataset.ready = "yes";
	} catch (error) {
		byId("error").hidden = false;
		byId("error").textContent = "This page could not be drawn: " + error;
		throw error;
	}
})();
