// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The flame graph: d3-hierarchy sums and places the frames, here they are drawn on a canvas, so that
 * ten thousand stacks are one element of the page. What is narrower than a part of a pixel is left out
 * until it is zoomed to.
 */
"use strict";

const flame = (() => {
	const ROW = 18,
		NARROWEST = 0.4;
	/* [key, title, text of a value, who has it below zero] */
	const values = model.flameValues;
	const state = { sites: [], root: null, zoom: null, chosen: null, matches: new Map(), rows: [] };
	let canvas, context, letter;

	const value = () => values.find(([key]) => key === byId("flame-value").value);

	/* ---- the tree ---- */

	const node = (name, module) => ({ name, module, own: 0, children: new Map() });

	function child(parent, frame) {
		const name = names.frameName[frame],
			module = names.frameModule[frame],
			key = name + "\n" + module;
		let found = parent.children.get(key);
		if (!found) parent.children.set(key, (found = node(name, module)));
		return found;
	}

	function addSite(root, site, amount, inverted) {
		let at = root;
		if (!site.frames.length)
			at = at.children.get(site.name) || at.children.set(site.name, node(site.name, "")).get(site.name);
		for (let i = 0; i < site.frames.length; i++)
			at = child(at, site.frames[inverted ? i : site.frames.length - 1 - i]);
		at.own += amount;
	}

	function build() {
		const [key, , text, negative] = value(),
			root = node("all", ""),
			inverted = byId("flame-inverted").checked;
		let below = 0;
		for (const site of state.sites) {
			if (site[key] > 0) addSite(root, site, site[key], inverted);
			else if (site[key] < 0) below -= site[key];
		}
		state.root = d3
			.hierarchy(root, (n) => n.children.values())
			.sum((n) => n.own)
			.sort((a, b) => b.value - a.value);
		d3.partition()(state.root);
		state.zoom = state.chosen = state.root;
		byId("flame-note").textContent =
			(below ? `${negative}, by ${text(below)} together, are not in it. ` : "") +
			"Frames have the colour of their module.";
	}

	/* ---- what is visible ---- */

	function place(width) {
		const { zoom } = state,
			rows = [],
			scale = width / Math.max(zoom.x1 - zoom.x0, 1e-300);
		const add = (n, x, w, above) => (rows[n.depth] ||= []).push({ node: n, x, w, above });
		const visit = (n) => {
			const w = (n.x1 - n.x0) * scale;
			if (w < NARROWEST) return;
			add(n, (n.x0 - zoom.x0) * scale, w, false);
			if (n.children) n.children.forEach(visit);
		};
		for (let n = zoom.parent; n; n = n.parent) add(n, 0, width, true);
		visit(zoom);
		state.rows = rows;
	}

	const top = (depth) => (byId("flame-icicle").checked ? depth : state.rows.length - 1 - depth) * ROW;

	/* ---- drawing ---- */

	function hue(module) {
		let h = 7;
		for (let i = 0; i < Math.min(module.length, 64); i++) h = (h * 31 + module.charCodeAt(i)) % 3600;
		return h % 360;
	}

	function fillOf(n, dark, above) {
		if (!n.data.module) return dark ? `hsl(220 8% ${above ? 20 : 28}%)` : `hsl(220 12% ${above ? 94 : 86}%)`;
		const h = hue(n.data.module),
			wave = n.data.name.length % 5;
		return dark ? `hsl(${h} 32% ${(above ? 18 : 27) + wave}%)` : `hsl(${h} 62% ${(above ? 92 : 78) + wave}%)`;
	}

	const matched = (n) => {
		if (!state.words) return false;
		const key = n.data.name + "\n" + n.data.module;
		if (!state.matches.has(key)) state.matches.set(key, key.toLowerCase().includes(state.words));
		return state.matches.get(key);
	};

	function drawFrame({ node: n, x, w, above }, dark) {
		const y = top(n.depth),
			found = matched(n);
		context.fillStyle = found ? colour("match") : fillOf(n, dark, above);
		context.fillRect(x, y, Math.max(w - (w > 2 ? 1 : 0), 0.5), ROW - 1);
		if (n === state.chosen) {
			context.strokeStyle = colour("text");
			context.lineWidth = 2;
			context.strokeRect(x + 1, y + 1, Math.max(w - 3, 1), ROW - 3);
		}
		const room = Math.floor((w - 7) / letter);
		if (room < 3) return;
		const name = n.data.name.length > room ? n.data.name.slice(0, room - 1) + "\u2026" : n.data.name;
		context.font = (found ? "bold " : "") + "12px ui-monospace, 'DejaVu Sans Mono', monospace";
		context.fillStyle = found ? colour("panel") : colour(above ? "soft" : "text");
		context.fillText(name, x + 3, y + 13);
	}

	function draw() {
		const width = canvas.clientWidth || 300,
			dark = matchMedia("(prefers-color-scheme: dark)").matches;
		place(width);
		const height = state.rows.length * ROW,
			ratio = devicePixelRatio || 1;
		canvas.style.height = height + "px";
		canvas.width = Math.round(width * ratio);
		canvas.height = Math.round(height * ratio);
		context = canvas.getContext("2d");
		context.setTransform(ratio, 0, 0, ratio, 0, 0);
		context.font = "12px ui-monospace, 'DejaVu Sans Mono', monospace";
		letter = context.measureText("mmmmmmmmmm").width / 10;
		state.rows.forEach((row) => row.forEach((r) => drawFrame(r, dark)));
		canvas.dataset.zoom = state.zoom.data.name.slice(0, 200);
		canvas.dataset.drawn = state.rows.reduce((n, row) => n + row.length, 0);
		say(state.chosen);
	}

	/* ---- words ---- */

	function say(n) {
		const [, title, text] = value(),
			all = state.root.value;
		const module = n.data.module ? ` [${n.data.module}]` : "";
		byId("flame-status").textContent =
			`${n.data.name}${module}: ${text(n.value)} ${title}, ${units.share(n.value, all)} of all` +
			(state.zoom === state.root ? "" : `, ${units.share(n.value, state.zoom.value)} of what is zoomed to`);
		byId("flame-status").title = units.exact(n.value) + " " + title;
	}

	/* Of frames below each other only the outermost counts. */
	function find() {
		state.words = byId("flame-search").value.trim().toLowerCase();
		state.matches = new Map();
		if (!state.words) {
			byId("flame-found").textContent = "";
			return draw();
		}
		let sum = 0,
			frames = 0;
		const visit = (n, inside) => {
			const found = matched(n);
			frames += found;
			if (found && !inside) sum += n.value;
			if (n.children) n.children.forEach((c) => visit(c, inside || found));
		};
		visit(state.root, false);
		byId("flame-found").textContent = frames
			? `Found in ${units.plural(frames, "frame")}: ${value()[2](sum)}, ${units.share(sum, state.root.value)}`
			: "Not found";
		draw();
	}

	/* ---- moving ---- */

	function zoomTo(n) {
		state.zoom = state.chosen = n;
		draw();
		reveal();
	}

	function reveal() {
		const box = byId("flame-scroll"),
			y = top(state.chosen.depth);
		if (y < box.scrollTop || y + ROW > box.scrollTop + box.clientHeight)
			box.scrollTop = y - box.clientHeight / 2;
	}

	function at(event) {
		const box = canvas.getBoundingClientRect(),
			x = event.clientX - box.left;
		const line = Math.floor((event.clientY - box.top) / ROW);
		const row = state.rows[byId("flame-icicle").checked ? line : state.rows.length - 1 - line] || [];
		const found = row.find((r) => x >= r.x && x < r.x + r.w);
		return found && found.node;
	}

	function sibling(step) {
		const row = state.rows[state.chosen.depth] || [],
			i = row.findIndex((r) => r.node === state.chosen);
		return row[i + step] && row[i + step].node;
	}

	function choose(n) {
		if (!n) return;
		state.chosen = n;
		draw();
		reveal();
	}

	function onKey(event) {
		const icicle = byId("flame-icicle").checked,
			inward = () => state.chosen.children && state.chosen.children[0];
		const moves = {
			ArrowDown: () => choose(icicle ? inward() : state.chosen.parent),
			ArrowUp: () => choose(icicle ? state.chosen.parent : inward()),
			ArrowLeft: () => choose(sibling(-1)),
			ArrowRight: () => choose(sibling(1)),
			Enter: () => zoomTo(state.chosen),
			Escape: () => zoomTo(state.zoom.parent || state.root),
			Home: () => zoomTo(state.root),
		};
		if (!moves[event.key]) return;
		event.preventDefault();
		moves[event.key]();
	}

	/* Zooms to the innermost frame of a site. */
	function showSite(site) {
		let n = state.root;
		const inverted = byId("flame-inverted").checked;
		const frames = inverted ? site.frames : [...site.frames].reverse();
		for (const f of frames) {
			const next = (n.children || []).find(
				(c) => c.data.name === names.frameName[f] && c.data.module === names.frameModule[f],
			);
			if (!next || !next.value) break;
			n = next;
		}
		zoomTo(n);
		byId("flame").scrollIntoView();
		canvas.focus();
	}

	function rebuild() {
		build();
		find();
	}

	function show(selection) {
		state.sites = selection.sites;
		rebuild();
	}

	function start() {
		canvas = byId("flame-canvas");
		choices(
			byId("flame-value"),
			values.map(([key, title]) => [key, title]),
			values[0][0],
		);
		byId("flame-value").addEventListener("change", rebuild);
		byId("flame-inverted").addEventListener("change", rebuild);
		byId("flame-icicle").addEventListener("change", draw);
		byId("flame-search").addEventListener("input", find);
		byId("flame-out").addEventListener("click", () => zoomTo(state.zoom.parent || state.root));
		byId("flame-reset").addEventListener("click", () => zoomTo(state.root));
		canvas.addEventListener("click", (event) => at(event) && zoomTo(at(event)));
		canvas.addEventListener("mousemove", (event) => say(at(event) || state.chosen));
		canvas.addEventListener("mouseleave", () => say(state.chosen));
		canvas.addEventListener("keydown", onKey);
		new ResizeObserver(
			() => state.root && canvas.clientWidth !== state.width && ((state.width = canvas.clientWidth), draw()),
		).observe(byId("flame-scroll"));
	}

	return { start, show, showSite, redraw: draw };
})();
