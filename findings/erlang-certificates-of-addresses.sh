#!/usr/bin/env bash
# The TLS of Erlang/OTP 25.2.3 (Debian 12) refuses certificates whose only name is an IP address.
#
# Expected: a certificate without a subject has its names in a critical subjectAltName (RFC 5280, section 4.2.1.6), and
#   that may be an iPAddress alone. Caddy and Go's tools make such certificates for an address.
# Seen: with a dNSName it is accepted. With an iPAddress alone the handshake ends with `unsupported_certificate`, whatever
#   host is asked for.
set -euo pipefail
folder=$(mktemp -d)
trap 'kill "${pids[@]}" 2>/dev/null || true; wait; rm -rf "$folder"' EXIT
cd "$folder"
pids=()
version=1:25.2.3+dfsg-1+deb12u4
apt-get download -qq -o APT::Sandbox::User=root erlang-base=$version erlang-{asn1,crypto,inets,mnesia,public-key,runtime-tools,ssl,syntax-tools}=$version
for package in *.deb; do dpkg -x "$package" debian; done
key() { openssl req "$@" -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes 2>log; }
key -x509 -keyout ca.key -out ca.pem -subj /CN=authority
cat >client.escript <<'ERL'
#!/usr/bin/env escript
main([Port]) ->
    {ok, _} = application:ensure_all_started(ssl),
    ok = logger:set_primary_config(level, none),
    case ssl:connect("localhost", list_to_integer(Port), [{verify, verify_peer}, {cacertfile, "ca.pem"}], 10000) of
        {ok, _} -> io:format("accepted~n");
        {error, {tls_alert, {Alert, _}}} -> io:format("~p~n", [Alert])
    end.
ERL
seen=''
for names in DNS:localhost,IP:127.0.0.1 IP:127.0.0.1; do
  key -keyout leaf.key -out leaf.csr -subj /
  openssl x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile <(echo "subjectAltName=critical,$names") -out leaf.pem 2>log
  port=$((20000 + RANDOM % 10000))
  openssl s_server -accept "$port" -cert leaf.pem -key leaf.key -quiet >log 2>&1 &
  pids+=($!)
  until (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do sleep 0.1; done
  seen+="$names: $(ERL_ROOTDIR=$folder/debian/usr/lib/erlang ROOTDIR=$folder/debian/usr/lib/erlang BINDIR=$(echo "$folder"/debian/usr/lib/erlang/erts-*/bin) \
    PATH=$(echo "$folder"/debian/usr/lib/erlang/erts-*/bin):$PATH debian/usr/lib/erlang/bin/escript client.escript "$port")"$'\n'
done
printf %s "$seen"
[ "$seen" = 'DNS:localhost,IP:127.0.0.1: accepted
IP:127.0.0.1: unsupported_certificate
' ] || { echo 'this has changed'; exit 1; }
