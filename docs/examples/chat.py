# SPDX-License-Identifier: MIT
"""A chat by long polling ("comet"): whoever waits for news costs a greenlet, and no thread.

    spawn --threads 0 --processes 1 chat:app

and open http://127.0.0.1:8080/ in two windows. What is said is one process's own; several would need
something that they share, such as Redis.
"""

import json
import threading
from urllib.parse import parse_qs

PATIENCE = 25  # seconds for which a browser's request waits; proxies lose theirs after a minute

said = []
news = threading.Condition()

PAGE = b"""<!doctype html><meta charset="utf-8"><title>Chat</title>
<ul id="said"></ul>
<form id="form"><input id="text" autofocus maxlength="500"><button>Say</button></form>
<script>
form.onsubmit = event => {
  event.preventDefault()
  fetch("say", {method: "POST", body: text.value})
  text.value = ""
}
async function listen(after) {
  for (;;) {
    const messages = await (await fetch("news?after=" + after)).json()
    for (const message of messages) {
      const item = document.createElement("li")
      item.textContent = message
      said.append(item)
    }
    after += messages.length
  }
}
listen(0)
</script>
"""


def say(environ):
    text = environ["wsgi.input"].read(2000).decode("utf-8", "replace")
    with news:
        said.append(text)
        news.notify_all()
    return "204 No Content", "text/plain", b""


def wait_for_news(environ):
    """What has been said after the first so many; [] if that is nothing for a while."""
    after = int(parse_qs(environ["QUERY_STRING"]).get("after", ["0"])[0])
    with news:
        news.wait_for(lambda: len(said) > after, PATIENCE)
        return "200 OK", "application/json", json.dumps(said[after:]).encode()


def page(environ):
    return "200 OK", "text/html", PAGE


def not_found(environ):
    return "404 Not Found", "text/plain", b"there is a page at /\n"


PLACES = {"GET /": page, "POST /say": say, "GET /news": wait_for_news}


def app(environ, start_response):
    place = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
    status, kind, body = PLACES.get(place, not_found)(environ)
    start_response(status, [("Content-Type", kind), ("Cache-Control", "no-store")])
    return [body] if body else []
