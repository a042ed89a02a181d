// The other nodes, if there is a cluster.

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
		at("nodes").replaceChildren(make("tr", {role: "row"}, make("td", {role: "cell", colspan: 5}, "No other node is heard.")));
		return;
	}
	const cell = (label, text, name = "") => make("td", {role: "cell", "data-label": label, class: name}, text);
	become(at("nodes"), nodes.map(node => make("tr", {role: "row", id: `node-${node.id}`},
		cell("Node", node.name, "request"), cell("Id", node.id), cell("Version", node.version),
		cell("Last heard", `${span(node.heard_seconds_ago)} ago`),
		cell("Its bridges", node.differs || "the same", node.differs ? "request bad" : ""))));
}

// polled says which node polls a feed.
function polled(feed) {
	if (feed.polled === "elsewhere") return `by node ${feed.polled_by || "unknown"}`;
	if (feed.polled === "alone") return `alone: ${feed.alone_because || "for an unknown reason"}`;
	return feed.polled === "here" ? "polled here" : "–";
}
