# SPDX-License-Identifier: MIT
"""Upgrades of `spawn` itself, which executes itself anew on SIGUSR2 and goes on."""

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading

import pytest
from running import BUILD, PATIENCE, PROGRAM, SANITIZED, Client, alive, parent_of, wait_until

APP = ("--processes", "2", "--threads", "2", "system_apps:router")
SLEEPER = f"#!{sys.executable}\nimport time\ntime.sleep(1000)\n".encode()
SOURCE = """
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "3")])
    return [b"{text}"]
"""


def re_execute(server, times=1):
    """Sends USR2, and waits until the next program has taken over."""
    for _ in range(times):
        server.workers()
        count = server.errors().count("re-executed")
        server.signal(signal.SIGUSR2)
        wait_until(
            lambda count=count: server.errors().count("re-executed") > count,
            server.patience,
            "the next program",
        )


def refused(server, number=1):
    """Sends USR2, and waits until the next program has failed."""
    server.signal(signal.SIGUSR2)
    wait_until(
        lambda: server.errors().count("this program goes on") == number,
        server.patience,
        "the next program's failure",
    )
    assert "re-executed" not in server.errors()


def reload(server):
    """Reloads, and waits until every worker from before is gone."""
    before = set(server.workers())
    count = server.errors().count("reloaded:")
    server.signal(signal.SIGHUP)
    wait_until(lambda: server.errors().count("reloaded:") > count, server.patience, "a reload")
    wait_until(lambda: not any(alive(pid) for pid in before), server.patience, "their end")


def serving(server):
    """The pids of the workers that answer."""
    return {int(server.get("/pid").body) for _ in range(20)}


def descriptors(server):
    return len(os.listdir(f"/proc/{server.pid}/fd"))


def zombies_of(pid):
    tasks = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [each for each in tasks if not alive(int(each))]


def program_of(server):
    return os.readlink(f"/proc/{server.pid}/exe")


class Asking(threading.Thread):
    """Asks again and again, over one connection or over a new one each time, until left."""

    def __init__(self, server, keep_alive):
        super().__init__()
        self.server, self.keep_alive = server, keep_alive
        self.enough = threading.Event()
        self.answers = self.connections = 0
        self.failures = []

    def __enter__(self):
        self.start()
        wait_until(lambda: self.answers, self.server.patience, "an answer")
        return self

    def __exit__(self, *_):
        self.enough.set()
        self.join()

    def run(self):
        try:
            while not self.enough.is_set():
                self.connections += 1
                self._use_a_connection()
        except (OSError, AssertionError) as error:
            self.failures.append(repr(error))

    def _use_a_connection(self):
        with self.server.client() as client:
            while not self.enough.is_set():
                client.request("/pid", *([] if self.keep_alive else ["Connection: close"]))
                response = client.response()
                assert response.status == 200
                self.answers += 1
                if response.headers.get("connection") == "close":
                    return


def test_nobody_notices_twenty_re_executions(spawn):
    server = spawn(*APP)
    workers = set(server.workers())
    with Asking(server, True) as kept, Asking(server, True) as other, Asking(server, False) as new:
        re_execute(server)
        before = descriptors(server)
        re_execute(server, 19)

        assert descriptors(server) == before
        assert set(server.workers()) == workers
        enough = kept.answers + 10, new.answers + 10
        wait_until(
            lambda: (kept.answers, new.answers) >= enough, server.patience, "answers afterwards"
        )

    assert [*kept.failures, *other.failures, *new.failures] == []
    assert (kept.connections, other.connections) == (1, 1)
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
        client.request(f"/gated?gate={gate.path}")
        re_execute(server)
        gate.open()

        assert client.response().body == b"passed"
        client.request("/pid")
        assert [int(client.response().body)] == server.workers()


def test_everything_else_works_as_before(spawn):
    server = spawn(*APP)
    server.signal(signal.SIGTTIN)
    wait_until(lambda: len(server.workers()) == 3, server.patience, "one more worker")

    re_execute(server)
    reload(server)
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
        client.request(f"/gated?gate={gate.path}")
        server.signal(signal.SIGHUP)
        wait_until(lambda: "reloaded:" in server.errors(), server.patience, "a new generation")

        re_execute(server)
        assert alive(worker)
        gate.open()

        assert client.response().body == b"passed"
        wait_until(lambda: not alive(worker), server.patience, "the end of the old one")
        client.request("/pid")  # it was handed over
        assert [int(client.response().body)] == server.workers()


def test_a_worker_that_does_not_end_in_time_is_killed_by_the_next_program(spawn):
    server = spawn("--processes", "1", "--deadman", "3", "system_apps:router")
    (worker,) = server.workers()
    with server.client() as client:
        client.request("/sleep")
        server.signal(signal.SIGHUP)
        wait_until(lambda: "reloaded:" in server.errors(), server.patience, "a new generation")
        re_execute(server)

        wait_until(lambda: not alive(worker), server.patience, "its end")

    assert f"(pid {worker}) did not end in time and is killed" in server.errors()


