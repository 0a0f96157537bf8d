// SPDX-License-Identifier: GPL-2.0-or-later
/* The run that the page is about: its sites and processes, all or those that were chosen. */
"use strict";

const model = (() => {
	const { data, text, frameName } = names;

	const sites = names.rows();
	for (const site of sites) {
		site.cut = text(site.cut);
		site.why = text(site.why) || "";
		site.type = text(site.type);
		site.name = site.rest
			? units.plural(site.function, "more call site") + ", together"
			: site.frames.length
				? frameName[site.frames[site.function]]
				: "[stack not known]";
	}

	const flameValues = [
		["outstanding_bytes", "outstanding bytes", units.bytes],
		["outstanding_count", "outstanding blocks", units.count],
		["growth", "growth (bytes per second)", (v) => units.bytes(v) + "/s", "Sites that shrink"],
		["alloc_bytes", "allocated bytes", units.bytes],
		["alloc_count", "allocated blocks", units.count],
		["temporary_count", "temporary blocks", units.count],
	];

	const rank = { leak: 3, growing: 2, steady: 1, new: 0 };
	const isCandidate = (site) => site.verdict === "leak" || site.verdict === "growing";

	const search = (words) => names.search(words, (site) => site.verdict);

	const sum = (list, key) => list.reduce((total, item) => total + (item[key] || 0), 0);

	/* The figures of one process, or (null) of all together. */
	function select(number) {
		const processes = number === null ? data.processes : [data.processes[number]];
		const total = (i) => processes.reduce((n, p) => n + p.totals[i], 0);
		const rss = processes.filter((p) => p.rss !== null);
		return {
			number,
			processes,
			sites: number === null ? sites : sites.filter((s) => s.process === number),
			line: data.series.find((l) => l.process === (data.processes.length === 1 ? 0 : number)) || null,
			spreads: number === null ? data.spreads : data.spreads.slice(number, number + 1),
			outstanding_bytes: total(0),
			outstanding_count: total(1),
			peak_bytes: total(6),
			growth: sum(processes, "growth"),
			allocs_per_s: sum(processes, "allocs_per_s"),
			frees_per_s: sum(processes, "frees_per_s"),
			events: sum(processes, "events"),
			lost: number === null ? data.run.lost : sum(processes, "lost"),
			rss: rss.length ? sum(rss, "rss") : null,
			range: processes.length === 1 ? processes[0].range : [null, null],
		};
	}

	const estimated = data.run.sample_bytes !== null || data.run.coverage !== null;

	return {
		data,
		run: data.run,
		processes: data.processes,
		sites,
		flameValues,
		rank,
		isCandidate,
		search,
		select,
		estimated,
	};
})();
