// Follows a stream with Node's http and https.

import http from 'node:http';
import https from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { args, isFinal, lostAfter } from './events.mjs';

const [alone, url, stream] = args();

/** Returns a promise of the status, at the end of the answer. */
function read(options) {
  return new Promise((resolve, reject) => {
    const request = (url.startsWith('https:') ? https : http).get(url, { headers: stream.headers(), ...options }, response => {
      response.on('data', chunk => response.statusCode === 200 && stream.feed(chunk));
      response.on('end', () => resolve(response.statusCode));
      response.on('error', reject); // if the connection is lost
    });
    request.on('error', reject); // if there is none
    if (!alone) {
      // a timeout says only that there is silence
      request.on('timeout', () => request.destroy(new Error('nothing came in time')));
    }
  });
}

if (alone) {
  await read({});
} else {
  for (;;) {
    try {
      if (isFinal(await read({ timeout: lostAfter }))) break;
    } catch (error) {
      console.log('lost:', error.message);
    }
    await sleep(stream.wait);
  }
}
