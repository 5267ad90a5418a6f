# SPDX-License-Identifier: MIT
"""`spawn` as a process, and an HTTP client that hides nothing."""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from typing import Any, Callable, NamedTuple, TypeVar

import pytest

T = TypeVar("T")

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
DOCS = ROOT / "docs"
APPS = ROOT / "tests" / "system" / "apps"  # where services of the tests begin
BUILD = pathlib.Path(os.environ.get("SPAWNING_BUILD_DIR", ROOT / "build" / "release")).resolve()
PROGRAM = BUILD / "cli" / "spawn"
SANITIZED = "LD_PRELOAD" in os.environ  # by ../conftest.py
PATIENCE = 60.0  # seconds for what has no limit of its own
VALIDATOR = "wsgiref.validate.validator"

BANNER = re.compile(r"^spawning \S+ serving (http://([\d.]+):(\d+)/)(?:, \S+)* — .*, pid (\d+)$")


# How requests run: each a pytest id, and a value of the `served_by` fixture.
THREADS, GREEN_MODES = "threads", ("gevent", "eventlet")
# Sanitizers take it for an error that a greenlet's stack is copied away, the gaps between variables
# that they watch included.
MODES = (THREADS,) if SANITIZED else (THREADS, *GREEN_MODES)
in_all_modes = pytest.mark.parametrize("served_by", MODES, indirect=True)
in_green_modes = pytest.mark.parametrize("served_by", GREEN_MODES, indirect=True)


def in_mode(served_by: str, arguments: Sequence[str]) -> list[str]:
    """`arguments`, with greenlets instead of threads if that is the mode."""
    if served_by == THREADS:
        return list(arguments)
    changed = [each for each in arguments if not each.startswith("--threads=")]
    if "--threads" in changed:
        at = changed.index("--threads")
        del changed[at : at + 2]
    return ["--threads", "0", "--green", served_by, *changed]


def wait_until(condition: Callable[[], T], seconds: float, what: str = "") -> T:
    """Waits for a true value of `condition`, and returns it."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what or condition}")
        time.sleep(0.005)  # between two looks


def parent_of(pid: int) -> int | None:
    """The parent of a process that has not ended; None of one that has."""
    try:
        state, parent = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if state == "Z" else int(parent)


def children_of(pid: int) -> list[int]:
    numbers = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return [number for number in numbers if parent_of(number) == pid]


def alive(pid: int) -> bool:
    return parent_of(pid) is not None


def marked(mark: str) -> list[int]:
    """The processes with this $SPAWNING_TEST_MARK."""
    found: list[int] = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            variables = pathlib.Path(f"/proc/{name}/environ").read_bytes()
        except OSError:
            continue  # it has ended
        if f"SPAWNING_TEST_MARK={mark}\0".encode() in variables and alive(int(name)):
            found.append(int(name))
    return found


class Spawn:
    """A running `spawn`."""

    def __init__(self, process: subprocess.Popen[str], log: pathlib.Path, patience: float) -> None:
        self.process = process
        self.log = log
        self.patience = patience
        self.output = ""
        self.seen_workers: list[int] = []
        self.banner = self._read_banner()
        self.url, self.host, port, pid = self.banner.groups()
        self.port, self.pid = int(port), int(pid)

    def _read_banner(self) -> re.Match[str]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output += line
            found = BANNER.match(line)
            if found:
                return found
        status = self.process.wait(self.patience)
        raise AssertionError(f"no banner, status {status}: {self.output}{self.errors()}")

    def errors(self) -> str:
        return self.log.read_text()

    def says(self, text: str, count: int = 1) -> None:
        """Waits until the log has it, so often at least."""
        wait_until(lambda: self.errors().count(text) >= count, self.patience, text)

    def workers(self) -> list[int]:
        found = children_of(self.process.pid)
        self.seen_workers += [pid for pid in found if pid not in self.seen_workers]
        return found

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def reload(self) -> float:
        """Loads the application anew; waits until every worker from before has ended by itself.

        Returns how many seconds that took from when the new ones served.
        """
        before = self.workers()
        count = self.errors().count("reloaded:")
        self.signal(signal.SIGHUP)
        self.says("reloaded:", count + 1)
        serve = time.monotonic()
        wait_until(lambda: not any(map(alive, before)), self.patience, "the end of those before")
        assert "did not end in time" not in self.errors(), self.errors()
        return time.monotonic() - serve

    def re_execute(self) -> None:
        """Executes `spawn` anew; waits until the next program has taken over."""
        self.workers()  # to be seen, and ended
        count = self.errors().count("re-executed")
        self.signal(signal.SIGUSR2)
        self.says("re-executed", count + 1)

    def wait(self, seconds: float | None = None) -> int:
        return self.process.wait(seconds or self.patience)

    def insist(self, number: int) -> None:
        """Sends a second signal to stop, again while it is taken for the one before: it comes too soon."""

        def taken() -> bool:
            self.signal(number)
            with contextlib.suppress(AssertionError):
                wait_until(lambda: "again: stopping at once" in self.errors(), 0.1)
                return True
            return False

        wait_until(taken, self.patience, "the end at once")

    def stop(self) -> int:
        """Ends gracefully; returns the exit status."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def end(self) -> None:
        """Ends whatever is left, however."""
        self.workers()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(self.patience)
        for pid in self.seen_workers:
            if alive(pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        if self.process.stdout is not None:
            self.process.stdout.close()

    def client(self, timeout: float | None = None) -> Client:
        return Client(self.host, self.port, timeout or self.patience)

    def get(self, target: str, *headers: str, method: str = "GET") -> Response:
        """One request over a connection of its own."""
        with self.client() as client:
            client.request(target, *headers, "Connection: close", method=method)
            return client.response(method)


def refuses(server: Spawn) -> bool:
    """Whether nobody listens any more."""
    try:
        socket.create_connection((server.host, server.port), 1).close()
    except ConnectionRefusedError:
        return True
    except (ConnectionResetError, TimeoutError):
        pass  # it came while the socket was being closed
    return False


def environment(changes: dict[str, str] | None) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return {**clean, **(changes or {})}


@contextlib.contextmanager
def started(
    log: pathlib.Path,
    *arguments: str,
    cwd: pathlib.Path = APPS,
    env: dict[str, str] | None = None,
    python: str = sys.executable,
    program: str = str(PROGRAM),
    pass_fds: Collection[int] = (),
    port: Sequence[str] = ("--port", "0"),
) -> Iterator[Spawn]:
    logs_accesses = any(each.startswith(("-l", "--access-log-file")) for each in arguments)
    silent = [] if logs_accesses else ["--access-log-file", os.devnull]  # nobody reads them
    command = [program, *port, "--python", python, *silent, *arguments]
    with running(log, command, cwd=cwd, env=environment(env), pass_fds=pass_fds) as server:
        yield server


@contextlib.contextmanager
def running(log: pathlib.Path, command: list[str], **options: Any) -> Iterator[Spawn]:
    """A `spawn` that some command becomes."""
    with log.open("w") as errors:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            encoding="utf-8",
            **options,
        )
    server: Spawn | None = None
    try:
        server = Spawn(process, log, PATIENCE)
        yield server
        server.end()
        found = re.search("Sanitizer|runtime error:", server.errors())
        assert not found, server.errors()
    finally:
        if server is not None:
            server.end()
        elif process.poll() is None:
            process.kill()
            process.wait()


