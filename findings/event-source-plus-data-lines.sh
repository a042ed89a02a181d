#!/usr/bin/env bash
# event-source-plus 0.1.15 (npm) keeps only the last of an event's data lines.
#
# Expected: the HTML standard, section 9.2.6, appends each data field and a line feed to the data buffer,
#   so that an event of three data lines has three lines.
# Seen: the data is the last line. A document of several lines, such as indented JSON, cannot be read.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts event-source-plus@0.1.15 >/dev/null
cat >main.mjs <<'JS'
import http from 'node:http'
import { EventSourcePlus } from 'event-source-plus'

const server = http.createServer((request, response) => {
  response.writeHead(200, { 'Content-Type': 'text/event-stream' })
  response.write('data: one\ndata: two\ndata: three\n\n')
})
server.listen(0, '127.0.0.1', () => {
  const source = new EventSourcePlus(`http://127.0.0.1:${server.address().port}/`)
  source.listen({
    onMessage(message) {
      console.log(JSON.stringify(message.data))
      process.exit(0)
    },
  })
})
setTimeout(() => process.exit(1), 10_000)
JS
seen=$(node main.mjs)
printf 'sent: "one\\ntwo\\nthree"\nread: %s\n' "$seen"
[ "$seen" = '"three"' ] || { echo 'this has changed'; exit 1; }
