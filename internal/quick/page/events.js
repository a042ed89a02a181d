"use strict";

// The stream, as a client reads it. EventSource shows a page only the kinds of events that it knows by name.

const shownEvents = 200;
const clipped = 400, most = 100_000; // characters of an event that are shown at first, and at most

const nothing = "No event has come yet.";

let reading = null; // stops it

// tell says what there is instead of a newer event.
function tell(text) {
	say("no-events", text);
	at("no-events").hidden = false;
}

// read follows the stream from its beginning.
async function read() {
	reading?.abort();
	const stop = reading = new AbortController();
	let id = "", retry = 3000;
	at("events").replaceChildren();
	tell(nothing);
	while (!stop.signal.aborted) {
		try {
			const headers = {Accept: "text/event-stream"};
			if (id) headers["Last-Event-ID"] = id;
			const response = await fetch("stream", {headers, signal: stop.signal});
			if (response.status === 204) return tell("The stream has ended: the block's `end` holds.");
			if (!response.ok) throw new Error(`the stream answers with status ${response.status}`);
			tell(nothing);
			at("no-events").hidden = at("events").children.length > 0;
			const text = response.body.pipeThrough(new TextDecoderStream()).getReader();
			for (let rest = ""; ;) {
				const {value, done} = await text.read();
				if (done || stop.signal.aborted) break;
				const blocks = (rest + value).split("\n\n");
				rest = blocks.pop();
				for (const block of blocks) {
					const event = parse(block);
					if (event.retry) retry = event.retry;
					if (event.data === null) continue;
					if (event.id) id = event.id;
					show(event);
				}
			}
		} catch (error) {
			if (stop.signal.aborted) return;
			tell(`The stream cannot be read: ${error.message}. Trying again …`);
		}
		await new Promise(done => setTimeout(done, retry));
	}
}

// parse reads a block of an event stream. The bridge ends lines with a line feed.
function parse(block) {
	const event = {type: "message", id: "", data: null, retry: 0};
	for (const line of block.split("\n")) {
		const [, name, text] = /^([^:]*):? ?(.*)$/s.exec(line);
		if (name === "data") event.data = event.data === null ? text : event.data + "\n" + text;
		if (name === "event") event.type = text;
		if (name === "id") event.id = text;
		if (name === "retry") event.retry = Number(text);
	}
	return event;
}

function show(event) {
	const head = make("div", {class: "head"}, make("b", {}, event.type), event.id ? ` id ${event.id}, ` : " ", clock());
	const item = make("li", {}, head);
	if (event.data.length <= clipped) item.append(make("pre", {}, event.data));
	else item.append(make("details", {}, make("summary", {}, make("code", {}, event.data.slice(0, clipped) + "…")), make("pre", {}, event.data.slice(0, most))));
	at("no-events").hidden = true;
	at("events").prepend(item);
	while (at("events").children.length > shownEvents) at("events").lastChild.remove();
}
