// What is wrong, and what to do about it.

const words = {down: "down", refused: "refused", warning: "warning"};

const stay = (feeds, clients) => clients === 0 ? "No client waits."
	: feeds === 1 && clients === 1 ? "Its client stays connected."
	: `${feeds === 1 ? "Its" : "Their"} ${plural(clients, "client stays", "clients stay")} connected.`;

// facts are for how long, how often, and what it means for clients.
function facts(snapshot, trouble) {
	const said = [];
	const lasts = trouble.since ? span(since(snapshot, trouble.since)) : "";
	if (trouble.severity === "down") {
		said.push(`${capital(trouble.reason)}, for ${lasts}.`, stay(trouble.feeds, trouble.clients));
		if (trouble.polling) said.push("The upstream is being polled again now.");
		else if (trouble.next_poll) said.push(`The next try is ${when(snapshot, trouble.next_poll)}.`);
	} else if (trouble.severity === "refused") {
		said.push(`${plural(trouble.count, "client was refused", "clients were refused")}, the last ${span(since(snapshot, trouble.last))} ago.`);
	} else {
		if (trouble.feeds) said.push(`${plural(trouble.feeds, "feed", "feeds")} with ${plural(trouble.clients, "client", "clients")}.`);
		if (trouble.count) said.push(`${number(trouble.count)} in all${trouble.last ? `, the last ${span(since(snapshot, trouble.last))} ago` : ""}.`);
		if (lasts) said.push(`For ${lasts}.`);
	}
	return said.join(" ");
}

// where names the URLs, and what else a trouble is about.
function where(trouble) {
	const named = trouble.places.map(place => make("strong", {}, ...breakable(request(place))));
	const inside = named.flatMap((name, i) => i ? [", ", name] : [name]);
	const more = trouble.urls - trouble.places.length;
	if (more > 0) inside.push(` and ${plural(more, "other URL", "other URLs")}`);
	trouble.names?.forEach((name, i) => inside.push(i ? ", " : inside.length ? ": " : "", make("code", {}, name)));
	if (trouble.bridge) inside.push(`${inside.length ? ", " : ""}bridge ${trouble.bridge}`);
	return inside.length ? inside : ["this node"];
}

function item(snapshot, trouble) {
	const made = make("li", {class: trouble.severity},
		make("h3", {}, make("span", {class: "badge"}, words[trouble.severity] || trouble.severity), " ", ...marked(capital(trouble.text)), "."),
		make("p", {class: "where"}, ...where(trouble)));
	if (trouble.remedy) made.append(make("p", {class: "remedy"}, make("b", {}, "What to do: "), ...marked(trouble.remedy), /[.?]$/.test(trouble.remedy) ? "" : "."));
	const said = facts(snapshot, trouble);
	if (said) made.append(make("p", {class: "facts"}, said));
	return made;
}

// verdict is how all is, in a sentence or two.
function verdict(snapshot) {
	const feeds = snapshot.total.feeds, {down = 0, refused = 0, new: fresh = 0} = snapshot.states;
	const some = n => `${number(n)} of ${number(feeds)} feeds ${n === 1 ? "is" : "are"}`;
	const others = snapshot.troubles.filter(trouble => trouble.severity !== "down").length + snapshot.all_troubles - snapshot.troubles.length;
	let said = feeds === 1 ? "The feed is up." : `All ${number(feeds)} feeds are up.`;
	if (feeds === 0) said = "No client listens, so nothing is polled.";
	else if (down && refused) said = `${some(down)} down, and ${number(refused)} ${refused === 1 ? "is" : "are"} refused.`;
	else if (down) said = feeds === 1 ? "The feed is down." : `${some(down)} down.`;
	else if (refused) said = feeds === 1 ? "The feed is refused." : `${some(refused)} refused.`;
	else if (fresh === feeds) said = "Waiting for the first answers of the upstreams.";
	else if (fresh) said = `${some(feeds - fresh)} up, the others wait for their first answers.`;
	return others ? `${said} ${plural(others, "thing needs", "things need")} a look.` : said;
}

function showVerdict(snapshot) {
	const down = snapshot.states.down || 0, said = verdict(snapshot);
	if (at("verdict-text").textContent !== said) at("verdict-text").textContent = said; // or it would be read out each second
	at("verdict").className = down ? "bad" : snapshot.all_troubles ? "warn" : snapshot.total.feeds === 0 ? "" : "good";
	const items = snapshot.troubles.map(trouble => item(snapshot, trouble));
	const unsaid = snapshot.all_troubles - snapshot.troubles.length;
	if (unsaid > 0) items.push(make("li", {}, `and ${number(unsaid)} more: /sse_bridge/feeds lists what is wrong with each feed.`));
	become(at("troubles"), items);
	document.title = (down ? `${number(down)} down · ` : snapshot.all_troubles ? `${plural(snapshot.all_troubles, "warning", "warnings")} · ` : "") + "sse_bridge";
}
