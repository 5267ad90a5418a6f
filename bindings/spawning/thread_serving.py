# SPDX-License-Identifier: MIT
"""Answering requests on threads: what Python does for a worker."""

from __future__ import annotations

import select
import threading
from typing import TYPE_CHECKING, Callable

if TYPE_CHECKING:
    from spawning._native import Worker

_LOOK_AGAIN_MS = 20  # for an iterator that must not be interrupted where it is
_LOOK_AROUND_MS = 1000


class ThreadServing:
    """Has threads serve `worker`, which is ready, while the calling one attends."""

    def __init__(self, worker: Worker, threads: int) -> None:
        self._worker = worker
        self._threads = [
            threading.Thread(target=worker.serve_requests, name=f"spawning-{number}")
            for number in range(threads)
        ]

    def run(self, look_around: Callable[[], None], often: bool) -> None:
        """Returns when the worker has nothing left to do.

        Calls `look_around` when something has happened, or `often`: once a second.
        """
        for thread in self._threads:
            thread.start()
        watched = select.poll()
        watched.register(self._worker.fileno(), select.POLLIN)
        watched.register(self._worker.attention(), select.POLLIN)
        idle = _LOOK_AROUND_MS if often else None
        timeout = idle
        while self._worker.fileno() not in dict(watched.poll(timeout)):
            timeout = _LOOK_AGAIN_MS if self._worker.attend() else idle
            look_around()

    def end(self) -> None:
        """Waits for the threads, once the worker drains."""
        for thread in self._threads:
            if thread.ident:
                thread.join()
