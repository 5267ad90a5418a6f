# SPDX-License-Identifier: MIT
"""The end of a worker's process, once nothing of the worker's is left in it."""

from __future__ import annotations

import os

from spawning.loading.last_moment import in_the_last_moment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from spawning._native import Worker


def explain_if_it_does_not_end(worker: Worker, seconds: float, *, greenlets: bool) -> None:
    """Logs what all threads are doing before `seconds` are over, when the supervisor kills it.

    What keeps a process from ending is a thread that is no daemon and goes on, or a function that was
    given to atexit: Python waits for both, and another thread runs meanwhile.
    """

    def say() -> None:
        stacks = _stacks_of_threads() + (_stacks_of_greenlets() if greenlets else "")
        worker.log_error(
            "this process has served to its end, and does not end; what its threads do", stacks
        )

    in_the_last_moment(seconds, say)


def _stacks_of_threads() -> str:
    import faulthandler  # noqa: PLC0415  # hardly ever wanted

    file = os.memfd_create("stacks", os.MFD_CLOEXEC)
    try:
        faulthandler.dump_traceback(file)
        return os.pread(file, 1 << 20, 0).decode(errors="replace")
    finally:
        os.close(file)


def _stacks_of_greenlets() -> str:
    from spawning.serving.green_stacks import stacks_of_all  # noqa: PLC0415

    return stacks_of_all()
