'use strict';

// One stream for all tabs. Its URL is the worker's name: the browser gives tabs that name the same
// script and the same name one worker, which ends with the last of them.
importScripts('follow.js');

const ports = new Set(); // to the tabs
const kept = []; // what a tab that opens later is given first
const keep = 100;

function listen() {
  return follow(self.name, event => {
    if (event.type === 'bridge.reset') {
      kept.length = 0;
    } else if (event.type === 'message') {
      kept.splice(0, kept.length - keep + 1);
      kept.push(event);
    }
    for (const port of ports) {
      port.postMessage(event);
    }
  });
}

let source = listen();

self.onconnect = ({ ports: [port] }) => {
  // A port does not notice that its tab has gone: tabs say so.
  port.onmessage = () => ports.delete(port);
  for (const event of kept) {
    port.postMessage(event);
  }
  ports.add(port);
  if (source.readyState === EventSource.CLOSED) { // refused before, and perhaps no longer
    kept.length = 0;
    source = listen();
  }
};