def test_a_reload_that_is_under_way_goes_on(spawn, tmp_path, gate):
    (tmp_path / "slow.py").write_text(
        SOURCE.format(text="old")
        + f"\nimport os\nif os.path.exists({str(tmp_path / 'wait')!r}):"
        + f"\n    open({str(gate.path)!r}).read()\n"
    )
    server = spawn("--processes", "1", "slow:app", cwd=tmp_path)
    before = set(server.workers())
    (tmp_path / "wait").touch()
    server.signal(signal.SIGHUP)
    wait_until(lambda: len(server.workers()) == 2, server.patience, "a generation that loads")

    re_execute(server, 2)
    assert "goes on with 2 workers" in server.errors()
    assert "reloaded:" not in server.errors()
    gate.open()

    wait_until(lambda: "reloaded:" in server.errors(), server.patience, "the reload")
    wait_until(lambda: not any(alive(pid) for pid in before), server.patience, "their end")
    assert server.get("/").status == 200
    assert server.stop() == 0


@pytest.fixture
def copied(spawn, tmp_path):
    """copied(*arguments): a server whose program, `spawn` in tmp_path, may be replaced."""

    def copied(*arguments, **options):
        shutil.copy2(PROGRAM, tmp_path / "spawn")
        env = {"PYTHONPATH": str(BUILD / "python"), **options.pop("env", {})}
        options.setdefault("program", str(tmp_path / "spawn"))
        return spawn(*arguments, env=env, **options)

    return copied


def put(path, content=None):
    """Replaces a program as an installer does."""
    new = path.with_name("new")
    if content is None:
        shutil.copy2(PROGRAM, new)
    else:
        new.write_bytes(content)
        new.chmod(0o755)
    new.rename(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"#!/bin/sh\nexit 3\n", "exited with status 3"),
        (b"#!/bin/sh\nexit 0\n", "exited with status 0"),
        (b"#!/bin/sh\nkill -KILL $$\n", "was killed by SIGKILL"),
        (SLEEPER, "did not end within 3000 ms"),
        (b"no program", "cannot be executed: "),
        (None, "cannot be executed: "),
        ("truncated", ""),
        ("not executable", "Permission denied"),
        ("older", "exited with status 2"),
    ],
)
def test_a_program_that_cannot_take_over_is_not_asked_to(copied, tmp_path, content, reason):
    server = copied("--boot-timeout", "3" if "3000 ms" in reason else "60", *APP)
    program = tmp_path / "spawn"
    workers = set(server.workers())
    with Asking(server, True) as client:
        if content is None:
            program.unlink()
        elif content == "truncated":
            put(program, PROGRAM.read_bytes()[:100_000])
        elif content == "not executable":
            program.chmod(0o644)
        elif content == "older":  # one that knows nothing of the option
            put(program, f"#!/bin/sh\nexec {PROGRAM} --no-such-option\n".encode())
        else:
            put(program, content)
        refused(server)
        if not SANITIZED:  # no shell runs with a sanitizer's library in it
            assert reason in server.errors()
        assert set(server.workers()) == workers

        put(program)
        program.chmod(0o755)
        re_execute(server)
        assert set(server.workers()) == workers
    assert client.failures == []
    assert program_of(server) == str(program)
    assert server.stop() == 0


def test_the_next_program_is_found_as_its_user_thinks_of_it(copied, tmp_path):
    for release in ("41", "42"):
        (tmp_path / release).mkdir()
        shutil.copy2(PROGRAM, tmp_path / release / "spawn")
    current = tmp_path / "current"
    current.symlink_to("41")
    server = copied(*APP, program=str(current / "spawn"))
    assert program_of(server) == str(tmp_path / "41" / "spawn")

    (tmp_path / "new").symlink_to("42")
    (tmp_path / "new").rename(current)
    re_execute(server)

    assert program_of(server) == str(tmp_path / "42" / "spawn")


def test_a_program_that_was_found_in_path_is_looked_up_again(copied, tmp_path):
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    shutil.copy2(PROGRAM, tmp_path / "second" / "spawn")
    path = f"{tmp_path}/first:{tmp_path}/second:{os.environ['PATH']}"
    # subprocess looks in the PATH that it passes on.
    server = copied(*APP, program="spawn", env={"PATH": path})
    assert program_of(server) == str(tmp_path / "second" / "spawn")

    shutil.copy2(PROGRAM, tmp_path / "first" / "spawn")
    re_execute(server)

    assert program_of(server) == str(tmp_path / "first" / "spawn")


