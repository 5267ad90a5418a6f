# SPDX-License-Identifier: MIT
"""The C++ programs under docs/examples, as a reader runs them."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from library_building import BESIDE_PYTHON, CONSUMER, GREETER, WAYS_TO_ANSWER, Example, serving
from running import BUILD, PATIENCE, Client, environment, wait_until

EXAMPLES = BUILD / "docs" / "examples"


@pytest.fixture
def answering(tmp_path: pathlib.Path) -> Iterator[Example]:
    with serving(EXAMPLES / WAYS_TO_ANSWER, tmp_path / "stderr") as example:
        yield example
        assert example.stop() == 0


def curl(*arguments: str) -> str:
    command = ["curl", "-sS", "--max-time", str(PATIENCE), *arguments]
    plain = {**environment(None), "LD_PRELOAD": ""}  # a sanitizer's is for our own programs
    return subprocess.run(command, capture_output=True, text=True, check=True, env=plain).stdout


def test_the_greeter_greets_and_stops_at_a_signal() -> None:
    with serving(EXAMPLES / GREETER) as example:
        said = curl("-i", f"http://127.0.0.1:{example.port}/earth")
        assert said.startswith("HTTP/1.1 200 OK\n")
        assert "Content-Type: text/plain\n" in said
        assert said.endswith("Hello from /earth\n")
        assert example.stop() == 0


class TestWaysToAnswer:
    def test_another_thread(self, answering: Example) -> None:
        assert answering.get("/thread?name=a%20b") == (200, b"Hello, a b\n")

    def test_a_coroutine(self, answering: Example) -> None:
        assert answering.get("/coroutine") == (200, b"it took a while\n")

    def test_a_stream_waits_for_its_client(self, answering: Example) -> None:
        with answering.client() as client:
            client.request("/stream?blocks=2000")  # 125 MiB: more than is kept for it
            assert answering.get("/stream?blocks=2") == (200, b"x" * (128 << 10))
            client.head()
            received = 0
            while chunk := client.chunk():
                received += len(chunk)
        assert received == 2000 * (64 << 10)

    def test_a_body_in_pieces(self, answering: Example) -> None:
        with answering.client() as client:
            client.post("/count", b"a line\n" * 100_000)
            assert client.response().body == b"100000 lines\n"

    def test_a_body_as_a_text_up_to_a_limit(self, answering: Example) -> None:
        with answering.client() as client:
            client.post("/shout", b"hey")
            assert client.response().body == b"HEY"
            client.post("/shout", b"x" * (1 << 20) + b"x")
            assert client.response().status == 413

    def test_a_client_that_goes(self, answering: Example, tmp_path: pathlib.Path) -> None:
        with answering.client() as client:
            client.request("/wait")
            assert answering.get("/x%20y") == (404, b"there is nothing at /x y")

        errors = tmp_path / "stderr"
        wait_until(lambda: "a client has gone" in errors.read_text(), PATIENCE)


# Stays in Python until somebody writes to the pipe, with or without the interpreter's lock.
STUCK = """
import ctypes, os, sys

pipe = os.open("pipe", os.O_RDWR)
keeping_the_lock = ctypes.PyDLL(None)
sys.setswitchinterval(1000)  # nor does anybody take it away

def app(environ, start_response):
    line = environ["PATH_INFO"].encode() + b"\\n"
    keeping_the_lock.write(2, line, ctypes.c_size_t(len(line)))
    if environ["PATH_INFO"] == "/locked":
        keeping_the_lock.read(pipe, ctypes.create_string_buffer(1), ctypes.c_size_t(1))
    elif environ["PATH_INFO"] == "/waits":
        os.read(pipe, 1)
    start_response("200 OK", [])
    return [b"at last"]
