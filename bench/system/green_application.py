# SPDX-License-Identifier: MIT
"""What greenlets.py asks for: something short, a wait, and a stream of events."""

import time


def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/events":
        start_response("200 OK", [("Content-Type", "text/event-stream")])
        return events()
    if path == "/wait":
        time.sleep(1)
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "6")])
    return [b"hello\n"]


def events():
    """One a second."""
    while True:
        yield b"data: %d\n\n" % time.time()
        time.sleep(1)
