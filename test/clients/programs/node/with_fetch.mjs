// Follows a stream with Node's fetch.

import { setTimeout as sleep } from 'node:timers/promises';
import { args, isFinal, lostAfter } from './events.mjs';

const [alone, url, stream] = args();

if (alone) {
  const response = await fetch(url, { headers: stream.headers() });
  for await (const chunk of response.body) stream.feed(chunk);
} else {
  for (;;) {
    const lost = new AbortController();
    const timer = setTimeout(() => lost.abort(), lostAfter); // Node itself has 5 minutes
    try {
      const response = await fetch(url, { headers: stream.headers(), signal: lost.signal });
      if (isFinal(response.status)) break;
      for await (const chunk of response.body) {
        timer.refresh();
        stream.feed(chunk);
      }
    } catch (error) {
      console.log('lost:', error.cause?.message ?? error.message);
    }
    clearTimeout(timer);
    await sleep(stream.wait);
  }
  process.exit(); // a body of a refusal may be open
}
