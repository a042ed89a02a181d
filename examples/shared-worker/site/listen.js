'use strict';

// listen calls each({type, data, id}) for the events of a stream, of which there is one for all
// tabs where the browser has SharedWorker, and one of its own elsewhere.
function listen(url, each) {
  if (!('SharedWorker' in window)) {
    follow(url, each);
    return;
  }
  const { port } = new SharedWorker('worker.js', { name: url });
  port.onmessage = ({ data }) => each(data);
  addEventListener('pagehide', () => port.postMessage('bye'));
  // A page that comes back from the browser's cache of pages has said bye.
  addEventListener('pageshow', event => {
    if (event.persisted) {
      location.reload();
    }
  });
}
