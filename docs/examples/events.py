# SPDX-License-Identifier: MIT
"""Server-sent events: one greenlet has the news, and thousands of clients get them.

    spawn --threads 0 --processes 1 --worker-connections 6000 events:app

and open http://127.0.0.1:8080/, or `curl -N http://127.0.0.1:8080/events` as often as you like.
"""

import threading
import time

PAGE = b"""<!doctype html><meta charset="utf-8"><title>Events</title><p id="time">waiting
<script>new EventSource("events").onmessage = event => { time.textContent = event.data }</script>
"""


class Ticker:
    """Says what time it is, once a second, to whoever listens."""

    def __init__(self):
        self.changed = threading.Condition()
        self.number = 0
        self.text = b""

    def run(self):
        while True:
            with self.changed:
                self.number += 1
                self.text = b"id: %d\ndata: %s\n\n" % (self.number, time.ctime().encode())
                self.changed.notify_all()
            time.sleep(1)

    def listen(self):
        """Every event from here on. It ends, wherever it waits, when its client goes."""
        seen = self.number - 1  # so that the last one comes at once
        while True:
            with self.changed:
                self.changed.wait_for(lambda last=seen: self.number > last)
                seen, text = self.number, self.text
            yield text


ticker = Ticker()
threading.Thread(target=ticker.run, daemon=True).start()


def app(environ, start_response):
    if environ["PATH_INFO"] == "/events":
        headers = [("Content-Type", "text/event-stream"), ("Cache-Control", "no-store")]
        start_response("200 OK", headers)
        return ticker.listen()
    start_response("200 OK", [("Content-Type", "text/html")])
    return [PAGE]
