'use strict';

// A server of Socket.IO. PING and PONG are its pingInterval and pingTimeout, in milliseconds. Each `bytes` of what is said is
// an argument in binary.

const { Server } = require('socket.io');

const site = require('./control.js')((message, query) => {
  const bytes = query.getAll('bytes').map(text => Buffer.from(text));
  io.of(query.get('namespace') || '/').emit(query.get('event') || 'chat', message, ...bytes);
});
const io = new Server(site.server, { pingInterval: Number(process.env.PING || 25000), pingTimeout: Number(process.env.PONG || 20000) });

// A session that has no namespace yet gets nothing of what is said.
io.on('connection', socket => {
  site.opened();
  socket.on('disconnect', () => site.closed());
});
io.of('/admin').use((socket, next) => next(socket.handshake.auth.token === 'of-the-test' ? undefined : new Error('not authorized')));
site.listen();
