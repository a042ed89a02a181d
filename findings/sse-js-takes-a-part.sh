#!/usr/bin/env bash
# sse.js 2.8.0 (npm) takes the first part of an event for the event, if the answer ends there.
#
# Expected: the HTML standard, section 9.2.6, has an incomplete event at the end of a stream discarded. A client
#   comes back with the id of the event before, and gets the event as a whole.
# Seen: an answer of HTTP/1.1 that has neither a length nor chunks ends with its connection. Where that happens
#   within an event, the library hands out the lines that have come.
#
# Needs Chromium.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts sse.js@2.8.0 puppeteer-core@24.43.1 >/dev/null
cat >main.mjs <<'JS'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import puppeteer from 'puppeteer-core'

const server = http.createServer((request, response) => {
  if (request.url === '/sse.js') {
    response.setHeader('Content-Type', 'text/javascript')
    response.end(readFileSync('node_modules/sse.js/lib/sse.js'))
  } else if (request.url === '/stream') {
    response.useChunkedEncodingByDefault = false
    response.writeHead(200, { 'Content-Type': 'text/event-stream', Connection: 'close' })
    response.end('id: 1\ndata: whole\n\ndata: {"amount": 10')
  } else {
    response.setHeader('Content-Type', 'text/html')
    response.end('')
  }
})
await new Promise((listening) => server.listen(0, '127.0.0.1', listening))
const browser = await puppeteer.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] })
const page = await browser.newPage()
await page.goto(`http://127.0.0.1:${server.address().port}/`)
const follow = (library) => page.evaluate(async (library) => {
  const events = []
  const { SSE } = library === 'sse.js' ? await import('/sse.js') : {}
  const source = SSE ? new SSE('/stream') : new EventSource('/stream')
  source.addEventListener('message', (event) => events.push(event.data))
  await new Promise((done) => setTimeout(done, 2000))
  source.close()
  return events
}, library)
console.log('EventSource', JSON.stringify(await follow('EventSource')))
console.log('sse.js', JSON.stringify(await follow('sse.js')))
await browser.close()
process.exit(0)
JS
seen=$(node main.mjs)
printf 'sent: one event, and the beginning of another\n%s\n' "$seen"
[ "$seen" = $'EventSource ["whole"]\nsse.js ["whole","{\\"amount\\": 10"]' ] || { echo 'this has changed'; exit 1; }
