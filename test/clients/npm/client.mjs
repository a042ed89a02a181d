// Follows a stream with a client from npm:
//
//     node client.mjs <client> <url> [<last event id>]
//
// It prints one line for each event, a JSON array of its type, id and data, and exits when the
// client has given up, if only because nothing is left that Node could wait for. What else the client
// says goes to standard error. A client's name may end
// in "+", which is the client with the workaround of docs/clients.md. Over https, clients that
// take a fetch get one that speaks HTTP/2. LOST_AFTER is after how many ms without a byte a client that can tell takes its connection
// for lost.

import * as undici from 'undici';

const [name, url, id] = process.argv.slice(2);
const http2 = url.startsWith('https:');
const dispatcher = new undici.Agent({ allowH2: true });
const fetch = http2 ? (to, init) => undici.fetch(to, { ...init, dispatcher }) : globalThis.fetch;

const types = ['message', 'joined', 'bridge.reset', 'bridge.busy', 'bridge.position'];
const wait = ms => new Promise(done => setTimeout(done, ms));
const print = (type, id, data) => console.log(JSON.stringify([type || 'message', id, data]));
const printEvent = event => print(event.type, event.lastEventId, event.data);
const giveUp = why => {
  console.error('gave up:', why);
  process.exit(0);
};

const clients = {
  async 'eventsource'() {
    const { EventSource } = await import('eventsource');
    const stored = (to, init) => fetch(to, { ...init, headers: { 'Last-Event-ID': id, ...init.headers } });
    const source = new EventSource(url, { fetch: id ? stored : fetch });
    for (const type of types) {
      source.addEventListener(type, printEvent);
    }
    source.addEventListener('error', event => {
      // without a code the connection was lost
      if (source.readyState === EventSource.CLOSED) {
        giveUp(`${event.code} ${event.message}`);
      }
    });
  },

  async 'eventsource 2'() {
    const { default: EventSource } = await import('eventsource-2');
    const source = new EventSource(url, { headers: id ? { 'Last-Event-ID': id } : {} });
    for (const type of types) {
      source.addEventListener(type, printEvent);
    }
    source.addEventListener('error', event => {
      if (source.readyState === EventSource.CLOSED) {
        giveUp(`${event.status} ${event.message}`);
      }
    });
  },

  async 'undici'() {
    setInterval(() => {}, 60_000); // while it waits to come back, it does not keep Node running
    const source = new undici.EventSource(url, http2 ? { dispatcher } : {});
    for (const type of types) {
      source.addEventListener(type, printEvent);
    }
    source.addEventListener('error', () => {
      if (source.readyState === undici.EventSource.CLOSED) {
        giveUp('closed');
      }
    });
  },

  async 'undici+'() {
    const { EventSource } = undici;
    let last = id || '';
    const open = () => {
      const source = new EventSource(last ? `${url}?lastEventId=${encodeURIComponent(last)}` : url, http2 ? { dispatcher } : {});
      for (const type of types) {
        source.addEventListener(type, event => {
          last = event.lastEventId;
          printEvent(event);
        });
      }
      const watch = setInterval(() => {
        if (source.readyState !== EventSource.CLOSED) return;
        clearInterval(watch);
        open();
      }, 3000);
      source.addEventListener('error', () => {
        if (source.readyState !== EventSource.CLOSED) return;
        clearInterval(watch);
        giveUp('closed');
      });
    };
    open();
  },

  async 'extended-eventsource'() {
    const { EventSource } = await import('extended-eventsource');
    const source = new EventSource(url, {
      fetch: ({ headers, signal }) => fetch(url, { headers: Object.fromEntries(headers), signal }), // undici takes no Request of Node's
      headers: id ? { 'Last-Event-ID': id } : {},
      disableLogger: true,
    });
    for (const type of types) {
      source.addEventListener(type, printEvent);
    }
    source.addEventListener('error', () => {
      if (source.readyState === EventSource.CLOSED) {
        giveUp('closed');
      }
    });
  },

  async 'event-source-plus'() {
    const { EventSourcePlus } = await import('event-source-plus');
    const source = new EventSourcePlus(url, { fetch, headers: id ? { 'Last-Event-ID': id } : {} });
    source.listen({
      onMessage: message => print(message.event, message.id, message.data),
      onResponseError: ({ error }) => console.error(error),
    });
  },

  async 'event-source-plus+'() {
    const { EventSourcePlus } = await import('event-source-plus');
    let pause = 0;
    const source = new EventSourcePlus(url, { fetch });
    source.lastEventId = id;
    const controller = source.listen({
      async onRequest() {
        await wait(pause);
        pause = 3000;
      },
      onResponse({ response }) {
        if (response.status === 204 || (response.status >= 400 && response.status < 500)) {
          controller.abort();
          giveUp(response.status);
        }
      },
      onMessage(message) {
        pause = message.retry ?? pause;
        print(message.event, message.id, message.data);
      },
    });
  },

  async 'fetch-event-stream'() {
    const { events } = await import('fetch-event-stream');
    await follow(async response => {
      for await (const event of events(response)) {
        pause = event.retry ?? pause;
        last = String(event.id ?? last ?? '');
        if (event.data) {
          print(event.event, last, event.data);
        }
      }
    });
  },

  async 'eventsource-parser'() {
    const { EventSourceParserStream } = await import('eventsource-parser/stream');
    const silence = Number(process.env.LOST_AFTER);
    await follow(async (response, connection) => {
      let timer;
      const alive = () => {
        clearTimeout(timer);
        timer = setTimeout(() => connection.abort(), silence);
      };
      alive();
      try {
        const parser = new EventSourceParserStream({ onComment: alive, onRetry: ms => { pause = ms; } });
        for await (const event of response.body.pipeThrough(new TextDecoderStream()).pipeThrough(parser)) {
          alive();
          last = event.id ?? last;
          print(event.event, last, event.data);
        }
      } finally {
        clearTimeout(timer);
      }
    });
  },

  async 'eventsource-client'() {
    const { createEventSource } = await import('eventsource-client');
    const source = createEventSource({
      url,
      fetch,
      initialLastEventId: id,
      onMessage: event => print(event.event, event.id, event.data),
      onDisconnect: () => source.readyState === 'closed' && giveUp('disconnected'),
    });
  },

  async 'eventsource-client+'() {
    const { createEventSource } = await import('eventsource-client');
    const source = createEventSource({
      url,
      initialLastEventId: id,
      onMessage: event => print(event.event, event.id, event.data),
      onDisconnect: () => source.readyState === 'closed' && giveUp('disconnected'),
      async fetch(to, init) {
        const response = await fetch(to, init);
        if (response.status >= 400 && response.status < 500) {
          source.close();
          giveUp(response.status);
        }
        return response;
      },
    });
  },

  async '@microsoft/fetch-event-source'() {
    const fetchEventSource = await forBrowsers();
    await fetchEventSource(url, {
      fetch,
      headers: id ? { 'last-event-id': id } : {}, // in lower case, or it would be sent beside the newer one
      openWhenHidden: true,
      onmessage: event => print(event.event, event.id, event.data),
      onerror: error => console.error(error),
    });
    giveUp('the promise was resolved');
  },

  async '@microsoft/fetch-event-source+'() {
    const fetchEventSource = await forBrowsers();
    class Refused extends Error {}
    await fetchEventSource(url, {
      fetch,
      headers: id ? { 'last-event-id': id } : {},
      openWhenHidden: true,
      onmessage: event => print(event.event, event.id, event.data),
      async onopen(response) {
        if (response.status === 204 || (response.status >= 400 && response.status < 500)) {
          throw new Refused(response.status);
        }
      },
      onclose() {
        throw new Error('the stream has ended: come back');
      },
      onerror(error) {
        if (error instanceof Refused) {
          throw error;
        }
      },
    }).catch(giveUp);
  },

  async 'launchdarkly-eventsource'() {
    await launchdarkly({});
  },

  async 'launchdarkly-eventsource+'() {
    await launchdarkly({ readTimeoutMillis: Number(process.env.LOST_AFTER) });
  },
};

