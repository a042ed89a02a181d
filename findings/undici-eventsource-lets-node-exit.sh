#!/usr/bin/env bash
# The EventSource of undici 6.29.1 (npm) does not keep Node running while it waits to reconnect.
#
# Expected: a program that follows a stream runs for as long as its EventSource is open or connecting, as it does
#   with the package eventsource.
# Seen: the wait is a timer that Node does not wait for. At the first lost connection, a program that has nothing
#   else to do exits, with status 0 and without a message.
set -euo pipefail
folder=$(mktemp -d)
trap 'kill "${pid:-}" 2>/dev/null || true; wait; rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts undici@6.29.1 eventsource@3.0.7 >/dev/null
cat >server.mjs <<'JS'
import http from 'node:http'

const server = http.createServer((request, response) => {
  response.writeHead(200, { 'Content-Type': 'text/event-stream', Connection: 'close' })
  response.write('retry: 100\nid: 1\ndata: x\n\n')
  if (!request.headers['last-event-id']) setTimeout(() => request.socket.destroy(), 200)
})
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
JS
cat >client.mjs <<'JS'
const [name, port] = process.argv.slice(2)
const { EventSource } = await import(name)
let events = 0
new EventSource(`http://127.0.0.1:${port}/`).addEventListener('message', () => {
  if (++events < 2) return
  console.log('came back')
  process.exit(0)
})
JS
node server.mjs >port &
pid=$!
until [ -s port ]; do sleep 0.1; done
seen=
for name in undici eventsource; do
  said=$(timeout 20 node client.mjs "$name" "$(cat port)" 2>/dev/null) && status=0 || status=$?
  seen+="$name: ${said:-exited}, status $status"$'\n'
done
printf 'after a lost connection:\n%s' "$seen"
[ "$seen" = $'undici: exited, status 0\neventsource: came back, status 0\n' ] || { echo 'this has changed'; exit 1; }
