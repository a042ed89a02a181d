'use strict';

// Ledger is the check of one side: which messages it was given. The backend numbers them without
// gaps, and says how many there are.
class Ledger {
  constructor() {
    this.seen = new Set();
    this.first = Infinity;
    this.newest = 0;
    this.twice = 0;
  }

  // take notes a message, and tells whether it is new.
  take(id) {
    if (this.seen.has(id)) {
      this.twice++;
      return false;
    }
    this.seen.add(id);
    this.first = Math.min(this.first, id);
    this.newest = Math.max(this.newest, id);
    return true;
  }

  // check compares with what was said since message `from`: lost is what was passed over, and
  // coming is what a side has not got to yet.
  check(from, said) {
    const before = Math.max(from - this.first, 0);
    const got = this.seen.size - before;
    const newest = Math.max(this.newest, from - 1);
    const total = Math.max(said, newest) - from + 1;
    return { got, total, lost: newest - from + 1 - got, coming: Math.max(said - newest, 0), twice: this.twice };
  }
}
