#!/usr/bin/env bash
# MediaWiki 1.39.17 (Debian 12) gives different entries of its Atom feed of recent changes one id.
#
# Expected: the id of an entry is unique (RFC 4287, section 4.2.6), since entries of a feed that have one id
#   are one entry (section 4.1.1).
# Seen: an entry of a log has the address of its page for an id. A page that is deleted, made again and
#   deleted again has two entries with one id. A reader that knows entries by their ids misses the second.
#
# Needs PHP 8.2 with intl, mbstring, xml and sqlite3.
set -euo pipefail
folder=$(mktemp -d)
trap 'kill "${pid:-}" 2>/dev/null || true; wait; rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root mediawiki=1:1.39.17-1+deb12u2 mediawiki-classes=1:1.39.17-1+deb12u2
for package in *.deb; do dpkg -x "$package" root; done
port=$((20000 + RANDOM % 10000))
export MW_CONFIG_FILE=$folder/LocalSettings.php
php root/usr/share/mediawiki/maintenance/install.php --dbtype sqlite --dbpath "$folder" --confpath "$folder" \
  --server "http://127.0.0.1:$port" --scriptpath '' --pass 'a long password' Wiki Admin >log 2>&1
cat >>LocalSettings.php <<PHP
\$wgCacheDirectory = '$folder';
\$wgRateLimits = [];
\$wgGroupPermissions['*']['delete'] = true;
PHP
php -S "127.0.0.1:$port" -t root/usr/share/mediawiki >>log 2>&1 &
pid=$!
ask() { curl -sf "http://127.0.0.1:$port/api.php" --data-urlencode 'token=+\' -d format=json "$@" >/dev/null; }
for _ in $(seq 100); do curl -sf "http://127.0.0.1:$port/api.php" >/dev/null && break || sleep 0.1; done
for time in first second; do
  ask -d action=edit -d title=Garden -d text=roses
  ask -d action=delete -d title=Garden -d reason="the $time time"
  sleep 1
done
seen=$(curl -sf "http://127.0.0.1:$port/api.php?action=feedrecentchanges&feedformat=atom" |
  php -r 'foreach (simplexml_load_string(stream_get_contents(STDIN))->entry as $e) {
    if (preg_match("/the (first|second) time/", $e->summary, $m)) echo preg_replace("/.*127.0.0.1:\d+/", "", $e->id), " $m[1]\n";
  }')
printf 'ids of the entries of both deletions:\n%s\n' "$seen"
[ "$seen" = '/index.php/Garden second
/index.php/Garden first' ] || { echo 'this has changed'; exit 1; }
