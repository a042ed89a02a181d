#!/usr/bin/env bash
# Webdis 0.1.9 (Debian 12) gives messages of a channel that come at once in the reverse order.
#
# Expected: a subscriber of a channel gets its messages in the order in which Redis sends them, which is that of
#   their publication.
# Seen: those that Redis sends together, as those of a transaction are, or of a publisher that is quick, come to
#   the client of /SUBSCRIBE last one first. They have no number by which a client could see that.
set -euo pipefail
folder=$(mktemp -d)
trap 'kill "${redis:-}" "${webdis:-}" "${client:-}" 2>/dev/null || true; wait; rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root webdis=0.1.9+dfsg-1.1 redis-tools=5:7.0.15-1~deb12u10 libb64-0d=1.2-5+b1 \
  libhiredis0.14=0.14.1-3 libevent-2.1-7=2.1.12-stable-8 libjansson4=2.14-2 liblzf1=3.6-3 libjemalloc2=5.3.0-1
for package in *.deb; do dpkg -x "$package" root; done
export LD_LIBRARY_PATH=$folder/root/usr/lib/x86_64-linux-gnu
port=$((20000 + RANDOM % 10000)) web=$((30000 + RANDOM % 2000))
cp root/usr/bin/redis-check-rdb redis-server # it is one program, which goes by its name
./redis-server --bind 127.0.0.1 --port $port --save '' >log &
redis=$!
cat >webdis.json <<CONF
{"redis_host": "127.0.0.1", "redis_port": $port, "http_host": "127.0.0.1", "http_port": $web, "threads": 1, "daemonize": false, "database": 0}
CONF
root/usr/bin/webdis webdis.json >>log 2>&1 &
webdis=$!
ask() { root/usr/bin/redis-cli -p $port "$@"; }
for _ in $(seq 100); do curl -sf "http://127.0.0.1:$web/PING" >/dev/null && break || sleep 0.1; done
curl -sN "http://127.0.0.1:$web/SUBSCRIBE/news" >seen &
client=$!
for _ in $(seq 100); do [ "$(ask PUBSUB NUMSUB news | tail -1)" = 1 ] && break || sleep 0.1; done
printf 'MULTI\nPUBLISH news one\nPUBLISH news two\nPUBLISH news three\nEXEC\n' | ask >>log
sleep 1
got=$(grep -oE '"(one|two|three)"' seen | tr -d '"' | xargs)
printf 'published: one two three\nreceived:  %s\n' "$got"
[ "$got" = 'three two one' ] || { echo 'this has changed'; exit 1; }
