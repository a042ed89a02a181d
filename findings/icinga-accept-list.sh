#!/usr/bin/env bash
# Icinga 2.13.6 (Debian 12) refuses an Accept with more than one media type.
#
# Expected: `Accept` is a list of media ranges, with weights (RFC 9110, section 12.5.1). One that has application/json
#   in it accepts what POST /v1/events sends.
# Seen: it must be `application/json` and nothing else. With a list the answer is 400, as HTML. A GET may have
#   any.
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
answers() { curl -sk -u root:secret -o /dev/null "https://127.0.0.1:$port/v1"; }
for _ in $(seq 200); do answers && break || sleep 0.1; done
events() { curl -sk -u root:secret -o /dev/null -w '%{http_code}' --max-time 1 -H "Accept: $1" -X POST "https://127.0.0.1:$port/v1/events?queue=q&types=CheckResult" || true; }
alone=$(events application/json) list=$(events 'application/json, */*;q=0.5')
object=$(curl -sk -u root:secret -o /dev/null -w '%{http_code}' -H 'Accept: application/json, */*;q=0.5' "https://127.0.0.1:$port/v1/objects/hosts")
printf 'application/json: %s\napplication/json, */*;q=0.5: %s; of a GET: %s\n' "$alone" "$list" "$object"
[ "$alone" = 200 ] && [ "$list" = 400 ] && [ "$object" = 200 ] || { echo 'this has changed'; exit 1; }
