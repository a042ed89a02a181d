"use strict";

// The tree.

let answer = null;
const nodes = new Map(); // by list and path: the node's elements
let open = ""; // the node whose actions are shown

const nodeID = node => `${node.list ?? ""}\n${node.path}\n${node.key === "first" && node.list !== undefined}`;

// uses are what a block takes a value for.
function uses(node) {
	const chosen = state?.chosen ?? {}, path = node.path;
	const is = name => (chosen[name] ?? []).includes(path);
	const format = chosen.format?.[0];
	const list = format === "feed" ? "items" : ["csv", "lines"].includes(format) ? "@this" : chosen.items?.[0];
	if (node.list !== undefined && node.list !== list) return [];
	const all = [];
	if (node.list === undefined && node.kind === "list" && path === list) all.push("items");
	if (node.list !== undefined || single()) for (const name of ["id", "event", "data"]) if (is(name)) all.push(name);
	if (node.list === undefined && is("cursor")) all.push("cursor");
	return all;
}

// single reports whether the answer in the tree is an item itself: a record of an answer that goes on, or a document.
const single = () => state?.chosen && !("items" in state.chosen);

function actions(node) {
	const all = [], records = state?.chosen && "stream" in state.chosen && single();
	const offer = (role, text) => all.push({role, text});
	const inItem = node.list !== undefined || records;
	if (node.kind === "list" && node.list === undefined) offer("items", "Make each item an event");
	if (node.path === "@this" && node.list === undefined) offer("whole", "Make the whole answer one event");
	if (node.path === "@this") return all;
	if (node.kind === "scalar" && inItem) offer("id", "Identifies the item");
	const used = uses(node);
	if (used.includes("event")) offer("no event", "Is not the kind of event");
	else if (node.kind === "scalar") offer("event", "Is the kind of event");
	if (used.includes("data")) offer("no data", "Is not all that clients need");
	else offer("data", "Is all that clients need");
	if (node.kind === "scalar") offer("cursor", inItem ? "Identifies it, and is the position" : "Is the position");
	return all;
}

function showActions(node, item) {
	const parts = actions(node).map(({role, text}) => {
		const button = make("button", {type: "button"}, text);
		if (role.startsWith("no ")) {
			button.addEventListener("click", () => choose({...node, path: ""}, role.slice(3), ""));
			return button;
		}
		if (role !== "cursor") {
			button.addEventListener("click", () => choose(node, role, ""));
			return button;
		}
		const input = make("input", {value: answer.parameters[0] ?? "since", autocomplete: "off", spellcheck: "false"});
		button.addEventListener("click", () => choose(node, role, input.value.trim()));
		return make("label", {}, button, "sent as", input);
	});
	item.append(make("div", {class: "actions"}, ...(parts.length ? parts : ["Nothing can be made of it."])));
}

function toggle(node) {
	const id = nodeID(node), before = nodes.get(open);
	before?.item.querySelector(":scope > .actions")?.remove();
	before?.button.setAttribute("aria-expanded", "false");
	open = open === id ? "" : id;
	if (!open) return;
	const {item, button} = nodes.get(id), below = item.querySelector(":scope > ul");
	showActions(node, item);
	if (below) item.append(below);
	button.setAttribute("aria-expanded", "true");
}

function branch(node) {
	const button = make("button", {type: "button", class: "node", "aria-expanded": "false"});
	const item = make("li", {}, button);
	const shown = {item, button, node};
	nodes.set(nodeID(node), shown);
	button.addEventListener("click", () => toggle(shown.node));
	if (node.children?.length) item.append(make("ul", {}, ...node.children.map(branch)));
	return item;
}

function label({node, button}) {
	const name = node.key === "first" && node.list !== undefined && node.path === "@this" ? "the first item" : node.path === "@this" ? "the answer" : node.key;
	const roles = uses(node);
	button.classList.toggle("chosen", roles.length > 0);
	button.replaceChildren(make("span", {class: "name"}, name), ": ", make("span", {class: "text"}, node.text),
		...roles.flatMap(role => [" ", make("span", {class: "role"}, role)]));
}

const all = node => [node, ...(node.children ?? []).flatMap(all)];

function showTree() {
	if (!answer) return;
	if (!answer.root) {
		nodes.clear();
		at("tree").replaceChildren(make("p", {}, "The answer has no parts to choose: it is not read as JSON, XML, a feed or a table, or it is too large to show."));
		return;
	}
	const list = all(answer.root), ids = list.map(nodeID);
	if (ids.join("\n\n") !== [...nodes.keys()].join("\n\n")) {
		const focused = [...nodes].find(([, {button}]) => button === document.activeElement)?.[0];
		nodes.clear();
		at("tree").replaceChildren(make("ul", {}, branch(answer.root)));
		const opened = nodes.get(open);
		open = "";
		if (opened) toggle(opened.node);
		nodes.get(focused)?.button.focus();
	}
	for (const node of list) nodes.get(nodeID(node)).node = node;
	for (const shown of nodes.values()) label(shown);
}

// renew shows the actions of the open node anew, since what they offer depends on the block.
function renew() {
	const shown = nodes.get(open), before = shown?.item.querySelector(":scope > .actions");
	if (!before) return;
	const at = [...before.querySelectorAll("button")].indexOf(document.activeElement);
	toggle(shown.node);
	toggle(shown.node);
	if (at >= 0) shown.item.querySelectorAll(":scope > .actions button")[at]?.focus();
}
