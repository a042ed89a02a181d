"use strict";

// What the server tells.

let state = null; // what the server has told last
let last = 0; // when the server has told something

function showState() {
	if (!state) return;
	say("target", state.target);
	const polled = newest?.revision === state.revision, failed = polled ? newest.trouble : "";
	const trouble = failed || (polled ? "" : state.trouble); // a block whose polls work is more than what the examination said
	at("verdict").className = trouble ? "bad" : state.revision ? "good" : "";
	say("verdict-text", failed ? "The newest poll has failed." : trouble ? "The endpoint could not be examined." : state.revision ? `Streaming: ${state.why}.` : "Asking the endpoint …");
	say("said", trouble ? `${trouble}.` : state.trouble ? `The endpoint could not be examined: ${state.trouble}.` : state.examining ? `The endpoint is being examined. ${state.said}` : "");
	at("examine").setAttribute("aria-disabled", state.examining); // it keeps the focus
}

say("curl", `curl -N ${new URL("stream", location.href)}`);
let revision = 0;
const source = new EventSource("watch");
const hear = (kind, what) => source.addEventListener(kind, event => {
	last = Date.now();
	what(JSON.parse(event.data || "null"));
});
hear("state", now => {
	state = now;
	showState();
	showBlock();
	showTree();
	if (state.revision === revision) return;
	renew();
	revision = state.revision;
	read();
});
hear("answer", now => {
	answer = now;
	showTree();
});
hear("poll", showPoll);
hear("alive", () => {});
source.addEventListener("open", () => {
	at("polls").replaceChildren(); // those that are kept come again
	newest = row = null;
});

setInterval(() => {
	const age = Date.now() - last, fresh = last > 0 && age < 6000;
	at("link").className = fresh ? "" : "lost";
	say("link", fresh ? "live" : last ? "The command does not answer: what is below is old. Trying again …" : "No connection to the command yet. Trying again …");
}, 1000);
