# SPDX-License-Identifier: MIT
"""The supervisor and its workers, as their user sees them."""

import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time

import pytest
from busy_clients import asking
from running import alive, in_all_modes, marked, refuses, wait_until

VALIDATOR = "wsgiref.validate.validator"
APP = ("system_apps:router", VALIDATOR)


def busy(server, gate):
    """A client whose request an application is working on."""
    client = server.client()
    client.request(f"/stream?gate={gate.path}")
    client.head()
    assert client.chunk() == b"block 0\n"
    return client


def assert_finishes(client, gate):
    """The rest of what busy() has begun comes, whole."""
    for block in range(1, 4):
        gate.open()
        assert client.chunk() == b"block %d\n" % block
    assert client.chunk() == b""


def test_the_banner_says_what_serves_where(spawn):
    server = spawn("--processes", "2", "--threads", "3", *APP)

    assert re.fullmatch(
        rf"spawning \d+\.\d+\.\d+ serving http://127\.0\.0\.1:{server.port}/ — "
        rf"2 processes \u00d7 3 threads, pid {server.process.pid}",
        server.banner.group(),
    )
    assert len(server.workers()) == 2


def test_an_interpreter_without_the_native_module_is_reported_once(run_spawn, tmp_path):
    hide = "import sys; sys.modules['spawning._native'] = None"
    (tmp_path / "sitecustomize.py").write_text(hide)

    ended = run_spawn(
        "--port", "0", "--python", sys.executable, *APP, env={"PYTHONPATH": str(tmp_path)}
    )

    assert ended.returncode == 1
    assert ended.stderr.count("cannot load spawning's native module") == 1
    assert "Traceback" not in ended.stderr


def test_hello_world_is_served_from_any_directory(spawn, tmp_path):
    server = spawn("spawning.wsgi_factory.hello_world", VALIDATOR, cwd=tmp_path)

    response = server.get("/")

    assert (response.status, response.body) == (200, b"Hello, World!\r\n")
    assert len(server.workers()) == 4
    assert server.stop() == 0


def test_a_worker_serves_without_what_few_need(spawn, tmp_path):
    (tmp_path / "loaded.py").write_text(
        "import sys\n"
        "def app(environ, start_response):\n"
        "    start_response('200 OK', [('Content-Type', 'text/plain')])\n"
        "    return [' '.join(sys.modules).encode()]\n"
    )
    (tmp_path / "bare.py").write_text("import sys\nprint(*sys.modules)\n")
    bare = subprocess.check_output([sys.executable, "-m", "bare"], cwd=tmp_path, text=True)

    server = spawn("--processes", "1", "loaded.app", cwd=tmp_path)

    loaded = set(server.get("/").body.decode().split())
    assert "spawning.file_wrapper" in loaded
    assert not (loaded - set(bare.split())) & {
        "difflib",
        "enum",
        "json",
        "pkgutil",
        "re",
        "traceback",
        "typing",
    }


def test_applications_are_found_in_the_current_directory(spawn, tmp_path):
    (tmp_path / "my_module.py").write_text(
        "def my_wsgi_app(environ, start_response):\n"
        "    start_response('200 OK', [('Content-Type', 'text/plain')])\n"
        "    return [b'mine']\n"
    )

    server = spawn("--processes", "1", "my_module.my_wsgi_app", VALIDATOR, cwd=tmp_path)

    assert server.get("/").body == b"mine"
    left = {each.name for each in tmp_path.iterdir() if "stderr" not in each.name}
    assert left - {"__pycache__"} == {"my_module.py"}


def test_an_application_sees_the_environment_that_spawn_was_given(spawn, tmp_path):
    (tmp_path / "show.py").write_text(
        "import json, os, sys, threading\n"
        "def app(environ, start_response):\n"
        "    start_response('200 OK', [('Content-Type', 'application/json')])\n"
        "    own = {name: os.environ.get(name) for name in ('PYTHONPATH', 'GIVEN')}\n"
        "    own['SPAWNING'] = [name for name in os.environ if name.startswith('SPAWNING_SEAT')]\n"
        "    own['main'] = threading.current_thread() is threading.main_thread()\n"
        "    own['path'] = sys.path[0]\n"
        "    return [json.dumps(own).encode()]\n"
    )

    for given in (None, "/some/where"):
        env = {"GIVEN": "yes", **({"PYTHONPATH": given} if given else {})}
        server = spawn("--processes", "1", "show:app", VALIDATOR, cwd=tmp_path, env=env)
        seen = server.get("/").body.decode()

        assert '"GIVEN": "yes"' in seen
        assert '"SPAWNING": []' in seen
        assert '"main": false' in seen
        assert f'"PYTHONPATH": {f"{chr(34)}{given}{chr(34)}" if given else "null"}' in seen
        assert f'"path": "{tmp_path}"' in seen


