#!/usr/bin/env bash
# fgets and fread of PHP 8.2.36 (Debian 12) wait for more if an answer comes in chunks, though a line is there.
#
# Expected: fgets returns a line as soon as there is one, as it does of a socket, a pipe, and an answer without chunks. fread
#   says that of a stream of the network it returns what a packet has brought.
# Seen: of an answer in chunks, through the http wrapper, fgets returns a line at the end of the answer, or when 8 KiB are
#   there, and fread($body, 1024) when it has 1 KiB. fgetc does not wait. Whoever reads a stream of events by lines gets none for hours.
set -euo pipefail
folder=$(mktemp -d)
trap 'kill "${pid:-}" 2>/dev/null || true; wait; rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root php8.2-cli=8.2.36-1~deb12u1
dpkg -x php8.2-cli_*.deb root
cat >server.py <<'PY'
import socket, threading, time

def answer(connection):
    chunks = b"chunks" in connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n")
    connection.sendall(b"Transfer-Encoding: chunked\r\n\r\n" if chunks else b"\r\n")
    for line in [b"one\n", b"two\n"]:
        time.sleep(0.5)
        connection.sendall(b"4\r\n" + line + b"\r\n" if chunks else line)
    time.sleep(4)
    connection.sendall(b"0\r\n\r\n" if chunks else b"")
    connection.close()

server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
while True:
    threading.Thread(target=answer, args=(server.accept()[0],), daemon=True).start()
PY
python3 server.py >port 2>log &
pid=$!
until [ -s port ]; do sleep 0.1; done
cat >client.php <<'PHP'
<?php
foreach (['plain', 'chunks'] as $body) {
    foreach (['fgets' => fgets(...), 'fread' => fn ($stream) => fread($stream, 1024), 'fgetc' => fgetc(...)] as $name => $read) {
        $stream = fopen("http://127.0.0.1:$argv[1]/$body", 'r', false, stream_context_create(['http' => ['protocol_version' => 1.1]]));
        $begin = microtime(true);
        for ($got = ''; !str_contains($got, "\n");) {
            $got .= $read($stream);
        }
        echo "$body, $name: ", microtime(true) - $begin < 3 ? 'at once' : 'at the end', "\n";
    }
}
PHP
seen=$(root/usr/bin/php8.2 -n client.php "$(cat port)")
echo "$seen"
[ "$seen" = 'plain, fgets: at once
plain, fread: at once
plain, fgetc: at once
chunks, fgets: at the end
chunks, fread: at the end
chunks, fgetc: at once' ] || { echo 'this has changed'; exit 1; }
