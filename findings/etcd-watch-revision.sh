#!/usr/bin/env bash
# etcd 3.4.23 (Debian 12) gives each answer of a watch that catches up the newest revision of the store.
#
# Expected: `header.revision` of an answer says how far the watch has come, so that a watcher that was cut off
#   goes on from there.
# Seen: it is the revision of the store when the answer is sent. A watch from a revision long ago gets the
#   changes in several answers; the header of the first is as new as that of the last, and so is that of the
#   answer `created`, which comes before all changes. Who goes on from it loses changes. The `mod_revision`
#   of the last change of an answer is what a watch can go on from.
set -euo pipefail
folder=$(mktemp -d)
trap 'kill "${pid:-}" 2>/dev/null || true; wait; rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root etcd-server=3.4.23-4+b4
dpkg -x etcd-server_*.deb root
port=$((20000 + RANDOM % 10000))
client=http://127.0.0.1:$port peer=http://127.0.0.1:$((port + 1))
root/usr/bin/etcd --data-dir data --log-level error --listen-client-urls "$client" --advertise-client-urls "$client" \
  --listen-peer-urls "$peer" --initial-advertise-peer-urls "$peer" --initial-cluster "default=$peer" >log 2>&1 &
pid=$!
for _ in $(seq 100); do curl -s "$client/health" | grep -q true && break || sleep 0.1; done
for _ in $(seq 1500); do
  printf 'url=%s/v3/kv/put\ndata={"key":"a2V5","value":"%s"}\noutput=/dev/null\nnext\n' "$client" MQ==
done | sed '$d' >puts
curl -s -K puts
curl -sN --max-time 2 "$client/v3/watch" -d '{"create_request":{"key":"a2V5","start_revision":"2"}}' >answers || true
count=$(wc -l <answers)
heads=$(sed 's/.*"header":{[^}]*"revision":"\([0-9]*\)".*/\1/' answers | tr '\n' ' ')
lasts=$(sed -n '2,$s/.*"mod_revision":"\([0-9]*\)".*/\1/p' answers | tr '\n' ' ')
printf 'answers: %s\nheader.revision:               %s\nlast mod_revision of each but the first: %s\n' "$count" "$heads" "$lasts"
[ "$count" -ge 3 ] && [ "$(tr ' ' '\n' <<<"$heads" | sort -u | grep -c .)" = 1 ] &&
  [ "$(tr ' ' '\n' <<<"$lasts" | sort -u | grep -c .)" -gt 1 ] || { echo 'this has changed'; exit 1; }
