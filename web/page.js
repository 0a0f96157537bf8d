// SPDX-License-Identifier: GPL-2.0-or-later
/* Puts the page together: what is on the first screen, and which process all of it is about. */
"use strict";

(() => {
	const run = model.run;

	function headline() {
		const first = model.processes[0],
			more = model.processes.length - 1;
		const name = first
			? facts.who(first) + (more > 0 ? ` and ${units.plural(more, "other")}` : "")
			: "no process";
		const end = new Date(run.time_ms).toISOString().slice(0, 19).replace("T", " ");
		byId("title").textContent = name;
		document.title = `${name} - tracer`;
		byId("subtitle").textContent =
			`Heap of ${units.plural(model.processes.length, "process", "processes")}, traced for ` +
			`${units.seconds(run.elapsed)} until ${end} UTC` +
			(model.estimated ? ", figures are estimates" : "");
		byId("made-by").textContent =
			`Written by tracer ${run.version}. This page needs no network, and sends nothing.`;
	}

	function verdict(selection) {
		const of = (name) => selection.sites.filter((s) => s.verdict === name);
		const leaks = of("leak"),
			growing = of("growing"),
			young = of("new");
		const held = leaks.reduce((n, s) => n + s.outstanding_bytes, 0);
		const parts = [`${units.bytes(selection.outstanding_bytes)} outstanding.`];
		if (leaks.length)
			parts.push(
				`${units.plural(leaks.length, "call site looks like a leak", "call sites look like leaks")}, ` +
					`holding ${units.bytes(held)}.`,
			);
		const others = leaks.length ? "other call" : "call";
		if (growing.length)
			parts.push(
				`${units.plural(growing.length, others + " site grows", others + " sites grow")}, but not as leaks do: old blocks get freed, or may be what something is filled with.`,
			);
		if (!leaks.length && !growing.length)
			parts.push(
				young.length === selection.sites.length && young.length
					? "It was too short to tell whether anything leaks."
					: "No call site looks like a leak.",
			);
		return parts.join(" ");
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

	/* By the test of the process, where there is one: would chance seldom look so? */
	function trend(s) {
		const tested = s.processes.filter((p) => p.growth_chance !== null);
		if (!s.growth || (tested.length && tested.every((p) => p.growth_chance >= 0.05)))
			return "= no clear trend";
		return s.growth > 0 ? "\u25b2 it grows" : "\u25bc it shrinks";
	}

	function cards(s) {
		const leaks = s.sites.filter((x) => x.verdict === "leak").length,
			growing = s.sites.filter((x) => x.verdict === "growing").length;
		const range = s.range[0] === null ? "" : `, ${units.bytes(s.range[0])} to ${units.bytes(s.range[1])}`;
		return [
			card(
				"Outstanding",
				units.bytes(s.outstanding_bytes),
				`in ${units.count(s.outstanding_count)} blocks${range}`,
				`${units.exact(s.outstanding_bytes)} bytes in ${units.plural(s.outstanding_count, "block")}`,
			),
			card("Growth", units.signed(s.growth) + "/s", trend(s), units.exact(s.growth) + " bytes per second"),
			card(
				"RSS",
				units.bytes(s.rss),
				s.rss === null
					? "it has ended"
					: `${units.share(s.outstanding_bytes, s.rss)} of it is outstanding here`,
				s.rss === null ? null : units.exact(s.rss) + " bytes",
			),
			card(
				"Candidates",
				units.plural(leaks, "leak"),
				`${units.exact(growing)} growing, of ${units.plural(s.sites.length, "call site")}`,
			),
			card("Calls", units.count(s.allocs_per_s) + "/s", `allocations; ${units.count(s.frees_per_s)}/s frees`),
			card(
				"Events lost",
				s.lost ? units.count(s.lost) : "none",
				`of ${units.count(s.events + s.lost)}`,
				units.exact(s.lost),
			),
		];
	}

	function select(number) {
		const selection = model.select(number);
		byId("verdict").textContent = verdict(selection);
		fill(byId("warnings"), ...facts.warnings(selection).map((t) => element("li", {}, t)));
		fill(byId("cards"), ...cards(selection));
		[table, timeline, flame, histograms, facts].forEach((part) => part.show(selection));
	}

	function processes() {
		const several = model.processes.length > 1,
			choice = byId("process");
		byId("process-choice").hidden = !several;
		choices(
			choice,
			[
				["", `all ${model.processes.length}`],
				...model.processes.map((p, i) => [String(i), facts.who(p) + (p.exited ? ", ended" : "")]),
			],
			"",
		);
		choice.addEventListener("change", () => select(choice.value === "" ? null : Number(choice.value)));
	}

	try {
		[table, timeline, flame, histograms].forEach((part) => part.start());
		headline();
		processes();
		select(null);
		matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () =>
			[timeline, flame].forEach((part) => part.redraw()),
		);
		document.documentElement.dataset.ready = "yes";
	} catch (error) {
		byId("error").hidden = false;
		byId("error").textContent = "This page could not be drawn: " + error;
		throw error;
	}
})();
