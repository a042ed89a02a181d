"use strict";

const points = 120; // of a curve, one a second
const at = id => document.getElementById(id);
const curves = new Map(); // by what they show: their values, newest last
const rows = new Map(); // by the id of a feed: its row and what it was last
let before = null; // the snapshot before
let last = 0; // when the last one came
let filter = "";

// make makes an element, with texts and elements in it.
function make(name, attributes, ...inside) {
	const svg = ["svg", "rect", "polyline", "line"].includes(name);
	const made = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
	for (const [key, text] of Object.entries(attributes)) made.setAttribute(key, text);
	made.append(...inside);
	return made;
}

const number = n => new Intl.NumberFormat("en", {maximumFractionDigits: n < 10 ? 1 : 0}).format(n);
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

const request = feed => `${feed.method === "GET" ? "" : feed.method + " "}${feed.host}${feed.path}`
	+ (feed.query.length ? "?" + feed.query.map(name => name + "=…").join("&") : "");

// apart are the names of what tells a feed from others of its URL.
const apart = feed => [
	...feed.headers.map(name => name === "Cookie" && feed.cookies.length ? `cookies ${feed.cookies.join(" ")}` : name),
	...feed.vars.map(name => `{vars.${name}}`), ...feed.placeholders.map(name => `{${name}}`), ...feed.also.map(name => name.replace("_", " ")),
];

// push adds a point to a curve.
function push(key, value) {
	const values = curves.get(key) || curves.set(key, []).get(key);
	values.push(value);
	if (values.length > points) values.shift();
	return values;
}

// rate is by how much a counter has grown in a second. A bridge that is new counts from the start.
function rate(now, then, name, seconds) {
	return then && now[name] >= then[name] ? (now[name] - then[name]) / seconds : 0;
}

function curve(values, label, bad) {
	const most = Math.max(...values, 1e-9), left = points - values.length;
	const line = values.map((v, i) => `${left + i},${30 - 28 * v / most}`).join(" ");
	return make("svg", {viewBox: `0 0 ${points - 1} 32`, preserveAspectRatio: "none", role: "img", "aria-label": label},
		make("line", {class: "ground", x1: 0, x2: points - 1, y1: 31, y2: 31}),
		make("polyline", {class: bad ? "curve bad" : "curve", points: line}));
}

// bars draws events upwards and errors in their place, in the colour of trouble.
function bars(events, errors, label) {
	const most = Math.max(...events, 1), left = points - events.length;
	const drawn = make("svg", {viewBox: `0 0 ${points} 26`, preserveAspectRatio: "none", role: "img", "aria-label": label},
		make("line", {class: "ground", x1: 0, x2: points, y1: 25.5, y2: 25.5}));
	events.forEach((n, i) => {
		const height = errors[i] > 0 ? 25 : n > 0 ? Math.max(24 * n / most, 3) : 0;
		if (height) drawn.append(make("rect", {class: errors[i] > 0 ? "errors" : "events", x: left + i, y: 25 - height, width: 1, height}));
	});
	return drawn;
}

// recent is the mean of the last ten seconds: events that come every few seconds are no flicker.
const recent = values => values.slice(-10).reduce((sum, v) => sum + v, 0) / Math.min(values.length, 10);

function tile(title, value, unit, values, bad) {
	return make("div", {class: "tile"},
		make("h3", {}, title), make("p", {}, value, " ", make("small", {}, unit)),
		curve(values, `${title} in the last two minutes: now ${value} ${unit}, at most ${number(Math.max(...values))}`, bad));
}

function showTiles(snapshot, seconds) {
	const total = snapshot.total, then = before && before.total;
	const per = name => push(name, rate(total, then, name, seconds));
	const clients = push("clients", total.clients);
	if (!then) return; // there are no rates yet
	const [events, deliveries, out, polls, errors, saved] = ["events", "deliveries", "delivered_bytes", "polls", "errors", "polls_saved"].map(per);
	at("tiles").replaceChildren(
		tile("Clients", number(total.clients), `on ${plural(total.feeds, "feed", "feeds")}`, clients),
		tile("Events from upstreams", number(recent(events)), "/s", events),
		tile("Deliveries to clients", number(recent(deliveries)), `/s, ${bytes(recent(out))}`, deliveries),
		tile("Polls", number(recent(polls)), "/s", polls),
		tile("Polls that failed", number(recent(errors)), `/s, ${number(total.errors)} in all`, errors, true),
		tile("Polls saved by sharing", number(recent(saved)), `/s, ${number(total.polls_saved)} in all`, saved));
}

