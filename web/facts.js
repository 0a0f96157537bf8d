// SPDX-License-Identifier: GPL-2.0-or-later
/* What a reader must know about the figures: how complete they are, and how they were made. */
"use strict";

const facts = (() => {
	const MOST_LINES = 20; // of a list; there may be thousands of processes
	const run = model.run;
	const blind = [
		"",
		"no allocation was seen although memory grew",
		"its allocations are not seen, only its frees",
		"its frees are not seen: what looks outstanding may be free",
	];

	const who = (p) => `${p.comm} (${p.pid})`;

	/* What makes figures wrong. */
	function warnings(selection) {
		const list = [];
		if (selection.lost > 0)
			list.push(
				`${units.plural(selection.lost, "event")} lost of ${units.exact(selection.events + selection.lost)}: ` +
					"figures are off by that much.",
			);
		for (const p of selection.processes.filter((q) => q.blind))
			list.push(`${who(p)}: ${blind[p.blind] || "a class of probes sees nothing"}.`);
		for (const p of selection.processes.filter((q) => q.limit))
			list.push(`${who(p)} meets ${p.limit}, at its present growth.`);
		return list.slice(0, MOST_LINES);
	}

	function covered() {
		const c = run.coverage;
		if (!c) return "All of the time was traced.";
		const part = `${units.percent(c.time_percent)} of the time was traced, in ${units.plural(c.windows, "window")}`;
		const off = (v) => `\u00b1${v.toFixed(1)}%`;
		const error = units.known(c.outstanding_error)
			? `, outstanding bytes ${off(c.outstanding_error)}, allocated bytes ${off(c.alloc_error)}`
			: "; their error is not known";
		return `${part}: figures are estimates for all of it${error}.`;
	}

	function sampled() {
		if (run.sample_bytes === null) return "Every allocation was recorded, none was sampled.";
		const mean = `one allocation per ${units.bytes(run.sample_bytes)} on average`;
		return `Sampled: ${mean}. Figures are estimates; ranges hold 95 times in 100.`;
	}

	/* What is from before tracing began is not there. */
	function past(attached) {
		if (!attached.length) return null;
		const all =
			attached.length === 1 ? who(attached[0]) : units.plural(attached.length, "process", "processes");
		return `${all} ran before tracing began: what was allocated until then is not in these figures.`;
	}

	function completeness(selection) {
		const unknown = selection.processes.reduce((n, p) => n + p.unknown_frees, 0);
		const lost = selection.lost ? units.exact(selection.lost) : "none";
		return [
			`${units.plural(selection.events, "event")} recorded, ${lost} lost.`,
			covered(),
			sampled(),
			past(selection.processes.filter((p) => p.attached)),
			unknown
				? `${units.plural(unknown, "free")} of blocks that were not seen allocated: from before, or filtered.`
				: null,
			units.known(run.cost_percent)
				? `Tracing took about ${units.percent(run.cost_percent)} of the processor time of the traced processes.`
				: null,
			...selection.processes.map((p) => p.memory && `${who(p)}: ${p.memory}.`),
		]
			.filter((t) => t)
			.slice(0, MOST_LINES);
	}

	function counters() {
		if (!run.counters.length) return;
		fill(
			byId("counters"),
			element(
				"table",
				{},
				element(
					"thead",
					{},
					element(
						"tr",
						{},
						element("th", { scope: "col" }, "Counter"),
						element("th", { scope: "col", class: "number" }, "Count"),
						element("th", { scope: "col" }, "Meaning"),
					),
				),
				element(
					"tbody",
					{},
					...run.counters.map(([name, count, help]) =>
						element(
							"tr",
							{},
							element("td", { class: "code" }, name),
							element("td", { class: "number" }, units.exact(count)),
							element("td", {}, help),
						),
					),
				),
			),
		);
	}

	function show(selection) {
		fill(byId("completeness"), ...completeness(selection).map((t) => element("li", {}, t)));
		fill(
			byId("run-facts"),
			...run.facts.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]),
		);
		counters();
	}

	return { warnings, show, who };
})();
