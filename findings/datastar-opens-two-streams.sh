#!/usr/bin/env bash
# Datastar 1.0.0-beta.11 (npm) opens two streams where a page is shown while it waits to come back after a lost connection.
#
# Expected: it closes the stream of a hidden page and opens it anew when the page is shown, as its option openWhenHidden
#   says. There is one stream at a time, and an event comes once.
# Seen: a page that is hidden goes on waiting, and opens a stream all the same. If it is shown before the wait is over, it
#   opens a stream at once and another one at the end of the wait. Both have sent the same Last-Event-ID, so that each
#   event comes twice, until the page is closed.
#
# Needs Chromium.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts @starfederation/datastar@1.0.0-beta.11 puppeteer-core@24.43.1 >/dev/null
cat >main.mjs <<'JS'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import puppeteer from 'puppeteer-core'

const event = (id) => `id: ${id}\nevent: datastar-merge-fragments\ndata: selector ul\ndata: mergeMode append\ndata: fragments <li>${id}</li>\n\n`
const streams = []
const server = http.createServer((request, response) => {
  if (request.url === '/datastar.js') {
    response.setHeader('Content-Type', 'text/javascript')
    response.end(readFileSync('node_modules/@starfederation/datastar/dist/datastar.js'))
  } else if (request.url.startsWith('/stream')) {
    streams.push(request.headers['last-event-id'] ?? 'none')
    response.writeHead(200, { 'Content-Type': 'text/event-stream' })
    if (streams.length === 1) {
      response.write('retry: 3000\n' + event(1))
      setTimeout(() => request.socket.destroy(), 50)
    } else {
      setTimeout(() => response.write(event(2)), 5000)
    }
  } else {
    response.setHeader('Content-Type', 'text/html')
    response.end('<script type="module" src="/datastar.js"></script><ul id="list" data-on-load="@get(\'/stream\')"></ul>')
  }
})
await new Promise((listening) => server.listen(0, '127.0.0.1', listening))
const browser = await puppeteer.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] })
const page = await browser.newPage()
await page.goto(`http://127.0.0.1:${server.address().port}/`)
await page.waitForFunction(() => document.querySelectorAll('li').length === 1)
await new Promise((done) => setTimeout(done, 200)) // the connection is lost by now
await browser.newPage() // which hides the other
await page.bringToFront()
await new Promise((done) => setTimeout(done, 10_000))
const items = await page.$$eval('li', (list) => list.map((item) => item.textContent))
await browser.close()
console.log(`ids of the requests: ${streams.join(' ')}`)
console.log(`items in the page: ${items.join(' ')}`)
process.exit(0)
JS
seen=$(node main.mjs)
printf 'sent: 1, a cut, and 2 to each stream that began after 1\n%s\n' "$seen"
[ "$seen" = $'ids of the requests: none 1 1\nitems in the page: 1 2 2' ] || { echo 'this has changed'; exit 1; }
