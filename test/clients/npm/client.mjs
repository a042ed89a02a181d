// Follows a stream with a client from npm:
//
//     node client.mjs <client> <url> [<last event id>]
//
// It prints one line for each event, a JSON array of its type, id and data, and exits when the
// client has given up, if only because nothing is left that Node could wait for. What else the client
// says goes to standard error. A client's name may end
// in "+", which is the client with the workaround of docs/clients.md. Over https, clients that
// take a fetch get one that speaks HTTP/2.

import * as undici from 'undici';

const [name, url, id] = process.argv.slice(2);
const http2 = url.startsWith('https:');
const dispatcher = new undici.Agent({ allowH2: true });
const fetch = http2 ? (to, init) => undici.fetch(to, { ...init, dispatcher }) : globalThis.fetch;

const types = ['message', 'joined', 'bridge.reset', 'bridge.busy', 'bridge.position'];
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
    const { EventSource } = (await import('launchdarkly-eventsource')).default;
    const source = new EventSource(url, {
      headers: id ? { 'Last-Event-ID': id } : {},
      https: { rejectUnauthorized: true },
    });
    for (const type of types) {
      source.addEventListener(type, printEvent);
    }
    source.addEventListener('error', error => console.error(error));
    source.addEventListener('closed', () => giveUp('closed'));
  },
};

// fetch-event-source is for browsers: it wants what only they have.
async function forBrowsers() {
  globalThis.window = globalThis;
  globalThis.document = { addEventListener() {}, removeEventListener() {} };
  return (await import('@microsoft/fetch-event-source')).fetchEventSource;
}

await clients[name]();
