# SPDX-License-Identifier: MIT
"""`spawn` under a service manager, as systemd behaves: sd_notify(3), sd_listen_fds(3)."""

from __future__ import annotations

import configparser
import contextlib
import pathlib
import re
import shlex
import signal
import socket
import subprocess
import sys
import time

import pytest
from running import APPS, DOCS, PATIENCE, PROGRAM, alive, children_of, environment, wait_until

UNITS = DOCS / "deployment.md"
# As systemd does it: LISTEN_PID is known only once the process is there.
ACTIVATED = 'export LISTEN_PID=$$; exec "$@"'


class Manager:
    """Listens for what the service says, and hands it sockets."""

    def __init__(self, directory: pathlib.Path) -> None:
        self.directory = directory
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(directory / "notify"))
        self.socket.settimeout(PATIENCE)
        self.log = directory / "journal"
        self.heard: list[dict[str, str]] = []
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *arguments: str, listening: socket.socket | None = None, **variables: str):
        """Starts the service; a socket becomes its descriptor 3."""
        changes = {"NOTIFY_SOCKET": str(self.directory / "notify"), **variables}
        command = [str(PROGRAM), "--python", sys.executable, *arguments]
        if listening is not None:
            changes["LISTEN_FDS"] = "1"
            place = f"exec 3<&{listening.fileno()}; {ACTIVATED}"
            command = ["/bin/bash", "-c", place, "activated", *command]
        with self.log.open("a") as journal:
            self.process = subprocess.Popen(
                command,
                cwd=APPS,
                env=environment(changes),
                stdin=subprocess.DEVNULL,
                stdout=journal,
                stderr=journal,
                pass_fds=[] if listening is None else [listening.fileno()],
            )

    def hears(self, name: str, value: str | None = None) -> dict[str, str]:
        """The next message with this variable; those before it are in `heard`, too."""
        while True:
            lines = self.socket.recv(4096).decode().split("\n")
            message = dict(line.split("=", 1) for line in lines)
            self.heard.append(message)
            if name in message and value in (None, message[name]):
                return message

    def says_nothing(self) -> bool:
        self.socket.setblocking(False)
        try:
            self.heard.append({"": self.socket.recv(4096).decode()})
        except BlockingIOError:
            return True
        finally:
            self.socket.settimeout(PATIENCE)
        return False

    def workers(self) -> list[int]:
        assert self.process is not None
        return children_of(self.process.pid)

    def journal(self) -> str:
        return self.log.read_text()

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        workers = []
        if self.process is not None and self.process.poll() is None:
            workers = self.workers()
            self.process.kill()
            self.process.wait(PATIENCE)
        wait_until(lambda: not any(alive(pid) for pid in workers), PATIENCE, "orphans' end")
        self.socket.close()


@pytest.fixture
def manager(tmp_path):
    with contextlib.closing(Manager(tmp_path)) as manager:
        yield manager


def ask(address, target="/pid"):
    """One request over a connection of its own; the answer's last line."""
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family) as client:
        client.settimeout(PATIENCE)
        client.connect(address)
        client.sendall(b"GET %s HTTP/1.0\r\n\r\n" % target.encode())
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 200"), answer
    return answer.rpartition(b"\r\n")[2]


def test_it_is_ready_when_all_workers_serve(manager):
    manager.start("--port", "0", "--processes", "3", "system_apps:router")

    assert manager.hears("READY")["STATUS"] == "generation 1 serves"

    assert len(manager.heard) == 1
    assert len(manager.workers()) == 3
    wait_until(lambda: "serving http://" in manager.journal(), PATIENCE, "the banner")
    assert manager.stop() == 0
    assert manager.hears("STOPPING") == {"STOPPING": "1", "STATUS": "stopping"}


def test_it_is_never_ready_with_an_application_that_cannot_be_loaded(manager):
    manager.start("--port", "0", "nonexistent:app")

    assert manager.process.wait(PATIENCE) == 1
    assert manager.says_nothing()


