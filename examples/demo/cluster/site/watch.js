'use strict';

// Four times a second the program tells what has been said, what the nodes do, and how many polls each has sent.

const PAUSE = 250;
const RATE = 3000;  // rates are over this many milliseconds
const WITHOUT = 6;  // polls a second of three nodes that poll every 500 ms each

const cards = new Map(); // of the nodes, by name
const all = new Chart(document.getElementById('all'), false);
const samples = [];      // of the last minute and what a rate needs before it
let newest = null;       // the last sample
let myNode = '';         // which node serves this page's stream

function showText(id, text) {
  const element = document.getElementById(id);
  if (element.textContent !== text) {
    element.textContent = text;
  }
}

// An EventSource shows no headers. The node has set a cookie with its answer.
function readNode() {
  myNode = /(?:^|; )node=(\w+)/.exec(document.cookie)?.[1] ?? '';
}
stream.source.addEventListener('open', readNode);
if (stream.connected) {
  readNode();
}

const sum = sample => sample.nodes.reduce((polls, node) => polls + node.polls, 0);

// rate is how fast a count grew in the time before a sample; null if that is too short.
function rate(index, count) {
  const end = samples[index];
  let start = index;
  while (start > 0 && end.at - samples[start].at < RATE - 50) {
    start--;
  }
  const took = end.at - samples[start].at;
  return took < RATE - 100 ? null : (count(end) - count(samples[start])) * 1000 / took;
}

function drawRates(chart, count, now) {
  const points = samples.map((sample, i) => [sample.came, rate(i, count)])
    .filter(([came, value]) => value !== null && now - came <= MINUTE);
  chart.draw(points, now, 8, '8/s', chart === all ? marks : marks.map(mark => ({ ...mark, name: '' })));
}

function showStream(now) {
  const delays = stream.delays.map(([, delay]) => delay);
  const scale = scaleFor(delays, 2000);
  stream.charts.delay.draw(stream.delays, now, scale, `${scale / 1000} s`, marks);
  if (delays.length) {
    const [amount, unit] = inTime(Math.max(...delays));
    stream.text('longest', amount);
    stream.text('longest-unit', `${unit} at most`);
  }
  const { here, received, lost, twice } = newest.visitors;
  stream.text('visitors', String(here));
  stream.text('visitors-check', `are there. ${received.toLocaleString('en')} messages, ${lost ? `${lost} lost` : 'none lost'}, ${twice ? `${twice} twice` : 'none twice'}`);
  showText('stream-node', stream.connected && myNode ? ` to node ${myNode}` : '');
}

function showNodes(now) {
  const last = samples.length - 1;
  newest.nodes.forEach((node, i) => {
    if (!cards.has(node.name)) {
      cards.set(node.name, new NodeCard(node.name));
    }
    const card = cards.get(node.name);
    card.show(node, rate(last, sample => sample.nodes[i].polls), stream.connected && node.name === myNode);
    drawRates(card.chart, sample => sample.nodes[i].polls, now);
  });
  drawRates(all, sum, now);
  const polls = rate(last, sum);
  showText('polls', polls === null ? '–' : polls.toFixed(1));
  showText('without', WITHOUT.toFixed(1));
  const poller = nodeThat(newest, 'polls');
  showText('who', poller ? `node ${poller.name} polls for all`
    : nodeThat(newest, 'alone') ? 'each node polls for itself' : 'no node polls: another is about to');
  return polls;
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
    while (now - samples[0].came > MINUTE + RATE) {
      samples.shift();
    }
    while (marks.length && now - marks[0].to > MINUTE) {
      marks.shift();
    }
    while (stream.delays.length && now - stream.delays[0][0] > MINUTE) {
      stream.delays.shift();
    }
    const polls = showNodes(now);
    showStream(now);
    const from = stream.ledger.first;
    judge(newest, from === Infinity ? null : stream.compare(from, sample.said), polls);
  } catch (error) {
    unreachable(error);
  }
  setTimeout(watch, PAUSE);
}

watch();