class Response(NamedTuple):
    """A response as it came, its framing taken off."""

    version: str
    status: int
    reason: str
    headers: dict[str, str]  # names in lower case
    body: bytes


class Client:
    """One connection. What it sends are the very octets that it is given."""

    def __init__(self, host: str, port: int, timeout: float) -> None:
        self.socket = socket.create_connection((host, port), timeout)
        self.file = self.socket.makefile("rb")

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.file.close()
        self.socket.close()

    def send(self, octets: bytes) -> None:
        self.socket.sendall(octets)

    def request(
        self, target: str, *headers: str, method: str = "GET", version: str = "HTTP/1.1"
    ) -> None:
        lines = [f"{method} {target} {version}", "Host: test", *headers, "", ""]
        self.send("\r\n".join(lines).encode("latin-1"))

    def post(self, target: str, body: bytes, *headers: str) -> None:
        self.request(target, *headers, f"Content-Length: {len(body)}", method="POST")
        self.send(body)

    def head(self) -> tuple[str, int, str, dict[str, str]]:
        """The status line and the headers."""
        version, status, reason = self._line().split(" ", 2)
        headers: dict[str, str] = {}
        for line in iter(self._line, ""):
            name, _, value = line.partition(":")
            assert name.lower() not in headers, f"{name} twice"
            headers[name.lower()] = value.strip()
        return version, int(status), reason, headers

    def response(self, method: str = "GET") -> Response:
        """The next response, whole."""
        version, status, reason, headers = self.head()
        bodiless = method == "HEAD" or status in (204, 304) or status < 200
        if bodiless:
            body = b""
        elif headers.get("transfer-encoding") == "chunked":
            body = b"".join(iter(self.chunk, b""))
        elif "content-length" in headers:
            body = self.read(int(headers["content-length"]))
        else:
            body = self.file.read()
        return Response(version, status, reason, headers, body)

    def chunk(self) -> bytes:
        """The next chunk; the last one is empty."""
        data = self.read(int(self._line(), 16))
        assert self._line() == ""
        return data

    def read(self, count: int) -> bytes:
        data = self.file.read(count)
        assert len(data) == count, f"{len(data)} of {count} octets, and then the end"
        return data

    def at_end(self) -> bool:
        """Waits for the server to close its end."""
        return self.file.read(1) == b""

    def _line(self) -> str:
        line = self.file.readline()
        assert line.endswith(b"\r\n"), f"not a whole line: {line!r}"
        return line[:-2].decode("latin-1")
