// The curves of the last two minutes.

const points = 120; // of a curve, one a second
const curves = new Map(); // by what they show: their values, newest last

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

function showTiles(snapshot, before, seconds) {
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