def test_a_killed_worker_is_replaced_while_the_others_serve(spawn):
    server = spawn("--processes", "2", *APP)
    victim, other = server.workers()
    wait_until(lambda: int(server.get("/pid").body) == other, server.patience)
    os.kill(victim, signal.SIGKILL)
    with asking(server, "/pid", lasting=0, anew=1):
        new = wait_until(
            lambda: set(server.workers()) - {victim, other}, server.patience, "a new worker"
        )
        wait_until(lambda: int(server.get("/pid").body) in new, server.patience, "its answer")

    assert "SIGKILL" in server.errors() or "signal 9" in server.errors()


@in_all_modes
def test_a_worker_that_is_told_to_end_by_itself_is_replaced_and_no_client_notices(spawn):
    server = spawn("-v", "--processes", "2", "--threads", "2", *APP)
    with asking(server, "/pid", lasting=16, anew=2):
        for worker in server.workers():
            before = set(server.workers())
            os.kill(worker, signal.SIGTERM)
            (successor,) = wait_until(
                lambda known=before: set(server.workers()) - known, server.patience, "a successor"
            )
            server.says(f"(pid {successor}) serves\n")
            wait_until(lambda pid=worker: not alive(pid), server.patience, "its end")

    assert server.errors().count("leaves by itself") == server.errors().count("[error]") == 2
    assert server.stop() == 0


@in_all_modes
def test_the_place_of_a_worker_that_is_told_to_end_is_filled_while_it_finishes(spawn, gate):
    server = spawn("--processes", "1", "--threads", "2", *APP)
    (worker,) = server.workers()
    with busy(server, gate) as client:
        os.kill(worker, signal.SIGTERM)
        wait_until(lambda: int(server.get("/pid").body) != worker, server.patience, "its successor")
        assert_finishes(client, gate)

    wait_until(lambda: not alive(worker), server.patience, "its end")
    assert len(server.workers()) == 1
    assert server.stop() == 0


def test_all_workers_may_be_told_to_end_and_who_connects_is_answered(spawn):
    server = spawn("--processes", "2", *APP)
    with asking(server, "/pid", lasting=0, anew=4):
        workers = server.workers()
        for worker in workers:
            os.kill(worker, signal.SIGTERM)
        wait_until(lambda: not any(map(alive, workers)), server.patience, "their end")

    assert len(server.workers()) == 2
    assert server.stop() == 0


@in_all_modes
def test_a_worker_with_a_request_that_does_not_end_is_replaced(spawn, gate):
    server = spawn("--processes", "1", "--threads", "2", "--request-timeout", "1", *APP)
    (worker,) = server.workers()

    with server.client() as client:
        client.request(f"/gated?gate={gate.path}")
        assert client.response().status == 503
        (successor,) = wait_until(
            lambda: set(server.workers()) - {worker}, server.patience, "a successor"
        )
        gate.open()
    wait_until(lambda: not alive(worker), server.patience, "the end of the old one")

    assert int(server.get("/pid").body) == successor
    errors = server.errors()
    assert re.search(r"worker: a request runs for .* GET /gated\?gate=.* from 127\.0\.0\.1", errors)
    assert (
        f"worker 0 (pid {worker}): a request ran for more than 1 s; it is being replaced" in errors
    )
    assert errors.count("it is being replaced") == 1


@in_all_modes
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_graceful_stop_finishes_what_is_running(spawn, gate, number):
    server = spawn("--processes", "2", "--threads", "1", *APP)
    with busy(server, gate) as client:
        workers = server.workers()
        server.signal(number)
        wait_until(lambda: refuses(server), server.patience, "no new connections")
        assert_finishes(client, gate)

    assert server.wait() == 0
    assert not any(alive(pid) for pid in workers)
    assert "Traceback" not in server.errors()


def test_two_signals_that_come_together_are_one(spawn, gate):
    server = spawn("--processes", "1", "--threads", "1", *APP)
    with busy(server, gate) as client:
        server.signal(signal.SIGTERM)
        server.signal(signal.SIGINT)
        wait_until(lambda: refuses(server), server.patience, "no new connections")
        assert_finishes(client, gate)

    assert server.wait() == 0


def test_an_idle_server_stops_at_once(spawn, slowness):
    server = spawn(*APP)
    with server.client() as idle:
        idle.request("/pid")
        idle.response()
        started = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - started < 2 * slowness
        assert idle.at_end()


