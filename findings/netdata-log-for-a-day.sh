#!/usr/bin/env bash
# Netdata 1.37.1 (Debian 12) lets caches keep its log of alarms for a day.
#
# Expected: the answer of a log that is polled for what is new may not be kept, or is asked for again each
#   time (RFC 9111, section 5.2.2.4), as /api/v1/alarms of the same server.
# Seen: /api/v1/alarm_log comes with `Cache-Control: public` and an Expires that is a day ahead. Behind a
#   cache, or in a browser that polls with fetch, a new alarm may not be seen before tomorrow.
set -euo pipefail
folder=$(mktemp -d)
trap 'kill "${pid:-}" 2>/dev/null || true; wait; rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root netdata-core=1.37.1-2 libuv1=1.44.2-1+deb12u1 libjson-c5=0.16-2 liblz4-1=1.9.4-1
for package in *.deb; do dpkg -x "$package" root; done
mkdir config lib
touch config/.opt-out-from-anonymous-statistics
port=$((20000 + RANDOM % 10000))
cat >netdata.conf <<CONF
[global]
	run as user = $(id -un)
[directories]
	config = $folder/config
	stock config = $folder/config
	stock health config = $folder/config
	log = $folder/lib
	cache = $folder/lib
	lib = $folder/lib
	lock = $folder/lib
	home = $folder/lib
	plugins = $folder/config
[db]
	mode = ram
[logs]
	access log = none
[plugins]
	timex = no
	tc = no
	proc = no
	diskspace = no
	cgroups = no
	statsd = no
[web]
	bind to = 127.0.0.1:$port
CONF
LD_LIBRARY_PATH=$folder/root/usr/lib/x86_64-linux-gnu root/usr/sbin/netdata -D -c netdata.conf >log 2>&1 &
pid=$!
for _ in $(seq 100); do curl -sf "http://127.0.0.1:$port/api/v1/info" >/dev/null && break || sleep 0.1; done

# how long may the answer of a path be kept, in seconds
kept() {
  curl -sD head -o /dev/null "http://127.0.0.1:$port/api/v1/$1"
  field() { sed -n "s/^$1: \(.*\)\r$/\1/ip" head; }
  echo "$(field cache-control), $(($(date -d "$(field expires)" +%s) - $(date -d "$(field date)" +%s))) seconds"
}
log=$(kept alarm_log)
alarms=$(kept alarms)
printf 'alarm_log: %s\nalarms:    %s\n' "$log" "$alarms"
[ "$log" = 'public, 86400 seconds' ] && [[ $alarms == no-cache* ]] || { echo 'this has changed'; exit 1; }
