#!/usr/bin/env bash
# reconnecting-eventsource 1.6.5 (npm) says the last event id twice, or not at all.
#
# Expected: when the library opens a new EventSource in place of one that gave up, the URL says where the
#   stream stopped, once. A page may have opened it at an id that it has from its HTML (?lastEventId=2).
# Seen: with addEventListener the URL has both ids, the older one first. A server that reads the first
#   value of a parameter repeats all that came in between. With onmessage alone the library keeps no id, so
#   that the stream begins again where the page began it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts reconnecting-eventsource@1.6.5 eventsource@3.0.7 >/dev/null
cat >main.mjs <<'JS'
import http from 'node:http'
import { EventSource } from 'eventsource'
import imported from 'reconnecting-eventsource'

globalThis.EventSource = EventSource
const ReconnectingEventSource = imported.default ?? imported

// urls of the first stream, of a refused request, by which EventSource gives up, and of the stream after it
const opened = (listen) => new Promise((resolve) => {
  let count = 0
  const server = http.createServer((request, response) => {
    count++
    if (count === 2) {
      response.writeHead(503)
      response.end()
      return
    }
    response.writeHead(200, { 'Content-Type': 'text/event-stream' })
    response.end('retry: 10\nid: 13\ndata: x\n\n')
    if (count === 3) resolve(request.url)
  })
  server.listen(0, '127.0.0.1', () => {
    listen(new ReconnectingEventSource(`http://127.0.0.1:${server.address().port}/?lastEventId=2`, { max_retry_time: 50 }))
  })
})
setTimeout(() => process.exit(1), 20_000)
console.log('addEventListener', await opened((source) => source.addEventListener('message', () => {})))
console.log('onmessage', await opened((source) => { source.onmessage = () => {} }))
process.exit(0)
JS
seen=$(node main.mjs)
printf 'opened with /?lastEventId=2, and again after an event with the id 13:\n%s\n' "$seen"
[ "$seen" = 'addEventListener /?lastEventId=2&lastEventId=13
onmessage /?lastEventId=2' ] || { echo 'this has changed'; exit 1; }
