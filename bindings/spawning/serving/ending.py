# SPDX-License-Identifier: MIT
"""The end of a worker's process, once nothing of the worker's is left in it."""

from __future__ import annotations

from time import monotonic

from spawning.loading.last_moment import say_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from spawning._native import Worker

_SAYING_S = 0.5  # to collect a hundred stacks takes milliseconds; a machine may be busy


def explain_if_it_does_not_end(worker: Worker, seconds: float, *, greenlets: bool) -> None:
    """Logs what all threads are doing before `seconds` are over, when the supervisor kills it.

    What keeps a process from ending is a thread that is no daemon and goes on, or a function that was
    given to atexit: Python waits for both, and another thread runs meanwhile.
    """
    if seconds < 2 * _SAYING_S:
        return  # it has hardly begun to end

    def say() -> None:
        from spawning.loading.stacks import stacks_of_threads  # noqa: PLC0415  # hardly ever wanted

        stacks = stacks_of_threads()
        if greenlets:
            from spawning.loading.green_stacks import stacks_of_all  # noqa: PLC0415

            stacks += stacks_of_all()
        worker.log_error(
            "this process has served to its end, and does not end; what its threads do", stacks
        )

    say_at(monotonic() + seconds - _SAYING_S, say)
