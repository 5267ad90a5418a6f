# SPDX-License-Identifier: MIT
"""The end of a worker's process, once nothing of the worker's is left in it."""

from __future__ import annotations

import os
from _thread import start_new_thread  # what they are before gevent or eventlet replaces them
from time import sleep

TYPE_CHECKING = False
if TYPE_CHECKING:
    from spawning._native import Worker

_TELLING_S = 0.25  # to write down a hundred stacks takes milliseconds; a machine may be busy


def explain_if_it_does_not_end(worker: Worker, seconds: float, *, greenlets: bool) -> None:
    """Logs what all threads are doing before `seconds` are over, when the supervisor kills it.

    What keeps a process from ending is a thread that is no daemon and goes on, or a function that was
    given to atexit: Python waits for both, and this thread runs meanwhile.
    """

    def explain() -> None:
        sleep(max(seconds - _TELLING_S, seconds / 2))
        worker.log_error(
            "this process has served to its end, and does not end; what its threads do",
            _stacks(greenlets=greenlets),
        )

    start_new_thread(explain, ())


def _stacks(*, greenlets: bool) -> str:
    import faulthandler  # noqa: PLC0415  # hardly ever wanted

    said = ""
    if greenlets:
        from spawning.serving.green_stacks import stacks_of_all  # noqa: PLC0415

        said = stacks_of_all()
    file = os.memfd_create("stacks", os.MFD_CLOEXEC)
    try:
        faulthandler.dump_traceback(file)
        return os.pread(file, 1 << 20, 0).decode(errors="replace") + said
    finally:
        os.close(file)
