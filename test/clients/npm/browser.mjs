// Opens tabs in a browser:
//
//     node browser.mjs chrome|firefox <path of the browser>
//
// Each line of standard input is a tab's number and the URL to open in it, or the number alone to
// close it. What the page says with console.log is printed behind the number. "0 ready" is printed when
// the browser has shown its first page. The browser is closed at the end of the input.

import { createInterface } from 'node:readline';
import puppeteer from 'puppeteer-core';

const [browserName, executablePath] = process.argv.slice(2);
const patience = 300_000; // ms, for a machine that is busy
const browser = await puppeteer.launch({
  browser: browserName,
  executablePath,
  headless: true,
  acceptInsecureCerts: true,
  timeout: patience,
  // there is no sandbox for root in a container
  args: browserName === 'chrome' ? ['--no-sandbox', '--disable-quic', '--disable-gpu'] : [],
});

// The first page starts processes, which takes long on a busy machine.
const first = await browser.newPage();
await first.goto('data:text/html,ready', { timeout: patience });
console.log('0 ready');

const tabs = new Map();
const commands = {
  async open(number, url) {
    const tab = await browser.newPage();
    tabs.set(number, tab);
    if (browserName === 'chrome') await tab.emulateFocusedPage(true); // or each new tab would hide the others, and show them again when it is closed
    tab.setDefaultNavigationTimeout(patience);
    tab.on('console', message => console.log(number, message.text()));
    await tab.goto(url);
  },
  async close(number) {
    await tabs.get(number)?.close();
    tabs.delete(number);
  },
};

const pending = new Set();
for await (const line of createInterface({ input: process.stdin })) {
  const [number, url] = line.split(' ');
  const done = commands[url ? 'open' : 'close'](number, url).catch(error => console.error(number, error));
  pending.add(done);
  done.finally(() => pending.delete(done));
}
await Promise.allSettled(pending);
await browser.close();
