# SPDX-License-Identifier: MIT
"""Fixtures that start `spawn`, and end all that they start."""

from __future__ import annotations

import errno
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from typing import Any, Callable

import pytest

# pytest's importlib mode leaves the path alone.
sys.path.insert(0, str(pathlib.Path(__file__).parent))

from daemons import SITE, Place, public_place
from package_building import COMPILED, PLACE, BuildEnvironment, declared_version, run
from running import (
    APPS,
    PATIENCE,
    PROGRAM,
    ROOT,
    SANITIZED,
    THREADS,
    VALIDATOR,
    Client,
    Spawn,
    environment,
    in_mode,
    started,
    wait_until,
)

# Of greenlets; see MODES.
collect_ignore = ["test_examples.py", "test_greenlets.py"] if SANITIZED else []


@pytest.fixture(scope="session")
def slowness() -> int:
    """By how much a limit on time is wider in a sanitized build."""
    return 10 if SANITIZED else 1


@pytest.fixture(scope="module")
def served_by(request: pytest.FixtureRequest) -> str:
    """How requests run. Tests that are to hold for several modes are `in_all_modes`."""
    return getattr(request, "param", THREADS)


@pytest.fixture
def spawn(tmp_path: pathlib.Path, served_by: str) -> Iterator[Callable[..., Spawn]]:
    """spawn(*arguments, cwd=…, env=…): a server that serves, ended with the test.

    It runs requests as the test is `served_by`.
    """
    exits: list[Any] = []

    def spawn(*arguments: str, **options: Any) -> Spawn:
        log = tmp_path / f"stderr-{len(exits)}"
        context = started(log, *in_mode(served_by, arguments), **options)
        server = context.__enter__()
        exits.append(context)
        return server

    yield spawn
    for context in reversed(exits):
        context.__exit__(None, None, None)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, served_by: str) -> Iterator[Spawn]:
    """The applications of system_apps.py, validated, on two processes of two threads."""
    log = tmp_path_factory.mktemp("site") / "stderr"
    arguments = ["--processes", "2", "--threads", "2", "system_apps:router", VALIDATOR]
    with started(log, *in_mode(served_by, arguments)) as server:
        yield server
        assert server.stop() == 0
        assert "Traceback" not in server.errors()


@pytest.fixture
def run_spawn() -> Callable[..., subprocess.CompletedProcess[str]]:
    """run_spawn(*arguments): the outcome of a `spawn` that ends by itself.

    Its workers are this interpreter, for which the extension was built, unless the test says which.
    """

    def run_spawn(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        given = any(each.startswith("--python") for each in arguments)
        python = [] if given else ["--python", sys.executable]
        return subprocess.run(
            [str(PROGRAM), *python, *arguments],
            cwd=options.get("cwd", APPS),
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

    def hold(self, client: Client, application: str = "gated") -> int:
        """Has a request of the client's wait here; its worker's pid."""
        note = self.path.with_suffix(".note")
        client.request(f"/{application}?gate={self.path}&note={note}")
        return int(
            wait_until(
                lambda: note.exists() and note.read_text(), PATIENCE, "a request at the gate"
            )
        )

    def open(self) -> None:
        """Waits until an application waits here, and lets it pass."""
        os.close(wait_until(self._writer, PATIENCE, "an application at the gate"))

    def _writer(self) -> int | None:
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


@pytest.fixture
def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@pytest.fixture(scope="session")
def builder() -> BuildEnvironment:
    """What pip would have to build with."""
    return BuildEnvironment(sys.executable, "python")


@pytest.fixture(scope="session")
def sdist(builder: BuildEnvironment, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    return builder.build("--sdist", ROOT, tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="session")
def source(sdist: pathlib.Path) -> pathlib.Path:
    """The sdist, unpacked."""
    place = PLACE / "source"
    shutil.rmtree(place, ignore_errors=True)
    with tarfile.open(sdist) as archive:
        archive.extractall(place)
    return place / f"spawning-{declared_version()}"


@pytest.fixture(scope="session")
def wheel(
    builder: BuildEnvironment, source: pathlib.Path, tmp_path_factory: pytest.TempPathFactory
) -> pathlib.Path:
    """Of the sdist."""
    made = builder.build_wheel(source, tmp_path_factory.mktemp("wheel"))
    dependencies = run("ninja", "-C", COMPILED, "-t", "deps")
    assert "boost_headers/include/boost/asio" in dependencies
    assert "/usr/include/boost" not in dependencies
    return made


@pytest.fixture
def place() -> Iterator[Place]:
    with public_place(tempfile.mkdtemp(prefix="spawning-test-")) as place:
        place.write("shop.py", SITE)
        place.write("broken.py", "import no_such_module\n")
        yield place


@pytest.fixture
def pidfile(place: Place) -> pathlib.Path:
    return place.directory / "shop.pid"
