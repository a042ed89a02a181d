'use strict';

// Two documents that pages poll: /prices is the same for all, /greeting depends on the cookie
// `name`. PORT sets the port (default: 8081).

const http = require('node:http');

let price = 100;
setInterval(() => { price += Math.round(Math.random() * 10) - 5; }, 1000);

const documents = {
  '/prices': () => ({ price }),
  '/greeting': cookies => ({ hello: /(?:^|; )name=([^;]*)/.exec(cookies)?.[1] ?? 'stranger' }),
};

http.createServer((request, response) => {
  const make = documents[new URL(request.url, 'http://localhost').pathname];
  response.writeHead(make ? 200 : 404, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify(make ? make(request.headers.cookie ?? '') : { error: 'not found' }));
}).listen(process.env.PORT || 8081, '127.0.0.1');
