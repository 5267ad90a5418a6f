# SPDX-License-Identifier: MIT
"""Clients that ask without a pause, and remember whatever goes wrong."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Protocol

from running import PATIENCE, Client, wait_until


class Site(Protocol):
    """Whoever serves: a `spawn`, or a proxy in front."""

    def client(self) -> Client: ...


class Asker(threading.Thread):
    """Sends one request after the other: on a connection that is to last, or each on a new one."""

    def __init__(self, site: Site, target: str, stop: threading.Event, keep_alive: bool) -> None:
        super().__init__()
        self.site, self.target, self.stop, self.keep_alive = site, target, stop, keep_alive
        self.answers = 0
        self.bodies: Counter[bytes] = Counter()
        self.failures: list[str] = []

    def run(self) -> None:
        while not self.stop.is_set():
            try:
                with self.site.client() as client:
                    self._ask(client)
            except (OSError, AssertionError, ValueError) as error:
                self.failures.append(repr(error))

    def _ask(self, client: Client) -> None:
        while not self.stop.is_set():
            client.request(self.target, *([] if self.keep_alive else ["Connection: close"]))
            answer = client.response()
            self.bodies[answer.body] += 1
            self.answers += 1
            if answer.status != 200:
                self.failures.append(f"status {answer.status}")
            if not self.keep_alive:
                return
            if answer.headers.get("connection", "keep-alive") != "keep-alive":
                self.failures.append("a connection that was to last is closed")
                return


@contextlib.contextmanager
def asking(
    site: Site, target: str = "/", *, lasting: int = 2, anew: int = 2
) -> Iterator[list[Asker]]:
    """So many clients with a connection that lasts, so many that connect anew for each request.

    All have been answered, before and after, without a failure.
    """
    stop = threading.Event()
    kinds = [True] * lasting + [False] * anew
    askers = [Asker(site, target, stop, keep_alive) for keep_alive in kinds]
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


def bodies(askers: list[Asker]) -> set[bytes]:
    """What they have been answered, so far."""
    return {body for each in askers for body in list(each.bodies)}
