// The page as it was in 2009: it asks /messages?lastId=N again and again.

(function () {
  var side = new Side('ajax');
  var mode = document.getElementById('ajax-mode');
  var code = side.element.querySelector('pre code');
  var lastId = '';
  var xhr = null;
  var timer = null;

  var snippets = {
    interval: code.textContent,
    long: "function poll() {\n" +
      "  xhr.open('GET', '/messages?lastId=' + lastId);\n" +
      "  xhr.onload = function () { …; poll(); };\n" +
      "  xhr.send();\n" +
      "}",
    off: '// Now only the EventSource is served:\n// see "Polls at the backend".'
  };

  function poll() {
    var query = [];
    if (mode.value === 'interval') { query.push('wait=0'); }
    if (lastId !== '') { query.push('lastId=' + lastId); }

    xhr = new XMLHttpRequest();
    xhr.open('GET', '/messages' + (query.length ? '?' + query.join('&') : ''));
    xhr.onload = function () {
      if (this.status === 200) {
        var messages = JSON.parse(this.responseText).messages;
        for (var i = 0; i < messages.length; i++) {
          lastId = messages[i].id;
          side.show(messages[i]);
        }
      }
      again(this.status < 400 && mode.value === 'long' ? 0 : 2000);
    };
    xhr.onerror = function () { again(2000); };
    xhr.send();
    side.requested();
  }

  function again(pause) {
    clearTimeout(timer);
    timer = setTimeout(poll, pause);
  }

  mode.onchange = function () {
    clearTimeout(timer);
    xhr.abort();
    code.textContent = snippets[mode.value];
    side.forgetDelays();
    if (mode.value !== 'off') { poll(); }
  };

  mode.value = 'interval'; // browsers keep the last choice when a page is loaded again
  poll();
})();
