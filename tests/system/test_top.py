# SPDX-License-Identifier: MIT
"""`spawn --top`: the status in a terminal, and once where there is none."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pathlib
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Iterator

import pytest
from running import PATIENCE, PROGRAM, environment, wait_until
from status_pages import Status

ESCAPE = re.compile(rb"\x1b\[[?0-9;]*[a-zA-Z]")
FRAME_BEGINS, FRAME_ENDS = b"\x1b[?2026h\x1b[H", b"\x1b[J\x1b[?2026l"
LEFT = b"\x1b[?1049l"


class Top:
    """`spawn --top` on a terminal of its own, and what it shows there."""

    def __init__(self, url: str, columns: int = 80, rows: int = 24, **variables: str) -> None:
        self.person, self.terminal = pty.openpty()
        self.resize(columns, rows)
        self.before = termios.tcgetattr(self.terminal)
        self.octets = b""
        self.process = subprocess.Popen(
            ["setsid", "--ctty", str(PROGRAM), "--top", url],
            stdin=self.terminal,
            stdout=self.terminal,
            stderr=subprocess.PIPE,
            env=environment({"TERM": "xterm", "NO_COLOR": "", **variables}),
        )

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, keys: bytes) -> None:
        os.write(self.person, keys)

    def read(self) -> None:
        while select.select([self.person], [], [], 0)[0]:
            self.octets += os.read(self.person, 65536)

    def frame(self) -> str:
        """The latest one that is whole, without escape sequences."""
        self.read()
        ended, _, _ = self.octets.rpartition(FRAME_ENDS)
        _, _, frame = ended.rpartition(FRAME_BEGINS)
        return ESCAPE.sub(b"", frame).decode().replace("\r", "")

    def wait_for(self, *parts: str) -> str:
        """The first frame that has all of these in it."""

        def found() -> str | None:
            frame = self.frame()
            return frame if all(part in frame for part in parts) else None

        return wait_until(found, PATIENCE, f"{parts}, not {self.frame()}")

    def is_as_before(self) -> bool:
        return termios.tcgetattr(self.terminal) == self.before

    def wait(self) -> int:
        """Its exit status. Nobody would wait for it without reading."""
        wait_until(lambda: [self.read(), self.process.poll() is not None][1], PATIENCE)
        self.read()
        return self.process.returncode

    def end(self) -> str:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE)
        assert self.process.stderr is not None
        with self.process.stderr:
            errors = self.process.stderr.read().decode()
        os.close(self.person)
        os.close(self.terminal)
        return errors


@contextlib.contextmanager
def shown(url: str, *size: int, **variables: str) -> Iterator[Top]:
    top = Top(url, *size, **variables)
    errors = ""
    try:
        yield top
    finally:
        errors = top.end()
    assert errors == ""


@pytest.fixture
def watched(spawn):
    """watched(*arguments): a server, and where its status is."""

    def watched(*arguments, **options):
        server = spawn("--status-port", "0", *arguments, **options)
        return server, Status(server).url

    return watched


def test_prints_the_status_once_where_there_is_no_terminal(watched, run_spawn):
    server, url = watched("--processes", "2", "system_apps:router")

    outcome = run_spawn("--top", url)

    assert (outcome.returncode, outcome.stderr) == (0, "")
    assert "\x1b" not in outcome.stdout
    assert f"pid {server.pid}" in outcome.stdout
    assert "workers 2/2" in outcome.stdout
    for worker in server.workers():
        assert re.search(rf"^ +\d +{worker} +1  serving ", outcome.stdout, re.MULTILINE)


def test_prints_rates_of_a_second(watched, run_spawn):
    server, url = watched("--processes", "1", "system_apps:router")
    done = threading.Event()

    def ask():
        while not done.is_set():
            server.get("/pid")

    client = threading.Thread(target=ask)
    client.start()
    try:
        outcome = run_spawn("--top", url.removeprefix("http://"))
    finally:
        done.set()
        client.join()

    rate = re.search(r"^([\d.]+) requests/s", outcome.stdout, re.MULTILINE)
    assert float(rate[1]) > 0
    assert "since start" not in outcome.stdout


def test_does_not_mind_a_reader_who_has_gone(watched):
    _, url = watched("--processes", "1", "system_apps:router")
    process = subprocess.Popen(
        [str(PROGRAM), "--top", url], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.close()

    with process.stderr:
        assert process.stderr.read() == b""
    assert process.wait(PATIENCE) == 0


def test_prints_without_a_terminal_that_can_move_its_cursor(watched):
    _, url = watched("--processes", "1", "system_apps:router")

    with shown(url, TERM="dumb") as top:
        assert top.wait() == 0

        assert b"workers 1/1" in top.octets
        assert b"\x1b" not in top.octets


def test_says_in_a_line_that_nobody_answers(run_spawn, free_port):
    outcome = run_spawn("--top", str(free_port))

    assert (outcome.returncode, outcome.stdout) == (1, "")
    url = f"http://127.0.0.1:{free_port}"
    assert outcome.stderr == f"spawn: --top: no answer from {url}: Connection refused\n"


def test_says_in_a_line_that_somebody_else_answers(site, run_spawn):
    outcome = run_spawn("--top", site.url)

    assert (outcome.returncode, outcome.stdout) == (1, "")
    assert "does not answer as a status server of spawn: " in outcome.stderr
    assert outcome.stderr.count("\n") == 1


def test_takes_a_server_or_an_application(run_spawn):
    outcome = run_spawn("--top", "9080", "system_apps:router")

    assert outcome.returncode == 2
    assert outcome.stderr == ('spawn: --top: expected no APP beside it, not "system_apps:router"\n')


def test_shows_workers_in_a_terminal_and_what_becomes_of_them(watched):
    server, url = watched("--processes", "2", "system_apps:router")

    with shown(url) as top:
        workers = [str(pid) for pid in server.workers()]
        frame = top.wait_for("workers 2/2", "q quit", *workers)
        lines = frame.split("\n")
        assert len(lines) == 24
        assert all(len(line) < 80 for line in lines)

        server.get("/pid")
        server.signal(signal.SIGHUP)
        top.wait_for("reload 2  serving", "generation 2")
        wait_until(lambda: len(server.workers()) == 2, PATIENCE)
        top.wait_for("workers 2/2", *(str(pid) for pid in server.workers()))

        top.type(b"q")
        assert top.wait() == 0
        assert top.is_as_before()
        assert LEFT in top.octets


def test_follows_the_size_of_the_terminal(watched):
    _, url = watched("--processes", "1", "system_apps:router")

    with shown(url) as top:
        top.wait_for("workers 1/1")
        for columns, rows in [(60, 15), (132, 50)]:
            top.resize(columns, rows)
            frame = wait_until(
                lambda rows=rows: top.frame().count("\n") == rows - 1 and top.frame(), PATIENCE
            )
            assert max(len(line) for line in frame.split("\n")) < columns


def test_understands_keys(watched):
    _, url = watched("--processes", "1", "system_apps:router")

    with shown(url) as top:
        top.wait_for("SLOT", "+/- 1.0s")
        top.type(b"-\x1b[A")  # an arrow means nothing
        top.wait_for("SLOT", "+/- 0.5s")
        top.type(b"p")
        top.wait_for("PAUSED")
        top.type(b"t")
        top.wait_for("No reload has failed")
        top.type(b"?")
        top.wait_for("these keys")
        top.type(b"?pM")
        assert "PAUSED" not in top.wait_for("SLOT")


def test_shows_the_traceback_of_a_failed_reload(watched, tmp_path: pathlib.Path):
    module = tmp_path / "site_to_break.py"
    module.write_text("def app(environ, start_response): pass\n")
    server, url = watched("--processes", "1", "site_to_break:app", cwd=tmp_path)

    with shown(url) as top:
        module.write_text("raise ValueError('\x1b]0;\u202eoops')\n")
        server.signal(signal.SIGHUP)
        top.wait_for("reload 2  failed", "ValueError")
        top.type(b"t")
        frame = top.wait_for("Traceback", "raise ValueError('␛]0;�oops')")
        assert "\u202e" not in frame
        assert b"\x1b]" not in top.octets


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_gives_the_terminal_back_after_a_signal(watched, number):
    _, url = watched("--processes", "1", "system_apps:router")

    with shown(url) as top:
        top.wait_for("workers 1/1")
        assert not top.is_as_before()

        if number == signal.SIGINT:
            top.type(b"\x03")
        else:
            top.process.send_signal(number)

        assert top.wait() == 128 + number
        assert top.is_as_before()
        assert LEFT in top.octets


def test_gives_the_terminal_back_while_it_is_stopped(watched):
    _, url = watched("--processes", "1", "system_apps:router")

    with shown(url) as top:
        top.wait_for("workers 1/1")

        # Of a group without a parent in its session nobody could go on: the kernel does not stop it,
        # and the screen comes back at once.
        top.read()
        top.octets = b""
        top.process.send_signal(signal.SIGTSTP)
        wait_until(lambda: [top.read(), LEFT in top.octets][1], PATIENCE)
        top.octets = top.octets.rpartition(LEFT)[2]
        top.wait_for("workers 1/1")
        assert not top.is_as_before()

        top.process.send_signal(signal.SIGSTOP)
        os.waitpid(top.process.pid, os.WUNTRACED)
        termios.tcsetattr(top.terminal, termios.TCSANOW, top.before)  # as a shell would
        top.read()
        top.octets = b""
        top.process.send_signal(signal.SIGCONT)
        top.wait_for("workers 1/1")
        assert not top.is_as_before()

        top.type(b"q")
        assert top.wait() == 0
        assert top.is_as_before()


def test_waits_for_a_server_and_notices_when_it_has_gone(spawn, free_port):
    with shown(str(free_port), 100, 24) as top:
        frame = top.wait_for(f"no answer from http://127.0.0.1:{free_port} since ")
        assert ", retrying: Connection refused\n" in frame

        arguments = ["--status-port", str(free_port), "--processes", "1", "system_apps:router"]
        server = spawn(*arguments)
        top.wait_for("workers 1/1", f"pid {server.pid}")

        server.stop()
        top.wait_for(f"pid {server.pid}", "no answer from", "Connection refused")

        server = spawn(*arguments)
        frame = top.wait_for("workers 1/1", f"pid {server.pid}")
        assert "no answer" not in frame
        top.type(b"q")
        assert top.wait() == 0


def test_stays_at_hand_while_the_server_says_nothing():
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        shown(str(silent.getsockname()[1])) as top,
    ):
        top.wait_for("waiting for an answer")
        began = time.monotonic()
        top.type(b"q")
        assert top.wait() == 0
        assert time.monotonic() - began < 4  # it would ask for 5 s
        assert top.is_as_before()


@pytest.mark.parametrize("colours", [True, False])
def test_has_colours_unless_there_are_to_be_none(watched, colours):
    _, url = watched("--processes", "1", "system_apps:router")

    with shown(url, NO_COLOR="" if colours else "1") as top:
        top.wait_for("workers 1/1")
        assert (b"\x1b[1m" in top.octets) == colours
