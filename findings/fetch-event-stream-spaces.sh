#!/usr/bin/env bash
# fetch-event-stream 0.1.6 (npm) takes all spaces from the front of each data line.
#
# Expected: the HTML standard, section 9.2.6, removes one space after the colon of a field, if there is
#   one. What follows is the value.
# Seen: all white space before the value is removed, so that indented text comes without its indentation. In
#   a diff or in YAML, that changes what it says.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts fetch-event-stream@0.1.6 >/dev/null
cat >main.mjs <<'JS'
import { events } from 'fetch-event-stream'

const wire = 'data: list:\ndata:   - one\ndata:     more of it\n\n'
const stream = new Response(wire, { headers: { 'Content-Type': 'text/event-stream' } })
for await (const event of events(stream)) console.log(JSON.stringify(event.data))
JS
seen=$(node main.mjs)
printf 'sent: "list:\\n  - one\\n    more of it"\nread: %s\n' "$seen"
[ "$seen" = '"list:\n- one\nmore of it"' ] || { echo 'this has changed'; exit 1; }
