# SPDX-License-Identifier: MIT
"""Upgrades of `spawn` itself, which executes itself anew on SIGUSR2 and goes on."""

import os
import pathlib
import signal
import socket
import subprocess
import sys

import pytest
from busy_clients import asking
from projects import application
from running import PATIENCE, PROGRAM, alive, parent_of, wait_until
from status_pages import Status

APP = ("--processes", "2", "--threads", "2", "system_apps:router")


def serving(server):
    """The pids of the workers that answer."""
    return {int(server.get("/pid").body) for _ in range(20)}


def descriptors(server):
    return len(os.listdir(f"/proc/{server.pid}/fd"))


def zombies_of(pid):
    tasks = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [each for each in tasks if not alive(int(each))]


def test_nobody_notices_twenty_re_executions(spawn):
    server = spawn(*APP)
    workers = set(server.workers())
    with asking(server, "/pid"):
        server.re_execute()
        before = descriptors(server)
        for _ in range(19):
            server.re_execute()

        wait_until(
            lambda: descriptors(server) <= before, server.patience, "as many descriptors as before"
        )
        assert set(server.workers()) == workers

    assert server.errors().count("goes on with 2 workers") == 20
    assert serving(server) <= workers
    command = pathlib.Path(f"/proc/{server.pid}/cmdline").read_bytes().split(b"\0")
    assert command.count(b"-z") == 1
    assert server.stop() == 0
    assert server.process.stdout.read() == ""  # no second banner
    assert not any(alive(pid) for pid in workers)


def test_a_request_that_runs_meanwhile_is_answered(spawn, gate):
    server = spawn("--processes", "1", "--threads", "1", "system_apps:router")
    with server.client() as client:
        gate.hold(client)
        server.re_execute()
        gate.open()

        assert client.response().body == b"passed"
        client.request("/pid")
        assert [int(client.response().body)] == server.workers()


def test_everything_else_works_as_before(spawn):
    server = spawn(*APP)
    server.signal(signal.SIGTTIN)
    wait_until(lambda: len(server.workers()) == 3, server.patience, "one more worker")

    server.re_execute()
    server.reload()
    workers = set(server.workers())
    assert len(workers) == 3
    assert serving(server) <= workers

    victim = workers.pop()
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: len(set(server.workers()) - {victim}) == 3, server.patience, "a successor")
    server.signal(signal.SIGTTOU)
    wait_until(lambda: len(server.workers()) == 2, server.patience, "one worker fewer")

    assert server.stop() == 0
    assert not any(alive(pid) for pid in server.seen_workers)


def test_a_drain_goes_on(spawn, gate):
    server = spawn("--processes", "1", "--threads", "1", "system_apps:router")
    (worker,) = server.workers()
    with server.client() as client:
        gate.hold(client)
        server.signal(signal.SIGHUP)
        server.says("reloaded:")

        server.re_execute()
        assert alive(worker)
        gate.open()

        assert client.response().body == b"passed"
        wait_until(lambda: not alive(worker), server.patience, "the end of the old one")
        client.request("/pid")  # it was handed over
        assert [int(client.response().body)] == server.workers()


def test_a_worker_that_does_not_end_in_time_is_killed_by_the_next_program(spawn, gate):
    server = spawn("--processes", "1", "--deadman", "3", "system_apps:router")
    with server.client() as client:
        worker = gate.hold(client)
        server.signal(signal.SIGHUP)
        server.says("reloaded:")
        server.re_execute()

        wait_until(lambda: not alive(worker), server.patience, "its end")

    assert f"(pid {worker}) did not end in time and is killed" in server.errors()


def test_a_reload_that_is_under_way_goes_on(spawn, tmp_path, gate):
    (tmp_path / "slow.py").write_text(
        application("old")
        + f"\nimport os\nif os.path.exists({str(tmp_path / 'wait')!r}):"
        + f"\n    open({str(gate.path)!r}).read()\n"
    )
    server = spawn("--processes", "1", "slow:app", cwd=tmp_path)
    before = set(server.workers())
    (tmp_path / "wait").touch()
    server.signal(signal.SIGHUP)
    wait_until(lambda: len(server.workers()) == 2, server.patience, "a generation that loads")

    for _ in range(2):
        server.re_execute()
    assert "goes on with 2 workers" in server.errors()
    assert "reloaded:" not in server.errors()
    gate.open()

    server.says("reloaded:")
    wait_until(lambda: not any(alive(pid) for pid in before), server.patience, "their end")
    assert server.get("/").status == 200
    assert server.stop() == 0


@pytest.mark.parametrize("last", [signal.SIGTERM, signal.SIGQUIT])
def test_signals_that_come_in_a_burst_are_not_lost_and_not_deadly(spawn, last):
    server = spawn(*APP)
    for number in [signal.SIGUSR2, signal.SIGHUP, signal.SIGTTIN, signal.SIGUSR2] * 10:
        server.workers()
        server.signal(number)
    server.says("re-executed")
    server.says("reloaded:")
    wait_until(lambda: not zombies_of(server.pid), server.patience, "no zombie")
    for number in [signal.SIGUSR2, signal.SIGHUP, signal.SIGUSR2, last]:
        server.workers()
        server.signal(number)

    assert server.wait() == 0
    wait_until(
        lambda: not any(alive(pid) for pid in server.seen_workers), server.patience, "their end"
    )
    assert "Traceback" not in server.errors()


