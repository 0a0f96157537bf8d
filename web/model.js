// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The data of the page (docs/html.md), decoded. Sites are objects with the names of their columns;
 * frames are numbers that stand for the same frame everywhere.
 */
"use strict";

const model = (() => {
	const data = JSON.parse(byId("data").textContent);
	const text = (n) => data.texts[n];

	/* One word for lists and the flame graph. */
	const frameName = data.frames.map(([f, m, , , offset]) =>
		f ? text(f) : m ? text(m) + "+0x" + offset.toString(16) : "[unknown]",
	);
	const frameModule = data.frames.map(([, m]) => (m ? text(m) : ""));

	/* As the reports write it. */
	function frameText(n) {
		const [f, m, file, line, offset, flags] = data.frames[n];
		const name = f
			? text(f) + (flags & 1 ? " (inlined)" : "+0x" + offset.toString(16))
			: m
				? frameName[n]
				: "0x" + offset.toString(16);
		return (
			name +
			(f && m ? " [" + text(m) + "]" : "") +
			(file ? " (" + text(file) + (line ? ":" + line : "") + ")" : "")
		);
	}

	function frameSource(n) {
		const [, , file, line] = data.frames[n];
		return file ? text(file) + (line ? ":" + line : "") : "";
	}

	const sites = data.sites.map((row, number) => {
		const site = { number };
		data.site_columns.forEach((name, i) => {
			site[name] = row[i];
		});
		site.rest = site.id === "";
		site.api = text(site.api) || "";
		site.cut = text(site.cut);
		site.why = text(site.why) || "";
		site.name = site.rest
			? units.plural(site.function, "more call site") + ", together"
			: site.frames.length
				? frameName[site.frames[site.function]]
				: "[stack not known]";
		return site;
	});

	const rank = { leak: 3, growing: 2, steady: 1, new: 0 };
	const isCandidate = (site) => site.verdict === "leak" || site.verdict === "growing";

	/* Which sites have the words in a name: each text is looked at once, however many frames have it. */
	function search(words) {
		const wanted = words.trim().toLowerCase();
		if (!wanted) return () => true;
		const texts = data.texts.map((t) => t !== null && t.toLowerCase().includes(wanted));
		const frames = data.frames.map(
			([f, m, file], n) =>
				texts[f] || texts[m] || texts[file] || (!f && frameName[n].toLowerCase().includes(wanted)),
		);
		return (site) =>
			site.frames.some((n) => frames[n]) ||
			site.id.includes(wanted) ||
			site.api.toLowerCase().includes(wanted) ||
			site.verdict === wanted ||
			site.name.toLowerCase().includes(wanted);
	}

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
		frameName,
		frameModule,
		frameText,
		frameSource,
		rank,
		isCandidate,
		search,
		select,
		estimated,
	};
})();
