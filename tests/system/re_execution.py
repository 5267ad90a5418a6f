# SPDX-License-Identifier: MIT
"""Servers that execute `spawn` anew, and clients that ask meanwhile."""

import os
import signal
import threading

from running import alive, wait_until

APP = ("--processes", "2", "--threads", "2", "system_apps:router")
SOURCE = """
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "3")])
    return [b"{text}"]
"""


def re_execute(server, times=1):
    """Sends USR2, and waits until the next program has taken over."""
    for _ in range(times):
        server.workers()
        count = server.errors().count("re-executed")
        server.signal(signal.SIGUSR2)
        wait_until(
            lambda count=count: server.errors().count("re-executed") > count,
            server.patience,
            "the next program",
        )


def refused(server, number=1):
    """Sends USR2, and waits until the next program has failed."""
    server.signal(signal.SIGUSR2)
    wait_until(
        lambda: server.errors().count("this program goes on") == number,
        server.patience,
        "the next program's failure",
    )
    assert "re-executed" not in server.errors()


def reload(server):
    """Reloads, and waits until every worker from before is gone."""
    before = set(server.workers())
    count = server.errors().count("reloaded:")
    server.signal(signal.SIGHUP)
    wait_until(lambda: server.errors().count("reloaded:") > count, server.patience, "a reload")
    wait_until(lambda: not any(alive(pid) for pid in before), server.patience, "their end")


def program_of(server):
    return os.readlink(f"/proc/{server.pid}/exe")


class Asking(threading.Thread):
    """Asks again and again, over one connection or over a new one each time, until left."""

    def __init__(self, server, keep_alive):
        super().__init__()
        self.server, self.keep_alive = server, keep_alive
        self.enough = threading.Event()
        self.answers = self.connections = 0
        self.failures = []

    def __enter__(self):
        self.start()
        wait_until(lambda: self.answers, self.server.patience, "an answer")
        return self

    def __exit__(self, *_):
        self.enough.set()
        self.join()

    def run(self):
        try:
            while not self.enough.is_set():
                self.connections += 1
                self._use_a_connection()
        except (OSError, AssertionError) as error:
            self.failures.append(repr(error))

    def _use_a_connection(self):
        with self.server.client() as client:
            while not self.enough.is_set():
                client.request("/pid", *([] if self.keep_alive else ["Connection: close"]))
                response = client.response()
                assert response.status == 200
                self.answers += 1
                if response.headers.get("connection") == "close":
                    return
