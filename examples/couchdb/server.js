'use strict';

// The CouchDB API in one process, with all data in memory. PORT sets the port (default: 5984).

const { devNull } = require('node:os');

const express = require('express');
const PouchDB = require('pouchdb');

PouchDB.plugin(require('pouchdb-adapter-memory'));
const Memory = PouchDB.defaults({ adapter: 'memory' });

const app = express();
app.use(require('express-pouchdb')(Memory, { mode: 'minimumForPouchDB', inMemoryConfig: true, logPath: devNull }));

const server = app.listen(process.env.PORT || 5984, '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});
server.on('error', error => {
  console.error(`cannot listen (PORT sets another port): ${error.message}`);
  process.exit(1);
});
