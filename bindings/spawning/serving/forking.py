# SPDX-License-Identifier: MIT
"""What becomes of a process that the application forks from a worker.

It would have the worker's sockets, so that the port stayed taken for as long as it lives, and the
supervisor took it for the worker; but none of its threads.
"""

from __future__ import annotations

import _signal as signal  # without its enumerations: every worker begins here
import os
import sys

from spawning.loading.explaining import explain

TYPE_CHECKING = False  # typing's, as every worker begins here
if TYPE_CHECKING:
    from typing import Any, Callable, NoReturn

    _Identity = tuple[int, int]


class Forks:
    """From here on children let go of `descriptors`, and of the signals that `handlers` take.

    What is wrong with them goes to `log_error`, a line and a traceback.
    """

    def __init__(
        self,
        descriptors: list[int],
        handlers: dict[int, Any],
        log_error: Callable[[str, str], None],
    ) -> None:
        self._worker = os.getpid()
        self._descriptors = {fd: _identity(fd) for fd in descriptors}
        self._handlers = handlers
        self._log_error = log_error
        os.register_at_fork(after_in_child=self._let_go)

    def add(self, descriptor: int) -> None:
        """Of this one, too."""
        self._descriptors[descriptor] = _identity(descriptor)

    def end_child(self, error: BaseException | None, when: str) -> None:
        """Ends this process, as Python would have, if it is not the worker itself.

        `when` says what the application did as it forked it.
        """
        if os.getpid() != self._worker:
            self._end(error, when)

    def _let_go(self) -> None:
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        for descriptor, identity in self._descriptors.items():
            # It may be another's by now. The number stays taken: who has it as the worker's does
            # not know of this.
            if _identity(descriptor) == identity:
                os.dup2(null, descriptor, inheritable=False)
        os.close(null)
        for number, handler in self._handlers.items():
            if signal.getsignal(number) is handler:
                signal.signal(number, signal.SIG_DFL)

    def _end(self, error: BaseException | None, when: str) -> NoReturn:
        status = 1
        if isinstance(error, SystemExit) and (error.code is None or isinstance(error.code, int)):
            status = error.code or 0
        elif error is not None:
            summary, traceback = explain(error)
            self._log_error(
                f"a process that the application forked {when} failed: {summary}", traceback
            )
        else:
            said = f"a process that the application forked {when} came back, and is ended"
            self._log_error(f"{said}; it has to end itself, with os._exit()", "")
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(status & 0xFF)


def _identity(descriptor: int) -> _Identity | None:
    try:
        found = os.fstat(descriptor)
    except OSError:
        return None
    return found.st_dev, found.st_ino
