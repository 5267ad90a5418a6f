# SPDX-License-Identifier: MIT
"""How a service stops, as its clients see it."""

import os
import re
import signal
import socket
import threading

import pytest
from running import in_all_modes, refuses, wait_until

pytestmark = in_all_modes


class Newcomers(threading.Thread):
    """Connects anew for every request until nobody is there any more."""

    def __init__(self, server):
        super().__init__()
        self.server = server
        self.answers, self.errors = [], []
        self.start()

    def run(self):
        while True:
            try:
                client = self.server.client(timeout=0.5)
            except OSError:  # refused, or turned away without an answer
                return
            try:
                client.socket.settimeout(self.server.patience)
                with client:
                    client.request("/pid")
                    self.answers.append(client.response())
            except (OSError, AssertionError) as error:
                self.errors.append(repr(error))


def stopped_under(newcomers, server):
    """Stops the server while they come; the status."""
    wait_until(lambda: all(each.answers for each in newcomers), server.patience, "answers")
    status = server.stop()
    for each in newcomers:
        each.join()
    assert [each.errors for each in newcomers if each.errors] == []
    return status


@pytest.mark.parametrize("attempt", range(5))
def test_whoever_has_connected_is_answered(spawn, attempt):
    server = spawn("--processes", "2", "--threads", "1", "system_apps:router")

    status = stopped_under([Newcomers(server) for _ in range(8)], server)

    assert status == 0


def test_who_waits_in_the_backlog_is_answered(spawn, gate):
    server = spawn("--processes", "1", "--threads", "1", "system_apps:router")
    held = server.client()
    gate.hold(held, "gated_thread")
    waiting = [server.client() for _ in range(50)]
    for each in waiting:
        each.request("/pid")

    server.signal(signal.SIGTERM)
    wait_until(lambda: refuses(server), server.patience, "the signal's effect")
    gate.open()

    assert held.response().status == 200
    answers = [each.response() for each in waiting]
    assert {each.status for each in answers} == {200}
    assert answers[-1].headers.get("connection") == "close"
    assert server.wait() == 0


class TestDrainDelay:
    @pytest.fixture
    def server(self, spawn):
        return spawn("--processes", "2", "--drain-delay", "3600", "system_apps:router")

    def test_everybody_is_served_and_told_to_go_elsewhere(self, server):
        def is_told(client):
            client.request("/pid")
            return client.response().headers.get("connection") == "close"

        with server.client() as idle:
            assert not is_told(idle)
            server.signal(signal.SIGTERM)
            server.says("serving for 3600 s more")

            wait_until(lambda: is_told(idle), server.patience, "word to who was there")
            with server.client() as newcomer:
                wait_until(lambda: is_told(newcomer), server.patience, "word to who comes")
        server.insist(signal.SIGTERM)
        assert server.wait() == 0

    def test_nobody_who_has_connected_is_lost(self, spawn):
        server = spawn("--processes", "2", "--drain-delay", "1", "system_apps:router")

        assert stopped_under([Newcomers(server) for _ in range(4)], server) == 0

    def test_a_worker_that_dies_meanwhile_is_replaced(self, server):
        (first, second) = server.workers()
        server.signal(signal.SIGTERM)
        server.says("serving for 3600 s more")

        os.kill(first, signal.SIGKILL)

        wait_until(lambda: set(server.workers()) - {first, second}, server.patience)
        server.insist(signal.SIGTERM)
        assert server.wait() == 0

    def test_a_second_signal_stops_at_once(self, server):
        server.signal(signal.SIGTERM)
        server.says("serving for 3600 s more")

        server.insist(signal.SIGTERM)

        assert server.wait() == 0


def test_the_file_of_a_unix_socket_is_gone_before_its_last_request_ends(spawn, gate, tmp_path):
    path = tmp_path / "app.sock"
    server = spawn("--bind", "127.0.0.1:0", "--bind", f"unix:{path}", "system_apps:router")
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(server.patience)
        client.connect(str(path))
        client.sendall(b"GET /gated?gate=%s HTTP/1.1\r\nHost: test\r\n\r\n" % bytes(gate.path))
        server.signal(signal.SIGTERM)

        wait_until(lambda: not path.exists(), server.patience)

        gate.open()
        assert client.recv(1000).startswith(b"HTTP/1.1 200 OK")
    assert server.wait() == 0


ENDING = """
import atexit, os, sys, threading

def say(what):
    os.write(2, b"at the end: %s\\n" % what.encode())

def outlive():
    say("outlived") if finish.wait(60) else say("forgotten")

finish = threading.Event()
atexit.register(lambda: say("registered first"))
atexit.register(lambda: say("registered last"))
atexit.register(lambda: 1 / 0)
threading.Thread(target=outlive).start()
threading.Thread(target=threading.Event().wait, daemon=True).start()

def app(environ, start_response):
    finish.set()
    sys.stderr.write("at the end: unflushed")  # no newline, so that it waits
    start_response("200 OK", [])
    return []
"""


def test_a_worker_does_at_its_end_what_the_interpreter_would(spawn, tmp_path):
    (tmp_path / "ending.py").write_text(ENDING)
    server = spawn("--processes", "1", "--threads", "1", "ending:app", cwd=tmp_path)
    assert server.get("/").status == 200

    assert server.stop() == 0

    said = re.findall(
        "at the end: (unflushed|outlived|registered first|registered last)", server.errors()
    )
    assert sorted(said) == ["outlived", "registered first", "registered last", "unflushed"]
    assert said.index("outlived") < said.index("registered last") < said.index("registered first")
