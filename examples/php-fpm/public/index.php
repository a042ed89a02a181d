<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Chat</title>
<link rel="icon" href="data:,">
<ul id="messages"></ul>
<form id="say">
  <input name="user" placeholder="your name">
  <input name="text" placeholder="a message" required>
  <button>Say</button>
</form>
<script>
'use strict';

const list = document.getElementById('messages');
let stream;

// The session's cookie comes with the first message. The stream has to be asked for with it to
// know which messages are its own.
function listen() {
  stream?.close();
  list.replaceChildren();
  stream = new EventSource('chat.php');
  stream.onmessage = event => {
    const { user, text, mine } = JSON.parse(event.data);
    const line = document.createElement('li');
    line.textContent = `${mine ? 'you' : user}: ${text}`;
    list.append(line);
  };
}

let known = false;
document.getElementById('say').onsubmit = async event => {
  event.preventDefault();
  await fetch('chat.php', { method: 'POST', body: new FormData(event.target) });
  event.target.text.value = '';
  if (!known) {
    known = true;
    listen();
  }
};

listen();
</script>
