# SPDX-License-Identifier: MIT
"""Clients that ask without a pause, and remember whatever goes wrong."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from running import PATIENCE, Spawn, wait_until


class Asker(threading.Thread):
    """Sends one request after the other: on a connection that is to last, or each on a new one."""

    def __init__(self, server: Spawn, stop: threading.Event, keep_alive: bool) -> None:
        super().__init__()
        self.server, self.stop, self.keep_alive = server, stop, keep_alive
        self.answers = 0
        self.failures: list[str] = []

    def run(self) -> None:
        while not self.stop.is_set():
            try:
                with self.server.client() as client:
                    self._ask(client.request, client.response)
            except (OSError, AssertionError, ValueError) as error:
                self.failures.append(repr(error))

    def _ask(self, request, response) -> None:
        while not self.stop.is_set():
            request("/", *([] if self.keep_alive else ["Connection: close"]))
            answer = response()
            self.answers += 1
            if answer.status != 200:
                self.failures.append(f"status {answer.status}")
            if not self.keep_alive:
                return
            if answer.headers.get("connection", "keep-alive") != "keep-alive":
                self.failures.append("a connection that was to last is closed")
                return


@contextlib.contextmanager
def asking(server: Spawn, clients: int = 2) -> Iterator[list[Asker]]:
    """So many clients of either kind; all have been answered, before and after, without a failure."""
    stop = threading.Event()
    askers = [Asker(server, stop, kind) for kind in (True, False) for _ in range(clients)]
    for each in askers:
        each.start()

    def answered_again() -> None:
        wanted = [each.answers + 2 for each in askers]
        wait_until(
            lambda: all(
                each.failures or each.answers >= most for each, most in zip(askers, wanted)
            ),
            PATIENCE,
            "answers for everybody",
        )

    try:
        answered_again()
        yield askers
        answered_again()
    finally:
        stop.set()
        for each in askers:
            each.join()
    assert [each.failures for each in askers if each.failures] == []