def test_ctrl_c_in_a_terminal_reaches_everybody_and_nobody_complains(spawn):
    server = spawn(*APP)
    for pid in [*server.workers(), server.process.pid]:
        os.kill(pid, signal.SIGINT)

    assert server.wait() == 0
    assert "KeyboardInterrupt" not in server.errors()
    assert "Traceback" not in server.errors()


@pytest.mark.parametrize(
    "numbers", [[signal.SIGQUIT], [signal.SIGTERM, signal.SIGTERM], [signal.SIGINT, signal.SIGINT]]
)
def test_quit_and_a_second_signal_stop_at_once(spawn, gate, slowness, numbers):
    server = spawn("--processes", "2", *APP)
    with busy(server, gate) as client:
        workers = server.workers()
        server.signal(numbers[0])
        if len(numbers) > 1:
            wait_until(lambda: refuses(server), server.patience, "the first signal's effect")
            assert server.process.poll() is None
            server.insist(numbers[1])
        server.wait(2 * slowness)
        assert client.file.read() == b""

    assert not any(alive(pid) for pid in workers)


@in_all_modes
def test_a_supervisor_that_is_killed_takes_its_workers_with_it(spawn, slowness):
    server = spawn(*APP)
    workers = server.workers()

    server.signal(signal.SIGKILL)
    server.wait()

    wait_until(lambda: not any(alive(pid) for pid in workers), 5 * slowness, "no worker")
    with socket.create_server((server.host, server.port)):
        pass  # the port is free


@in_all_modes
def test_orphaned_workers_finish_what_they_serve(spawn, gate):
    server = spawn("--processes", "1", "--threads", "1", *APP)
    with busy(server, gate) as client:
        server.workers()
        server.signal(signal.SIGKILL)
        server.wait()
        wait_until(lambda: refuses(server), server.patience, "no new connections")
        assert_finishes(client, gate)


@in_all_modes
def test_a_process_that_an_application_forks_is_its_own_master(spawn, tmp_path):
    (tmp_path / "forking.py").write_text(
        "import os, time\n"
        "def app(environ, start_response):\n"
        "    child = os.fork()\n"
        "    if child == 0:\n"
        "        time.sleep(600)\n"
        "    start_response('200 OK', [('Content-Type', 'text/plain')])\n"
        "    return [b'%d' % child]\n"
    )
    server = spawn("--processes", "1", "forking:app", cwd=tmp_path)
    with server.client() as client:
        client.request("/")
        child = int(client.response().body)
    try:
        assert server.stop() == 0
        assert alive(child)
        wait_until(lambda: refuses(server), server.patience, "the child to let go of the port")
        with socket.create_server((server.host, server.port)):
            pass  # the port is free
    finally:
        os.kill(child, signal.SIGTERM)
    wait_until(lambda: not alive(child), server.patience, "the end of the child")


@in_all_modes
class TestForks:
    """Of a request: what the worker has is none of theirs, and what they do is none of its own."""

    @pytest.fixture
    def server(self, spawn, tmp_path):
        (tmp_path / "forking.py").write_text(
            "import os, time\n"
            "def app(environ, start_response):\n"
            "    path = environ['PATH_INFO']\n"
            "    child = 0 if path in ('/', '/wait') else os.fork()\n"
            "    if child == 0 and path == '/stays':\n"
            "        time.sleep(600)\n"
            "    if child == 0 and path == '/leaves':\n"
            "        time.sleep(0.1)\n"
            "        raise SystemExit(3)\n"
            "    if path == '/leaves':\n"
            "        child = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])\n"
            "    time.sleep(1 if path == '/wait' else 0.3)\n"
            "    start_response('200 OK', [('Content-Type', 'text/plain')])\n"
            "    return (b'%d' % each for each in [child])\n"
        )
        return spawn("--processes", "1", "--threads", "8", "forking:app", cwd=tmp_path)

    def test_what_they_wait_for_takes_nothing_from_the_worker(self, server):
        children = [int(server.get("/stays").body) for _ in range(3)]
        try:
            assert [server.get("/").status for _ in range(10)] == [200] * 10
            assert server.stop() == 0
            assert "keeps all others waiting" not in server.errors()
            assert all(alive(child) for child in children)
        finally:
            for child in children:
                os.kill(child, signal.SIGKILL)

    def test_one_that_comes_back_answers_nobody_and_is_ended(self, server):
        with server.client() as waiting, server.client() as forking:
            waiting.request("/wait")
            forking.request("/comes_back")
            child = int(forking.response().body)
            wait_until(lambda: not alive(child), server.patience, "the end of the child")

            assert waiting.response().body == b"0"
            for client in (waiting, forking):
                client.request("/")
                assert client.response().body == b"0"

        assert f"[{child}] [error] worker: a process that the application forked while it" in (
            server.errors()
        )
        assert server.stop() == 0

    def test_one_that_exits_does_so(self, server):
        assert server.get("/leaves").body == b"3"
        assert "Traceback" not in server.errors()


