# SPDX-License-Identifier: MIT
"""The first workers: the first answer does not wait for the last one."""

import contextlib
import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import Gate
from running import APPS, PATIENCE, Client, wait_until

# One worker has it at once, the other one when the gate opens, and then does as it says.
APPLICATION = """
import os
from system_apps import router as application

try:
    os.close(os.open("first", os.O_CREAT | os.O_EXCL))
except FileExistsError:
    open("gate").read()
    {then}
"""


@pytest.fixture
def in_background():
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit


def connected(port):
    """A client, once somebody listens."""

    def connect():
        with contextlib.suppress(ConnectionRefusedError):
            return Client("127.0.0.1", port, PATIENCE)

    return wait_until(connect, PATIENCE, "a listener")


def arguments(directory, port, then):
    """Of a `spawn` of two workers, and where it runs."""
    (directory / "slow.py").write_text(APPLICATION.format(then=then))
    options = {"cwd": directory, "env": {"PYTHONPATH": str(APPS)}}
    return ["--processes", "2", "--port", str(port), "slow:application"], options


def test_the_first_worker_answers_while_another_one_loads(
    spawn, gate, tmp_path, free_port, in_background
):
    def ask():
        try:
            with connected(free_port) as client:
                client.request("/pid")
                return client.response().status
        finally:
            gate.open()

    answer = in_background(ask)
    line, options = arguments(tmp_path, free_port, "pass")
    server = spawn(*line, port=(), **options)  # the gate is open by then

    assert answer.result() == 200
    assert len(server.workers()) == 2
    assert server.get("/pid").status == 200


def test_a_request_is_finished_though_another_worker_cannot_load(
    run_spawn, gate, tmp_path, free_port, in_background
):
    held = Gate(tmp_path / "held")

    def refused():
        try:
            Client("127.0.0.1", free_port, PATIENCE).close()
        except ConnectionRefusedError:
            return True
        except OSError:
            pass  # it came while the socket was being closed
        return False

    def ask():
        with connected(free_port) as client:
            try:
                held.hold(client)
            finally:
                gate.open()
            wait_until(refused, PATIENCE, "the end of the service")
            held.open()
            return client.response().status

    answer = in_background(ask)
    line, options = arguments(tmp_path, free_port, "raise SystemExit('no more of me')")
    ended = run_spawn("--access-log-file", os.devnull, *line, **options)

    assert answer.result() == 200
    assert ended.returncode == 1
    assert "no more of me; the service cannot start, so spawn ends" in ended.stderr
    assert ended.stdout == ""  # no banner
