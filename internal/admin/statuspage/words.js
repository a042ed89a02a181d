// What the page says of numbers, times and requests, and how it says it in elements.

const at = id => document.getElementById(id);

// make makes an element, with texts and elements in it.
function make(name, attributes, ...inside) {
	const svg = ["svg", "rect", "polyline", "line"].includes(name);
	const made = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
	for (const [key, text] of Object.entries(attributes)) made.setAttribute(key, text);
	made.append(...inside);
	return made;
}

// become makes an element's children those that are given, and leaves alone what is equal: a text that is selected stays so.
function become(parent, children) {
	children.forEach((child, i) => {
		const old = parent.childNodes[i];
		if (!old) parent.append(child);
		else if (child.nodeName === old.nodeName && ["TR", "LI"].includes(child.nodeName) && child.id === old.id) {
			become(old, [...child.childNodes]);
			old.className = child.className;
		} else if (!old.isEqualNode(child)) old.replaceWith(child);
	});
	while (parent.childNodes.length > children.length) parent.lastChild.remove();
}

const one = new Intl.NumberFormat("en", {maximumFractionDigits: 1}), whole = new Intl.NumberFormat("en", {maximumFractionDigits: 0});
const number = n => (n < 10 ? one : whole).format(n);
const plural = (n, one, many) => `${number(n)} ${n === 1 ? one : many}`;

function bytes(n) {
	for (const unit of ["B", "KiB", "MiB"]) {
		if (n < 1024) return `${number(n)} ${unit}`;
		n /= 1024;
	}
	return `${number(n)} GiB`;
}

function span(seconds) {
	if (seconds < 0.9995) return `${Math.max(Math.round(seconds * 1000), 0)} ms`;
	if (seconds < 90) return `${Math.round(seconds)} s`;
	if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
	if (seconds < 129600) return `${Math.round(seconds / 3600)} h`;
	return `${Math.round(seconds / 86400)} days`;
}

// since is for how long something has lasted at the time of the snapshot; the clocks of the
// browser and of the server may differ.
const since = (snapshot, time) => (Date.parse(snapshot.time) - Date.parse(time)) / 1000;

// request is what feeds and places are: a poll request, without values.
const request = feed => `${feed.method === "GET" ? "" : feed.method + " "}${feed.host}${feed.path}`
	+ (feed.query.length ? "?" + feed.query.map(name => name + "=…").join("&") : "");

// breakable is a text that may be broken between the parts of a path.
const breakable = text => text.split(/(?<=[/?&.])/).flatMap((part, i) => i ? [make("wbr", {}), part] : [part]);

// marked is a text with parts in backticks, which are code.
const marked = text => text.split("`").map((part, i) => i % 2 ? make("code", {}, part) : part);

const capital = text => text.charAt(0).toUpperCase() + text.slice(1);
