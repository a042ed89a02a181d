'use strict';

// What both sides share: the list of messages, and the counts above it.

const opened = Date.now();

class Side {
  constructor(id) {
    this.element = document.getElementById(id);
    this.list = this.element.querySelector('.chat');
    this.requests = 0;
    this.delays = 0;  // of this many messages
    this.delaySum = 0;
    this.lost = 0;
    this.repeated = 0;
    this.last = null; // the number of the last message
  }

  count(name, text) {
    this.element.querySelector(`[data-count="${name}"]`).textContent = text;
  }

  requested() {
    this.count('requests', ++this.requests);
  }

  // show adds a message. Message numbers have no gaps, so that they tell what is missing.
  show(message) {
    if (this.last !== null) {
      this.lost += Math.max(message.id - this.last - 1, 0);
      this.repeated += message.id <= this.last ? 1 : 0;
    }
    this.last = Math.max(message.id, this.last ?? 0);
    this.count('checked', `${this.lost}, ${this.repeated}`);

    let when = new Date(message.sent).toLocaleTimeString();
    const live = message.sent >= opened;
    if (live) {
      const delay = Math.max(Date.now() - message.sent, 0);
      this.delays++;
      this.delaySum += delay;
      this.count('delay', `${delay} ms`);
      this.count('average', `${Math.round(this.delaySum / this.delays)} ms`);
      when = `after ${delay} ms`;
    }
    this.add(message.user, message.text, when, [live ? 'new' : '', message.user === 'bot' ? '' : 'mine']);
  }

  // forgetDelays starts the average again, for a poller that now works another way.
  forgetDelays() {
    this.delays = this.delaySum = 0;
    this.count('average', '–');
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
    while (this.list.children.length > 200) {
      this.list.lastChild.remove();
    }
  }
}

const form = document.getElementById('say');
form.addEventListener('submit', async event => {
  event.preventDefault();
  const said = document.getElementById('said');
  try {
    const response = await fetch('/messages', { method: 'POST', body: new URLSearchParams(new FormData(form)) });
    said.textContent = response.ok ? '' : await response.text();
    if (response.ok) {
      form.elements.text.value = '';
    }
  } catch {
    said.textContent = 'The chat cannot be reached.';
  }
  form.elements.text.focus();
});

async function showBackend() {
  try {
    const stats = await (await fetch('/stats')).json();
    document.getElementById('backend-polls').textContent = stats.polls;
    document.getElementById('backend-open').textContent = stats.open;
  } catch {
    document.getElementById('backend-polls').textContent = '–';
    document.getElementById('backend-open').textContent = '–';
  }
}
showBackend();
setInterval(showBackend, 1000);
