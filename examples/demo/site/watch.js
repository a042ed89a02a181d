'use strict';

// Once a second the demo tells what has been said and what went over the wires. It comes past the
// chat, and is not counted.

const RATE = 6000;      // charts show rates over this many milliseconds,
const HEADLINE = 10000; // numbers over up to this many

const sides = { ajax, stream };
const samples = []; // of the last minute and what a rate needs before it
const marks = [];   // what was pressed: {from, to, name}
let newest = null;  // the last sample

// rate is how fast a count of one side grew in the time before a sample; null if that is too short.
function rate(index, side, count, over) {
  const end = samples[index];
  let start = index;
  while (start > 0 && end.at - samples[start].at < over - 100) {
    start--;
  }
  const took = end.at - samples[start].at;
  return took < RATE - 100 ? null : (end[side][count] - samples[start][side][count]) * 1000 / took;
}

function rates(side, count, now) {
  return samples.map((sample, i) => [sample.came, rate(i, side, count, RATE)])
    .filter(([came, value]) => value !== null && now - came <= MINUTE);
}

function averageDelay(side) {
  return side.delays.reduce((sum, [, delay]) => sum + delay, 0) / side.delays.length;
}

function draw(now) {
  const names = {
    polls: scale => `${scale}/s`,
    bytes: scale => (scale < 1000 ? `${scale} B/s` : `${scale / 1000} kB/s`),
    delay: scale => (scale < 1000 ? `${scale} ms` : `${scale / 1000} s`),
  };
  const least = { polls: 1, bytes: 500, delay: 2000 };
  for (const chart of ['polls', 'bytes', 'delay']) {
    const points = {};
    for (const id in sides) {
      points[id] = chart === 'delay' ? sides[id].delays : rates(id, chart, now);
    }
    const values = Object.values(points).flat().map(([, value]) => value);
    const scale = scaleFor(values, least[chart]);
    for (const id in sides) {
      sides[id].charts[chart].draw(points[id], now, scale, names[chart](scale), marks);
    }
  }
}

function numbers() {
  for (const [id, side] of Object.entries(sides)) {
    const polls = rate(samples.length - 1, id, 'polls', HEADLINE);
    const bytes = rate(samples.length - 1, id, 'bytes', HEADLINE);
    if (polls !== null) {
      side.text('polls', polls.toFixed(1));
      const [amount, unit] = inBytes(bytes);
      side.text('bytes', amount);
      side.text('bytes-unit', `${unit} a second`);
    }
    const [amount, unit] = side.delays.length ? inTime(averageDelay(side)) : ['–', 'ms'];
    side.text('delay', amount);
    side.text('delay-unit', `${unit} on average`);
  }
}

// compare checks both sides, from the first message on that both were given.
function compare(said) {
  const from = Math.max(ajax.ledger.first, stream.ledger.first);
  if (from === Infinity) {
    return null;
  }
  return { ajax: ajax.compare(from, said), stream: stream.compare(from, said) };
}

async function watch() {
  try {
    const response = await fetch('/control/state', { cache: 'no-store' });
    if (!response.ok) {
      throw new Error(response.statusText);
    }
    const sample = await response.json();
    if (newest && newest.started !== sample.started) {
      location.reload(); // another demo, whose messages begin with 1 again
      return;
    }
    const now = Date.now();
    newest = { ...sample, came: now };
    samples.push(newest);
    while (now - samples[0].came > MINUTE + HEADLINE) {
      samples.shift();
    }
    while (marks.length && now - marks[0].to > MINUTE) {
      marks.shift();
    }
    for (const side of Object.values(sides)) {
      while (side.delays.length && now - side.delays[0][0] > MINUTE) {
        side.delays.shift();
      }
    }
    numbers();
    draw(now);
    judge(newest, compare(sample.said));
  } catch (error) {
    unreachable(error);
  }
  setTimeout(watch, 1000);
}
