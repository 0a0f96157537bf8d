// SPDX-License-Identifier: GPL-2.0-or-later
/* The data of the page (docs/html.md), and what its texts and frames are called. Frames are numbers. */
"use strict";

const names = (() => {
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
			? text(f) + (flags & 1 ? " (inlined)" : offset ? "+0x" + offset.toString(16) : "")
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

	/* Rows as objects with the names of their columns. */
	const rows = () =>
		data.sites.map((row, number) => {
			const site = { number };
			data.site_columns.forEach((name, i) => {
				site[name] = row[i];
			});
			site.rest = site.id === "";
			site.api = text(site.api) || "";
			return site;
		});

	/*
	 * Which sites have the words in a name, or in what `more` says of them: each text is looked at once, however many frames
	 * have it.
	 */
	function search(words, more) {
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
			site.name.toLowerCase().includes(wanted) ||
			more(site) === wanted;
	}

	return { data, text, frameName, frameModule, frameText, frameSource, rows, search };
})();
