# SPDX-License-Identifier: MIT
"""Answering requests on threads: what Python does for a worker."""

from __future__ import annotations

import select
import threading

TYPE_CHECKING = False  # typing's, as every worker begins here
if TYPE_CHECKING:
    from typing import Callable

    from spawning._native import Worker
    from spawning.serving.interpreter_side import Interpreter

_LOOK_AGAIN_MS = 20  # for an iterator that must not be interrupted where it is
_LOOK_AROUND_MS = 1000


class ThreadServing:
    """Has threads serve `worker`, while the calling one attends.

    They are there before anybody knows that the worker is ready: a signal handler of the application's
    that raises would otherwise find one half started.
    """

    def __init__(self, worker: Worker | Interpreter, threads: int) -> None:
        self._worker = worker
        self._ready = False
        self._decided = threading.Event()
        self._threads = [
            threading.Thread(target=self._serve, name=f"spawning-{number}")
            for number in range(threads)
        ]

    def start(self) -> None:
        """Starts the threads, which wait for serve() or end()."""
        for thread in self._threads:
            thread.start()

    def serve(self) -> None:
        """The worker is ready."""
        self._ready = True
        self._decided.set()

    def _serve(self) -> None:
        self._decided.wait()
        try:
            self._worker.serve_requests()
        except RuntimeError:
            if self._ready:
                raise  # otherwise nobody has come as far as to make the worker ready

    def run(self, look_around: Callable[[], None], often: bool) -> None:
        """Returns when the worker has nothing left to do.

        Calls `look_around` when something has happened, or `often`: once a second.
        """
        watched = select.poll()
        watched.register(self._worker.fileno(), select.POLLIN)
        watched.register(self._worker.attention(), select.POLLIN)
        idle = _LOOK_AROUND_MS if often else None
        timeout = idle
        while self._worker.fileno() not in dict(watched.poll(timeout)):
            timeout = _LOOK_AGAIN_MS if self._worker.attend() else idle
            look_around()

    def end(self) -> None:
        """Waits for the threads, once the worker drains or when it has never become ready."""
        self._decided.set()
        for thread in self._threads:
            if thread.ident:
                thread.join()
