// The page as it was in 2009: it asks /messages?lastId=N again and again.

var ajax = (function () {
  var snippets = {
    interval: "setInterval(function () {\n" +
      "  xhr.open('GET', '/messages?wait=0&lastId=' + lastId);\n" +
      "  xhr.onload = function () { … };\n" +
      "  xhr.send();\n" +
      "}, 2000);",
    long: "function poll() {\n" +
      "  xhr.open('GET', '/messages?lastId=' + lastId);\n" +
      "  xhr.onload = function () { …; poll(); };\n" +
      "  xhr.send();\n" +
      "}"
  };
  var side = new Side('ajax', snippets.interval);
  var mode = document.getElementById('ajax-mode');
  var lastId = '';
  var xhr = null;
  var timer = null;

  function poll() {
    var query = [];
    var started = Date.now();
    if (mode.value === 'interval') { query.push('wait=0'); }
    if (lastId !== '') { query.push('lastId=' + lastId); }

    xhr = new XMLHttpRequest();
    xhr.open('GET', '/messages' + (query.length ? '?' + query.join('&') : ''));
    xhr.onload = function () {
      if (this.status === 200) {
        var messages = JSON.parse(this.responseText).messages;
        for (var i = 0; i < messages.length; i++) {
          lastId = messages[i].id;
          side.take(messages[i]);
        }
      }
      again(this.status < 400 && mode.value === 'long' ? 0 : started + 2000 - Date.now());
    };
    xhr.onerror = function () { again(2000); };
    xhr.send();
    side.requested();
  }

  function again(pause) {
    clearTimeout(timer);
    timer = setTimeout(poll, Math.max(pause, 0));
  }

  mode.onchange = function () {
    clearTimeout(timer);
    xhr.abort();
    side.code(snippets[mode.value]);
    poll();
  };

  mode.value = 'interval'; // browsers keep the last choice when a page is loaded again
  poll();
  return side;
})();
