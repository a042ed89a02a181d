#!/usr/bin/env bash
# Mercurial 6.3.2 (Debian 12) has hgweb say that a repository is as it was, when it has a new changeset.
#
# Expected: an answer with another content has another ETag, unless the change does not matter (RFC 9110,
#   section 8.8.1). A new changeset does.
# Seen: the ETag of a page, as of /json-log, is the second of the repository's last change. After two changes in
#   one second Mercurial dates the second one later by a second, to tell them apart. A third, in the second that
#   follows, has the same date: who polls with If-None-Match gets 304, until somebody commits again.
#
# Needs Python 3.11.
set -euo pipefail
folder=$(mktemp -d)
trap 'kill "${pid:-}" 2>/dev/null || true; wait; rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root mercurial=6.3.2-1+deb12u1 mercurial-common=6.3.2-1+deb12u1
for package in *.deb; do dpkg -x "$package" root; done
export PYTHONPATH=$folder/root/usr/lib/python3/dist-packages HGRCPATH='' HGUSER=ann
hg=(python3.11 root/usr/bin/hg)
"${hg[@]}" init repository
port=$((20000 + RANDOM % 10000))
"${hg[@]}" -R repository serve --address 127.0.0.1 --port $port >log 2>&1 &
pid=$!
for _ in $(seq 100); do curl -sf "http://127.0.0.1:$port/json-log" >/dev/null && break || sleep 0.1; done
cat >commit.py <<'PY'
import json, sys, time, urllib.error, urllib.request
from mercurial import dispatch

def commit(text):
    command = ['-R', 'repository', '--config', 'ui.allowemptycommit=1', 'commit', '-m', text]
    assert dispatch.dispatch(dispatch.request([word.encode() for word in command])) == 0

def ask(header={}):
    try:
        with urllib.request.urlopen(urllib.request.Request(sys.argv[1], headers=header)) as answer:
            return answer.status, answer.headers['ETag'], json.load(answer)['changesets'][0]['desc']
    except urllib.error.HTTPError as e:
        return e.code, None, None

def next_second():
    time.sleep(1 - time.time() % 1)

for _ in range(10):  # it has to be quick
    next_second()
    commit('one')
    commit('two')
    _, etag, before = ask()
    next_second()
    commit('three')
    status, _, _ = ask({'If-None-Match': etag})
    _, _, now = ask()
    if status == 304:
        break
print(f'the newest changeset was {before}, and is {now}\nif there is something new since {etag}: {status}')
sys.exit((before, now, status) != ('two', 'three', 304))
PY
python3.11 commit.py "http://127.0.0.1:$port/json-log" || { echo 'this has changed'; exit 1; }
