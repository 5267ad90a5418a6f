# SPDX-License-Identifier: MIT
"""The last moment before `spawn` loses patience with a process, and kills it."""

from __future__ import annotations

from _thread import start_new_thread  # what they are before gevent or eventlet replaces them
from time import monotonic, sleep

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable


def say_at(moment: float, say: Callable[[], None]) -> None:
    """Calls `say` on a thread of its own when the monotonic clock is there, if there still is a process."""

    def wait() -> None:
        sleep(max(0.0, moment - monotonic()))
        say()

    try:  # noqa: SIM105  # contextlib takes a worker a millisecond to load
        start_new_thread(wait, ())
    except RuntimeError:
        pass  # there can be no more threads: nothing is said
