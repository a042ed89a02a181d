// The stream of snapshots, one a second.

let source; // of the snapshots
let before = null; // the snapshot before
let last = 0; // when the last one came

// show shows a snapshot. After a change of the view it may be the same one as before, which says nothing of rates.
function show(snapshot) {
	const newer = before ? (Date.parse(snapshot.time) - Date.parse(before.time)) / 1000 : 1;
	const seconds = newer < 0.5 ? 0 : newer;
	showVerdict(snapshot);
	if (seconds) showTiles(snapshot, before, seconds);
	showCluster(snapshot);
	showFeeds(snapshot, seconds);
	if (seconds) before = snapshot;
	showRange(snapshot);
}

// connect opens the stream for the view.
function connect() {
	source?.close();
	source = new EventSource("events?" + asked(new URLSearchParams({limit: size})));
	source.onmessage = event => {
		last = Date.now();
		show(JSON.parse(event.data));
	};
}
connect();

// A page that says that all is well must not be an old one.
setInterval(() => {
	const age = Date.now() - last, fresh = last > 0 && age < 3500;
	at("link").className = fresh ? "" : "lost";
	at("link").textContent = fresh ? "live" : last ? `No word from Caddy for ${span(age / 1000)}: what is below is old. Trying again …` : "No connection to Caddy yet. Trying again …";
	document.body.classList.toggle("old", !fresh && last > 0);
}, 1000);
