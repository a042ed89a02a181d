'use strict';

// Side is what both sides of the page have: the check, the numbers, the charts and the messages.

const opened = Date.now();

class Side {
  constructor(id, code) {
    this.element = document.getElementById(id);
    this.element.append(document.getElementById('side').content.cloneNode(true));
    this.list = this.element.querySelector('.chat');
    this.list.ariaLabel = `Messages of the ${this.element.querySelector('h2').textContent}`;
    this.charts = {};
    for (const svg of this.element.querySelectorAll('[data-chart]')) {
      this.charts[svg.dataset.chart] = new Chart(svg, svg.dataset.chart === 'delay');
    }
    this.ledger = new Ledger();
    this.requests = 0;
    this.delays = []; // [when it came, milliseconds], of the last minute
    this.code(code);
  }

  text(name, text) {
    const element = this.element.querySelector(`[data-text="${name}"]`);
    if (element.textContent !== text) {
      element.textContent = text;
    }
  }

  code(text) {
    this.element.querySelector('code').textContent = text;
  }

  requested() {
    this.text('requests', (++this.requests).toLocaleString('en'));
  }

  // take adds a message of the chat.
  take(message) {
    const again = !this.ledger.take(message.id);
    let when = new Date(message.sent).toLocaleTimeString();
    const live = message.sent >= opened;
    if (live && !again) {
      const delay = Math.max(Date.now() - message.sent, 0);
      this.delays.push([Date.now(), delay]);
      when = `after ${inTime(delay).join(' ')}`;
    }
    this.add(message.user, message.text, again ? 'once more' : when, [live ? 'new' : '', message.user === 'bot' ? '' : 'mine']);
  }

  note(text) {
    this.add('', text, new Date().toLocaleTimeString(), ['note']);
  }

  // add puts a line on top, where it is seen without scrolling.
  add(user, text, when, classes) {
    const line = document.createElement('li');
    line.classList.add(...classes.filter(Boolean));
    for (const [tag, content] of [['b', user], ['span', text], ['small', when]]) {
      line.appendChild(document.createElement(tag)).textContent = content;
    }
    this.list.prepend(line);
    while (this.list.children.length > 100) {
      this.list.lastChild.remove();
    }
  }

  // compare shows the check against the backend, and returns it.
  compare(from, said) {
    const check = this.ledger.check(from, said);
    const lost = check.lost ? `${check.lost} lost` : 'none lost';
    const twice = check.twice ? `${check.twice} twice` : 'none twice';
    this.text('got', `${check.got.toLocaleString('en')} of ${check.total.toLocaleString('en')}`);
    this.text('check', `${lost}, ${twice}${check.coming ? `, ${check.coming} still to come` : ''}`);
    this.element.querySelector('.got').dataset.state = check.lost || check.twice ? 'broken' : check.coming ? 'coming' : 'held';
    return check;
  }
}

function inTime(milliseconds) {
  return milliseconds < 1000 ? [String(Math.round(milliseconds)), 'ms'] : [(milliseconds / 1000).toFixed(1), 's'];
}

function inBytes(bytes) {
  return bytes < 1000 ? [String(Math.round(bytes)), 'B'] : [(bytes / 1000).toFixed(bytes < 10000 ? 1 : 0), 'kB'];
}

const form = document.getElementById('say');
form.addEventListener('submit', async event => {
  event.preventDefault();
  const said = document.getElementById('said');
  try {
    const response = await fetch('/messages', { method: 'POST', body: new URLSearchParams(new FormData(form)) });
    said.textContent = response.ok ? '' : await response.text() || 'The backend cannot be reached.';
    if (response.ok) {
      form.elements.text.value = '';
    }
  } catch {
    said.textContent = 'The chat cannot be reached.';
  }
  form.elements.text.focus();
});
