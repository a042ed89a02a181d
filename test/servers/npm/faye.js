'use strict';

// A server of Bayeux at /bayeux. HOLD is how long it holds a connect, and BEAR half of how long it keeps a client that does not connect, in
// seconds.

const faye = require('faye');

const bayeux = new faye.NodeAdapter({ mount: '/bayeux', timeout: Number(process.env.BEAR || 45) });
const site = require('./control.js')((message, query) => bayeux.getClient().publish(query.get('channel') || '/chat', message));
bayeux.attach(site.server);

if (process.env.HOLD) {
  bayeux.addExtension({
    incoming(message, callback) {
      if (message.channel === '/meta/connect') {
        message.advice = { timeout: 1000 * Number(process.env.HOLD) };
      }
      callback(message);
    },
  });
}

bayeux.on('subscribe', () => site.opened());
bayeux.on('unsubscribe', () => site.closed());
site.listen();
