'use strict';

// What the buttons do, and what the page says of it when it has checked.

const verdict = document.getElementById('verdict');
const BROKEN = 'A message was lost, or came twice!';
const pressed = new Map(); // what runs, by the name of the button, with what was so when it began

function say(text, state) {
  verdict.dataset.state = state;
  if (verdict.textContent !== text) {
    verdict.textContent = text;
  }
}

const perSecond = (id, count) => rate(samples.length - 1, id, count, RATE)?.toFixed(1) ?? '–';
const messages = n => (n === 1 ? '1 message' : `${n.toLocaleString('en')} messages`);

// Each button has what to say at once; while it runs; while a side has not caught up; and when it is
// over, which is null before.
const actions = {
  stop: {
    mark: 'stopped',
    begin: () => 'The backend’s port is closed for ten seconds: requests wait in Caddy. People talk on, and what they say waits in the backend’s memory.',
    late: () => 'The backend is back, and both sides catch up.',
    end(before, now) {
      return now.away ? null : `The backend was away for ten seconds. Both sides now have the ${messages(now.said - before.said)} said since.`;
    },
  },
  cut: {
    mark: 'cut',
    begin: () => 'The stream’s connection is cut. The browser comes back by itself, and says which message was its last.',
    end(before) {
      return stream.connected && stream.requests > before.requests
        ? `The stream was cut after message ${before.lastEventId}. The browser reconnected with that number, and went on behind it.` : null;
    },
  },
  reload: {
    mark: 'reload',
    begin: () => 'Caddy loads a new configuration.',
    end(before, now) {
      if (now.reloads <= before.reloads) {
        return null;
      }
      return stream.requests === before.requests
        ? `Caddy runs a new configuration (number ${now.reloads}), and the stream is still the same connection.`
        : 'Caddy runs a new configuration. The stream had to reconnect.';
    },
  },
  clients: {
    mark: '+100',
    begin: () => 'A hundred pollers and a hundred streams come for a minute.',
    during(before, now) {
      const counted = samples.filter(sample => now.came - sample.came < RATE + 2000);
      return counted[0].came <= before.came + 1500 || counted.some(sample => sample.away) ? null
        : `With 101 clients a side the backend answers ${perSecond('ajax', 'polls')} requests a second to pollers, and ${perSecond('stream', 'polls')} to the bridge.`;
    },
    end(before, now) {
      if (now.stay) {
        return null;
      }
      const got = id => now[id].crowd.received - before[id].crowd.received;
      return `The hundred pollers got ${messages(got('ajax'))}, the hundred streams ${messages(got('stream'))}.`;
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
  const before = { ...newest, requests: stream.requests, lastEventId: stream.lastEventId };
  const mark = { from: Date.now(), to: Date.now(), name: actions[name].mark };
  marks.push(mark);
  verdict.dataset.of = name;
  say(actions[name].begin(), 'running');
  try {
    const response = await fetch(`/control/${name}`, { method: 'POST' });
    if (!response.ok) {
      throw new Error((await response.text()).trim());
    }
    pressed.set(name, { before, button, mark, answered: Date.now() });
  } catch (error) {
    button.ariaDisabled = 'false';
    marks.splice(marks.indexOf(mark), 1);
    say(`That did not work: ${error.message}`, 'broken');
  }
}

// judge looks at each sample whether what was pressed is over, and says what the check has found.
function judge(now, checks) {
  const all = checks && [checks.ajax, checks.stream];
  const broken = all && [...all, now.ajax.crowd, now.stream.crowd].some(check => check.lost || check.twice);
  for (const [name, press] of pressed) {
    const { before, button, mark, answered } = press;
    if ((name === 'stop' && now.away) || (name === 'clients' && now.stay)) {
      mark.to = now.came;
    }
    if (!checks || now.came - answered < 1000) {
      continue; // the sample may be from before
    }
    const action = actions[name];
    const end = action.end(before, now);
    const during = action.during?.(before, now);
    if (end && all.every(check => !check.coming)) {
      pressed.delete(name);
      button.ariaDisabled = 'false';
      conclude(end);
    } else if (end && action.late && verdict.dataset.of === name) {
      say(action.late(), 'running');
    } else if (during && !press.told) {
      press.told = true;
      conclude(during);
    }

    function conclude(text) {
      verdict.dataset.of = name;
      button.title = broken ? `${BROKEN} ${text}` : `${text} None lost, none twice.`;
      say(button.title, broken ? 'broken' : 'held');
    }
  }
  if (broken && !verdict.textContent.startsWith(BROKEN)) {
    say(`${BROKEN} ${verdict.textContent}`, 'broken');
  }
}

function unreachable(error) {
  say(`The demo cannot be reached: ${error.message || error}. \`make demo\` starts it.`, 'broken');
}

watch();
