"use strict";

// The block.

let written = ""; // what the page has put into the text of the block

const edited = () => at("block").value !== written;

function showBlock() {
	const dirty = edited();
	if (!dirty) at("block").value = written = state.block;
	mark();
}

function mark() {
	at("apply").disabled = !edited();
	at("revert").hidden = !edited() && at("block").value === state?.block;
	at("suggestion").hidden = !state?.suggestion || state.suggestion === at("block").value;
}

async function post(where, what) {
	say("wrong", "");
	let response;
	try {
		response = await fetch(where, {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(what)});
	} catch {
		say("wrong", "The command cannot be reached: does it still run?");
		return false;
	}
	if (response.ok) return true;
	if (response.status !== 422) {
		say("wrong", await response.text());
		return false;
	}
	const {line, error} = await response.json();
	say("wrong", (line ? `Line ${line}: ${error}` : error) + ". The block before still runs.");
	if (line) select(line);
	return false;
}

function select(line) {
	const text = at("block"), all = text.value.split("\n");
	const from = all.slice(0, line - 1).reduce((sum, l) => sum + l.length + 1, 0);
	text.setSelectionRange(from, from + (all[line - 1] ?? "").length);
}

async function apply(block) {
	at("block").value = block;
	if (await post("block", {block})) {
		written = block;
		mark();
	} else at("block").focus();
}

// What was chosen is in the block that comes next.
async function choose(node, role, parameter) {
	const block = at("block").value;
	if (await post("choose", {block, role, path: node.path, list: node.list ?? "", parameter})) {
		written = at("block").value = state.block;
		mark();
	}
}

at("block").addEventListener("input", mark);
at("block").addEventListener("keydown", event => {
	if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) apply(at("block").value);
});
at("apply").addEventListener("click", () => apply(at("block").value));
at("suggestion").addEventListener("click", () => apply(state.suggestion));
at("examine").addEventListener("click", () => state?.examining || post("examine", {}));
at("revert").addEventListener("click", () => {
	at("block").value = written = state.block;
	say("wrong", "");
	mark();
	at("block").focus();
});
at("copy").addEventListener("click", async () => {
	try {
		await navigator.clipboard.writeText(at("block").value);
		say("copied", "Copied.");
	} catch {
		at("block").select();
		say("copied", "Press Ctrl-C: the block is selected.");
	}
	setTimeout(() => say("copied", ""), 4000);
});
