#!/usr/bin/env bash
# Redis 7.0.15 (Debian 12) publishes what it was told while it was frozen by a client that has long given up.
#
# Expected: a client that publishes to a server that does not answer, gets a timeout, and closes its connection, has
#   published nothing. Pub/sub is at most once, and keeps nothing for later.
# Seen: the message waits in the kernel's buffer of the server's socket. When the server goes on, it reads it before it
#   reads that the connection has ended, and publishes it: seconds late, and after the client was told that it failed.
#   A client that tries again then publishes twice. Who listens must bear old and doubled messages.
set -euo pipefail
folder=$(mktemp -d)
trap 'kill -CONT "${pid:-}" 2>/dev/null || true; kill "${listener:-}" "${pid:-}" 2>/dev/null || true; wait; rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root redis-server=5:7.0.15-1~deb12u10 redis-tools=5:7.0.15-1~deb12u10 liblzf1 libjemalloc2 libatomic1
for package in *.deb; do dpkg -x "$package" root; done
export LD_LIBRARY_PATH=$PWD/root/usr/lib/x86_64-linux-gnu
port=$((20000 + RANDOM % 10000))
root/usr/bin/redis-server --port "$port" --bind 127.0.0.1 --save '' --appendonly no >log 2>&1 &
pid=$!
cli() { root/usr/bin/redis-cli -p "$port" "$@"; }
for _ in $(seq 100); do cli PING 2>/dev/null | grep -q PONG && break || sleep 0.1; done
cli SUBSCRIBE channel >heard 2>&1 &
listener=$!
for _ in $(seq 100); do grep -q subscribe heard && break || sleep 0.1; done
kill -STOP "$pid"
code=0
timeout 2 root/usr/bin/redis-cli -p "$port" PUBLISH channel late >published 2>&1 || code=$?
before=$(grep -c late heard || true)
kill -CONT "$pid"
for _ in $(seq 50); do grep -q late heard && break || sleep 0.1; done
after=$(grep -c late heard || true)
printf 'the client that published has given up with status %s; heard then: %s; heard when the server went on: %s\n' "$code" "$before" "$after"
[ "$code" = 124 ] && [ "$before" = 0 ] && [ "$after" = 1 ] || { echo 'this has changed'; exit 1; }
