# SPDX-License-Identifier: MIT
"""`spawn` in the background, and a place where any user may run it."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

from running import (
    BANNER,
    BUILD,
    PATIENCE,
    PROGRAM,
    Client,
    Response,
    Spawn,
    alive,
    children_of,
    environment,
    marked,
    wait_until,
)

# The application answers with how its process is, and prints a line.
SITE = """
import json, os, sys

def regains(change):
    try:
        change(0)
    except PermissionError:
        return False
    return True

def app(environ, start_response):
    print("printed", environ["PATH_INFO"], flush=True)
    start_response("200 OK", [("Content-Type", "application/json")])
    mask = os.umask(0)
    os.umask(mask)
    return [json.dumps({
        "users": os.getresuid(),
        "groups": os.getresgid(),
        "supplementary": os.getgroups(),
        "root again": [regains(each) for each in (os.setuid, os.seteuid, os.setgid, os.setegid)],
        "umask": mask,
        "directory": os.getcwd(),
        "environment": dict(os.environ),
    }).encode()]
"""


class Outcome(NamedTuple):
    """What became of a command in the foreground."""

    status: int
    output: str
    errors: str


class Place:
    """A directory that everybody may enter, with a copy of `spawn` and of its Python package."""

    def __init__(self, directory: pathlib.Path) -> None:
        self.directory = directory
        self.mark = directory.name
        self.program = directory / "bin" / "spawn"
        self.program.parent.mkdir()
        shutil.copy2(PROGRAM, self.program)
        shutil.copytree(BUILD / "python", directory / "python")
        self.site = directory / "site"  # where it works
        self.site.mkdir()

    def write(self, name: str, text: str) -> pathlib.Path:
        path = self.site / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    def command(self, *arguments: str) -> list[str]:
        log = any(each.startswith("--access-log-file") for each in arguments)
        silent = [] if log else ["--access-log-file", os.devnull]
        python = os.path.realpath(sys.executable)  # a virtual environment may be out of reach
        address = [] if any(each.startswith("--bind") for each in arguments) else ["--port", "0"]
        return [str(self.program), *address, "--python", python, *silent, *arguments]

    def variables(self, changes: dict[str, str] | None = None) -> dict[str, str]:
        return environment(
            {
                "PYTHONPATH": str(self.directory / "python"),
                "PYTHONDONTWRITEBYTECODE": "1",
                "SPAWNING_TEST_MARK": self.mark,
                **(changes or {}),
            }
        )

    def run(self, *arguments: str, env: dict[str, str] | None = None, **options: Any) -> Outcome:
        """The outcome of a command, when it and all that has its streams have ended or left them."""
        options.setdefault("cwd", self.site)
        ended = subprocess.run(
            self.command(*arguments),
            env=self.variables(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=PATIENCE,
            check=False,
            **options,
        )
        return Outcome(ended.returncode, ended.stdout, ended.stderr)

    def daemon(self, *arguments: str, **options: Any) -> Daemon:
        """A service in the background that serves."""
        return Daemon(self.run("--daemonize", *arguments, **options))

    def processes(self) -> list[int]:
        return marked(self.mark)

    def end(self) -> None:
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not self.processes(), PATIENCE, "their end")
        shutil.rmtree(self.directory)


@contextlib.contextmanager
def public_place(directory: str) -> Iterator[Place]:
    os.chmod(directory, 0o755)
    place = Place(pathlib.Path(directory))
    try:
        yield place
    finally:
        place.end()


class Daemon:
    """A service that was started in the background."""

    def __init__(self, outcome: Outcome) -> None:
        assert (outcome.status, outcome.errors) == (0, ""), outcome
        self.banner = BANNER.match(outcome.output.rstrip("\n"))
        numbers = re.search(r"pid (\d+)$", outcome.output)
        assert numbers, outcome
        self.pid = int(numbers[1])

    def workers(self) -> list[int]:
        return children_of(self.pid)

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def stop(self) -> None:
        self.signal(signal.SIGTERM)
        wait_until(lambda: not alive(self.pid), PATIENCE, "the end of the daemon")

    def get(self, target: str) -> Response:
        assert self.banner
        with Client(self.banner[2], int(self.banner[3]), PATIENCE) as client:
            client.request(target, "Connection: close")
            return client.response()

    def stream(self, pid: int, number: int) -> str:
        """What a process has open as one of its standard streams."""
        return os.readlink(f"/proc/{pid}/fd/{number}")


def told(daemon: Daemon | Spawn) -> dict[str, Any]:
    """What SITE says of the process that answers."""
    return json.loads(daemon.get("/").body)


def wait_for(text: str, path: pathlib.Path, count: int = 1) -> None:
    """Until `path` has it so often."""
    wait_until(lambda: path.exists() and path.read_text().count(text) >= count, PATIENCE, text)


def re_execute(daemon: Daemon | Spawn, log: pathlib.Path) -> None:
    before = log.read_text().count("re-executed")
    os.kill(daemon.pid, signal.SIGUSR2)
    wait_for("re-executed", log, before + 1)


def files(place: Place) -> list[str]:
    """All that is there."""
    return sorted(str(path) for path in place.directory.rglob("*"))
