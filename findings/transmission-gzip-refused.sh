#!/usr/bin/env bash
# Transmission 3.00 (Debian 12) compresses answers for clients that refuse it.
#
# Expected: `Accept-Encoding: gzip;q=0` says that gzip is not acceptable (RFC 9110, section 12.5.3), and an
#   answer that depends on the field says so with Vary.
# Seen: the answer is compressed wherever the word is in the field, and there is no Vary. A client that says
#   that it cannot read gzip gets what it cannot read.
set -euo pipefail
folder=$(mktemp -d)
trap 'kill "${pid:-}" 2>/dev/null || true; wait; rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root transmission-daemon=3.00-2.1+deb12u1 libevent-2.1-7=2.1.12-stable-8 \
  libminiupnpc17=2.2.4-1+b1 libnatpmp1=20150609-7.1+b2
for package in *.deb; do dpkg -x "$package" root; done
port=$((20000 + RANDOM % 10000))
mkdir home
cat >home/settings.json <<CONF
{"rpc-bind-address": "127.0.0.1", "rpc-port": $port, "peer-port": $((port + 1)), "bind-address-ipv4": "127.0.0.1", "bind-address-ipv6": "::1",
 "dht-enabled": false, "lpd-enabled": false, "pex-enabled": false, "utp-enabled": false, "port-forwarding-enabled": false}
CONF
LD_LIBRARY_PATH=$folder/root/usr/lib/x86_64-linux-gnu root/usr/bin/transmission-daemon --foreground --config-dir home >log 2>&1 &
pid=$!
rpc=http://127.0.0.1:$port/transmission/rpc
for _ in $(seq 100); do curl -s "$rpc" >/dev/null && break || sleep 0.1; done
token=$(curl -si "$rpc" | grep -i '^x-transmission-session-id:' | tr -d '\r')
encoding() {
  curl -sD head -o /dev/null -H "$token" -H "Accept-Encoding: $1" -d '{"method":"session-get"}' "$rpc"
  tr -d '\r' <head | grep -iE '^(content-encoding|vary):' | tr '\n' ' ' || true
}
refused=$(encoding 'gzip;q=0, identity') plain=$(encoding identity)
printf 'gzip;q=0, identity: %s\nidentity:           %s\n' "${refused:-as it is}" "${plain:-as it is}"
[ "$refused" = 'Content-Encoding: gzip ' ] && [ -z "$plain" ] || { echo 'this has changed'; exit 1; }