def test_the_supervisor_is_small_and_has_no_python_in_it(spawn):
    server = spawn("spawning.wsgi_factory.hello_world")
    process = pathlib.Path(f"/proc/{server.process.pid}")
    mapped = (process / "maps").read_text()
    rollup = (process / "smaps_rollup").read_text()

    # A sanitizer's shadow of our memory is not ours to account for.
    limit = (256 if "LD_PRELOAD" in os.environ else 6) << 10
    assert int(re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE).group(1)) <= limit
    assert "python" not in mapped


class TestRefusals:
    """What cannot start: what is said, the status, and that nothing is left."""

    @pytest.fixture
    def refused(self, run_spawn, tmp_path, slowness):
        """refused(status, *arguments): what is said on stderr."""

        def refused(status, *arguments, seconds=2.0, **options):
            mark = {"SPAWNING_TEST_MARK": str(tmp_path)}
            started = time.monotonic()
            result = run_spawn(*arguments, env=mark, **options)
            took = time.monotonic() - started
            assert (result.returncode, result.stdout) == (status, ""), result
            assert took < seconds * slowness
            assert not marked(str(tmp_path)), "a process is left"
            return result.stderr

        return refused

    @pytest.mark.parametrize(
        ("app", "text"),
        [
            ("system_appz:router", "there is no module 'system_appz'"),
            ("system_appz.router", "did you mean 'system_apps'?"),
            ("system_apps:rooter", "has no 'rooter'; did you mean 'router'?"),
            ("system_apps.rooter", "has no 'rooter'; did you mean 'router'?"),
            ("system_apps:TEXT", "'system_apps:TEXT' is a list, which is not callable"),
        ],
    )
    def test_an_application_that_is_not_there(self, refused, app, text):
        errors = refused(1, "--port", "0", "--python", sys.executable, app)

        assert errors.count(text) == 1
        assert "Traceback" not in errors

    @pytest.mark.parametrize(
        ("source", "text"),
        [
            ("raise LookupError('boom')", "LookupError: boom"),
            ("import not_there_at_all", "ModuleNotFoundError: No module named 'not_there_at_all'"),
            ("def app(:", "SyntaxError: "),
            ("import sys; sys.exit('bye')", "SystemExit: bye"),
        ],
    )
    def test_an_application_that_raises_at_import(self, refused, tmp_path, source, text):
        (tmp_path / "failing.py").write_text(source)

        errors = refused(1, "--port", "0", "--python", sys.executable, "failing:app", cwd=tmp_path)

        assert text in errors
        assert errors.count(f'File "{tmp_path}/failing.py", line 1') == 1
        assert "importlib" not in errors
        assert "spawning/worker.py" not in errors

    def test_a_port_in_use(self, refused, busy_port):
        errors = refused(1, "--port", str(busy_port), "--python", sys.executable, *APP)

        assert len(errors.splitlines()) == 1
        assert str(busy_port) in errors
        assert "in use" in errors

    def test_an_address_that_is_not_ours(self, refused):
        errors = refused(1, "--host", "192.0.2.1", "--port", "0", "--python", sys.executable, *APP)

        assert len(errors.splitlines()) == 1
        assert "192.0.2.1" in errors

    def test_a_python_that_is_not_there(self, refused):
        errors = refused(1, "--port", "0", "--python", "/nonexistent", *APP)

        assert len(errors.splitlines()) == 1
        assert "/nonexistent" in errors

    @pytest.mark.parametrize(
        ("arguments", "named"),
        [
            (["--no-such-option", "app"], "--no-such-option"),
            (["--threads", "many", "app"], "--threads"),
            (["--processes", "0", "app"], "--processes"),
            (["--port", "65536", "app"], "--port"),
            (["--bind", "nonsense", "app"], "--bind"),
            (["--reload", "prod", "app"], "--reload"),
            ([], "APP"),
        ],
    )
    def test_a_wrong_option_is_named(self, refused, arguments, named):
        errors = refused(2, *arguments)

        assert len(errors.splitlines()) == 1
        assert named in errors
