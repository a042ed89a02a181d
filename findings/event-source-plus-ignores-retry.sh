#!/usr/bin/env bash
# event-source-plus 0.1.15 (npm) comes back after two milliseconds, whatever the stream's retry field says.
#
# Expected: the HTML standard, section 9.2.6, has a retry field set the reconnection time of the stream, and
#   section 9.2.3 has the client wait that long when the stream has ended.
# Seen: it asks again at once, for as long as each stream ends in order, such as one by which a server turns
#   clients away and tells them to come back after five seconds.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts event-source-plus@0.1.15 >/dev/null
cat >main.mjs <<'JS'
import http from 'node:http'
import { EventSourcePlus } from 'event-source-plus'

let requests = 0
const server = http.createServer((request, response) => {
  requests++
  response.writeHead(200, { 'Content-Type': 'text/event-stream' })
  response.end('retry: 5000\ndata: come back later\n\n')
})
server.listen(0, '127.0.0.1', () => {
  new EventSourcePlus(`http://127.0.0.1:${server.address().port}/`).listen({ onMessage() {} })
  setTimeout(() => {
    console.log(requests)
    process.exit(0)
  }, 2000)
})
JS
seen=$(node main.mjs)
printf 'requests within two seconds, with retry: 5000: %s\n' "$seen"
[ "$seen" -gt 10 ] || { echo 'this has changed'; exit 1; }
