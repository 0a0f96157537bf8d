// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Figures over the whole run. A point has totals, so the rate between two points is exact however far
 * apart they are; where several snapshots became one point, the largest values in between are shown as
 * a line of their own.
 */
"use strict";

const timeline = (() => {
	let plots = [],
		shown = null;

	/* Of the point's columns after the time, in the order of the data. */
	function decode(line) {
		const points = line ? line.points : [];
		const first = line && line.start === 0 ? [0, 0, 0, 0, null, null, 0, 0, 0, 0] : null;
		const rows = first ? [first, ...points] : points;
		const column = (i) => rows.map((p) => p[i]);
		const rate = (i) =>
			rows.map((p, n) => {
				const before = n ? rows[n - 1] : null;
				return before && p[0] > before[0] ? Math.max(0, p[i] - before[i]) / (p[0] - before[0]) : null;
			});
		const most = (i) => (rows.some((p) => p[i + 1] !== null && p[i + 1] > p[i]) ? column(i + 1) : null);
		return {
			times: column(0),
			outstanding: column(1),
			outstandingMost: most(1),
			rss: column(4),
			rssMost: most(4),
			allocs: rate(7),
			frees: rate(8),
			lost: rows.map((p, n) => (n ? Math.max(0, p[9] - rows[n - 1][9]) : p[9])),
		};
	}

	/* [label, values, colour, dash] */
	function charts(d) {
		const list = [
			{
				title: "Memory",
				text: units.bytes,
				base: 1024,
				lines: [
					["Outstanding", d.outstanding, "accent", null],
					["RSS (dashed)", d.rss, "second", [6, 4]],
					["Outstanding, most (dotted)", d.outstandingMost, "accent", [2, 3]],
					["RSS, most (dotted)", d.rssMost, "second", [2, 3]],
				],
			},
			{
				title: "Calls per second",
				text: (v) => (units.known(v) ? units.count(v) + "/s" : "unknown"),
				base: 1000,
				lines: [
					["Allocations", d.allocs, "accent", null],
					["Frees (dashed)", d.frees, "second", [6, 4]],
				],
			},
		];
		if (d.lost.some((n) => n > 0))
			list.push({
				title: "Events lost between two points",
				text: units.count,
				base: 1000,
				lines: [["Lost", d.lost, "leak", null]],
			});
		return list.map((c) => ({ ...c, lines: c.lines.filter(([, values]) => values) }));
	}

	function time(v) {
		if (!units.known(v)) return "";
		const at = new Date(model.run.time_ms - (model.run.elapsed - v) * 1000);
		return `${v.toFixed(v < 100 ? 1 : 0)} s (${at.toISOString().slice(0, 19).replace("T", " ")} UTC)`;
	}

	/* Round steps in powers of two for bytes. */
	function steps(base) {
		if (base === 1000) return undefined;
		const list = [];
		for (let i = 0; i < 53; i++) list.push(2 ** i);
		return list;
	}

	function axes(chart) {
		const common = {
			stroke: () => colour("soft"),
			grid: { stroke: () => colour("line"), width: 1 },
			ticks: { stroke: () => colour("line"), width: 1 },
			font: "12px system-ui, sans-serif",
		};
		return [
			{
				...common,
				space: 70,
				values: (u, ticks) =>
					ticks.map((t) =>
						t % 1 ? t.toFixed(1) + " s" : units.seconds(t) === "0 ms" ? "0" : units.seconds(t),
					),
			},
			{
				...common,
				size: 70,
				incrs: steps(chart.base),
				values: (u, ticks) => ticks.map((t) => chart.text(t)),
			},
		];
	}

	/* Without a cursor the legend has the last values. */
	function atEnd(plot) {
		if (plot.cursor.idx === null || plot.cursor.idx === undefined)
			plot.setLegend({ idx: plot.data[0].length - 1 }, false);
	}

	function options(chart, width) {
		return {
			title: chart.title,
			width,
			height: 190,
			axes: axes(chart),
			scales: { x: { time: false }, y: { range: (u, low, high) => [0, high > 0 ? high * 1.05 : 1] } },
			cursor: { sync: { key: "timeline" }, drag: { x: true, y: false } },
			hooks: { ready: [atEnd], setCursor: [atEnd] },
			series: [
				{ label: "Time", value: (u, v) => time(v) },
				...chart.lines.map(([label, , name, dash]) => ({
					label,
					stroke: () => colour(name),
					width: 2,
					dash,
					spanGaps: false,
					points: { show: undefined },
					value: (u, v) => (units.known(v) ? chart.text(v) : ""),
				})),
			],
		};
	}

	/* The cursor of all charts, by the keys. */
	function onKey(event, plot) {
		const last = plot.data[0].length - 1,
			now = plot.cursor.idx ?? last;
		const to = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: last }[event.key];
		if (to === undefined) return;
		event.preventDefault();
		const at = Math.max(0, Math.min(last, to));
		plot.setCursor({ left: plot.valToPos(plot.data[0][at], "x"), top: 10 });
	}

	function draw(parent, chart, times) {
		const box = element("div", { tabindex: 0, role: "group", "aria-label": chart.title + " over time" });
		parent.append(box);
		const plot = new uPlot(
			options(chart, Math.max(200, box.clientWidth)),
			[times, ...chart.lines.map(([, values]) => values)],
			box,
		);
		box.addEventListener("keydown", (event) => onKey(event, plot));
		plots.push({ box, plot });
	}

	function show(selection) {
		shown = selection;
		const decoded = decode(selection.line),
			parent = byId("charts");
		plots.forEach(({ plot }) => plot.destroy());
		plots = [];
		fill(parent);
		if (!decoded.times.length) fill(parent, element("p", {}, "No figures over time are known of this run."));
		else charts(decoded).forEach((chart) => draw(parent, chart, decoded.times));
		byId("timeline-note").textContent =
			(selection.lost ? "" : "No event was lost at any time. ") +
			(selection.processes.length > 1
				? "RSS is the sum of the processes: pages that they share count in each. "
				: "");
	}

	function start() {
		new ResizeObserver(() =>
			plots.forEach(({ box, plot }) => {
				if (box.clientWidth && Math.abs(box.clientWidth - plot.width) > 1)
					plot.setSize({ width: Math.max(200, box.clientWidth), height: 190 });
			}),
		).observe(byId("charts"));
	}

	return { start, show, redraw: () => show(shown) };
})();
