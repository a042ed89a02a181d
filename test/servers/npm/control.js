'use strict';

// What the tests ask of each server: `POST /say` publishes its body, and `GET /sessions` tells how many sessions are open,
// how many there have been, and how many requests to the library. All other requests are for the library.

const http = require('node:http');

module.exports = function control(publish) {
  const sessions = { open: 0, total: 0, requests: 0 };
  const server = http.createServer((request, response) => {
    if (request.method === 'POST' && request.url.startsWith('/say')) {
      let body = '';
      request.on('data', part => { body += part; });
      request.on('end', async () => {
        await publish(JSON.parse(body), new URL(request.url, 'http://localhost').searchParams);
        response.end();
      });
    } else if (request.url === '/sessions') {
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify(sessions));
    }
  });
  server.on('error', error => {
    console.error(`cannot listen: ${error.message}`);
    process.exit(1);
  });
  return {
    server,
    opened() { sessions.open++; sessions.total++; },
    closed() { sessions.open--; },
    listen() {
      server.prependListener('request', request => {
        if (request.url !== '/sessions' && !request.url.startsWith('/say')) {
          sessions.requests++;
        }
      });
      server.listen(process.env.PORT, '127.0.0.1');
    },
  };
};
