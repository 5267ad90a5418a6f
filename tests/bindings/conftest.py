# SPDX-License-Identifier: MIT
"""Requests without sockets: the WSGI handler with a recording in the place of a connection."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import Any, Callable

import pytest


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
        version: str = "HTTP/1.1",
        peer: str = "192.0.2.7:50000",
        local: str = "127.0.0.1:8080",
        memory_limit: int = 64 << 10,
        recording: Any = None,
    ) -> Any:
        """Has one request answered, and returns what the connection saw."""
        asked = native().Asked()
        asked.method, asked.target, asked.host, asked.version = method, target, host, version
        path, _, asked.query = target.partition("?")
        asked.path = "/" + path.split("/", 3)[3] if path.startswith("http://") else path
        asked.headers = list(headers)
        asked.body, asked.memory_limit = body, memory_limit
        asked.peer, asked.local = peer, local
        recording = recording or native().Recording()
        self.handler.handle(recording, asked)
        return recording

    @property
    def log(self) -> str:
        return self.handler.log


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
