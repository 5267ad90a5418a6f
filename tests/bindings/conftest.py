# SPDX-License-Identifier: MIT
"""Requests without sockets: the WSGI handler with a recording in the place of a connection."""

from __future__ import annotations

import importlib
import pathlib
import select
import sys
import time
from collections.abc import Iterable
from typing import Any, Callable

import pytest

# pytest's importlib mode leaves the path alone.
sys.path.insert(0, str(pathlib.Path(__file__).parent))


def native() -> Any:
    """The module, which cannot be loaded yet when pytest reads this file."""
    return importlib.import_module("spawning._native_testing")


class Application:
    """An application in the server's hands."""

    def __init__(self, application: Callable[..., Any], **options: bool) -> None:
        self.handler = native().Handler(application, **options)

    def ask(
        self,
        target: str = "/",
        *,
        method: str = "GET",
        headers: Iterable[tuple[Any, Any]] = (),
        body: bytes = b"",
        host: str = "",
        scheme: str = "http",
        version: str = "HTTP/1.1",
        peer: str = "192.0.2.7:50000",
        client: str = "",
        local: str = "127.0.0.1:8080",
        memory_limit: int = 64 << 10,
        recording: Any = None,
    ) -> Any:
        """Has one request answered, and returns what the connection saw.

        `host`, `scheme` and `client` are for what a proxy or the target says.
        """
        asked = native().Asked()
        asked.method, asked.target, asked.host, asked.version = method, target, host, version
        path, _, asked.query = target.partition("?")
        asked.path = "/" + path.split("/", 3)[3] if path.startswith("http://") else path
        asked.headers = list(headers)
        asked.body, asked.memory_limit = body, memory_limit
        asked.scheme = scheme
        asked.peer, asked.local, asked.client = peer, local, client
        recording = recording or native().Recording()
        self.handler.handle(recording, asked)
        return recording

    @property
    def log(self) -> str:
        return self.handler.log

    def attend_until(self, condition: Callable[[], Any], seconds: float = 30.0) -> bool:
        """Does what the main thread of a worker does; whether the condition came true in time."""
        watched = select.poll()
        watched.register(self.handler.attention(), select.POLLIN)
        deadline = time.monotonic() + seconds
        while not condition() and time.monotonic() < deadline:
            watched.poll(5)
            self.handler.attend()
        return bool(condition())


@pytest.fixture
def serve() -> Callable[..., Application]:
    return Application


@pytest.fixture
def environ_of() -> Callable[..., Any]:
    """environ_of(target, …): the environ that an application sees."""

    def environ_of(*arguments: Any, options: Any = None, **request: Any) -> Any:
        seen = []

        def application(environ: Any, start_response: Any) -> Any:
            seen.append(dict(environ))
            start_response("204 No Content", [])
            return []

        Application(application, **(options or {})).ask(*arguments, **request)
        return seen[0]

    return environ_of