def test_a_working_directory_that_leads_elsewhere_is_entered_anew(copied, tmp_path):
    for release in ("41", "42"):
        (tmp_path / release).mkdir()
        (tmp_path / release / "module.py").write_text(SOURCE.format(text="v" + release))
        shutil.copy2(PROGRAM, tmp_path / release / "spawn")
    current = tmp_path / "current"
    current.symlink_to("41")
    server = copied(
        "--processes", "1", "module:app", program="./spawn", cwd=current, env={"PWD": str(current)}
    )
    (tmp_path / "new").symlink_to("42")
    (tmp_path / "new").rename(current)

    re_execute(server)

    assert os.readlink(f"/proc/{server.pid}/cwd") == str(tmp_path / "42")
    assert program_of(server) == str(tmp_path / "42" / "spawn")
    assert server.get("/").body == b"v41"
    reload(server)
    assert server.get("/").body == b"v42"


@pytest.mark.parametrize("last", [signal.SIGTERM, signal.SIGQUIT])
def test_signals_that_come_in_a_burst_are_not_lost_and_not_deadly(spawn, last):
    server = spawn(*APP)
    for number in [signal.SIGUSR2, signal.SIGHUP, signal.SIGTTIN, signal.SIGUSR2] * 10:
        server.workers()
        server.signal(number)
    wait_until(lambda: "re-executed" in server.errors(), server.patience, "the next program")
    wait_until(lambda: "reloaded:" in server.errors(), server.patience, "a reload")
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

    def await_effects(count):
        wait_until(lambda: server.errors().count(" wanted") >= count, server.patience, "effects")

    for number in range(1, 9):
        server.signal(signal.SIGUSR2)
        wait_until(lambda: "trying" in server.errors(), server.patience)
        server.signal(signal.SIGTTIN if number % 2 else signal.SIGTTOU)
        wait_until(
            lambda n=number: server.errors().count("re-executed") == n,
            server.patience,
            "taken over",
        )
        await_effects(3 * number - 2)  # a second one of a kind that is still pending would be lost
        server.signal(signal.SIGTTIN)
        server.signal(signal.SIGTTOU)
        await_effects(3 * number)
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
        wait_until(
            lambda count=count: server.errors().count("re-executed") > count, server.patience
        )
        wait_until(
            lambda victim=workers[0]: (
                parent_of(victim) is None and len(set(server.workers()) - {victim}) == 3
            ),
            server.patience,
            "a successor",
        )
        wait_until(lambda: not zombies_of(server.pid), server.patience, "no zombie")


def test_a_stop_during_the_trial_wins(copied, tmp_path, slowness):
    server = copied(*APP)
    put(tmp_path / "spawn", SLEEPER)
    server.signal(signal.SIGUSR2)
    wait_until(lambda: len(server.workers()) == 3, server.patience, "the trial")
    server.signal(signal.SIGUSR2)
    wait_until(lambda: "on trial already" in server.errors(), server.patience, "a line")
    server.signal(signal.SIGTERM)

    assert server.wait(5 * slowness) == 0
    assert not any(alive(pid) for pid in server.seen_workers)


def test_a_stop_that_is_under_way_is_not_interrupted(spawn, gate):
    server = spawn("--processes", "1", "--threads", "1", "system_apps:router")
    with server.client() as client:
        client.request(f"/stream?gate={gate.path}")
        client.head()
        assert client.chunk() == b"block 0\n"
        server.signal(signal.SIGTERM)
        wait_until(lambda: "requests may finish" in server.errors(), server.patience, "the stop")
        server.signal(signal.SIGUSR2)
        wait_until(lambda: "as the service stops" in server.errors(), server.patience, "a line")
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

    re_execute(server, 2)
    reload(server)

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
    port = int(re.search(r"status: http://127\.0\.0\.1:(\d+)/", server.errors()).group(1))

    def status():
        with Client(server.host, port, server.patience) as client:
            client.request("/status.json", "Connection: close")
            return json.loads(client.response().body)

    reload(server)
    before = status()
    workers = set(server.workers())
    re_execute(server, 2)
    after = status()

    for name in ("pid", "started_at", "reloads", "children"):
        assert name in before
    assert (after["pid"], after["started_at"]) == (before["pid"], before["started_at"])
    assert after["reloads"] == before["reloads"]
    assert {each["pid"] for each in after["children"]} == workers
    assert server.errors().count("status: ") == 1


@pytest.mark.parametrize("how", [["--reload", "dev"], ["--watch", "watched.py"]])
def test_files_are_watched_as_before(spawn, tmp_path, how):
    watched = tmp_path / "watched.py"
    watched.write_text(SOURCE.format(text="one"))
    server = spawn("--processes", "1", *how, "watched:app", cwd=tmp_path)
    assert server.get("/").body == b"one"
    re_execute(server)
    for text in ("two2", "three"):
        watched.write_text(SOURCE.format(text=text[:3]) + f"# {text}\n")
        wait_until(lambda text=text: server.get("/").body == text[:3].encode(), server.patience)
        re_execute(server)
    # What changes at that very moment is noticed, too.
    server.signal(signal.SIGUSR2)
    watched.write_text(SOURCE.format(text="fin") + "# that is longer\n")
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
    (tmp_path / "slow.py").write_text(
        f"open({str(gate.path)!r}).read()\n" + SOURCE.format(text="yes")
    )
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
