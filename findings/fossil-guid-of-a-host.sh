#!/usr/bin/env bash
# Fossil 2.21 (Debian 12) names an entry of its feed by the host that it was asked for.
#
# Expected: the guid of an entry identifies it (RSS 2.0), whoever asks. Fossil has such a name: the hash of what
#   the entry tells of.
# Seen: the guid in /timeline.rss is an URL with the request's Host and scheme. A reader that comes by another
#   name of the same server finds that all entries are new.
set -euo pipefail
folder=$(mktemp -d)
trap 'kill "${pid:-}" 2>/dev/null || true; wait; rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root fossil=1:2.21-1+deb12u1 libfuse2=2.9.9-6+b1
for package in *.deb; do dpkg -x "$package" root; done
export LD_LIBRARY_PATH=$folder/root/usr/lib/x86_64-linux-gnu:$folder/root/lib/x86_64-linux-gnu HOME=$folder USER=ann
root/usr/bin/fossil init -A ann repository >log
port=$((20000 + RANDOM % 10000))
root/usr/bin/fossil server --localhost --port $port repository >>log 2>&1 &
pid=$!
guid() { curl -sf -H "Host: $1" "http://127.0.0.1:$port/timeline.rss" | sed -n 's/.*<guid>\(.*\)<.guid>.*/\1/p'; }
for _ in $(seq 100); do curl -sf "http://127.0.0.1:$port/timeline.rss" >/dev/null && break || sleep 0.1; done
one=$(guid one.example) two=$(guid two.example)
printf 'asked for one.example: %s\nasked for two.example: %s\n' "$one" "$two"
[ "${one#http://one.example/}" = "${two#http://two.example/}" ] && [ "$one" != "$two" ] || { echo 'this has changed'; exit 1; }
