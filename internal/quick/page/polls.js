"use strict";

// The polls.

const shownPolls = 50;

let newest = null; // the newest poll
let row = null; // its row

// again reports whether a poll is like the one before, and has brought nothing either.
const again = poll => newest?.quiet && poll.quiet && newest.revision === poll.revision && outcome(newest) === outcome(poll);

const outcome = poll => poll.title.replace(/^\w+ \d+/, "");

function showPoll(poll) {
	const repeated = again(poll);
	const times = repeated ? Number(row.dataset.times) + 1 : 1;
	const summary = make("summary", poll.bad ? {class: "bad"} : {}, `${poll.at} ${poll.title}` + (times > 1 ? ` (${times} times)` : ""));
	const lines = poll.text.split("\n").map(line => make("div", {}, line + "\n"));
	const item = make("li", {}, make("details", {}, summary, make("pre", {class: "poll"}, ...lines)));
	item.dataset.times = times;
	item.firstChild.open = repeated ? row.firstChild.open : poll.bad;
	if (!repeated && row?.querySelector(".bad")) row.firstChild.open = false; // what was opened for its hint
	at("no-polls").hidden = true;
	if (repeated) {
		const focused = row.contains(document.activeElement);
		row.replaceWith(item);
		if (focused) summary.focus();
	} else at("polls").prepend(item);
	[newest, row] = [poll, item];
	while (at("polls").children.length > shownPolls) at("polls").lastChild.remove();
	showState();
}
