#!/usr/bin/env bash
# Datastar 1.0.0-beta.11 (npm) gives up at the eleventh lost connection of a page, however well each one began.
#
# Expected: retryMaxCount, 10 by default, bounds how often it tries in vain. A retry that succeeds ends the trouble, as
#   in other clients, and the next lost connection is counted from the beginning.
# Seen: neither the count nor the wait goes back when a stream opens. A page that is open for days stops for
#   good at its eleventh lost connection. A stream that brings a retry field sets the wait, but not the count.
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

let streams = 0
const server = http.createServer((request, response) => {
  if (request.url === '/datastar.js') {
    response.setHeader('Content-Type', 'text/javascript')
    response.end(readFileSync('node_modules/@starfederation/datastar/dist/datastar.js'))
  } else if (request.url.startsWith('/stream')) {
    streams++
    response.writeHead(200, { 'Content-Type': 'text/event-stream' })
    response.write(`retry: 50\nevent: datastar-merge-signals\ndata: signals {"streams": ${streams}}\n\n`)
    setTimeout(() => request.socket.destroy(), 50)
  } else {
    response.setHeader('Content-Type', 'text/html')
    response.end(`<script type="module" src="/datastar.js"></script>
      <script>document.addEventListener('datastar-sse', (event) => { window.last = event.detail.type })</script>
      <p data-signals-streams="0" data-text="$streams" data-on-load="@get('/stream', {openWhenHidden: true})"></p>`)
  }
})
await new Promise((listening) => server.listen(0, '127.0.0.1', listening))
const browser = await puppeteer.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] })
const page = await browser.newPage()
await page.goto(`http://127.0.0.1:${server.address().port}/`)
await page.waitForFunction(() => window.last === 'finished', { timeout: 60_000 })
await new Promise((done) => setTimeout(done, 2000))
console.log(`streams that began: ${streams}, the page shows ${await page.$eval('p', (p) => p.textContent)}`)
await browser.close()
process.exit(0)
JS
seen=$(node main.mjs)
printf 'each stream brought an event and was cut, retry: 50\n%s\n' "$seen"
[ "$seen" = 'streams that began: 11, the page shows 11' ] || { echo 'this has changed'; exit 1; }
