// Follows the stream at a URL with the npm package eventsource, and prints one line for each
// event: its type, its id and its data, as JSON.

import { EventSource } from 'eventsource';

const source = new EventSource(process.argv[2]);
const print = event => console.log(JSON.stringify([event.type, event.lastEventId, event.data]));

for (const type of ['message', 'bridge.reset', 'bridge.busy', 'bridge.position']) {
  source.addEventListener(type, print);
}
source.addEventListener('error', event => {
  // Without a code the connection was lost, and the client comes back by itself.
  if (source.readyState === EventSource.CLOSED) {
    console.error(`closed for good: ${event.code} ${event.message}`);
    process.exit(1);
  }
});
