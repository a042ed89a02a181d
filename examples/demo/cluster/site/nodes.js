'use strict';

// NodeCard is what the page shows of one node.

const standings = {
  polls: 'polls for all',
  follows: 'gets its answers',
  alone: 'polls for itself',
  idle: 'has no client',
  starting: 'starts',
  dead: 'killed',
};

class NodeCard {
  constructor(name) {
    this.name = name;
    this.element = document.getElementById('node').content.cloneNode(true).querySelector('li');
    this.element.querySelector('h3').textContent = `Node ${name}`;
    this.chart = new Chart(this.element.querySelector('svg'), false);
    document.getElementById('nodes').append(this.element);
  }

  // show takes the node as the program tells it, its polls a second or null, and whether this page's stream is its.
  show(node, rate, here) {
    this.element.dataset.standing = node.standing;
    this.text('.badge', standings[node.standing]);
    this.text('.here', here ? '★ this page’s stream' : '');
    const facts = node.standing === 'dead' ? [node.back ? `back in ${Math.ceil(node.back / 1000)} s` : 'comes back']
      : [node.clients === 1 ? '1 client' : `${node.clients} clients`, `${rate === null ? '–' : rate.toFixed(1)} polls/s`, node.why].filter(Boolean);
    this.text('.facts', facts.join(', '));
  }

  text(selector, text) {
    const element = this.element.querySelector(selector);
    if (element.textContent !== text) {
      element.textContent = text;
    }
  }
}