"""


@contextlib.contextmanager
def stuck(place: pathlib.Path, paths: list[str]) -> Iterator[tuple[Example, list[Client]]]:
    """The example, with Python at work on `paths`, and the clients that wait for it."""
    (place / "stuck.py").write_text(STUCK)
    os.mkfifo(place / "pipe")
    log = place / "stderr"
    with contextlib.ExitStack() as stack:
        program = serving(EXAMPLES / BESIDE_PYTHON, log, "stuck:app", cwd=place)
        example = stack.enter_context(program)
        clients = [stack.enter_context(example.client()) for _ in paths]
        for client, path in zip(clients, paths):
            client.request(path)
        wait_until(lambda: log.read_text().splitlines() == paths, PATIENCE, f"{paths} in {log}")
        yield example, clients


def release(place: pathlib.Path, clients: list[Client]) -> None:
    (place / "pipe").write_bytes(b"x" * len(clients))
    assert [client.response().body for client in clients] == [b"at last"] * len(clients)


def ask_without_a_pause(example: Example, path: str, answers: list[int]) -> None:
    """Until the server does not answer any more."""
    with contextlib.suppress(OSError, AssertionError), example.client() as client:
        while True:
            client.request(path)
            answers.append(client.response().status)


class TestBesidePython:
    def test_each_answers_what_is_its_own(self) -> None:
        with serving(EXAMPLES / BESIDE_PYTHON) as example:
            for path in ("/fast", "/fast/er"):
                assert example.get(path) == (200, f"C++ has answered {path}\n".encode())
            for path in ("/", "/faster"):
                assert example.get(path) == (200, f"Python has read 0 octets for {path}\n".encode())
            said = curl("-d", "five!", f"http://127.0.0.1:{example.port}/news")
            assert said == "Python has read 5 octets for /news\n"
            assert example.stop() == 0

    @pytest.mark.parametrize("paths", [["/waits"] * 4, ["/locked"]], ids=["threads", "lock"])
    def test_cpp_answers_while_python_has_no(
        self, tmp_path: pathlib.Path, paths: list[str]
    ) -> None:
        """…thread left, and while the interpreter's lock is kept."""
        with stuck(tmp_path, paths) as (example, clients), example.client() as another:
            another.request("/waits-for-python")
            for _ in range(100):
                assert example.get("/fast") == (200, b"C++ has answered /fast\n")
            assert (tmp_path / "stderr").read_text().splitlines() == paths

            release(tmp_path, clients)

            assert another.response().body == b"at last"
            assert example.stop() == 0

    def test_it_stops_under_load_when_what_runs_has_been_answered(
        self, tmp_path: pathlib.Path
    ) -> None:
        with stuck(tmp_path, ["/waits"]) as (example, clients):
            answers: dict[str, list[int]] = {"/": [], "/fast": []}
            load = [
                threading.Thread(target=ask_without_a_pause, args=(example, *each))
                for each in answers.items()
                for _ in range(2)
            ]
            for each in load:
                each.start()
            wait_until(lambda: min(map(len, answers.values())) > 100, PATIENCE)

            example.process.terminate()
            for each in load:
                each.join()
            release(tmp_path, clients)

            assert example.process.wait(PATIENCE) == 0
            assert {*answers["/"], *answers["/fast"]} == {200}
        said = (tmp_path / "stderr").read_text()
        assert "SIGTERM: stopping" in said
        assert not re.search("Traceback|Error|error|Sanitizer", said), said

    @pytest.mark.parametrize(
        "name, trouble",
        [
            ("nowhere:app", "No module named 'nowhere'; expected MODULE:CALLABLE"),
            ("reading:nothing", "module 'reading' has no attribute 'nothing'; expected MODULE:"),
            ("reading:__doc__", "expected a WSGI application, a callable, not str"),
        ],
    )
    def test_an_application_that_is_not_there_is_one_line(self, name: str, trouble: str) -> None:
        outcome = subprocess.run(
            [EXAMPLES / BESIDE_PYTHON, "127.0.0.1:0", name],
            cwd=CONSUMER,
            env=environment(None),
            capture_output=True,
            text=True,
            check=False,
        )
        assert (outcome.returncode, outcome.stdout) == (1, "")
        assert trouble in outcome.stderr
        assert outcome.stderr.count("\n") == 1

    def test_an_activated_environment_counts(self, tmp_path: pathlib.Path) -> None:
        shop = tmp_path / "environment"
        base = f"{sys.base_prefix}/bin/python{sys.version_info.major}.{sys.version_info.minor}"
        subprocess.run([base, "-m", "venv", "--without-pip", shop], check=True)
        (tmp_path / "where.py").write_text(
            "import sys\n"
            "def app(environ, start_response):\n"
            "    start_response('200 OK', [])\n"
            "    return [sys.prefix.encode()]\n"
        )
        path = f"{shop}/bin:{os.environ['PATH']}"
        program = serving(EXAMPLES / BESIDE_PYTHON, None, "where:app", cwd=tmp_path, PATH=path)
        with program as example:
            assert example.get("/") == (200, str(shop).encode())
            assert example.stop() == 0


@contextlib.contextmanager
def supervised(says: pathlib.Path, log: pathlib.Path) -> Iterator[tuple[Example, int]]:
    """The service, once it serves, and the port of its status."""
    with socket.create_server(("127.0.0.1", 0)) as listening, log.open("w") as stderr:
        number = listening.fileno()
        process = subprocess.Popen(
            [EXAMPLES / "supervised_server", says, f"fd://{number}", "127.0.0.1:0"],
            pass_fds=[number],
            stderr=stderr,
            env=environment(None),
        )
        port = listening.getsockname()[1]
    try:
        found = wait_until(lambda: re.search(r"status at \S+:(\d+)/", log.read_text()), PATIENCE)
        yield Example(process, port), int(found[1])
        process.terminate()
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
        process.wait(PATIENCE)


class TestSupervisedServer:
    def test_it_says_what_stands_in_the_file_from_the_next_reload_on(
        self, tmp_path: pathlib.Path
    ) -> None:
        says, log = tmp_path / "says", tmp_path / "stderr"
        says.write_text("one\n")

        with supervised(says, log) as (example, _):
            assert example.get("/") == (200, b"one\n")
            says.write_text("two\n")  # is watched
            wait_until(lambda: example.get("/") == (200, b"two\n"), PATIENCE)

            says.write_text("")
            wait_until(lambda: "says nothing" in log.read_text(), PATIENCE)
            assert example.get("/") == (200, b"two\n")

    def test_it_reloads_on_hup_and_shows_its_status(self, tmp_path: pathlib.Path) -> None:
        says, log = tmp_path / "says", tmp_path / "stderr"
        says.write_text("one\n")

        with supervised(says, log) as (example, port):
            example.process.send_signal(signal.SIGHUP)

            def status() -> dict[str, object]:
                with Client("127.0.0.1", port, PATIENCE) as client:
                    client.request("/status.json")
                    return json.loads(client.response().body)

            wait_until(lambda: status()["generation"] == 2, PATIENCE)
            assert example.get("/") == (200, b"one\n")


def test_a_watcher_prints_what_changes(tmp_path: pathlib.Path) -> None:
    watched, log = tmp_path / "watched", tmp_path / "stderr"
    watched.mkdir()
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [EXAMPLES / "watch_files", watched],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env=environment(None),
        )
    try:
        wait_until(lambda: "watching" in log.read_text(), PATIENCE)
        (watched / "new").write_text("x")
        assert process.stdout is not None
        assert process.stdout.readline() == f"{watched / 'new'}\n"
        process.terminate()
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
        process.wait(PATIENCE)
        if process.stdout is not None:
            process.stdout.close()
