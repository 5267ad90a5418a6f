# SPDX-License-Identifier: MIT
"""What processes and connections take that have nothing to do."""

from __future__ import annotations

import contextlib
import pathlib
import re
import resource
import subprocess
import sys

import pytest
from running import BUILD, SANITIZED, environment, wait_until

pytestmark = pytest.mark.skipif(SANITIZED, reason="a sanitizer's own memory is many times ours")

APP = ("--processes", "1", "spawning.wsgi_factory.hello_world")
CROWD = 4000
REQUEST = b"GET / HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: test\r\nAccept: */*\r\n\r\n"


def memory_of(pid: int, kind: str = "Pss") -> int:
    """In KiB: its own, and its share of what it shares; or of another kind that proc(5) tells of."""
    rollup = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    found = re.search(rf"^{kind}:\s+(\d+) kB", rollup, re.MULTILINE)
    assert found is not None
    return int(found[1])


@pytest.fixture
def many_descriptors():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < CROWD + 1000:
        pytest.skip(f"at most {hard} descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def ask(clients):
    for client in clients:
        client.send(REQUEST)
    for client in clients:
        assert client.response().status == 200


@pytest.mark.usefixtures("many_descriptors")
def test_a_connection_that_is_kept_alive_takes_at_most_a_kibibyte(spawn):
    server = spawn(*APP)
    (worker,) = server.workers()

    def memory():  # what it shares would become more when somebody else ends
        return memory_of(worker, "Anonymous")

    with contextlib.ExitStack() as stack:

        def connect(count):
            return [stack.enter_context(server.client()) for _ in range(count)]

        ask(connect(600))  # so many that everything is there that is kept for the next requests
        before = memory()
        crowd = connect(CROWD)
        ask(crowd[-1:])  # all of them have been accepted

        assert memory() - before <= CROWD

        ask(crowd)

        wait_until(lambda: memory() - before <= CROWD, 30, "their memory comes back")


def test_a_worker_takes_little_more_than_python_with_the_application(spawn):
    program = "import spawning.wsgi_factory, sys; print(flush=True); sys.stdin.read()"
    server = spawn(*APP)
    assert server.get("/").status == 200
    (worker,) = server.workers()
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment({"PYTHONPATH": str(BUILD / "python")}),
    ) as bare:
        assert bare.stdout is not None
        bare.stdout.readline()
        more = memory_of(worker) - memory_of(bare.pid)

        bare.communicate()
    assert more <= 6 << 10
