# SPDX-License-Identifier: MIT
"""Clients that hang up while their requests wait."""

import pathlib

from running import in_all_modes, wait_until

pytestmark = in_all_modes

COUNTING = """
import os
def app(environ, start_response):
    with open("calls", "a") as calls:
        calls.write(environ["PATH_INFO"] + "\\n")
    if environ["PATH_INFO"] == "/first":
        with open("gate") as gate:
            gate.read()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"answered"]
"""
CLOSE_WAIT = "08"
NOT_ACCEPTED = "0"


def hung_up(port: int) -> set[str]:
    """The inodes of sockets whose clients have hung up, but not yet the server."""
    lines = pathlib.Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    fields = (line.split() for line in lines)
    return {
        each[9] for each in fields if each[1].endswith(f":{port:04X}") and each[3] == CLOSE_WAIT
    }


def calls(directory: pathlib.Path) -> list[str]:
    return (directory / "calls").read_text(encoding="ascii").split()


def test_requests_of_clients_that_hung_up_never_reach_the_application(spawn, gate, tmp_path):
    (tmp_path / "counting.py").write_text(COUNTING, encoding="ascii")
    served = spawn(
        *"--processes=1 --threads=1 --worker-connections=1 --log-level=debug counting.app".split(),
        cwd=tmp_path,
    )
    known = [served.client() for _ in range(20)]  # accepted: their requests wait in the worker
    for client in known:
        client.request("/known")
        assert client.response().status == 200
    with served.client() as first, served.client() as last:
        first.request("/first")
        wait_until(lambda: "/first" in calls(tmp_path), 10)
        new = [served.client() for _ in range(100)]  # more than are let in meanwhile
        # The known ones last: who has not been accepted by their end has left long ago.
        for clients in (new, known):
            for client in clients:
                client.request("/left")
                client.close()
            wait_until(lambda: hung_up(served.port) == {NOT_ACCEPTED}, served.patience)
        last.request("/last")

        gate.open()

        assert first.response().body == b"answered"
        assert last.response().body == b"answered"
    assert calls(tmp_path) == ["/known"] * 20 + ["/first", "/last"]
    served.says("499 for GET /left", 120)
