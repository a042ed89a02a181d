#!/usr/bin/env bash
# htmx 2.0.11 with its extension sse 2.2.4 (npm) follows a stream again, from its beginning, that has ended for good.
#
# Expected: the HTML standard, section 9.2.1, has a server tell clients by a 204 to stop reconnecting.
# Seen: where the browser's EventSource has stopped, after a 204 as after an error, the extension opens a new one.
#   That sends no Last-Event-ID, so that the server begins with the first event, and the page has each event again
#   for each time.
#
# Needs Chromium.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts htmx.org@2.0.11 htmx-ext-sse@2.2.4 puppeteer-core@24.43.1 >/dev/null
cat >main.mjs <<'JS'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import puppeteer from 'puppeteer-core'

const requests = []
const server = http.createServer((request, response) => {
  if (request.url.endsWith('.js')) {
    response.end(readFileSync('node_modules' + request.url))
    return
  }
  if (request.url !== '/stream') {
    response.setHeader('Content-Type', 'text/html')
    response.end(`<script src="/htmx.org/dist/htmx.js"></script><script src="/htmx-ext-sse/dist/sse.js"></script>
      <ul hx-ext="sse" sse-connect="/stream" sse-swap="message" hx-swap="beforeend"></ul>`)
    return
  }
  const id = request.headers['last-event-id']
  requests.push(id ?? 'none')
  if (id === '2') {
    response.writeHead(204).end()
    return
  }
  response.writeHead(200, { 'Content-Type': 'text/event-stream' })
  response.end('retry: 100\nid: 1\ndata: <li>one</li>\n\nid: 2\ndata: <li>two</li>\n\n')
})
await new Promise((listening) => server.listen(0, '127.0.0.1', listening))
const browser = await puppeteer.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] })
const page = await browser.newPage()
await page.goto(`http://127.0.0.1:${server.address().port}/`)
await page.waitForFunction(() => document.querySelectorAll('li').length >= 6, { timeout: 60_000 })
const items = await page.$$eval('li', (list) => list.slice(0, 6).map((item) => item.textContent))
await browser.close()
console.log(`ids of the requests: ${requests.slice(0, 6).join(' ')}`)
console.log(`items in the page: ${items.join(' ')}`)
process.exit(0)
JS
seen=$(node main.mjs)
printf 'sent: one two, and then a 204\n%s\n' "$seen"
[ "$seen" = $'ids of the requests: none 2 none 2 none 2\nitems in the page: one two one two one two' ] ||
  { echo 'this has changed'; exit 1; }
