# SPDX-License-Identifier: MIT
"""What is particular to `--threads 0`; the rest is in tests that run in all modes."""

import json
import os
import re
import signal
import time

import pytest
from running import PATIENCE, in_green_modes, wait_until
from status_pages import Status

pytestmark = in_green_modes


@pytest.fixture
def green(spawn):
    """green(*options): the applications of green_apps.py in one worker."""
    return lambda *options: spawn("--processes", "1", *options, "green_apps:app")


@pytest.fixture
def note(tmp_path):
    """Where an application leaves word."""
    return tmp_path / "note"


def lines(path):
    return path.read_text().split()


def asked(server, *targets):
    """Clients that have asked for these, and are not answered yet."""
    clients = []
    for target in targets:
        clients.append(server.client())
        clients[-1].request(target)
    return clients


def answers(clients):
    found = [client.response() for client in clients]
    for client in clients:
        client.close()
    return found


def test_the_banner_says_so(green):
    server = green()

    assert "1 process × greenlets" in server.banner[0]
    assert server.errors() == ""  # where eventlet would say that it is deprecated


def test_the_standard_library_is_patched_before_the_application_is_loaded(green, served_by):
    found = json.loads(green().get("/patched").body)

    assert {each.partition(".")[0] for each in found["modules"]} == {served_by}
    assert all(found["turns"]), found


class TestManyAtOnce:
    def test_hundreds_wait_in_one_worker(self, green):
        found = answers(asked(green(), *["/meet?count=300"] * 300))

        assert {each.status for each in found} == {200}
        assert {int(each.body) for each in found} == {300}

    def test_no_more_run_than_worker_connections(self, green):
        server = green("--worker-connections", "3")

        found = answers(asked(server, *["/wait?seconds=0.1"] * 10))

        assert {each.status for each in found} == {200}
        assert max(int(each.body) for each in found) == 3

    def test_who_has_to_wait_for_too_long_gets_503(self, green):
        server = green("--worker-connections", "1", "--queue-timeout", "1")

        with server.client() as first, server.client() as second:
            for client in (first, second):  # so that they do not wait in the kernel's queue
                client.request("/")
                assert client.response().status == 200
            first.request("/wait?seconds=4")
            second.request("/")
            response = second.response()

            assert (response.status, first.response().status) == (503, 200)
            assert "retry-after" in response.headers


class TestSlowClients:
    @pytest.mark.parametrize("path", ["flood", "flood_written"])
    def test_who_does_not_read_keeps_only_its_own_greenlet(self, green, note, path):
        server = green()
        with server.client() as slow:
            slow.request(f"/{path}?note={note}")
            slow.head()
            wait_until(lambda: note.exists() and len(lines(note)) > 50, PATIENCE)
            for _ in range(20):
                assert server.get("/").body == b"hello"
            assert len(lines(note)) < 300

            total = sum(len(chunk) for chunk in iter(slow.chunk, b""))

        assert total == 300 << 20
        wait_until(lambda: len(lines(note)) == 300, PATIENCE)

    def test_one_that_leaves_ends_the_wait_for_it(self, green, note):
        server = green()
        slow = server.client()
        slow.request(f"/flood?note={note}")
        slow.head()
        wait_until(lambda: note.exists() and len(lines(note)) > 50, PATIENCE)

        slow.close()

        assert server.get("/").body == b"hello"
        assert server.stop() == 0
        assert "Traceback" not in server.errors()
        assert len(lines(note)) < 300

    def test_the_greenlet_of_one_that_has_gone_is_ended(self, green, note):
        server = green()
        gone = server.client()
        gone.request(f"/wait_noted?note={note}")
        gone.head()
        wait_until(lambda: note.exists() and lines(note) == ["waits"], PATIENCE)

        gone.close()

        wait_until(lambda: lines(note) == ["waits", "GreenletExit", "closed"], PATIENCE)
        assert server.get("/").body == b"hello"
        assert "Traceback" not in server.errors()

    def test_so_is_one_that_waits_without_a_line_of_python(self, spawn, served_by, tmp_path):
        queue = {"gevent": "SimpleQueue", "eventlet": "Queue"}[served_by]  # eventlet has no such
        (tmp_path / "native.py").write_text(
            "import queue\n"
            "class Blocks:\n"
            "    def __init__(self, get):\n"
            "        self.blocks = iter(get, None)\n"
            "    def __iter__(self):\n"
            "        return self.blocks\n"
            "    def close(self):\n"
            "        global closed\n"
            "        closed += 1\n"
            "closed = 0\n"
            "def app(environ, start_response):\n"
            "    start_response('200 OK', [])\n"
            "    if environ['PATH_INFO'] == '/closed':\n"
            "        return [b'%d' % closed]\n"
            f"    blocks = queue.{queue}()\n"
            "    blocks.put(b'first')\n"
            "    return Blocks(blocks.get)\n"
        )
        server = spawn("--processes", "1", "native:app", cwd=tmp_path)
        with server.client() as gone:
            gone.request("/")
            gone.head()
            assert gone.chunk() == b"first"

        wait_until(lambda: server.get("/closed").body == b"1", PATIENCE)


