'use strict';

// Each user's own events, as a page long-polls them: GET /events?after=N, with the cookie `session`
// or with `Authorization: Bearer TOKEN`. PORT sets the port (default: 8081).
//
//   POST /api/login   user=…        whoever says a name is that user: a real one asks for a password
//   POST /api/token                 {"token": …} for where cookies do not reach; lives as long as the session
//   POST /api/logout
//   POST /api/send    to=… text=…   an event for another user

const http = require('node:http');
const { randomBytes } = require('node:crypto');

const hold = 20_000;
const users = new Map(); // by session
const sessions = new Map(); // by token
const events = []; // {id, to, from, text}
const waiting = new Set(); // functions that look again

const secret = () => randomBytes(24).toString('base64url');

function sessionOf({ headers: { authorization = '', cookie = '' } }) {
  const token = /^Bearer (.+)$/.exec(authorization)?.[1];
  const session = token === undefined ? /(?:^|; )session=([^;]*)/.exec(cookie)?.[1] : sessions.get(token);
  return users.has(session) ? session : undefined;
}

function answer(response, status, body, headers = {}) {
  response.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store', ...headers });
  response.end(body && JSON.stringify(body));
}

const refuse = response => answer(response, 401, { error: 'log in' }, { 'WWW-Authenticate': 'Bearer' });
const wake = () => [...waiting].forEach(look => look());

function poll(request, response, query) {
  const after = Number(query.get('after') ?? 0);
  function look() {
    const session = sessionOf(request); // again, since a logout may have come between
    if (!session) {
      return refuse(response);
    }
    const own = events.filter(({ id, to }) => id > after && to === users.get(session));
    if (own.length > 0 || !query.has('after')) {
      answer(response, 200, { events: own.map(({ id, from, text }) => ({ id, from, text })) });
    }
  }
  look();
  if (response.writableEnded) {
    return;
  }
  waiting.add(look);
  const timer = setTimeout(() => answer(response, 204), hold);
  response.on('close', () => {
    waiting.delete(look);
    clearTimeout(timer);
  });
}

const api = {
  login(request, response, form) {
    const session = secret();
    users.set(session, form.get('user'));
    answer(response, 200, { user: form.get('user') }, { 'Set-Cookie': `session=${session}; Path=/; HttpOnly; SameSite=Strict` });
  },
  token(request, response, form, session) {
    const token = secret();
    sessions.set(token, session);
    answer(response, 200, { token });
  },
  logout(request, response, form, session) {
    users.delete(session);
    answer(response, 200, {});
    wake();
  },
  send(request, response, form, session) {
    events.push({ id: events.length + 1, to: form.get('to'), from: users.get(session), text: form.get('text') });
    answer(response, 201, {});
    wake();
  },
};

http.createServer(async (request, response) => {
  console.log(request.method, request.url);
  const { pathname, searchParams } = new URL(request.url, 'http://localhost');
  if (pathname === '/events' && request.method === 'GET') {
    return poll(request, response, searchParams);
  }
  const name = pathname.replace('/api/', '');
  if (request.method !== 'POST' || !Object.hasOwn(api, name)) {
    return answer(response, 404, { error: 'not found' });
  }
  let body = '';
  for await (const part of request.setEncoding('utf8')) {
    body += part;
  }
  const session = sessionOf(request);
  if (name !== 'login' && !session) {
    return refuse(response);
  }
  api[name](request, response, new URLSearchParams(body), session);
}).listen(process.env.PORT || 8081, '127.0.0.1');
