# SPDX-License-Identifier: MIT
"""Fixtures that start `spawn`, and end all that they start."""

from __future__ import annotations

import errno
import os
import pathlib
import socket
import subprocess
import sys
from contextlib import contextmanager
from typing import Any, Callable, Dict, Iterator, List, Optional

import pytest

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(
    os.environ.get("SPAWNING_BUILD_DIR", HERE.parent.parent / "build" / "release")
).resolve()
PROGRAM = BUILD / "cli" / "spawn"
SANITIZED = "LD_PRELOAD" in os.environ  # by ../conftest.py
PATIENCE = 60.0  # seconds for what has no limit of its own
VALIDATOR = "wsgiref.validate.validator"

sys.path.insert(0, str(HERE))  # for `running`; and the applications' names are relative to it

import running  # noqa: E402


@pytest.fixture(scope="session")
def slowness() -> int:
    """By how much a limit on time is wider in a sanitized build."""
    return 10 if SANITIZED else 1


def environment(changes: Optional[Dict[str, str]]) -> Dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return {**clean, **(changes or {})}


@contextmanager
def started(
    log: pathlib.Path,
    *arguments: str,
    cwd: pathlib.Path = HERE,
    env: Optional[Dict[str, str]] = None,
    python: str = sys.executable,
) -> Iterator[running.Spawn]:
    with log.open("w") as errors:
        process = subprocess.Popen(
            [str(PROGRAM), "--port", "0", "--python", python, *arguments],
            cwd=cwd,
            env=environment(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            encoding="utf-8",
        )
    server: Optional[running.Spawn] = None
    try:
        server = running.Spawn(process, log, PATIENCE)
        yield server
    finally:
        if server is not None:
            server.end()
        elif process.poll() is None:
            process.kill()
            process.wait()


@pytest.fixture
def spawn(tmp_path: pathlib.Path) -> Iterator[Callable[..., running.Spawn]]:
    """spawn(*arguments, cwd=…, env=…): a server that serves, ended with the test."""
    exits: List[Any] = []

    def spawn(*arguments: str, **options: Any) -> running.Spawn:
        context = started(tmp_path / f"stderr-{len(exits)}", *arguments, **options)
        server = context.__enter__()
        exits.append(context)
        return server

    yield spawn
    for context in reversed(exits):
        context.__exit__(None, None, None)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[running.Spawn]:
    """The applications of system_apps.py, validated, on two processes of two threads."""
    log = tmp_path_factory.mktemp("site") / "stderr"
    arguments = ["--processes", "2", "--threads", "2", "system_apps:router", VALIDATOR]
    with started(log, *arguments) as server:
        yield server
        assert server.stop() == 0
        assert "Traceback" not in server.errors()


@pytest.fixture
def run_spawn() -> Callable[..., subprocess.CompletedProcess[str]]:
    """run_spawn(*arguments): the outcome of a `spawn` that ends by itself."""

    def run_spawn(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(PROGRAM), *arguments],
            cwd=options.get("cwd", HERE),
            env=environment(options.get("env")),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    return run_spawn


class Gate:
    """Keeps an application waiting that opens `path` for reading."""

    def __init__(self, path: pathlib.Path) -> None:
        os.mkfifo(path)
        self.path = path

    def open(self) -> None:
        """Waits until an application waits here, and lets it pass."""
        os.close(running.wait_until(self._writer, PATIENCE, "an application at the gate"))

    def _writer(self) -> Optional[int]:
        try:
            return os.open(self.path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ENXIO:  # ENXIO: there is no reader
                raise
            return None


@pytest.fixture
def gate(tmp_path: pathlib.Path) -> Gate:
    """A gate for one application at a time."""
    return Gate(tmp_path / "gate")


@pytest.fixture
def busy_port() -> Iterator[int]:
    """A port of 127.0.0.1 that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]
