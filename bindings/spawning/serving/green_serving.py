# SPDX-License-Identifier: MIT
"""Answering requests in greenlets: what the hub does for a worker."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Callable

from spawning.loading.green_stacks import stack_of, stacks_of_all
from spawning.loading.load_failure import summary_of, traceback_of
from spawning.serving.green_hubs import Hub, foreign

if TYPE_CHECKING:
    from spawning._native import Worker

_LOOK_AGAIN_S = 0.02  # for a greenlet that must not be interrupted where it is
_MOST_ENDED = 50  # before others run: a thousand clients may go at a time
_LOOK_AROUND_S = 1.0  # for modules, and for another hub
_LAST_GREENLETS_S = 0.01  # between two looks whether some have yet to end


class GreenServing:
    """Serves `worker`, which is ready for greenlets, on the calling thread."""

    def __init__(self, worker: Worker, hub: Hub) -> None:
        self._worker = worker
        self._hub = hub
        self._answer = worker.answer
        self._looking_again = False
        self._finished = hub.event()
        self._ended = False
        self._mixed = False
        self._unwatch: list[Callable[[], None]] = []

    def run(self, look_around: Callable[[], None], often: bool) -> None:
        """Returns when the worker has nothing left to do; calls `look_around`, if `often`.

        That is once a second.
        """
        worker, watch = self._worker, self._watch
        self._unwatch_end = watch(worker.fileno(), self._finish)
        self._unwatch = [
            watch(worker.requests(), self._start_greenlets),
            watch(worker.attention(), self._end_abandoned),
            watch(worker.hub_attention(), self._attend),
        ]
        self._look_around_later(look_around if often else lambda: None)
        self._finished.wait()

    def end(self) -> None:
        """Waits for the greenlets that answer, once the worker drains. Others are left to their end."""
        if not self._unwatch:
            return  # it has never run
        self._finished.wait()
        while self._worker.busy():  # close() of iterables whose response is out
            self._hub.sleep(_LAST_GREENLETS_S)
        self._ended = True
        for each in self._unwatch:
            each()

    def _watch(self, descriptor: int, callback: Callable[[], None]) -> Callable[[], None]:
        """What raises must not be the last call: eventlet takes away who raises."""

        def call() -> None:
            try:
                callback()
            except Exception as error:
                self._worker.log_error(
                    f"the hub stumbles: {summary_of(error)}", traceback_of(error)
                )

        return self._hub.watch(descriptor, call)

    def _finish(self) -> None:
        self._unwatch_end()  # the descriptor stays readable
        self._finished.set()

    def _start_greenlets(self) -> None:
        spawn, answer = self._hub.spawn, self._answer
        for _ in range(self._worker.take_requests()):
            spawn(answer)

    def _attend(self) -> None:
        self._worker.attend_to_hub()
        while True:
            question = self._worker.next_question()
            if question is None:
                return
            number, introduction, greenlet = question
            stacks = stacks_of_all() if greenlet is None else stack_of(greenlet)
            self._worker.answer_question(number, introduction, stacks)

    def _end_abandoned(self) -> None:
        pause = 0.0
        for _ in range(_MOST_ENDED):
            greenlet, again = self._worker.next_abandoned()
            if greenlet is None:
                pause = _LOOK_AGAIN_S
                break
            greenlet.throw()  # GreenletExit, at once: it may not wait in its iterator any more soon
        if (again or pause == 0.0) and not self._looking_again:
            self._look_again_later(pause)

    def _look_again_later(self, pause: float) -> None:
        here = os.getpid()

        def look() -> None:
            self._looking_again = False
            if os.getpid() == here:
                self._end_abandoned()

        self._looking_again = True
        self._hub.later(pause, look)

    def _look_around_later(self, look_around: Callable[[], None]) -> None:
        here = os.getpid()

        def look() -> None:
            if self._ended or os.getpid() != here:
                return
            look_around()
            self.warn_of_another_hub()
            self._look_around_later(look_around)

        self._hub.later(_LOOK_AROUND_S, look)

    def warn_of_another_hub(self) -> None:
        """Once, if the application has patched the standard library for the other library."""
        other = None if self._mixed else foreign(self._hub)
        if other is None:
            return
        self._mixed = True
        ours = self._hub.name
        self._worker.log_error(
            f"the application has monkey-patched the standard library for {other}, but this worker "
            f"runs {ours}: what waits keeps all others waiting; use --green={other}, or patch for "
            f"{ours} or not at all"
        )