def test_a_reload_is_announced_with_its_time_and_its_end(manager):
    manager.start("--port", "0", "system_apps:router")
    manager.hears("READY")
    before = time.monotonic_ns() // 1000

    manager.process.send_signal(signal.SIGHUP)

    reloading = manager.hears("RELOADING", "1")
    assert before <= int(reloading["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1000
    assert manager.hears("READY")["STATUS"] == "generation 2 serves"


def test_a_reload_that_fails_ends_too(manager, tmp_path):
    module = tmp_path / "shop.py"
    module.write_text("from spawning.wsgi_factory import hello_world as app\n")
    manager.start("--port", "0", "shop:app", PYTHONPATH=str(tmp_path))
    manager.hears("READY")
    module.write_text("this is no Python\n")

    manager.process.send_signal(signal.SIGHUP)

    manager.hears("RELOADING")
    assert manager.hears("READY")["STATUS"] == "the reload to generation 2 failed"


def test_the_watchdog_is_fed_while_a_worker_gets_on(manager, gate):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = listening.getsockname()
        arguments = ["--processes", "1", "--threads", "1", "system_apps:router"]
        manager.start(*arguments, listening=listening, WATCHDOG_USEC="200000")
    manager.hears("READY")
    manager.hears("WATCHDOG", "1")
    manager.hears("WATCHDOG", "1")

    with socket.create_connection(address) as stuck, socket.create_connection(address) as waiting:
        for client in (stuck, waiting):  # both are accepted, and only one thread is there
            client.sendall(b"GET /pid HTTP/1.1\r\nHost: test\r\n\r\n")
            assert client.recv(4096).startswith(b"HTTP/1.1 200")
        for client in (stuck, waiting):
            client.sendall(b"GET /gated?gate=%s HTTP/1.0\r\n\r\n" % bytes(gate.path))
        silent = []
        wait_until(lambda: is_silent(manager, silent), PATIENCE, "a hungry watchdog")
        gate.open()
        assert stuck.recv(4096).startswith(b"HTTP/1.1 200")
        gate.open()
        manager.hears("WATCHDOG", "1")

    assert manager.stop() == 0


def is_silent(manager, since):
    """Whether nothing has been said for as long as feeding takes five times."""
    if not since or not manager.says_nothing():
        since[:] = [time.monotonic()]
    return time.monotonic() - since[0] > 0.5


def test_workers_take_nothing_for_theirs_that_the_manager_has_said(manager, tmp_path):
    (tmp_path / "env.py").write_text(
        "import os\n"
        "def app(environ, start_response):\n"
        "    start_response('200 OK', [])\n"
        "    names = ('NOTIFY_SOCKET', 'LISTEN_FDS', 'LISTEN_PID', 'WATCHDOG_USEC')\n"
        "    return [repr([os.environ.get(name) for name in names]).encode()]\n"
    )
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = listening.getsockname()
        manager.start(
            "env:app", listening=listening, WATCHDOG_USEC="60000000", PYTHONPATH=str(tmp_path)
        )
    manager.hears("READY")

    assert ask(address) == b"[None, None, None, None]"


def test_who_comes_while_the_service_restarts_waits_in_the_managers_socket(manager, tmp_path):
    path = tmp_path / "shop.sock"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen(16)
        manager.start("system_apps:router", listening=listening)
        manager.hears("READY")
        assert ask(str(path))
        assert manager.stop() == 0
        assert path.exists()

        with socket.socket(socket.AF_UNIX) as early:
            early.settimeout(PATIENCE)
            early.connect(str(path))
            early.sendall(b"GET /pid HTTP/1.0\r\n\r\n")
            manager.start("system_apps:router", listening=listening)
            assert early.recv(4096).startswith(b"HTTP/1.1 200")
        assert manager.stop() == 0


def test_a_socket_that_does_not_listen_is_refused(manager):
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        manager.start("system_apps:router", listening=bound)

        assert manager.process.wait(PATIENCE) == 1
    assert manager.journal() == (
        "spawn: LISTEN_FDS: cannot bind fd://3: the descriptor is not a listening stream socket\n"
    )


def test_bind_replaces_the_managers_sockets(manager):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        manager.start("--bind", "127.0.0.1:0", "system_apps:router", listening=listening)
        manager.hears("READY")

        assert f":{port}/" not in manager.journal()


def units():
    """The unit files of the documentation, by their first section's name."""
    for text in re.findall(r"```ini\n(.*?)```", UNITS.read_text(), re.DOTALL):
        unit = configparser.ConfigParser(strict=False, interpolation=None)
        unit.optionxform = str
        unit.read_string(text)
        yield unit


def test_the_documented_service_starts(manager):
    (service,) = (dict(unit["Service"]) for unit in units() if "Service" in unit)
    assert service["Type"] == "notify"
    program, *arguments = shlex.split(service["ExecStart"])
    assert program.endswith("/spawn")
    arguments[arguments.index("8080")] = "0"
    assert arguments.pop() == "shop.wsgi"

    manager.start(*arguments, "system_apps:router", WATCHDOG_USEC=service["WatchdogSec"] + "000000")

    assert manager.hears("READY")
    assert manager.stop() == 0
