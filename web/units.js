// SPDX-License-Identifier: GPL-2.0-or-later
/* Numbers as people read them, and elements made of text. Nothing on this page is ever made from markup. */
"use strict";

const units = (() => {
	/* Three digits, as the other outputs have them. */
	function scaled(value, base, names) {
		let v = Math.abs(value),
			i = 0;
		while (v >= base * 0.9995 && i < names.length - 1) {
			v /= base;
			i++;
		}
		const digits = i === 0 ? 0 : v < 9.995 ? 2 : v < 99.95 ? 1 : 0;
		return v.toFixed(digits) + names[i];
	}

	const known = (value) => value !== null && value !== undefined && Number.isFinite(value);
	const bytes = (v) =>
		known(v)
			? (v < 0 ? "-" : "") + scaled(v, 1024, [" B", " KiB", " MiB", " GiB", " TiB", " PiB"])
			: "unknown";
	const count = (v) =>
		known(v) ? (v < 0 ? "-" : "") + scaled(v, 1000, ["", "k", "M", "G", "T"]) : "unknown";
	const signed = (v) => (known(v) ? (Math.round(v) > 0 ? "+" : "") + bytes(Math.round(v)) : "unknown");
	const exact = (v) => (known(v) ? (Math.round(v * 1000) / 1000).toLocaleString("en-US") : "unknown");
	const share = (part, whole) => (whole > 0 ? percent((100 * part) / whole) : "0%");
	const percent = (v) =>
		known(v)
			? (v >= 99.95 || v === 0 ? v.toFixed(0) : v >= 10 ? v.toFixed(1) : v.toPrecision(2)) + "%"
			: "unknown";

	function seconds(v) {
		if (!known(v)) return "unknown";
		if (v < 1) return Math.round(v * 1000) + " ms";
		const s = Math.floor(v),
			two = (n) => String(n).padStart(2, "0");
		if (s < 60) return s + " s";
		if (s < 3600) return Math.floor(s / 60) + "m " + two(s % 60) + "s";
		if (s < 86400) return Math.floor(s / 3600) + "h " + two(Math.floor(s / 60) % 60) + "m";
		return Math.floor(s / 86400) + "d " + two(Math.floor(s / 3600) % 24) + "h";
	}

	const plural = (n, one, many) => exact(n) + " " + (n === 1 ? one : many || one + "s");

	return { bytes, count, signed, exact, share, percent, seconds, plural, known };
})();

/* An element: its properties, then texts and elements in it. */
function element(name, properties, ...content) {
	const e = document.createElement(name);
	for (const [key, value] of Object.entries(properties || {})) {
		if (key === "class") e.className = value;
		else if (key === "on")
			for (const [event, handler] of Object.entries(value)) e.addEventListener(event, handler);
		else if (value !== undefined && value !== null && value !== false)
			e.setAttribute(key, value === true ? "" : value);
	}
	e.append(...content.filter((c) => c !== null && c !== undefined));
	return e;
}

const byId = (id) => document.getElementById(id);

function fill(parent, ...content) {
	parent.replaceChildren(...content.filter((c) => c !== null && c !== undefined));
}

function choices(select, list, chosen) {
	fill(
		select,
		...list.map(([value, text]) => element("option", { value, selected: value === chosen }, text)),
	);
}

/* A colour of the style sheet, in the theme of now. */
const colour = (name) =>
	getComputedStyle(document.documentElement)
		.getPropertyValue("--" + name)
		.trim();
