#!/usr/bin/env bash
# LWP 6.68 with Net::HTTP 6.22 of Perl (Debian 12) takes an answer whose last chunk is cut off for a whole one.
#
# Expected: an answer in chunks that ends before the chunk of size 0 is incomplete (RFC 9112, section 8). LWP says so with the
#   headers Client-Aborted and X-Died.
# Seen: it does if the connection ends between two chunks. If it ends within one, the answer is a success like any other, and the
#   part of the chunk is in its body.
set -euo pipefail
folder=$(mktemp -d)
trap 'kill "${pid:-}" 2>/dev/null || true; wait; rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root libwww-perl=6.68-1 libnet-http-perl=6.22-1 libhttp-message-perl=6.44-1 liburi-perl=5.17-1 \
  libhttp-date-perl=6.05-2 liblwp-mediatypes-perl=6.04-2 libencode-locale-perl=1.05-3 libio-html-perl=1.004-3 libtry-tiny-perl=0.31-2 \
  libclone-perl=0.46-1 libtimedate-perl=2.3300-2
for package in *.deb; do dpkg -x "$package" root; done
cat >server.py <<'PY'
import socket

server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
while True:
    connection, _ = server.accept()
    within = b"GET /within" in connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nfirst\n\r\n" + (b"ff\r\npart" if within else b""))
    connection.close()
PY
python3 server.py >port &
pid=$!
until [ -s port ]; do sleep 0.1; done
cat >client.pl <<'PERL'
use LWP::UserAgent;
for my $place (qw(between within)) {
    my $response = LWP::UserAgent->new->get("http://127.0.0.1:$ARGV[0]/$place");
    printf "the connection ends %s chunks: %s, %s, %s\n", $place, $response->code, $response->header('Client-Aborted') // 'no Client-Aborted',
        $response->content =~ s/\n/ /r;
}
PERL
seen=$(PERL5LIB=root/usr/share/perl5:root/usr/lib/x86_64-linux-gnu/perl5/5.36 perl client.pl "$(cat port)")
echo "$seen"
[ "$seen" = 'the connection ends between chunks: 200, die, first 
the connection ends within chunks: 200, no Client-Aborted, first part' ] || { echo 'this has changed'; exit 1; }
