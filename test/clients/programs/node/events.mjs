// What a program needs to follow an event stream with a client that knows only HTTP. The programs beside this file are used as those of
// python/events.py.

/** The events of a stream, and where it was left. */
export class Stream {
  wait = 3000; // ms, until the client comes back

  constructor(id = '') {
    this.lastId = id;
  }

  /** Returns the headers of the next request. Half an event that a lost connection has left is forgotten. */
  headers() {
    this.decoder = new TextDecoder();
    this.rest = '';
    this.id = this.lastId;
    this.type = '';
    this.data = [];
    return { accept: 'text/event-stream', ...(this.id && { 'last-event-id': this.id }) };
  }

  /** Takes bytes as they come, and prints the events that they complete. */
  feed(chunk) {
    const lines = (this.rest + this.decoder.decode(chunk, { stream: true })).split('\n');
    this.rest = lines.pop();
    lines.forEach(line => this.line(line.replace(/\r$/, '')));
  }

  line(line) {
    if (line === '') {
      this.lastId = this.id; // not before, as the event may be cut off
      if (this.data.length > 0) {
        console.log(JSON.stringify([this.type || 'message', this.id, this.data.join('\n')]));
      }
      this.type = '';
      this.data = [];
      return;
    }
    const [, field, value = ''] = line.match(/^([^:]*)(?:: ?(.*))?$/s);
    if (field === 'event') this.type = value;
    if (field === 'data') this.data.push(value);
    if (field === 'id') this.id = value;
    if (field === 'retry') this.wait = Number(value);
  }
}

/** Tells whether a status means that nothing will follow, or that the client is refused. */
export const isFinal = status => status === 204 || (status >= 400 && status < 500);

/** How many ms without a byte mean that the connection is lost. The bridge sends a comment every 15 s. */
export const lostAfter = Number(process.env.LOST_AFTER ?? 40_000);

/** Returns whether the client is to be left alone, the URL, and the stream. */
export function args() {
  const [mode, url, id] = process.argv.slice(2);
  return [mode === 'alone', url, new Stream(id)];
}
