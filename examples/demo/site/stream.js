'use strict';

// The page as it is now. The browser itself reconnects, and says where it was.

{
  const side = new Side('stream');
  const state = document.getElementById('stream-state');
  const source = new EventSource('/messages');
  side.requested();

  source.onopen = () => {
    state.textContent = 'connected';
  };
  source.onmessage = event => {
    side.show(JSON.parse(event.data));
  };
  source.onerror = () => {
    if (source.readyState === EventSource.CLOSED) {
      state.textContent = 'closed';
      return;
    }
    state.textContent = 'reconnecting';
    side.requested();
  };
  source.addEventListener('bridge.reset', event => {
    side.note(`The stream starts again: ${JSON.parse(event.data).reason}`);
  });
}
