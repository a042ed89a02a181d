'use strict';

// What the buttons do, and what the page says of it when it has checked.

const verdict = document.getElementById('verdict');
const pressed = new Map(); // what runs, by the name of the button, with what was so when it began

function say(text, state) {
  verdict.dataset.state = state;
  if (verdict.textContent !== text) {
    verdict.textContent = text;
  }
}

const perSecond = (id, count) => rate(samples.length - 1, id, count, RATE)?.toFixed(1) ?? '–';
const messages = n => (n === 1 ? '1 message' : `${n.toLocaleString('en')} messages`);

// Each button has what to say at once, and what to say when it is over, which is null before.
const actions = {
  stop: {
    mark: 'stopped',
    begin: () => 'The backend’s port is closed for ten seconds, and every poll fails. People talk on: what they say waits in its memory.',
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
      return now.came - before.came < 8000 ? null
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
  say(actions[name].begin(), 'running');
  const mark = { from: Date.now(), to: Date.now() + 300, name: actions[name].mark };
  marks.push(mark);
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
  for (const [name, { before, button, mark, answered }] of pressed) {
    const action = actions[name];
    if ((name === 'stop' && now.away) || (name === 'clients' && now.stay)) {
      mark.to = Infinity;
    } else if (mark.to === Infinity) {
      mark.to = now.came;
    }
    if (now.came - answered < 1000) {
      continue; // the sample may be from before
    }
    const crowd = trouble(now.ajax.crowd) + trouble(now.stream.crowd);
    const broken = crowd || (checks && (trouble(checks.ajax) || trouble(checks.stream)));
    if (broken) {
      say('Something was lost or came twice: see the counts below.', 'broken');
    }
    const over = action.end(before, now);
    if (over && checks && !checks.ajax.coming && !checks.stream.coming) {
      pressed.delete(name);
      button.ariaDisabled = 'false';
      if (!broken) {
        say(`${over} None lost, none twice.`, 'held');
      }
      verdict.dataset.of = name;
      continue;
    }
    if (over && checks && !broken && verdict.dataset.state === 'running') {
      const waiting = ['ajax', 'stream'].filter(id => checks[id].coming);
      if (name === 'stop') {
        say(waiting.length === 1 && waiting[0] === 'stream'
          ? 'The backend is back. The bridge, which asked ever less often, is about to notice.'
          : 'The backend is back, and both sides catch up.', 'running');
      }
    }
    const during = action.during?.(before, now);
    if (during && !over && !action.told) {
      action.told = true;
      say(`${during} None lost, none twice.`, 'held');
      verdict.dataset.of = name;
    }
    if (over) {
      action.told = false;
    }
  }
}

const trouble = check => check.lost + check.twice;

function unreachable(error) {
  say(`The demo cannot be reached: ${error.message || error}. \`make demo\` starts it.`, 'broken');
}

watch();
