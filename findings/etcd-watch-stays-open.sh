#!/usr/bin/env bash
# etcd 3.4.23 (Debian 12) leaves the answer of a watch open that it has canceled.
#
# Expected: the gateway's POST /v3/watch carries one watch. When that is canceled, because its first revision
#   has been compacted, nothing can come any more: the answer ends.
# Seen: there is a message with `canceled` and `compact_revision`, and then nothing, for ever. Who waits for the
#   end of the answer, to ask again, waits in vain.
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
for value in MQ== Mg== Mw== NA==; do curl -s "$client/v3/kv/put" -d '{"key":"a2V5","value":"'$value'"}' >/dev/null; done
curl -s "$client/v3/kv/compaction" -d '{"revision":"4"}' >/dev/null
ended=yes
curl -sN --max-time 10 "$client/v3/watch" -d '{"create_request":{"key":"a2V5","start_revision":"2"}}' >answers || { [ $? = 28 ] && ended=no; }
canceled=$(grep -c '"canceled":true,"compact_revision":"4"' answers || true)
cat answers
printf 'messages that say that the watch is canceled: %s; the answer ended within 10s: %s\n' "$canceled" "$ended"
[ "$canceled" = 1 ] && [ "$ended" = no ] || { echo 'this has changed'; exit 1; }
