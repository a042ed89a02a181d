#!/usr/bin/env bash
# WebKitGTK 2.50.6 (Debian 12) puts the beginning of a stream behind the event in which the last one was cut.
#
# Expected: the HTML standard, section 9.2.6, has an incomplete event at the end of a stream discarded. What comes
#   after the reconnection is parsed as a stream of its own.
# Seen: after a reset of the connection, EventSource keeps what it has read of the event, and the beginning of the
#   next stream goes on from there. An event of 100,000 characters that was cut in the middle and sent again comes
#   with the first part of it twice. After a connection that was closed in order it is discarded.
#
# Needs WebKitWebDriver (webkit2gtk-driver 2.50.6-1~deb12u2) and Xvfb.
set -euo pipefail
folder=$(mktemp -d)
trap 'kill ${pids:-} 2>/dev/null || true; wait; rm -rf "$folder"' EXIT
cd "$folder"
cat >main.mjs <<'JS'
import http from 'node:http'

const [driver] = process.argv.slice(2)
const event = `id: 2\ndata: ${'x'.repeat(100_000)}\n\n`
const server = http.createServer((request, response) => {
  if (request.url !== '/stream') {
    response.setHeader('Content-Type', 'text/html')
    response.end(`<script>
      sizes = [], new EventSource('/stream').onmessage = event => sizes.push(event.data.length)
    </script>`)
    return
  }
  response.writeHead(200, { 'Content-Type': 'text/event-stream' })
  if (request.headers['last-event-id'] === '1') {
    response.write(event)
    return
  }
  response.write('retry: 100\nid: 1\ndata: x\n\n' + event.slice(0, 50_000))
  setTimeout(() => request.socket.resetAndDestroy(), 500)
})
await new Promise((listening) => server.listen(0, '127.0.0.1', listening))
async function command(path, parameters) {
  const response = await fetch(driver + path, { method: 'POST', body: JSON.stringify(parameters) })
  const { value } = await response.json()
  if (!response.ok) throw new Error(JSON.stringify(value))
  return value
}
const capabilities = { alwaysMatch: { 'webkitgtk:browserOptions': { args: ['--automation'] } } }
const { sessionId } = await command('/session', { capabilities })
await command(`/session/${sessionId}/url`, { url: `http://127.0.0.1:${server.address().port}/` })
let sizes = []
for (let i = 0; i < 200 && sizes.length < 2; i++) {
  await new Promise((done) => setTimeout(done, 100))
  sizes = await command(`/session/${sessionId}/execute/sync`, { script: 'return sizes', args: [] })
}
await fetch(`${driver}/session/${sessionId}`, { method: 'DELETE' })
console.log(sizes.join(' '))
process.exit(0)
JS
Xvfb -displayfd 1 -screen 0 800x600x24 -nolisten tcp >display 2>log &
pids=$!
until [ -s display ]; do sleep 0.1; done
port=$((20000 + RANDOM % 10000))
DISPLAY=:$(cat display) GDK_BACKEND=x11 HOME=$folder XDG_RUNTIME_DIR=$folder LIBGL_ALWAYS_SOFTWARE=1 \
  WebKitWebDriver --port=$port >>log 2>&1 &
pids="$pids $!"
until curl -s "http://127.0.0.1:$port/status" >/dev/null; do sleep 0.1; done
seen=$(node main.mjs "http://127.0.0.1:$port")
printf 'sent: events of 1 and 100000 characters, the second one cut at 50000 and sent again\nread: %s\n' "$seen"
[ "${seen#1 }" -gt 100000 ] || { echo 'this has changed'; exit 1; }
