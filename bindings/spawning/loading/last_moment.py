# SPDX-License-Identifier: MIT
"""The last moment before `spawn` loses patience with a process, and kills it."""

from __future__ import annotations

from _thread import start_new_thread  # what they are before gevent or eventlet replaces them
from time import sleep

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

_SAYING_S = 0.5  # to write down a hundred stacks takes milliseconds; a machine may be busy


def in_the_last_moment(seconds: float, say: Callable[[], None]) -> None:
    """Calls `say` on a thread of its own a moment before `seconds` are over, if there still is a process."""

    def wait() -> None:
        sleep(max(seconds - _SAYING_S, seconds / 2))
        say()

    start_new_thread(wait, ())
