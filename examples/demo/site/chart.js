'use strict';

const MINUTE = 60000;
const scaleSteps = [1, 1.5, 2, 3, 4, 6, 8];

// scaleFor is the end of a scale that holds all values: a step, with zeros.
function scaleFor(values, least) {
  const most = Math.max(least, ...values);
  for (let power = 10 ** Math.floor(Math.log10(most)); ; power *= 10) {
    for (const step of scaleSteps) {
      if (step * power >= most) {
        return step * power;
      }
    }
  }
}

// Chart draws the last minute of one number: an area for a rate, or a line up for each of many events.
class Chart {
  constructor(svg, events) {
    this.svg = svg;
    this.events = events;
  }

  // draw takes points [time, value] by time, the end of the scale with its name, and marks
  // {from, to, name}: what was pressed.
  draw(points, now, scale, name, marks) {
    const { clientWidth: width, clientHeight: height } = this.svg;
    const bottom = height - 1;
    const x = time => (width * (1 - (now - time) / MINUTE)).toFixed(1);
    const y = value => (bottom - (bottom - 15) * Math.min(value / scale, 1)).toFixed(1);
    const parts = [];
    for (const mark of marks) {
      const from = Math.max(x(mark.from), 0);
      const to = Math.max(x(Math.min(mark.to, now)), from + 1);
      parts.push(`<rect class="mark" x="${from}" y="0" width="${to - from}" height="${height}"/>`);
    }
    parts.push(`<path class="grid" d="M0 ${y(scale)}H${width}M0 ${y(scale / 2)}H${width}"/>`);
    if (this.events) {
      for (const [time, value] of points) {
        parts.push(`<path class="line" d="M${x(time)} ${bottom}V${y(value)}"/>`,
          `<circle cx="${x(time)}" cy="${y(value)}" r="2.5"/>`);
      }
    } else if (points.length > 1) {
      const line = points.map(([time, value]) => `${x(time)} ${y(value)}`).join('L');
      parts.push(`<path class="area" d="M${x(points[0][0])} ${bottom}L${line}V${bottom}Z"/>`, `<path class="line" d="M${line}"/>`);
    }
    parts.push(`<path class="base" d="M0 ${bottom}H${width}"/>`, `<text x="0" y="10">${name}</text>`);
    // Names go from the right, so that the newest is there if two are close.
    let free = width;
    for (const mark of [...marks].reverse()) {
      const room = mark.name.length * 6 + 4;
      const at = Math.min(Math.max(x(mark.from), 0) + 3, width - room);
      if (at + room <= free && at > 48) {
        parts.push(`<text class="name" x="${at}" y="10">${mark.name}</text>`);
        free = at;
      }
    }
    this.svg.innerHTML = parts.join('');
  }
}
