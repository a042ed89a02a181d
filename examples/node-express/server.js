'use strict';

// A status page's JSON, as pages poll it. It changes every EVERY milliseconds (default: 1000;
// 0: never by itself), and with each POST: the fields of a JSON body are taken over.
// PORT sets the port (default: 3000).

const express = require('express');

const every = Number(process.env.EVERY ?? 1000);
let status = { revision: 1, temperature: 20, note: '' };

function change(fields) {
  status = { ...status, ...fields, revision: status.revision + 1 };
}

const app = express();
app.get('/status', (request, response) => response.json(status));
app.post('/status', express.json(), (request, response) => {
  change(request.body);
  response.json(status);
});

if (every > 0) {
  setInterval(() => change({ temperature: 20 + Math.round(Math.random() * 50) / 10 }), every);
}

const server = app.listen(process.env.PORT || 3000, '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});
server.on('error', error => {
  console.error(`cannot listen (PORT sets another port): ${error.message}`);
  process.exit(1);
});
