# SPDX-License-Identifier: MIT
"""The C++ programs under docs/examples, as a reader runs them."""

from __future__ import annotations

import contextlib
import json
import pathlib
import re
import signal
import socket
import subprocess
from collections.abc import Iterator

import pytest
from library_building import GREETER, WAYS_TO_ANSWER, Example, serving
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
