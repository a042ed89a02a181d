'use strict';

// A server of SockJS at /sockjs. BEAT is how long it is silent before a heartbeat, in milliseconds.

const sockjs = require('sockjs');

const connections = new Set();
const site = require('./control.js')(message => {
  for (const connection of connections) {
    connection.write(JSON.stringify(message));
  }
});
const service = sockjs.createServer({ log() {}, heartbeat_delay: Number(process.env.BEAT || 25000) });
service.on('connection', connection => {
  connections.add(connection);
  site.opened();
  connection.on('close', () => {
    connections.delete(connection);
    site.closed();
  });
});
service.installHandlers(site.server, { prefix: '/sockjs' });
site.listen();
