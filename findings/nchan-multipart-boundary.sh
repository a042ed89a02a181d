#!/usr/bin/env bash
# nchan 1.3.6 (Debian 12, nginx 1.22.1) sends boundaries that its Content-Type does not quote.
#
# Expected: a parameter of a Content-Type is a token or is quoted (RFC 2045, section 5.1, and RFC 9110, section
#   5.6.6). A boundary with a `/` in it is no token, so it stands in quotes: boundary="a/b".
# Seen: of the boundaries of http-multipart subscribers, which are drawn anew for each, many have a `/`, and none
#   is quoted. Parsers that go by the grammar, such as Go's mime.ParseMediaType, refuse the whole field.
set -euo pipefail
folder=$(mktemp -d)
trap 'kill "${pid:-}" 2>/dev/null || true; wait; rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root nginx=1.22.1-9+deb12u11 libnginx-mod-nchan=1:1.3.6+dfsg-2
for package in *.deb; do dpkg -x "$package" root; done
port=$((20000 + RANDOM % 10000))
cat >conf <<CONF
load_module $folder/root/usr/lib/nginx/modules/ngx_nchan_module.so;
daemon off; worker_processes 1; pid $folder/pid; error_log $folder/log;
events { worker_connections 64; }
http {
  access_log off;
  client_body_temp_path $folder/body; proxy_temp_path $folder/proxy; fastcgi_temp_path $folder/fastcgi;
  uwsgi_temp_path $folder/uwsgi; scgi_temp_path $folder/scgi;
  server { listen 127.0.0.1:$port; location / { nchan_pubsub; nchan_channel_id messages; } }
}
CONF
root/usr/sbin/nginx -c "$folder/conf" -p "$folder" 2>>log &
pid=$!
for _ in $(seq 100); do curl -s "http://127.0.0.1:$port/" -d hello >/dev/null && break || sleep 0.1; done
bare=0 quoted=0
for _ in $(seq 20); do
  curl -sD head -o /dev/null --max-time 0.2 -H 'Accept: multipart/mixed' "http://127.0.0.1:$port/" || true
  kind=$(tr -d '\r' <head | sed -n 's/^Content-Type: //p')
  case $kind in
  *'boundary="'*) quoted=$((quoted + 1)) ;;
  *boundary=*/*) bare=$((bare + 1)) example=$kind ;;
  esac
done
printf 'of 20: %s with a / and no quotes, %s with quotes\nsuch as %s\n' "$bare" "$quoted" "${example:-}"
[ "$bare" -gt 0 ] && [ "$quoted" = 0 ] || { echo 'this has changed'; exit 1; }
