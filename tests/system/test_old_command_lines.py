# SPDX-License-Identifier: MIT
"""Command lines of Spawning 0.8 and 0.9, from its README, its --help and its init scripts, as they are.

They name ports, which others may have: so the sockets come from a service manager, which wins.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import pwd
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from projects import django_site, write
from running import (
    PATIENCE,
    PROGRAM,
    SANITIZED,
    Client,
    Spawn,
    alive,
    environment,
    running,
    wait_until,
)

MODULES = {
    "my_wsgi_module.py": """
        def my_wsgi_application(environ, start_response):
            start_response("200 OK", [("Content-Type", "text/plain")])
            return [b"old"]
        def my_comet_application(environ, start_response):
            from time import sleep
            sleep(0.001)
            return my_wsgi_application(environ, start_response)
        def make_app(global_conf, **local_conf):
            return my_wsgi_application
    """,
    "other_wsgi_module.py": """
        def some_wsgi_middleware(app):
            return lambda *request: [b"wrapped ", *app(*request)]
    """,
    "development.ini": """
        [app:main]
        use = call:my_wsgi_module:make_app
        [server:main]
        use = egg:Spawning
        host = 0.0.0.0
        port = 80
        num_processes = 2
        threadpool_workers = 3
    """,
    **django_site("a Django"),
}

APP = "my_wsgi_module.my_wsgi_application"
DJANGO = "--factory=spawning.django_factory.config_factory"
PASTE = "--factory=spawning.paste_factory.config_factory"
DEFAULT = "4 processes × 4 threads"

# What is typed, what is answered, and how many serve.
README = [
    (f"spawn {APP}", b"old", DEFAULT),
    (f"spawn {PASTE} development.ini", b"old", "2 processes × 3 threads"),
    (f"spawn {DJANGO} mysite.settings", b"a Django", DEFAULT),
    (f"spawn {APP} other_wsgi_module.some_wsgi_middleware", b"wrapped old", DEFAULT),
    (f"spawn --port=80 --processes=4 --threads=8 {APP}", b"old", "4 processes × 8 threads"),
    ("spawn spawning.wsgi_factory.hello_world", b"Hello, World!\r\n", DEFAULT),
]
GREEN = [
    (
        "spawn --processes=4 --threads=0 my_wsgi_module.my_comet_application",
        b"old",
        "4 processes × greenlets",
    ),
    (f"spawn -p 8080 -s 4 -t 0 {APP}", b"old", "4 processes × greenlets"),
]
OPTIONS = [
    "-i 127.0.0.1 -p 8080 -s 2 -t 3 -v",
    "--host=0.0.0.0 --verbose",
    "-f spawning.wsgi_factory.config_factory",
    "-w my_wsgi_module.py --watch=development.ini",
    "-r dev --deadman=5",
    "--reload=dev --deadman_timeout=5",
    "-l access.log",
    "--access-log-file=/dev/null",
    "-m 2000000 -a 3600",
    "--max-memory=2000000 --max-age=3600 --no-keepalive",
    "--pidfile=spawn.pid",
]
PAGES = [("-c", "/_coverage"), ("--coverage", "/_coverage"), ("--sysinfo", "/_sysinfo")]
# As the scripts for Debian, Fedora and Gentoo put them together.
DAEMONS = [
    "spawn --host=127.0.0.1 --port={port} --stderr=/dev/null --access-log-file=/dev/null "
    f"--processes=2 {DJANGO} settings --daemonize --pidfile=spawn.pid",
    "spawn --daemonize --host=127.0.0.1 --port={port} --stderr=err.log --access-log-file=log "
    f"--processes=2 --threads=2 --reload=dev --chuid={{user}} --pidfile=spawn.pid {APP}",
    "spawn --daemonize --pidfile spawn.pid --stderr err.log --stdout /dev/null --host 127.0.0.1 "
    "--port {port} --processes 2 --threads 2 --access-log /dev/null --watch my_wsgi_module.py "
    f"--max-memory 2000000 --max-age 3600 {APP}",
]


class Place:
    """Where the modules are, and a socket that takes the place of the port that is named."""

    def __init__(self, directory: pathlib.Path) -> None:
        self.directory = directory
        for name, text in MODULES.items():
            (directory / name).parent.mkdir(exist_ok=True)
            write(directory / name, text)
        write(directory / "settings.py", "from mysite.settings import *")
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def command(self, line: str) -> list[str]:
        """As a service manager starts it."""
        place = f'exec 3<&{self.listener.fileno()}; export LISTEN_PID=$$; exec "$@"'
        program, *arguments = shlex.split(line)
        assert program == "spawn"
        return ["/bin/bash", "-c", place, "activated", str(PROGRAM), *arguments]

    def surroundings(self, **variables: str) -> dict[str, Any]:
        changes = {
            "LISTEN_FDS": "1",
            "SPAWN_PROCESSES": "1",  # unless the line says so
            "VIRTUAL_ENV": sys.prefix,  # as if it was activated
            **variables,
        }
        return {
            "cwd": self.directory,
            "env": environment(changes),
            "pass_fds": [self.listener.fileno()],
        }

    def serving(self, line: str, **variables: str) -> contextlib.AbstractContextManager[Spawn]:
        log = self.directory / "stderr"
        return running(log, self.command(line), **self.surroundings(**variables))

    def run(self, line: str) -> subprocess.CompletedProcess[str]:
        """The outcome of one that returns."""
        return subprocess.run(
            self.command(line),
            **self.surroundings(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )


def get(port: int, target: str) -> tuple[int, bytes]:
    with Client("127.0.0.1", port, PATIENCE) as client:
        client.request(target, "Connection: close")
        response = client.response()
    return response.status, response.body


@pytest.fixture
def place(tmp_path: pathlib.Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    place.listener.close()


@pytest.mark.parametrize("line, body, size", [*README, *([] if SANITIZED else GREEN)])
def test_it_serves(place: Place, line: str, body: bytes, size: str) -> None:
    with place.serving(line, SPAWN_PROCESSES="") as server:
        assert f" — {size}, pid " in server.output
        assert get(place.port, "/") == (200, body)
        assert server.stop() == 0
        assert "Traceback" not in server.errors()


@pytest.mark.parametrize("options", OPTIONS)
def test_options_stand_before_and_behind_what_is_served(place: Place, options: str) -> None:
    with place.serving(f"spawn {options} {APP}") as server:
        assert get(place.port, "/") == (200, b"old")
        assert server.stop() == 0
    with place.serving(f"spawn {APP} {options}") as server:
        assert get(place.port, "/") == (200, b"old")
        assert server.stop() == 0


@pytest.mark.parametrize("option, page", PAGES)
def test_it_has_pages_of_its_own(place: Place, option: str, page: str) -> None:
    with place.serving(f"spawn {option} {APP}") as server:
        assert get(place.port, "/") == (200, b"old")
        assert get(place.port, page)[0] == 200
        assert server.stop() == 0


def test_it_shows_its_status(place: Place, free_port: int) -> None:
    line = f"spawn --status-host=127.0.0.1 --status-port={free_port} -s 2 {APP}"

    with place.serving(line) as server:
        assert b'"configured_children_count":2' in get(free_port, "/status.json")[1]
        assert get(place.port, "/") == (200, b"old")
        assert server.stop() == 0


@pytest.mark.parametrize("line", DAEMONS)
def test_it_goes_to_the_background(place: Place, line: str) -> None:
    user = pwd.getpwuid(os.getuid()).pw_name
    ended = place.run(line.format(port=place.port, user=user))
    assert (ended.returncode, ended.stderr) == (0, "")
    pid = int((place.directory / "spawn.pid").read_text())
    try:
        assert get(place.port, "/")[0] == 200
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not alive(pid), PATIENCE, "the end of the daemon")
    finally:
        if alive(pid):
            os.kill(pid, signal.SIGKILL)
    assert not (place.directory / "spawn.pid").exists()


def test_ports_are_those_that_are_named(place: Place) -> None:
    for option, named in (("--port=80", "80"), ("-p 8080", "8080")):
        said = place.run(f"spawn {option} {APP} --print-config")
        assert re.search(rf"^port +{named} +command line$", said.stdout, re.MULTILINE)