async function launchdarkly(options) {
  const { EventSource } = (await import('launchdarkly-eventsource')).default;
  // Node's own agent has a timeout of 5 s since Node 19
  const { Agent } = http2 ? await import('node:https') : await import('node:http');
  const source = new EventSource(url, {
    agent: new Agent({ keepAlive: true }),
    headers: id ? { 'Last-Event-ID': id } : {},
    https: { rejectUnauthorized: true },
    ...options,
  });
  for (const type of types) {
    source.addEventListener(type, printEvent);
  }
  source.addEventListener('error', error => console.error(error));
  source.addEventListener('closed', () => giveUp('closed'));
}

// follow is the loop of docs/clients.md around a library that reads one answer.
let last = id;
let pause = 3000;
async function follow(read) {
  for (;; await wait(pause)) {
    const connection = new AbortController();
    try {
      const headers = { Accept: 'text/event-stream', ...(last && { 'Last-Event-ID': last }) };
      const response = await fetch(url, { headers, signal: connection.signal });
      if (response.status === 204 || (response.status >= 400 && response.status < 500)) {
        giveUp(response.status);
      }
      await read(response, connection);
    } catch (error) {
      console.error(error);
    }
  }
}

// fetch-event-source is for browsers: it wants what only they have.
async function forBrowsers() {
  globalThis.window = globalThis;
  globalThis.document = { addEventListener() {}, removeEventListener() {} };
  return (await import('@microsoft/fetch-event-source')).fetchEventSource;
}

await clients[name]();