def test_a_signal_at_any_moment_of_a_re_execution_has_its_effect(spawn):
    server = spawn("--processes", "1", "spawning.wsgi_factory.hello_world")

    for number in range(1, 9):
        server.signal(signal.SIGUSR2)
        server.says("trying")
        server.signal(signal.SIGTTIN if number % 2 else signal.SIGTTOU)
        server.says("re-executed", number)
        # A second one of a kind that is still pending would be lost.
        server.says(" wanted", 3 * number - 2)
        server.signal(signal.SIGTTIN)
        server.signal(signal.SIGTTOU)
        server.says(" wanted", 3 * number)
    wait_until(lambda: len(server.workers()) == 1, server.patience, "one worker")


def test_a_worker_that_is_killed_meanwhile_is_replaced(spawn):
    server = spawn("--processes", "3", "spawning.wsgi_factory.hello_world")
    for _ in range(5):
        workers = wait_until(
            lambda: server.workers() if len(server.workers()) == 3 else None, server.patience
        )
        count = server.errors().count("re-executed")
        server.signal(signal.SIGUSR2)
        os.kill(workers[0], signal.SIGKILL)
        server.says("re-executed", count + 1)
        wait_until(
            lambda victim=workers[0]: (
                parent_of(victim) is None and len(set(server.workers()) - {victim}) == 3
            ),
            server.patience,
            "a successor",
        )
        wait_until(lambda: not zombies_of(server.pid), server.patience, "no zombie")


def test_a_stop_that_is_under_way_is_not_interrupted(spawn, gate):
    server = spawn("--processes", "1", "--threads", "1", "system_apps:router")
    with server.client() as client:
        client.request(f"/stream?gate={gate.path}")
        client.head()
        assert client.chunk() == b"block 0\n"
        server.signal(signal.SIGTERM)
        server.says("requests may finish")
        server.signal(signal.SIGUSR2)
        server.says("as the service stops")
        for block in range(1, 4):
            gate.open()
            assert client.chunk() == b"block %d\n" % block
        assert client.chunk() == b""
    assert server.wait() == 0


def test_socket_files_and_inherited_sockets_stay_what_they_are(spawn, tmp_path):
    ours, inherited = tmp_path / "app.sock", tmp_path / "inherited.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(inherited))
        listener.listen()
        binds = ["127.0.0.1:0", f"unix:{ours}", f"fd://{listener.fileno()}"]
        server = spawn(*[f"--bind={each}" for each in binds], *APP, pass_fds=[listener.fileno()])

    for _ in range(2):
        server.re_execute()
    server.reload()

    for path in (ours, inherited):
        assert path.is_socket()
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(server.patience)
            client.connect(str(path))
            client.sendall(b"GET /pid HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
            assert client.makefile("rb").readline() == b"HTTP/1.1 200 OK\r\n"
    assert server.get("/pid").status == 200
    assert server.stop() == 0
    assert not ours.exists()
    assert inherited.is_socket()


def test_the_status_goes_on(spawn):
    server = spawn("--status-port", "0", *APP)
    status = Status(server)

    server.reload()
    before = status.json()
    workers = set(server.workers())
    for _ in range(2):
        server.re_execute()
    after = status.json()

    for name in ("pid", "started_at", "reloads", "children"):
        assert name in before
    assert (after["pid"], after["started_at"]) == (before["pid"], before["started_at"])
    assert after["reloads"] == before["reloads"]
    assert {each["pid"] for each in after["children"]} == workers
    assert server.errors().count("status: ") == 1


@pytest.mark.parametrize("how", [["--reload", "dev"], ["--watch", "watched.py"]])
def test_files_are_watched_as_before(spawn, tmp_path, how):
    watched = tmp_path / "watched.py"
    watched.write_text(application("one"))
    server = spawn("--processes", "1", *how, "watched:app", cwd=tmp_path)
    assert server.get("/").body == b"one"
    server.re_execute()
    for text in ("two2", "three"):
        watched.write_text(application(text[:3]) + f"# {text}\n")
        wait_until(lambda text=text: server.get("/").body == text[:3].encode(), server.patience)
        server.re_execute()
    # What changes at that very moment is noticed, too.
    server.signal(signal.SIGUSR2)
    watched.write_text(application("fin") + "# that is longer\n")
    wait_until(lambda: server.get("/").body == b"fin", server.patience, "the last change")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("nonsense", "expected what a supervisor says that executes itself anew"),
        ('{"state": 99}', "descriptor 99 is not from a supervisor"),
        ('{"state": 0}', "descriptor 0 is not from a supervisor"),
    ],
)
@pytest.mark.parametrize("name", ["-z", "--z-restart-args"])
def test_what_only_a_supervisor_says_is_refused_from_people(run_spawn, name, value, text):
    ended = run_spawn("--port", "0", name, value, *APP)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == f"spawn: --z-restart-args: {text}\n"


def test_a_first_generation_that_still_loads_is_announced_by_the_next_program(tmp_path, gate):
    (tmp_path / "slow.py").write_text(f"open({str(gate.path)!r}).read()\n" + application("yes"))
    with (tmp_path / "stderr").open("w") as errors:
        process = subprocess.Popen(
            [PROGRAM, "--port", "0", "--python", sys.executable, "--processes", "1", "slow:app"],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        wait_until(
            lambda: b"slow:app" in pathlib.Path(f"/proc/{process.pid}/cmdline").read_bytes(),
            PATIENCE,
        )
        wait_until(lambda: _signals_are_caught(process.pid), PATIENCE, "its handlers")
        process.send_signal(signal.SIGUSR2)
        wait_until(lambda: "re-executed" in (tmp_path / "stderr").read_text(), PATIENCE)
        gate.open()
        assert f"pid {process.pid}" in process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
        assert process.stdout.read() == ""
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def _signals_are_caught(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    caught = int(status.partition("SigCgt:")[2].split()[0], 16)
    return caught >> (signal.SIGUSR2 - 1) & 1
