#!/usr/bin/env bash
# socket.io 4.8.4 (npm) answers a held poll with the beginning of a binary event, and the next poll with its attachments.
#
# Expected: an answer to a poll may hold several packets (https://socket.io/docs/v4/engine-io-protocol/, HTTP long-polling), and
#   one call of emit makes the packet of the event and those of its attachments together. So a poll gets all of them.
# Seen: a poll that is held gets the packet of the event alone. The one after it gets the attachments. Where no poll is held, one
#   answer has all of them. A reader of single answers has an event that is not whole.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts socket.io@4.8.4 >/dev/null
cat >main.js <<'JS'
'use strict'
const http = require('node:http')
const { setTimeout: wait } = require('node:timers/promises')
const { Server } = require('socket.io')

const server = http.createServer()
const io = new Server(server)

server.listen(0, '127.0.0.1', async () => {
  const at = `http://127.0.0.1:${server.address().port}/socket.io/?EIO=4&transport=polling`
  const opened = await (await fetch(at)).text()
  const session = `${at}&sid=${JSON.parse(opened.slice(1)).sid}`
  const poll = async () => (await (await fetch(session)).text()).split('\x1e')
  await (await fetch(session, { method: 'POST', body: '40' })).text()
  await poll() // that the namespace is open

  const held = poll()
  await wait(500)
  io.emit('photo', Buffer.from('abc'), Buffer.from('d'))
  console.log('held:', JSON.stringify(await held), 'then', JSON.stringify(await poll()))

  io.emit('photo', Buffer.from('abc'), Buffer.from('d'))
  console.log('not held:', JSON.stringify(await poll()))
  process.exit(0)
})
JS
seen=$(node main.js)
node --version
printf '%s\n' "$seen"
event='452-[\"photo\",{\"_placeholder\":true,\"num\":0},{\"_placeholder\":true,\"num\":1}]'
[ "$seen" = "held: [\"$event\"] then [\"bYWJj\",\"bZA==\"]
not held: [\"$event\",\"bYWJj\",\"bZA==\"]" ] || { echo 'this has changed'; exit 1; }
