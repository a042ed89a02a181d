#!/usr/bin/env bash
# The Pushgateway of Prometheus 1.5.1 (Debian 12) tells of its groups in another order each time.
#
# Expected: as long as nobody pushes, /api/v1/metrics answers with the same JSON, as /metrics does.
# Seen: its groups are an array, and stand in it in an order that changes from one answer to the next. Who
#   compares answers finds news in most of them.
set -euo pipefail
folder=$(mktemp -d)
trap 'kill "${pid:-}" 2>/dev/null || true; wait; rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root prometheus-pushgateway=1.5.1-2+b5
for package in *.deb; do dpkg -x "$package" root; done
port=$((20000 + RANDOM % 10000))
root/usr/bin/prometheus-pushgateway --web.listen-address=127.0.0.1:$port --persistence.file= >log 2>&1 &
pid=$!
for _ in $(seq 100); do curl -sf "http://127.0.0.1:$port/-/ready" >/dev/null && break || sleep 0.1; done
for job in a b c d e f g h; do echo 'level 1' | curl -sf --data-binary @- "http://127.0.0.1:$port/metrics/job/$job"; done
for _ in $(seq 20); do
  curl -sf "http://127.0.0.1:$port/api/v1/metrics" | grep -oE '"labels":\{"job":"."\}' | cut -d'"' -f6 | xargs
done >orders
sort orders | uniq -c
[ "$(sort -u orders | wc -l)" -gt 1 ] || { echo 'this has changed'; exit 1; }