// showCluster shows the other nodes, if there is a cluster.
function showCluster(snapshot) {
	const cluster = snapshot.cluster;
	at("cluster").hidden = !cluster;
	document.body.classList.toggle("alone", !cluster);
	if (!cluster) return;
	const {up, nodes, takeovers, dropped} = cluster, lasts = span(since(snapshot, cluster.since));
	const state = up ? `The cluster is up, for ${lasts}.` : `The cluster cannot be reached, for ${lasts}: each node polls for itself.`;
	at("cluster-text").className = up ? "" : "bad";
	at("cluster-text").textContent = `${state} This node is ${cluster.name}, ${cluster.id}. `
		+ `${plural(takeovers, "feed was", "feeds were")} taken over from nodes that were gone. ${plural(dropped, "message", "messages")} could not be read.`;
	if (nodes.length === 0) {
		at("nodes").replaceChildren(make("tr", {}, make("td", {colspan: 5}, "No other node is heard.")));
		return;
	}
	at("nodes").replaceChildren(...nodes.map(node => make("tr", {},
		make("td", {class: "request"}, node.name), make("td", {}, node.id), make("td", {}, node.version),
		make("td", {}, `${span(node.heard_seconds_ago)} ago`),
		make("td", node.differs ? {class: "request bad"} : {}, node.differs || "the same"))));
}

// polled says which node polls a feed.
function polled(feed) {
	if (feed.polled === "elsewhere") return `by node ${feed.polled_by || "unknown"}`;
	if (feed.polled === "alone") return `alone: ${feed.alone_because || "for an unknown reason"}`;
	return feed.polled === "here" ? "polled here" : "–";
}

// next says when a feed is polled next.
function next(snapshot, feed) {
	if (feed.polling_since) return `under way for ${span(since(snapshot, feed.polling_since))}`;
	if (!feed.next_poll) return "–";
	const wait = -since(snapshot, feed.next_poll);
	if (wait > 0) return `in ${span(wait)}`;
	return feed.clients > 0 ? "now" : "when a client comes";
}

const stay = n => n === 0 ? "No client waits." : n === 1 ? "Its client stays connected." : `Its ${number(n)} clients stay connected.`;

// groups puts feeds together that look alike and have the same trouble.
function groups(feeds) {
	const all = new Map();
	for (const feed of feeds) {
		const key = [feed.state, feed.reason, feed.bridge, request(feed)].join("\n");
		all.get(key)?.push(feed) ?? all.set(key, [feed]);
	}
	return [...all.values()];
}

// trouble says in a sentence or three what is wrong with feeds that are in one group.
function trouble(snapshot, feeds) {
	const feed = feeds[0], name = make("strong", {}, request(feed));
	const how = `${feed.reason}, for ${span(since(snapshot, feeds.map(feed => feed.since).sort()[0]))}. `;
	if (feeds.length > 1) {
		const clients = feeds.reduce((sum, feed) => sum + feed.clients, 0);
		const are = feed.state === "refused" ? "are refused by the upstream" : "are down";
		return make("li", {}, name, ` of ${plural(feeds.length, "visitor", "visitors")} ${are}: ${how}${clients ? `Their ${plural(clients, "client stays", "clients stay")} connected.` : ""}`);
	}
	if (feed.state === "refused") return make("li", {}, name, ` is refused by its upstream: ${how}Clients that come now get that status.`);
	const after = feed.polling_since ? `It is being polled again now.` : `The next try is ${next(snapshot, feed)}.`;
	return make("li", {}, name, ` is down: ${how}${stay(feed.clients)} ${after}`);
}

function showVerdict(snapshot) {
	const {feeds, feeds_down: down} = snapshot.total;
	const troubles = snapshot.feeds.filter(feed => feed.state === "down" || feed.state === "refused");
	const refused = troubles.filter(feed => feed.state === "refused").length;
	let verdict = feeds === 0 ? "No client listens, so nothing is polled." : feeds === 1 ? "The feed is up." : `All ${number(feeds)} feeds are up.`;
	if (snapshot.feeds.length > 0 && snapshot.feeds.every(feed => feed.state === "new")) verdict = "Waiting for the first answers of the upstreams.";
	if (refused) verdict = `${plural(refused, "feed is", "feeds are")} refused by the upstream.`;
	if (down) verdict = feeds === 1 ? "The feed is down." : `${number(down)} of ${number(feeds)} feeds ${down === 1 ? "is" : "are"} down.`;
	if (at("verdict-text").textContent !== verdict) at("verdict-text").textContent = verdict; // or it would be read out each second
	at("verdict").className = down || refused ? "bad" : feeds === 0 ? "" : "good";
	const grouped = groups(troubles), said = grouped.slice(0, 8).map(feeds => trouble(snapshot, feeds));
	const unsaid = Math.max(down, troubles.length) - grouped.slice(0, 8).flat().length;
	if (unsaid > 0) said.push(make("li", {}, `and ${plural(unsaid, "feed", "feeds")} more`));
	at("troubles").replaceChildren(...said);
	document.title = (down ? `${number(down)} down · ` : "") + "sse_bridge";
}

