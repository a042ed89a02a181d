'use strict';

// A server of Socket.IO. PING and PONG are its pingInterval and pingTimeout, in milliseconds.

const { Server } = require('socket.io');

const site = require('./control.js')((message, query) => {
  io.of(query.get('namespace') || '/').emit(query.get('event') || 'chat', message);
});
const io = new Server(site.server, { pingInterval: Number(process.env.PING || 25000), pingTimeout: Number(process.env.PONG || 20000) });

io.engine.on('connection', socket => {
  site.opened();
  socket.on('close', () => site.closed());
});
io.of('/admin').use((socket, next) => next(socket.handshake.auth.token === 'of-the-test' ? undefined : new Error('not authorized')));
site.listen();
