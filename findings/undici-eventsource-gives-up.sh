#!/usr/bin/env bash
# The EventSource of undici 6.29.1 (npm) gives up when a connection is refused, and closes after its last event `error`.
#
# Expected: no server listens when the client comes back, as while one restarts. That is a network error, so the client
#   tries again (HTML standard, section 9.2.3). If it gives up, its readyState is CLOSED when `error` is fired.
# Seen: it gives up at the first refusal, though not if the connection is only reset. Its readyState is CONNECTING at each
#   `error`, and CLOSED afterwards, so that the program is not told.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts undici@6.29.1 >/dev/null
cat >main.mjs <<'JS'
import { once } from 'node:events'
import http from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { EventSource } from 'undici'

const names = ['CONNECTING', 'OPEN', 'CLOSED']
let requests = 0

const listen = async port => {
  const server = http.createServer((request, response) => {
    requests++
    response.writeHead(200, { 'Content-Type': 'text/event-stream' })
    response.write('retry: 100\nid: 1\ndata: x\n\n')
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return server
}
const leave = async server => {
  server.close()
  server.closeAllConnections()
  await once(server, 'close')
}

const run = async away => {
  requests = 0
  let server = await listen(0)
  const { port } = server.address()
  const states = new Set()
  const source = new EventSource(`http://127.0.0.1:${port}/`)
  source.addEventListener('error', () => states.add(names[source.readyState]))
  await once(source, 'message')
  if (away) {
    await leave(server)
    await wait(1000)
    server = await listen(port)
  } else {
    server.closeAllConnections()
  }
  await wait(2000)
  console.log(`${away ? 'no server for a second' : 'cut'}: ${requests} requests, state at errors ${[...states]}, at the end ${names[source.readyState]}`)
  source.close()
  await leave(server)
}

await run(false)
await run(true)
process.exit(0)
JS
seen=$(node main.mjs 2>/dev/null)
node --version
printf '%s\n' "$seen"
[ "$seen" = 'cut: 2 requests, state at errors CONNECTING, at the end OPEN
no server for a second: 1 requests, state at errors CONNECTING, at the end CLOSED' ] || { echo 'this has changed'; exit 1; }
