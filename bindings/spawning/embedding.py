# SPDX-License-Identifier: MIT
"""Serving an application within this process: for tests, notebooks and small tools."""

from __future__ import annotations

import atexit
import contextlib
import os
import select
import signal
import threading
import time
import weakref
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypedDict

from spawning import __version__
from spawning.wsgi_factory import Application

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Unpack

    from spawning._native import Server

_MOST_THREADS = 1024  # as of `spawn`
_LONGEST_S = 86_400.0
_LOOK_AGAIN_MS = 20  # for an iterator that must not be interrupted where it is
_LOOK_AT_EVENT_MS = 100  # whether somebody has set it
_THREADS_END_S = 1.0  # where nothing runs any more


class HttpSettings(TypedDict, total=False):
    """Options of `spawn` about HTTP, with underscores: sizes in octets, times in seconds."""

    no_keepalive: bool
    keepalive_requests: int
    header_map: str
    server_header: str
    limit_request_line: int
    limit_header_count: int
    limit_headers: int
    limit_body: int
    max_connections: int
    header_timeout: float
    body_timeout: float
    body_rate: int
    write_timeout: float
    keepalive_timeout: float
    request_timeout: float
    queue_timeout: float
    forwarded_allow_ips: str
    proxy_protocol: bool
    request_id: bool


class TestServer:
    """Serves `app` on a free port, on threads of this process, until it is closed.

    `with TestServer(app) as url:` closes it at the end of the block; one that is forgotten is closed
    when the interpreter ends. Any number may run at once. What the application raises is a 500 for
    the client, and its traceback goes to standard error.

    Raises OSError if it cannot listen, and TypeError or ValueError for arguments that cannot be meant.
    """

    __test__ = False  # pytest would take it for a class of tests

    def __init__(
        self,
        app: Application,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        threads: int = 4,
        access_log_format: str | None = None,
        deadman: float = 10.0,
        **http: Unpack[HttpSettings],
    ) -> None:
        self._service: _Service | None = None
        self._deadman = _seconds("deadman", deadman)
        service = _Service(
            app,
            host=host,
            port=port,
            threads=threads,
            access_log_format=access_log_format,
            http=http,
        )
        self.port: int = service.server.port
        self.url: str = service.server.url.rstrip("/")
        self._service = service
        self._attendant = threading.Thread(
            target=service.attend, name="spawning-attendant", daemon=True
        )
        try:
            self._attendant.start()
        except BaseException:
            service.close()
            raise
        atexit.register(self.close)

    def __enter__(self) -> str:
        if self._service is None:
            raise RuntimeError("this TestServer is closed; make another one")
        return self.url

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<TestServer {self.url}{'' if self._service else ', closed'}>"

    def close(self) -> None:
        """Lets running requests finish, for `deadman` seconds, and ends. Idempotent."""
        service, self._service = self._service, None
        if service is None or not service.is_ours():
            return
        atexit.unregister(self.close)
        service.server.drain(newcomers=False, patience=self._deadman)
        self._attendant.join()
        service.close()


def serve(
    app: Application,
    *,
    host: str = "127.0.0.1",
    port: int = 8080,
    threads: int = 4,
    access_log_format: str | None = "spawning",
    deadman: float = 10.0,
    until: threading.Event | None = None,
    **http: Unpack[HttpSettings],
) -> None:
    """Serves `app` in this process until SIGINT (Ctrl-C) or SIGTERM comes or `until` is set.

    Running requests finish then, for `deadman` seconds; a second signal ends them at once. Signals
    come to the main thread only: another one has to give `until`. Where it listens, and a line about
    each request, is on standard output.

    Raises what TestServer does.
    """
    takes_signals = threading.current_thread() is threading.main_thread()
    if not takes_signals and until is None:
        raise RuntimeError(
            "serve() takes signals in the main thread only; here give until=threading.Event(), and "
            "set that to stop"
        )
    if until is not None and not isinstance(until, threading.Event):
        raise TypeError(f"until: expected a threading.Event, not {_kind(until)}")
    patience = _seconds("deadman", deadman)
    service = _Service(
        app, host=host, port=port, threads=threads, access_log_format=access_log_format, http=http
    )
    try:
        with service.signals_taken(patience) if takes_signals else contextlib.nullcontext():
            count = "1 thread" if threads == 1 else f"{threads} threads"
            where = f"spawning {__version__} serving {service.server.url} — {count}"
            print(f"{where}, pid {os.getpid()}", flush=True)
            service.attend(until, patience)
    finally:
        service.close()


class _Service:
    """A native server, and the threads that are donated to it."""

    def __init__(
        self,
        app: Application,
        *,
        host: str,
        port: int,
        threads: int,
        access_log_format: str | None,
        http: HttpSettings,
    ) -> None:
        from spawning._native import Server  # noqa: PLC0415  # may fail, and then says why

        if not callable(app):
            raise TypeError(f"app: expected a WSGI application, a callable, not {_kind(app)}")
        if not isinstance(host, str) or not host:
            raise TypeError(f"host: expected an address or a name, not {host!r}")
        if access_log_format is not None and not isinstance(access_log_format, str):
            raise TypeError(
                f"access_log_format: expected str or None, not {_kind(access_log_format)}"
            )
        self._owner = os.getpid()
        self._handlers: dict[int, tuple[Any, Any]] = {}
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
        again = False
        while self.server.fileno() not in dict(watched.poll(_pause_ms(again, until))):
            again = self.server.attend()
            if until is not None and until.is_set():
                self.server.drain(newcomers=True, patience=patience)
                until = None

    @contextlib.contextmanager
    def signals_taken(self, patience: float) -> Iterator[None]:
        """SIGINT and SIGTERM drain, and stop at once when they come again."""
        came: list[int] = []

        def drain(number: int, _frame: Any) -> None:
            self.server.drain(newcomers=not came, patience=0.0 if came else patience)
            came.append(number)

        try:
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


# What runs in this process: forks are of a process, so there is one hook for all. It would be one more
# for each server otherwise, because nobody can take a hook back.
_services: weakref.WeakSet[_Service] = weakref.WeakSet()


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
        raise TypeError(f"{name}: expected a number from {least} to {most}, not {_kind(value)}")
    if not least <= value <= most:
        raise ValueError(f"{name}: expected a number from {least} to {most}, not {value}")
    return value


def _seconds(name: str, value: Any) -> float:
    expected = f"{name}: expected a number of seconds from 0 to {_LONGEST_S:.0f}"
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise TypeError(f"{expected}, not {_kind(value)}")
    if not 0 <= value <= _LONGEST_S:
        raise ValueError(f"{expected}, not {value}")
    return float(value)


def _kind(value: Any) -> str:
    return type(value).__name__
