# SPDX-License-Identifier: MIT
"""A server within this process, and the threads that are donated to it."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import threading
import time
import weakref
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spawning._native import Server
    from spawning.wsgi_factory import Application

_MOST_THREADS = 1024  # as of `spawn`
_LONGEST_S = 86_400.0
_LOOK_AGAIN_MS = 20  # for an iterator that must not be interrupted where it is
_LOOK_AT_EVENT_MS = 100  # whether somebody has set it
_THREADS_END_S = 1.0  # where nothing runs any more
# A second signal that soon is the same: a terminal, and who passes signals on, both send it.
_SAME_SIGNAL_S = 0.5


class LocalService:
    """A native server, and the threads that are donated to it. Raises what TestServer does."""

    def __init__(
        self,
        app: Application,
        *,
        host: str,
        port: int,
        threads: int,
        access_log_format: str | None,
        http: Mapping[str, Any],
    ) -> None:
        from spawning._native import Server  # noqa: PLC0415  # may fail, and then says why

        if not callable(app):
            raise TypeError(f"app: expected a WSGI application, a callable, not {kind_of(app)}")
        if not isinstance(host, str) or not host:
            raise TypeError(f"host: expected an address or a name, not {host!r}")
        if access_log_format is not None and not isinstance(access_log_format, str):
            raise TypeError(
                f"access_log_format: expected str or None, not {kind_of(access_log_format)}"
            )
        self._owner = os.getpid()
        self._handlers: dict[int, tuple[Any, Any]] = {}
        self._alarm: _Alarm | None = None
        self.server: Server = Server(
            app,
            host=host,
            port=_number("port", port, 0, 65535),
            multithread=_number("threads", threads, 1, _MOST_THREADS) > 1,
            http={**http},
            access_log_format=access_log_format,
        )
        _services.add(self)
        # Daemons, so that the interpreter does not wait for one that is forgotten: it is closed then.
        self._threads = [
            threading.Thread(
                target=self.server.serve_requests, name=f"spawning-{number}", daemon=True
            )
            for number in range(threads)
        ]
        try:
            for thread in self._threads:
                thread.start()
        except BaseException:
            self.close()
            raise

    def is_ours(self) -> bool:
        """Whether this is the process that serves, rather than one forked from it."""
        return os.getpid() == self._owner

    def attend(self, until: threading.Event | None = None, patience: float = 0.0) -> None:
        """Waits until there is nothing left to do; drains once `until` is set."""
        watched = select.poll()
        watched.register(self.server.fileno(), select.POLLIN)
        watched.register(self.server.attention(), select.POLLIN)
        if self._alarm:
            watched.register(self._alarm.fileno(), select.POLLIN)
        again = False
        while self.server.fileno() not in dict(watched.poll(_pause_ms(again, until))):
            if self._alarm:
                self._alarm.silence()
            again = self.server.attend()
            if until is not None and until.is_set():
                self.server.drain(newcomers=True, patience=patience)
                until = None

    @contextlib.contextmanager
    def signals_taken(self, patience: float) -> Iterator[None]:
        """SIGINT and SIGTERM drain, and stop at once when they come again."""
        came: list[float] = []

        def drain(_number: int, _frame: Any) -> None:
            # Another signal may come, and be done with, between any two of these steps.
            first = not came
            now = time.monotonic()
            came.append(now)  # before anybody can see that it has come
            if first:
                self.server.drain(newcomers=True, patience=patience)
            elif now - came[0] >= _SAME_SIGNAL_S:
                self.server.drain(newcomers=False, patience=0.0)

        try:
            self._alarm = _Alarm()
            for number in (signal.SIGINT, signal.SIGTERM):
                self._handlers[number] = (drain, signal.signal(number, drain))
            yield
        finally:
            self._restore_signals()

    def close(self) -> None:
        """Ends at once, but for threads that are still busy: they end when they are not."""
        if not self.is_ours():
            return
        _services.discard(self)
        self.server.stop()
        deadline = time.monotonic() + _THREADS_END_S
        for thread in self._threads:
            if thread.ident and thread is not threading.current_thread():
                thread.join(max(0.0, deadline - time.monotonic()))

    def let_go(self) -> None:
        """In a forked child."""
        self.server.let_go_in_child()
        self._restore_signals()

    def _restore_signals(self) -> None:
        for number, (ours, before) in self._handlers.items():
            # None: one that is not Python's, and cannot be put back.
            if signal.getsignal(number) is ours:
                signal.signal(number, signal.SIG_DFL if before is None else before)
        self._handlers.clear()
        if self._alarm:
            self._alarm.close()
            self._alarm = None


class _Alarm:
    """Readable when a signal has come, whichever thread the kernel has given it to.

    Its handler runs on the main thread, which otherwise would not know if it waits.
    """

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._before = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)

    def fileno(self) -> int:
        return self._reader

    def silence(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._reader, 1 << 16)

    def close(self) -> None:
        """On the main thread."""
        current = signal.set_wakeup_fd(-1)
        wanted = self._before if current == self._writer else current  # somebody else's
        with contextlib.suppress(OSError, ValueError):  # who had one may have closed it meanwhile
            signal.set_wakeup_fd(wanted)
        os.close(self._reader)
        os.close(self._writer)


# What runs in this process: forks are of a process, so there is one hook for all. It would be one more
# for each server otherwise, because nobody can take a hook back.
_services: weakref.WeakSet[LocalService] = weakref.WeakSet()


def _let_go_in_child() -> None:
    for service in list(_services):
        service.let_go()
    _services.clear()


os.register_at_fork(after_in_child=_let_go_in_child)


def _pause_ms(again: bool, until: threading.Event | None) -> int | None:
    if again:
        return _LOOK_AGAIN_MS
    return None if until is None else _LOOK_AT_EVENT_MS


def _number(name: str, value: Any, least: int, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name}: expected a number from {least} to {most}, not {kind_of(value)}")
    if not least <= value <= most:
        raise ValueError(f"{name}: expected a number from {least} to {most}, not {value}")
    return value


def seconds(name: str, value: Any) -> float:
    """The argument `name`, if it is a number of seconds; TypeError or ValueError if it is not."""
    expected = f"{name}: expected a number of seconds from 0 to {_LONGEST_S:.0f}"
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise TypeError(f"{expected}, not {kind_of(value)}")
    if not 0 <= value <= _LONGEST_S:
        raise ValueError(f"{expected}, not {value}")
    return float(value)


def kind_of(value: Any) -> str:
    """What it is, for a message."""
    return type(value).__name__
