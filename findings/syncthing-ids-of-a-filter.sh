#!/usr/bin/env bash
# Syncthing 1.19.2 (Debian 12) counts its events anew for each list in `events`, from the first request
# with that list on.
#
# Expected: /rest/events?events=TYPE gives the events of that type of those that are kept, with the ids that
#   they have without a list. Its documentation calls `id` unique on the events API.
# Seen: the first request with a list gives nothing, though one without it gives an event of that type. The
#   next event has the id 1 with the list, and another id without it. A client that changes its list and
#   keeps its `since` misses events, or waits for ids that are far ahead.
set -euo pipefail
folder=$(mktemp -d)
trap 'kill "${pid:-}" 2>/dev/null || true; wait; rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root syncthing=1.19.2~ds1-1+b4
dpkg -x syncthing_*.deb root
port=$((20000 + RANDOM % 10000))
mkdir home shared
cat >home/config.xml <<CONF
<configuration version="35">
  <folder id="shared" path="$folder/shared" fsWatcherEnabled="false"/>
  <gui><address>127.0.0.1:$port</address><apikey>key</apikey></gui>
  <options>
    <listenAddress>tcp://127.0.0.1:$((port + 1))</listenAddress>
    <globalAnnounceEnabled>false</globalAnnounceEnabled><localAnnounceEnabled>false</localAnnounceEnabled>
    <relaysEnabled>false</relaysEnabled><natEnabled>false</natEnabled><startBrowser>false</startBrowser>
    <urAccepted>-1</urAccepted><crashReportingEnabled>false</crashReportingEnabled>
  </options>
</configuration>
CONF
STHASHING=standard root/usr/bin/syncthing serve --home=home --no-default-folder --no-restart --no-upgrade >log 2>&1 &
pid=$!
ask() { curl -sf -H 'X-API-Key: key' "http://127.0.0.1:$port/rest/$1" "${@:2}"; }
for _ in $(seq 100); do ask system/ping >/dev/null && break || sleep 0.1; done

# the ids of the events that say that a file has come
ids() {
  ask "events?timeout=1$1" | tr -d ' \n' | grep -o '{"id":[0-9]*,"globalID":[0-9]*,"time":"[^"]*","type":"LocalIndexUpdated"' |
    sed 's/{"id":\([0-9]*\),.*/\1/' | tr '\n' ' ' || true
}
touch shared/one && ask db/scan?folder=shared -X POST
all=$(ids '') filtered=$(ids '&events=LocalIndexUpdated')
printf 'after the first file:  ids without a list: %s, with a list: %s\n' "$all" "${filtered:-none}"
touch shared/two && ask db/scan?folder=shared -X POST
later=$(ids '') filtered_later=$(ids '&events=LocalIndexUpdated')
printf 'after the second file: ids without a list: %s, with a list: %s\n' "$later" "$filtered_later"
[ "$(wc -w <<<"$all") ${filtered:-none}, $(wc -w <<<"$later") $filtered_later" = '1 none, 2 1 ' ] || { echo 'this has changed'; exit 1; }
