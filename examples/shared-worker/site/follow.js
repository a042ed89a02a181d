'use strict';

// follow opens a stream and calls each({type, data, id}) for its events, and with the type
// "closed" when it is refused for good. It is used by the worker, and by pages that have none.
function follow(url, each) {
  const source = new EventSource(url);
  const tell = event => each({ type: event.type, data: event.data, id: event.lastEventId });
  for (const type of ['message', 'bridge.reset']) {
    source.addEventListener(type, tell);
  }
  source.onerror = () => {
    if (source.readyState === EventSource.CLOSED) {
      each({ type: 'closed' });
    }
  };
  return source;
}
