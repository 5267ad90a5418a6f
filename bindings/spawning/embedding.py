# SPDX-License-Identifier: MIT
"""Serving an application within this process: for tests, notebooks and small tools."""

from __future__ import annotations

import atexit
import contextlib
import os
import threading
from typing import TYPE_CHECKING, TypedDict

from spawning import __version__
from spawning.local_service import LocalService, kind_of, seconds

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Unpack

    from spawning.wsgi_factory import Application


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
        self._service: LocalService | None = None
        self._deadman = seconds("deadman", deadman)
        service = LocalService(
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

    Running requests finish then, for `deadman` seconds; a second signal, half a second later or more,
    ends them at once. Signals come to the main thread only: another one has to give `until`. Where it
    listens, and a line about each request, is on standard output.

    Raises what TestServer does.
    """
    takes_signals = threading.current_thread() is threading.main_thread()
    if not takes_signals and until is None:
        raise RuntimeError(
            "serve() takes signals in the main thread only; here give until=threading.Event(), and "
            "set that to stop"
        )
    if until is not None and not isinstance(until, threading.Event):
        raise TypeError(f"until: expected a threading.Event, not {kind_of(until)}")
    patience = seconds("deadman", deadman)
    service = LocalService(
        app,
        host=host,
        port=port,
        threads=threads,
        access_log_format=access_log_format,
        http=http,
    )
    try:
        with service.signals_taken(patience) if takes_signals else contextlib.nullcontext():
            count = "1 thread" if threads == 1 else f"{threads} threads"
            where = f"spawning {__version__} serving {service.server.url} — {count}"
            print(f"{where}, pid {os.getpid()}", flush=True)
            service.attend(until, patience)
    finally:
        service.close()
