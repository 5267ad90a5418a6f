# SPDX-License-Identifier: MIT
"""`print()` and `input()` that lead a thread to its own client, and every other where they did.

While a thread runs code for a client something stands in sys.stdin, stdout, stderr and displayhook
that looks which thread asks. What was there before stands behind it.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import threading
from collections.abc import Iterator
from typing import Any, Callable, NamedTuple


class Streams(NamedTuple):
    """What a thread shall have in the place of what is in `sys`."""

    stdin: io.TextIOBase
    stdout: io.TextIOBase
    stderr: io.TextIOBase
    displayhook: Callable[[Any], None]


class _Own(threading.local):
    streams: Streams | None = None


_own = _Own()
_lock = threading.Lock()
_users = 0


@contextlib.contextmanager
def own_streams(streams: Streams) -> Iterator[None]:
    """Gives the calling thread these streams, and takes them away again. Not nested."""
    _begin()
    _own.streams = streams
    try:
        yield
    finally:
        _own.streams = None
        _end()


def _begin() -> None:
    global _users  # noqa: PLW0603  # as `sys` is, what stands in it is the process's
    with _lock:
        _users += 1
        for name, stand_in in _STAND_INS.items():
            stand_in.step_in(name)


def _end() -> None:
    global _users  # noqa: PLW0603
    with _lock:
        _users -= 1
        if _users > 0:
            return
        for name, stand_in in _STAND_INS.items():
            stand_in.step_out(name)


class _StandIn:
    """Passes everything on to what the calling thread shall have."""

    def __init__(self) -> None:
        self._before: Any = None

    def step_in(self, name: str) -> None:
        if getattr(sys, name, None) is not self:
            self._before = getattr(sys, name, None)
            setattr(sys, name, self)

    def step_out(self, name: str) -> None:
        # Who has replaced it meanwhile may put it back later; it still passes everything on then.
        if getattr(sys, name, None) is self:
            setattr(sys, name, self._before)


class _Stream(_StandIn):
    def __init__(self, choose: Callable[[Streams], io.TextIOBase]) -> None:
        super().__init__()
        self._choose = choose

    def _stream(self) -> Any:
        if _own.streams is not None:
            return self._choose(_own.streams)
        return _nowhere() if self._before is None else self._before

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream(), name)

    def __iter__(self) -> Any:
        return iter(self._stream())

    def __next__(self) -> Any:
        return next(self._stream())

    def __enter__(self) -> Any:
        return self._stream().__enter__()

    def __exit__(self, *error: Any) -> Any:
        return self._stream().__exit__(*error)


class _DisplayHook(_StandIn):
    def __call__(self, value: Any) -> None:
        if _own.streams is not None:
            _own.streams.displayhook(value)
        elif self._before is not None:
            self._before(value)


def _nowhere() -> io.TextIOBase:
    """For a process without standard streams."""
    return open(os.devnull, "r+", encoding="utf-8")  # closed with its last user


_STAND_INS: dict[str, _StandIn] = {
    "stdin": _Stream(lambda own: own.stdin),
    "stdout": _Stream(lambda own: own.stdout),
    "stderr": _Stream(lambda own: own.stderr),
    "displayhook": _DisplayHook(),
}
