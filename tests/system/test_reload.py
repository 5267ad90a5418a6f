# SPDX-License-Identifier: MIT
"""Reloads, as clients with open connections see them."""

import os
import pathlib
import re
import resource
import signal
import socket
import time

import pytest
from busy_clients import asking
from running import SANITIZED, THREADS, Client, alive, in_all_modes, wait_until

VALIDATOR = "wsgiref.validate.validator"
SOURCE = """\
import os
VERSION = b"{version}"
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [VERSION + b" by %d|" % os.getpid()]
"""
REQUEST = b"GET / HTTP/1.1\r\nHost: test\r\n\r\n"


@pytest.fixture
def deployed(spawn, tmp_path):
    """deployed(*arguments): an application whose answers begin with its version, 1 at first."""

    def deployed(*arguments):
        deploy(tmp_path, 1)
        return spawn(*arguments, "versioned:app", VALIDATOR, cwd=tmp_path)

    return deployed


def deploy(directory, version):
    replaced = directory / "new.py"
    # As long as the version before may be: bytecode is told apart by size and second.
    replaced.write_text(SOURCE.format(version=version) + "#" * version)
    replaced.rename(directory / "versioned.py")


@in_all_modes
def test_keep_alive_clients_that_never_pause_notice_no_reload(deployed, served_by):
    server = deployed("--processes", "2", "--threads", "2")
    with asking(server, lasting=64, anew=0):
        for _ in range(10 if served_by == THREADS else 3):
            server.reload()

    assert server.stop() == 0


def test_keep_alive_clients_notice_no_reload_of_few_workers_at_a_time(deployed, tmp_path):
    server = deployed("--processes", "3", "--surge", "1", "--threads", "2")
    with asking(server, lasting=16, anew=0):
        for _ in range(2):
            server.reload()
        deploy(tmp_path, 2)
        server.reload()
        assert server.get("/").body.startswith(b"2 by")

    assert len(server.workers()) == 3


def test_a_failure_leaves_what_serves_alone_when_few_are_loaded_at_a_time(deployed, tmp_path):
    server = deployed("--processes", "3", "--surge", "2")
    workers = set(server.workers())
    (tmp_path / "versioned.py").write_text("import nonexistent_module\n")

    server.signal(signal.SIGHUP)
    server.says("is discarded")
    wait_until(lambda: set(server.workers()) == workers, server.patience, "the end of the new ones")

    assert "ModuleNotFoundError: No module named 'nonexistent_module'" in server.errors()
    assert server.get("/").body.startswith(b"1 by")


@in_all_modes
def test_clients_that_connect_anew_for_each_request_notice_no_reload(deployed, served_by):
    server = deployed("--processes", "2", "--threads", "2")
    with asking(server, lasting=0, anew=4):
        for _ in range(5 if served_by == THREADS else 2):
            server.reload()


def connect_idle(server, count):
    sockets = []
    for _ in range(count):
        sockets.append(socket.create_connection((server.host, server.port), server.patience))
        sockets[-1].sendall(REQUEST)
    for each in sockets:
        assert receive(each).startswith(b"HTTP/1.1 200 OK")
    return sockets


def receive(connection):
    answer = b""
    while not answer.endswith(b"|\r\n0\r\n\r\n"):
        piece = connection.recv(65536)
        assert piece, f"the connection has ended: {answer}"
        answer += piece
    return answer


@in_all_modes
@pytest.mark.parametrize("signals", [["HUP"] * 3, ["TTIN", "HUP", "TTOU"]])
def test_idle_connections_live_on_in_the_newest_generation(deployed, tmp_path, slowness, signals):
    count = 500 if SANITIZED else 2000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 1 << 16), hard))
    server = deployed("--processes", "2", "--threads", "2")
    sockets = connect_idle(server, count)
    try:
        version = 1
        for name in signals:
            if name == "HUP":
                version += 1
                deploy(tmp_path, version)
                assert server.reload() < 2 * slowness
            else:
                workers = len(server.workers())
                wanted = workers + (1 if name == "TTIN" else -1)
                server.signal(getattr(signal, "SIG" + name))
                wait_until(
                    lambda wanted=wanted: len(server.workers()) == wanted, server.patience, name
                )

        for each in sockets:
            each.sendall(REQUEST)
        answers = [receive(each) for each in sockets]
    finally:
        for each in sockets:
            each.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert all(b"\r\n\r\n" in answer and b"%d by " % version in answer for answer in answers)
    by_worker = {re.search(rb"by (\d+)", answer).group(1) for answer in answers}
    assert by_worker == {b"%d" % pid for pid in server.workers()}
    assert "dropped" not in server.errors()


