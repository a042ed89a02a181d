#!/usr/bin/env bash
# Icinga 2.13.6 (Debian 12) holds back the first events of a stream for five seconds.
#
# Expected: POST /v1/events sends an event to its clients when it happens, as a stream of events is for.
# Seen: what happens in the first five seconds of a connection is sent when they are over, not before. Of later events
#   most are sent at once, and some up to five seconds late.
set -euo pipefail
folder=$(mktemp -d)
trap 'kill "${pid:-}" 2>/dev/null || true; wait; rm -rf "$folder"' EXIT
cd "$folder"
boost=1.74.0+ds1-21
apt-get download -qq -o APT::Sandbox::User=root icinga2-bin=2.13.6-2+deb12u2 icinga2-common=2.13.6-2+deb12u2 \
  libboost-{context,coroutine,filesystem,iostreams,program-options,regex,thread}1.74.0=$boost libicu72=72.1-3+deb12u1 \
  libedit2=3.1-20221030-2 libbsd0=0.11.7-2
for package in *.deb; do dpkg -x "$package" root; done
port=$((20000 + RANDOM % 10000))
mkdir -p data/certs log cache spool run
openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=icinga.test -keyout data/certs/icinga.test.key -out data/certs/icinga.test.crt 2>/dev/null
cp data/certs/icinga.test.crt data/certs/ca.crt
cat >conf <<CONF
const NodeName = "icinga.test"
const ZoneName = NodeName
const TicketSalt = ""
const PluginDir = "/nowhere"
include "$folder/root/usr/share/icinga2/include/itl"
object Endpoint NodeName { }
object Zone ZoneName { endpoints = [ NodeName ] }
object ApiListener "api" { bind_host = "127.0.0.1"; bind_port = $port }
object ApiUser "root" { password = "secret"; permissions = [ "*" ] }
object Host "web" { check_command = "passive"; enable_active_checks = false }
CONF
export ICINGA2_USER ICINGA2_GROUP
ICINGA2_USER=$(id -un) ICINGA2_GROUP=$(id -gn)
LD_LIBRARY_PATH=$folder/root/usr/lib/x86_64-linux-gnu root/usr/lib/x86_64-linux-gnu/icinga2/sbin/icinga2 daemon -c conf -x warning \
  -D DataDir="$folder/data" -D LogDir="$folder/log" -D CacheDir="$folder/cache" -D SpoolDir="$folder/spool" -D InitRunDir="$folder/run" >log/out 2>&1 &
pid=$!
ask() { curl -sk -u root:secret -H 'Accept: application/json' "$@"; }
for _ in $(seq 200); do ask -o /dev/null "https://127.0.0.1:$port/v1" && break || sleep 0.1; done
began=$(date +%s%N)
ask -N -X POST --max-time 8 "https://127.0.0.1:$port/v1/events?queue=q&types=CheckResult" | while read -r _; do date +%s%N; done >came &
reader=$!
sleep 1
check() {
  date +%s%N >>sent
  ask -o /dev/null -X POST "https://127.0.0.1:$port/v1/actions/process-check-result" \
    -d '{"type":"Host","filter":"host.name==\"web\"","exit_status":0,"plugin_output":"up"}'
}
check
sleep 0.5
check
wait "$reader" || true
after() { while read -r at; do printf '%s ms ' $(((at - began) / 1000000)); done <"$1"; }
printf 'check results, after the beginning of the stream: %s\ntheir events came after:                          %s\n' "$(after sent)" "$(after came)"
first=$(head -1 came) sent=$(tail -1 sent)
[ "$(wc -l <came)" = 2 ] && [ $(((first - sent) / 1000000)) -gt 1500 ] || { echo 'this has changed'; exit 1; }