function lastPoll(snapshot, poll) {
	if (!poll) return ["–"];
	const words = {news: poll.events ? plural(poll.events, "event", "events") : "news", no_news: "no news", error: "failed", refused: "refused"};
	const what = words[poll.outcome] || poll.outcome;
	const bad = poll.outcome === "error" || poll.outcome === "refused";
	return [make("span", bad ? {class: "bad"} : {}, what + (poll.status ? ` (${poll.status})` : "")),
		make("small", {}, `took ${span(poll.seconds)}, ${span(since(snapshot, poll.at) - poll.seconds)} ago`)];
}

function row(snapshot, feed, seconds) {
	const known = rows.get(feed.id) || {};
	const events = push(feed.id + " events", rate(feed, known.feed, "events", seconds));
	const errors = push(feed.id + " errors", rate(feed, known.feed, "errors", seconds));
	const bridge = `bridge ${feed.bridge}, feed ${feed.id}` + (apart(feed).length ? `, by ${apart(feed).join(", ")}` : "");
	const made = make("tr", feed.state === "down" || feed.state === "refused" ? {class: "down"} : {},
		make("td", {}, make("span", {class: `state ${feed.state}`}, feed.state),
			make("small", {}, feed.reason || "", make("small", {}, `for ${span(since(snapshot, feed.since))}`))),
		make("td", {class: "request"}, request(feed), make("small", {}, bridge)),
		make("td", {class: "number"}, number(feed.clients), make("small", {}, feed.waiting ? `${number(feed.waiting)} wait` : feed.chains > 1 ? `${feed.chains} chains` : "")),
		make("td", {}, bars(events, errors, `${number(feed.events)} events and ${number(feed.errors)} errors since the feed began`),
			make("small", {}, plural(feed.events, "event", "events"), feed.errors ? `, ${plural(feed.errors, "error", "errors")}` : "")),
		make("td", {}, number(feed.polls), make("small", {}, `${number(feed.polls_saved)} saved`)),
		make("td", {class: "clustered request"}, polled(feed)),
		make("td", {}, ...lastPoll(snapshot, feed.last_poll)),
		make("td", {}, next(snapshot, feed), make("small", {}, feed.backoff_seconds ? `backed off for ${span(feed.backoff_seconds)}` : "")),
		make("td", {class: "position", title: feed.cursor || ""}, feed.cursor || "–",
			make("small", {}, `${plural(feed.log_events, "event", "events")} kept, ${bytes(feed.log_bytes)}`)));
	rows.set(feed.id, {feed});
	return made;
}

const matches = feed => !filter || `${feed.state} ${feed.reason || ""} ${request(feed)} ${feed.bridge} ${feed.id}`.toLowerCase().includes(filter);

function showFeeds(snapshot, seconds) {
	const made = snapshot.feeds.map(feed => [feed, row(snapshot, feed, seconds)]);
	at("feeds").replaceChildren(...made.filter(([feed]) => matches(feed)).map(([, row]) => row));
	const more = snapshot.total.feeds - snapshot.feeds.length;
	at("rest").textContent = more > 0 ? `${number(more)} more feeds are not shown here: /sse_bridge/feeds?limit=… lists them.` : "";
	const there = new Set(snapshot.feeds.map(feed => feed.id));
	for (const id of rows.keys()) {
		if (there.has(id)) continue;
		rows.delete(id);
		curves.delete(id + " events");
		curves.delete(id + " errors");
	}
}

function show(snapshot) {
	const seconds = before ? Math.max((Date.parse(snapshot.time) - Date.parse(before.time)) / 1000, 0.1) : 1;
	showVerdict(snapshot);
	showTiles(snapshot, seconds);
	showCluster(snapshot);
	showFeeds(snapshot, seconds);
	before = snapshot;
}

at("filter").addEventListener("input", event => {
	filter = event.target.value.trim().toLowerCase();
});

const source = new EventSource("events");
source.onmessage = event => {
	last = Date.now();
	show(JSON.parse(event.data));
};

// A page that says that all is well must not be an old one.
setInterval(() => {
	const age = Date.now() - last, fresh = last > 0 && age < 3500;
	at("link").className = fresh ? "" : "lost";
	at("link").textContent = fresh ? "live" : last ? `No word from Caddy for ${span(age / 1000)}: what is below is old. Trying again …` : "No connection to Caddy yet. Trying again …";
	at("verdict").style.opacity = fresh || !last ? "" : "0.4";
}, 1000);