class TestStopping:
    def test_requests_finish(self, green):
        server = green()
        clients = asked(server, *["/wait?seconds=1"] * 20)
        wait_until(lambda: server.get("/").status == 200, PATIENCE)

        server.signal(signal.SIGTERM)

        assert {each.status for each in answers(clients)} == {200}
        assert server.wait() == 0

    def test_the_stacks_of_greenlets_are_logged_before_the_end(self, green):
        server = green("--deadman", "0.5")
        clients = asked(server, *["/wait?seconds=3600"] * 3)
        assert server.get("/").status == 200

        assert server.stop() == 0

        for client in clients:
            client.close()
        assert server.errors().count("a request still runs") == 3
        assert "stacks of all greenlets:" in server.errors()
        assert re.search(r"3 greenlets in:(\n.*)+in wait\n", server.errors())


class TestBadApplications:
    """Nothing hangs at stop, and the log says what has happened."""

    def test_one_that_blocks_is_waited_for_no_longer_than_the_deadman(self, green):
        server = green("--deadman", "0.5")
        clients = asked(server, "/block?seconds=60", "/wait?seconds=60")
        (worker,) = server.workers()
        wait_until(lambda: busy(worker), PATIENCE)

        assert server.stop() == 0

        for client in clients:
            client.close()
        assert "the hub does not get on" in server.errors()
        assert "in block\n" in server.errors()

    def test_an_exception_in_a_greenlet_is_that_request_s_alone(self, green):
        server = green()
        clients = asked(server, "/fail_after_a_wait", "/wait?seconds=0.1", "/exit_greenlet")

        assert [each.status for each in answers(clients)] == [500, 200, 500]
        assert "ValueError: failing in a greenlet" in server.errors()
        assert "GreenletExit" in server.errors()
        assert server.stop() == 0

    def test_greenlets_that_are_forgotten_keep_nobody(self, green, slowness):
        server = green()
        assert server.get("/forget").body == b"forgotten"
        started = time.monotonic()

        assert server.stop() == 0

        assert time.monotonic() - started < 5 * slowness
        assert "killed" not in server.errors()

    def test_one_that_patches_again_does_no_harm(self, spawn, served_by, tmp_path):
        patch = {
            "gevent": "from gevent import monkey; monkey.patch_all()",
            "eventlet": "import eventlet; eventlet.monkey_patch()",
        }[served_by]
        (tmp_path / "again.py").write_text(
            f"{patch}\nimport time\n"
            "def app(environ, start_response):\n"
            "    time.sleep(0.1)\n"
            "    start_response('200 OK', [])\n"
            "    return [b'patched again']\n"
        )
        server = spawn("--processes", "1", "again:app", cwd=tmp_path)

        assert {each.body for each in answers(asked(server, *["/"] * 20))} == {b"patched again"}
        assert server.stop() == 0
        assert "Traceback" not in server.errors()

    def test_one_that_patches_for_the_other_library_is_told(self, spawn, served_by, tmp_path):
        (other,) = {"gevent", "eventlet"} - {served_by}
        patch = {
            "gevent": "from gevent import monkey; monkey.patch_all()",
            "eventlet": "import eventlet; eventlet.monkey_patch()",
        }[other]
        (tmp_path / "mixed.py").write_text(
            "import time\n"
            "def app(environ, start_response):\n"
            f"    {patch}\n"
            "    time.sleep(0.05)\n"
            "    start_response('200 OK', [])\n"
            "    return [b'mixed']\n"
        )
        server = spawn("--processes", "1", "--deadman", "1", "mixed:app", cwd=tmp_path)
        client = server.client()
        client.request("/")

        server.says(f"monkey-patched the standard library for {other}")

        client.close()
        assert f"--green={other}" in server.errors()
        assert server.stop() == 0


