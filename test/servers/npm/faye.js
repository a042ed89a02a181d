'use strict';

// A server of Bayeux at /bayeux. HOLD is how long it holds a connect, in seconds.

const faye = require('faye');

const bayeux = new faye.NodeAdapter({ mount: '/bayeux', timeout: Number(process.env.HOLD || 45) });
const site = require('./control.js')((message, query) => bayeux.getClient().publish(query.get('channel') || '/chat', message));
bayeux.attach(site.server);

bayeux.on('subscribe', () => site.opened());
bayeux.on('unsubscribe', () => site.closed());
site.listen();