@in_all_modes
def test_a_replaced_worker_gives_its_connections_to_its_siblings(spawn, gate):
    server = spawn(
        "--processes", "1", "--threads", "2", "--request-timeout", "1", "system_apps:router"
    )
    (worker,) = server.workers()
    with server.client() as idle, server.client() as overdue:
        idle.request("/pid")
        assert int(idle.response().body) == worker
        overdue.request(f"/gated?gate={gate.path}")
        assert overdue.response().status == 503
        wait_until(lambda: set(server.workers()) - {worker}, server.patience, "a successor")
        gate.open()
        wait_until(lambda: not alive(worker), server.patience, "the end of the old one")

        idle.request("/pid")
        assert int(idle.response().body) != worker


@in_all_modes
def test_a_stop_closes_idle_connections(deployed, slowness):
    server = deployed("--processes", "2", "--threads", "1")
    with server.client() as idle:
        idle.request("/")
        idle.response()
        server.reload()
        started = time.monotonic()

        assert server.stop() == 0

        assert idle.at_end()
        assert time.monotonic() - started < 2 * slowness


@in_all_modes
def test_a_connection_that_has_waited_for_a_slow_answer_is_handed_over_too(spawn, gate):
    server = spawn("--processes", "1", "--threads", "1", "system_apps:router")
    (worker,) = server.workers()
    with Client(server.host, server.port, server.patience) as client:
        gate.hold(client)
        server.signal(signal.SIGHUP)
        server.says("reloaded:")
        assert alive(worker)
        gate.open()

        response = client.response()
        assert response.body == b"passed"
        assert "connection" not in response.headers
        wait_until(lambda: not alive(worker), server.patience, "the end of the old one")
        client.request("/pid")
        assert int(client.response().body) != worker


def held(server):
    """What the supervisor has: descriptors, children (zombies, too), and own memory in KiB."""
    process = pathlib.Path(f"/proc/{server.pid}")
    children = (process / "task" / str(server.pid) / "children").read_text().split()
    rollup = (process / "smaps_rollup").read_text()
    # Of Pss a part is that of libraries, which other processes use and leave.
    memory = re.search(r"^Anonymous:\s+(\d+) kB", rollup, re.MULTILINE)
    return len(list((process / "fd").iterdir())), len(children), int(memory.group(1))


def test_nothing_is_left_of_reloads_in_the_supervisor(deployed, tmp_path):
    server = deployed("--processes", "2", "--threads", "1")
    at_first = held(server)[:2]

    def reload_well_and_badly(times):
        for _ in range(times):
            deploy(tmp_path, 1)
            server.reload()
            (tmp_path / "versioned.py").write_text("raise LookupError")
            count = server.errors().count("is discarded")
            server.signal(signal.SIGHUP)
            server.says("is discarded", count + 1)
        wait_until(
            lambda: held(server)[:2] == at_first, server.patience, "what two workers take, no more"
        )
        return held(server)[2]

    memory = reload_well_and_badly(10)
    memory_after = reload_well_and_badly(10)

    if not SANITIZED:
        assert memory_after <= memory + 64
    assert server.stop() == 0


def test_a_worker_that_ends_gives_way_to_those_that_serve(spawn, tmp_path):
    (tmp_path / "ending.py").write_text(
        "import atexit, os\n"
        "atexit.register(lambda: os.write(2, b'ends at nice %d\\n' % os.nice(0)))\n"
        "app = lambda environ, start_response: start_response('200 OK', []) and []\n"
    )
    server = spawn("--processes", "1", "ending:app", cwd=tmp_path)

    server.reload()

    assert f"ends at nice {min(os.nice(0) + 5, 19)}\n" in server.errors()