class TestHubStall:
    def test_what_blocks_the_hub_is_logged_and_counted(self, green):
        server = green("--hub-stall", "1.5", "--status-port", "0")

        clients = asked(server, "/wait?seconds=0.1", "/block?seconds=3")

        assert {each.status for each in answers(clients)} == {200}
        server.says("the hub gets on again, after")
        assert server.errors().count("a greenlet keeps all others waiting for") == 1
        assert re.search(
            r"its stack\n(.*\n)+.*green_apps\.py\", line \d+ in block", server.errors()
        )
        assert Status(server).count("hub_stalls_total") == 1

    def test_greenlets_that_wait_are_no_stall(self, green):
        server = green("--hub-stall", "1.5", "--status-port", "0")

        assert {each.status for each in answers(asked(server, *["/wait?seconds=2"] * 5))} == {200}

        assert "keeps all others" not in server.errors()
        assert Status(server).count("hub_stalls_total") == 0


def busy(pid):
    """Whether a process has computed for a moment."""
    with open(f"/proc/{pid}/stat") as stat:
        ticks = int(stat.read().rpartition(")")[2].split()[11])
    return ticks > 1.5 * os.sysconf("SC_CLK_TCK")


def test_neither_is_installed(run_spawn, served_by, tmp_path):
    """Modules of these names that cannot be found hide those that are there."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "class Hidden:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name in ('gevent', 'eventlet'):\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Hidden())\n"
    )
    options = ["--port", "0", "--threads", "0", "--env", f"PYTHONPATH={tmp_path}"]

    any_hub = run_spawn(*options, "green_apps:app")
    one_hub = run_spawn(*options, "--green", served_by, "green_apps:app")
    checked = run_spawn("--check", *options, "green_apps:app")

    assert any_hub.returncode == one_hub.returncode == checked.returncode == 1
    assert checked.stderr.count("\n") == 1
    assert "pip install 'spawning[gevent]'" in checked.stderr
    assert "pip install 'spawning[gevent]'" in any_hub.stderr
    assert f"{served_by} is not installed: pip install 'spawning[{served_by}]'" in one_hub.stderr
    assert "Traceback" not in any_hub.stderr + one_hub.stderr


def test_check_loads_the_application_as_a_worker_would(run_spawn, served_by, tmp_path):
    (tmp_path / "patched.py").write_text(
        "import socket\n"
        f"assert socket.socket.__module__.startswith({served_by!r}), socket.socket.__module__\n"
        "def app(environ, start_response): ...\n"
    )

    checked = run_spawn(
        "--check", "--threads", "0", "--green", served_by, "patched:app", cwd=tmp_path
    )

    assert (checked.returncode, checked.stderr) == (0, "")
    assert checked.stdout == "OK: patched:app can be served\n"


def test_the_status_shows_the_requests_that_wait_in_greenlets(green):
    server = green("--status-port", "0", "--worker-connections", "25")
    status = Status(server)
    clients = asked(server, *["/wait?seconds=2"] * 20)

    def running():
        (worker,) = status.json()["children"]
        return worker["concurrent_requests"] == 20 and worker

    wait_until(running, PATIENCE)

    assert {each.status for each in answers(clients)} == {200}
    wait_until(lambda: status.json()["concurrent_requests"] == 0, PATIENCE)
