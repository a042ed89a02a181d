#!/usr/bin/env bash
# Icecast 2.4.4 (Debian 12) has status-json.xsl write a title as a number, or as what is no JSON.
#
# Expected: the title of a song is a string, and the answer is JSON (RFC 8259).
# Seen: a title of digits is written without quotes, as the number 1984, and one that is a dash makes
#   `"title":-`, which is no JSON: the status of the whole server cannot be read while that song plays. Besides,
#   `source` is an object while there is one source, an array while there are more, and absent without any.
set -euo pipefail
folder=$(mktemp -d)
trap 'exec 3>&- || true; kill "${pid:-}" 2>/dev/null || true; wait; rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root icecast2=2.4.4-4+b1 libspeex1=1.2.1-2 libtheora0=1.1.1+dfsg.1-16.1+deb12u1 \
  libvorbis0a=1.3.7-1 libogg0=1.3.5-3 libxslt1.1=1.1.35-1+deb12u3
for package in *.deb; do dpkg -x "$package" root; done
export LD_LIBRARY_PATH=$folder/root/usr/lib/x86_64-linux-gnu
port=$((20000 + RANDOM % 10000))
cat >icecast.xml <<CONF
<icecast>
  <authentication><source-password>s</source-password><admin-user>admin</admin-user><admin-password>a</admin-password></authentication>
  <hostname>localhost</hostname><listen-socket><port>$port</port><bind-address>127.0.0.1</bind-address></listen-socket>
  <paths><basedir>$folder</basedir><logdir>$folder</logdir><webroot>$folder/root/usr/share/icecast2/web</webroot>
    <adminroot>$folder/root/usr/share/icecast2/admin</adminroot></paths>
  <logging><accesslog>access</accesslog><errorlog>error</errorlog></logging>
  <security><chroot>0</chroot><changeowner><user>nobody</user><group>nogroup</group></changeowner></security>
</icecast>
CONF
chmod -R a+rwX "$folder" # it does not run as root
root/usr/bin/icecast2 -c icecast.xml >log 2>&1 &
pid=$!
status() { curl -sf "http://127.0.0.1:$port/status-json.xsl"; }
for _ in $(seq 100); do status >/dev/null && break || sleep 0.1; done
exec 3<>"/dev/tcp/127.0.0.1/$port"
printf 'SOURCE /one HTTP/1.0\r\nAuthorization: Basic c291cmNlOnM=\r\nContent-Type: audio/mpeg\r\n\r\n' >&3
seen=
for title in 'Nineteen Eighty-Four' 1984 -; do
  sleep 0.5
  curl -sfGu admin:a "http://127.0.0.1:$port/admin/metadata" -d mount=/one -d mode=updinfo --data-urlencode "song=$title" >/dev/null
  head -c 4096 /dev/zero >&3 # with which it takes the title over
  sleep 0.5
  seen+="$(status | grep -oE '"title":("[^"]*"|[^,]*)')"$'\n'
done
printf '%s' "$seen"
[ "$seen" = '"title":"Nineteen Eighty-Four"
"title":1984
"title":-
' ] || { echo 'this has changed'; exit 1; }
