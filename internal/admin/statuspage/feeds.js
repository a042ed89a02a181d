// The table of feeds; on a phone, cards.

const known = new Map(); // by the id of a feed: what it was last

// apart are the names of what tells a feed from others of its URL.
const apart = feed => [
	...feed.headers.map(name => name === "Cookie" && feed.cookies.length ? `cookies ${feed.cookies.join(" ")}` : name),
	...feed.vars.map(name => `{vars.${name}}`), ...feed.placeholders.map(name => `{${name}}`), ...feed.also.map(name => name.replace("_", " ")),
];

// when says when something is due.
function when(snapshot, time) {
	const wait = -since(snapshot, time);
	return wait > 0 ? `in ${span(wait)}` : "now";
}

// next says when a feed is polled next.
function next(snapshot, feed) {
	if (feed.polling_since) return `under way for ${span(since(snapshot, feed.polling_since))}`;
	if (!feed.next_poll) return "–";
	const due = when(snapshot, feed.next_poll);
	return due === "now" && feed.clients === 0 ? "when a client comes" : due;
}

function lastPoll(snapshot, poll) {
	if (!poll) return ["–"];
	const words = {news: poll.events ? plural(poll.events, "event", "events") : "news", no_news: "no news", error: "failed", refused: "refused"};
	const what = words[poll.outcome] || poll.outcome;
	const bad = poll.outcome === "error" || poll.outcome === "refused";
	return [make("span", bad ? {class: "bad"} : {}, what + (poll.status ? ` (${poll.status})` : "")),
		make("small", {}, `took ${span(poll.seconds)}, ${span(since(snapshot, poll.at) - poll.seconds)} ago`)];
}

// grow adds to the curves of a feed.
function grow(feed, seconds) {
	const then = known.get(feed.id);
	known.set(feed.id, feed);
	for (const name of ["events", "errors"]) push(`${feed.id} ${name}`, rate(feed, then, name, seconds));
}

function row(snapshot, feed) {
	const [events, errors] = ["events", "errors"].map(name => curves.get(`${feed.id} ${name}`));
	const cell = (label, name, ...inside) => make("td", {role: "cell", "data-label": label, class: name}, make("div", {}, ...inside));
	const small = text => text ? [make("small", {}, text)] : [];
	const bad = feed.state === "down" || feed.state === "refused";
	return make("tr", {role: "row", id: `feed-${feed.id}`, class: bad ? "down" : feed.warnings.length ? "warn" : ""},
		cell("State", "", make("span", {class: `state ${feed.state}`}, feed.state), ...small(feed.reason), ...small(`for ${span(since(snapshot, feed.since))}`)),
		cell("Poll request", "request", ...breakable(request(feed)),
			...small(`bridge ${feed.bridge}, feed ${feed.id}` + (apart(feed).length ? `, by ${apart(feed).join(", ")}` : "")),
			...feed.warnings.map(warning => make("small", {class: bad ? "bad" : "caution"}, ...marked(capital(warning.text)), "."))),
		cell("Clients", "number", number(feed.clients), ...small(feed.waiting ? `${number(feed.waiting)} wait` : feed.chains > 1 ? `${feed.chains} chains` : "")),
		cell("Events", "", bars(events, errors, `${plural(feed.events, "event", "events")} and ${plural(feed.errors, "error", "errors")} since the feed began`), ...small(plural(feed.events, "event", "events"))),
		cell("Errors", feed.errors ? "number bad" : "number", number(feed.errors)),
		cell("Polls", "number", number(feed.polls), ...small(`${number(feed.polls_saved)} saved`)),
		cell("Polled", "clustered request", polled(feed)),
		cell("Last poll", "", ...lastPoll(snapshot, feed.last_poll)),
		cell("Next poll", "", next(snapshot, feed), ...small(feed.backoff_seconds ? `backed off for ${span(feed.backoff_seconds)}` : "")),
		cell("Position, log", "position", make("span", {class: "cursor", title: feed.cursor || ""}, feed.cursor || "–"),
			...small(`${plural(feed.log_events, "event", "events")} kept, ${bytes(feed.log_bytes)}`)));
}

// showFeeds shows a snapshot that is so many seconds newer than the one before; 0: it is not newer.
function showFeeds(snapshot, seconds) {
	for (const feed of snapshot.feeds) if (seconds || !known.has(feed.id)) grow(feed, seconds);
	become(at("feeds"), snapshot.feeds.map(feed => row(snapshot, feed)));
	const there = new Set(snapshot.feeds.map(feed => feed.id));
	for (const id of known.keys()) {
		if (there.has(id)) continue;
		known.delete(id);
		curves.delete(id + " events");
		curves.delete(id + " errors");
	}
}
