'use strict';

// What the buttons do, and what the page says of it when it has checked.

const verdict = document.getElementById('verdict');
const BROKEN = 'A message was lost, or came twice!';
const marks = [];          // what was pressed: {from, to, name}
const pressed = new Map(); // what runs, by the name of the button, with what was so when it began

function say(text, state) {
  verdict.dataset.state = state;
  if (verdict.textContent !== text) {
    verdict.textContent = text;
  }
}

const nodeThat = (sample, standing) => sample.nodes.find(node => node.standing === standing);
const messages = n => (n === 1 ? '1 message' : `${n.toLocaleString('en')} messages`);
const seconds = milliseconds => `${(milliseconds / 1000).toFixed(1)} s`;

// Each button has what to say at once, and what when it is over, which is null before.
const actions = {
  kill: {
    begin: () => 'The node that polls is killed, with kill -9. The others miss its signs of life in less than a second.',
    end(press, now) {
      const poller = nodeThat(now, 'polls');
      const dead = press.before.nodes.find(node => node.name === press.poller);
      const took = press.tookOver;
      if (!poller || took === undefined || now.nodes.some(node => ['dead', 'starting'].includes(node.standing))) {
        return null;
      }
      return `Node ${press.poller} (process ${dead.pid}) was killed. Node ${press.successor} polled for all ${seconds(took)} later, and node ${press.poller} is back.`;
    },
  },
  nats: {
    begin: () => 'The NATS server is stopped for ten seconds. The nodes hear nothing of each other, and each polls for itself.',
    end(press, now) {
      if (now.away || now.nodes.some(node => node.standing === 'alone') || !nodeThat(now, 'polls')) {
        return null;
      }
      return `NATS was away for ten seconds. Each node polled for itself: up to ${press.most.toFixed(1)} polls a second reached the backend. Now one polls for all again.`;
    },
  },
};

for (const button of document.querySelectorAll('[data-press]')) {
  button.addEventListener('click', () => press(button));
}

async function press(button) {
  const name = button.dataset.press;
  if (!newest || button.ariaDisabled === 'true') {
    return;
  }
  button.ariaDisabled = 'true';
  button.title = '';
  const poller = nodeThat(newest, 'polls')?.name;
  const mark = { from: Date.now(), to: Date.now(), name: name === 'kill' ? `killed ${poller ?? ''}` : 'no NATS' };
  marks.push(mark);
  verdict.dataset.of = name;
  say(actions[name].begin(), 'running');
  try {
    const response = await fetch(`/control/${name}`, { method: 'POST' });
    if (!response.ok) {
      throw new Error((await response.text()).trim());
    }
    pressed.set(name, { before: newest, poller, button, mark, answered: Date.now(), most: 0, longest: 0 });
  } catch (error) {
    button.ariaDisabled = 'false';
    marks.splice(marks.indexOf(mark), 1);
    say(`That did not work: ${error.message}.`, 'broken');
  }
}

// judge looks at each sample whether what was pressed is over, and says what the check has found.
function judge(now, check, polls) {
  const broken = check && [check, now.visitors].some(c => c.lost || c.twice);
  for (const [name, press] of pressed) {
    press.most = Math.max(press.most, polls ?? 0);
    follow(press, now);
    if (!check || now.came - press.answered < 1500) {
      continue; // the sample may be from before
    }
    const end = actions[name].end(press, now);
    if (end && !check.coming) {
      pressed.delete(name);
      press.button.ariaDisabled = 'false';
      verdict.dataset.of = name;
      const waited = stream.delays.filter(([came]) => came >= press.mark.from).map(([, delay]) => delay);
      const since = `This page got the ${messages(now.said - press.before.said)} said since, after ${inTime(Math.max(...waited)).join(' ')} at most.`;
      press.button.title = `${broken ? `${BROKEN} ` : ''}${end} ${since}${broken ? '' : ' None lost, none twice.'}`;
      say(press.button.title, broken ? 'broken' : 'held');
    }
  }
  if (broken && !verdict.textContent.startsWith(BROKEN)) {
    say(`${BROKEN} ${verdict.textContent}`, 'broken');
  }
}

// follow notes when another node began to poll, and how long the mark in the charts is.
function follow(press, now) {
  if (press.mark.name === 'no NATS') {
    press.mark.to = now.away ? now.came : press.mark.to;
    return;
  }
  if (now.nodes.some(node => node.name === press.poller && node.standing === 'dead')) {
    press.mark.to = now.came;
  }
  if (press.tookOver !== undefined) {
    return;
  }
  const poller = nodeThat(now, 'polls');
  if (poller && poller.name !== press.poller) {
    press.tookOver = now.came - press.mark.from;
    press.successor = poller.name;
  }
}

function unreachable(error) {
  say(`The demo cannot be reached: ${error.message || error}. \`make cluster\` starts it.`, 'broken');
}
