'use strict';

// The page as it is now. The browser itself reconnects, and says where it was.

const stream = (() => {
  const side = new Side('stream', `const source = new EventSource('/messages');

source.onmessage = event => {
  show(JSON.parse(event.data));
};`);
  const state = document.getElementById('stream-state');
  const source = new EventSource('/messages');
  side.source = source;
  side.requested();

  source.onopen = () => {
    state.textContent = 'connected';
    side.connected = true;
  };
  source.onmessage = event => {
    side.take(JSON.parse(event.data));
    side.lastEventId = event.lastEventId;
  };
  source.onerror = () => {
    side.connected = false;
    if (source.readyState === EventSource.CLOSED) {
      state.textContent = 'closed';
      return;
    }
    if (state.textContent !== 'reconnecting') {
      side.note(`The connection broke after message ${side.lastEventId}.`);
    }
    state.textContent = 'reconnecting';
    side.requested();
  };
  source.addEventListener('bridge.reset', event => {
    side.note(`The stream starts again: ${JSON.parse(event.data).reason}`);
  });
  return side;
})();
