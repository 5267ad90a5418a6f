# SPDX-License-Identifier: MIT
"""The C++ programs under docs/examples, as a reader runs them."""

from __future__ import annotations

import pathlib
import shutil
import subprocess
from collections.abc import Iterator

import pytest
from library_building import GREETER, WAYS_TO_ANSWER, Example, serving
from running import BUILD, PATIENCE, wait_until

EXAMPLES = BUILD / "docs" / "examples"


@pytest.fixture
def answering(tmp_path: pathlib.Path) -> Iterator[Example]:
    with serving(EXAMPLES / WAYS_TO_ANSWER, tmp_path / "stderr") as example:
        yield example
        assert example.stop() == 0


def curl(*arguments: str) -> str:
    program = shutil.which("curl")
    if program is None:
        pytest.skip("there is no curl")
    command = [program, "-sS", "--max-time", str(PATIENCE), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


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
