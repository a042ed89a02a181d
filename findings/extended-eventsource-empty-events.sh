#!/usr/bin/env bash
# extended-eventsource 2.1.0 (npm) makes events of blocks that have no data.
#
# Expected: the HTML standard, section 9.2.6, dispatches no event if the data buffer is empty. A block of a comment,
#   or of a retry or id field alone, is none.
# Seen: each makes a message event, whose data is empty: each keep-alive, for example. Code that parses the data as
#   JSON fails.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts extended-eventsource@2.1.0 eventsource@3.0.7 >/dev/null
cat >main.mjs <<'JS'
import http from 'node:http'

const [name] = process.argv.slice(2)
const { EventSource } = await import(name)
const server = http.createServer((request, response) => {
  response.writeHead(200, { 'Content-Type': 'text/event-stream' })
  response.write('retry: 5000\n\n: keep-alive\n\nid: 1\n\ndata: the end\n\n')
})
server.listen(0, '127.0.0.1', () => {
  const source = new EventSource(`http://127.0.0.1:${server.address().port}/`, { disableLogger: true })
  const events = []
  source.addEventListener('message', (event) => {
    events.push(event.data)
    if (event.data !== 'the end') return
    console.log(name, JSON.stringify(events))
    process.exit(0)
  })
})
setTimeout(() => process.exit(1), 10_000)
JS
seen=$(node main.mjs eventsource; node main.mjs extended-eventsource)
printf 'sent: three blocks without data, and an event\n%s\n' "$seen"
[ "$seen" = $'eventsource ["the end"]\nextended-eventsource ["","","","the end"]' ] || { echo 'this has changed'; exit 1; }
