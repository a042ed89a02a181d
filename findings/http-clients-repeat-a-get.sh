#!/usr/bin/env bash
# Net::HTTP of Ruby 3.1.2 and HTTP::Tiny 0.080 of Perl 5.36.0 (Debian 12) repeat a GET whose answer they have already handed out in part.
#
# Expected: a client may repeat a request by itself if the connection is lost before the answer (RFC 9110, section
#   9.2.2). Here the block, or the callback, has got a part of the body. To repeat what it has got is its own affair.
# Seen: both send the request once more, with the old headers, and hand the new answer to the same block. It sees the
#   beginning twice, and only a comparison of the responses tells. Ruby stops that with `max_retries = 0`; HTTP::Tiny has no
#   option for it.
set -euo pipefail
folder=$(mktemp -d)
trap 'kill "${pid:-}" 2>/dev/null || true; wait; rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root ruby3.1=3.1.7+really3.1.2-0+deb12u1 libruby3.1=3.1.7+really3.1.2-0+deb12u1 \
  perl-modules-5.36=5.36.0-7+deb12u4
for package in *.deb; do dpkg -x "$package" root; done
cat >server.py <<'PY'
import socket, time

server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
while True:
    connection, _ = server.accept()
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nfirst\n\r\n")
    time.sleep(0.5)  # so that it has been read
    connection.close()  # with a FIN, and without the last chunk
PY
python3 server.py >port &
pid=$!
until [ -s port ]; do sleep 0.1; done
url=http://127.0.0.1:$(cat port)/
cat >client.rb <<'RUBY'
require 'net/http'
uri = URI(ARGV[0])
[1, 0].each do |retries| # 1 is the default
  got = 0
  begin
    Net::HTTP.start(uri.host, uri.port, max_retries: retries) do |http|
      http.request(Net::HTTP::Get.new(uri)) { |response| response.read_body { got += 1 } }
    end
  rescue EOFError
  end
  puts "Net::HTTP, max_retries #{retries}: the block got the beginning #{got} times"
end
RUBY
cat >client.pl <<'PERL'
use HTTP::Tiny 0.080;
my $got = 0;
HTTP::Tiny->new->get($ARGV[0], { data_callback => sub { $got++ } });
print "HTTP::Tiny: the callback got the beginning $got times\n";
PERL
libraries=$folder/root/usr/lib
seen=$(
  LD_LIBRARY_PATH=$libraries/x86_64-linux-gnu RUBYLIB=$libraries/ruby/3.1.0:$libraries/x86_64-linux-gnu/ruby/3.1.0 root/usr/bin/ruby3.1 --disable-gems client.rb "$url"
  perl -I root/usr/share/perl/5.36.0 client.pl "$url"
)
echo "$seen"
[ "$seen" = 'Net::HTTP, max_retries 1: the block got the beginning 2 times
Net::HTTP, max_retries 0: the block got the beginning 1 times
HTTP::Tiny: the callback got the beginning 2 times' ] || { echo 'this has changed'; exit 1; }
