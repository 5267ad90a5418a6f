# SPDX-License-Identifier: MIT
"""The error log, as somebody who operates the service finds it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pathlib
import re
import select
import signal
import socket
import subprocess
import sys
from typing import Any

import pytest
from running import APPS, PATIENCE, PROGRAM, alive, environment, wait_until

SERVING = """
import os
import time

def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/fail":
        raise ValueError("of " + environ["QUERY_STRING"] + " \\udcff \\x1b[31m")
    if path == "/sleep":
        open("there", "a").close()
        time.sleep(600)
    if path == "/complain":
        environ["wsgi.errors"].write("as it is\\n")
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"%d" % os.getpid()]
"""
JSON = ("--log-format", "json")
ALWAYS = {"timestamp", "level", "process.pid", "component", "message"}


def deploy(directory, source: str) -> None:
    (directory / "new.py").write_text(source)
    (directory / "new.py").rename(directory / "shop.py")


def events(text: str) -> list[dict[str, Any]]:
    """Every line as an object, as `--log-format json` promises."""
    found = [json.loads(line) for line in text.splitlines()]
    for event in found:
        assert ALWAYS <= set(event) <= ALWAYS | {"exception.stacktrace", "code.stacktrace"}
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", event["timestamp"])
        assert event["level"] in ("debug", "info", "warning", "error")
        assert event["component"] in ("supervisor", "worker")
    return found


def matching(server, text: str) -> list[dict[str, Any]]:
    whole = server.errors().rpartition("\n")[0]
    return [event for event in events(whole) if text in event["message"]]


def says(server, text: str, count: int = 1) -> dict[str, Any]:
    """Waits for the event, and returns the last one."""
    wait_until(lambda: len(matching(server, text)) >= count, server.patience, text)
    return matching(server, text)[-1]


@pytest.fixture
def shop(spawn, tmp_path):
    """shop(*arguments): a server of an application that can be deployed anew."""
    deploy(tmp_path, SERVING)

    def shop(*arguments: str):
        workers = ["--processes", "2", "--threads", "2", *arguments]
        return spawn(*workers, "shop.app", cwd=tmp_path)

    return shop


def test_whatever_happens_is_an_object_a_line(shop, tmp_path, slowness):
    limit = str(slowness)
    server = shop(*JSON, "--log-level", "debug", "--deadman", limit, "--request-timeout", limit)
    killed = server.workers()[0]
    assert server.get("/").status == 200
    started = says(server, " starts", 2)
    assert (started["level"], started["process.pid"]) == ("debug", server.pid)

    deploy(tmp_path, "def load():\n    raise LookupError('caf\xe9 \"\\n\\udcff')\nload()\n")
    server.signal(signal.SIGHUP)
    failed = says(server, "is discarded")
    assert (failed["level"], failed["component"]) == ("error", "supervisor")
    assert "LookupError: caf\xe9" in failed["message"]
    assert 'shop.py", line 2, in load' in failed["exception.stacktrace"]

    deploy(tmp_path, SERVING)
    os.kill(killed, signal.SIGKILL)
    assert says(server, f"(pid {killed}) was killed by SIGKILL (")["level"] == "error"
    server.signal(signal.SIGHUP)
    assert says(server, "reloaded: generation 3 serves")["level"] == "info"
    wait_until(lambda: len(server.workers()) == 2, server.patience, "the old ones' end")

    assert server.get("/fail?%22%5C").status == 500
    failed = says(server, "error in GET /fail?%22%5C from 127.0.0.1")
    assert (failed["level"], failed["component"]) == ("error", "worker")
    assert "ValueError: of %22%5C \\udcff \x1b[31m" in failed["exception.stacktrace"]

    assert server.get("/sleep").status == 503
    stack = says(server, "stack of the thread that answers GET /sleep of 127.0.0.1")
    assert (stack["level"], stack["component"]) == ("warning", "worker")
    assert re.search(r'shop\.py", line \d+ in app\n', stack["code.stacktrace"])
    assert says(server, "it is being replaced (--request-timeout)")["level"] == "warning"

    assert says(server, "did not end in time and is killed")["level"] == "error"
    says(server, "a request still runs after ")

    def stacks():
        return [each["code.stacktrace"] for each in matching(server, "stacks of all threads:")]

    wait_until(
        lambda: any(re.search(r'shop\.py", line \d+ in app\n', each) for each in stacks()),
        server.patience,
        "the application's stack",
    )
    assert server.stop() == 0
    assert says(server, "SIGTERM: stopping")["level"] == "info"
    events(server.errors())


def test_what_the_application_writes_to_its_errors_is_left_alone(shop):
    server = shop(*JSON)

    assert server.get("/complain").status == 200

    wait_until(lambda: server.errors() == "as it is\n", server.patience)


@pytest.mark.parametrize("style", ["text", "json"])
def test_a_healthy_service_has_no_errors(shop, style):
    server = shop("--log-level", "error", "--log-format", style)
    before = set(server.workers())

    server.signal(signal.SIGHUP)
    wait_until(lambda: before.isdisjoint(server.workers()), server.patience, "other workers")
    assert int(server.get("/").body) in server.workers()
    assert server.stop() == 0

    assert server.errors() == ""


def test_level_and_format_outlive_a_reload_and_a_re_execution(shop):
    server = shop(*JSON, "--log-level", "warning")
    for generation in range(2, 6):
        before = set(server.workers())
        server.signal(signal.SIGHUP)
        wait_until(lambda old=before: old.isdisjoint(server.workers()), server.patience, "a reload")
        wait_until(lambda: len(server.workers()) == 2, server.patience, "the old ones' end")
        if generation == 3:
            arguments = pathlib.Path(f"/proc/{server.pid}/cmdline")
            server.signal(signal.SIGUSR2)
            wait_until(lambda at=arguments: b"\0-z\0" in at.read_bytes(), server.patience, "USR2")
    assert server.errors() == ""

    assert server.get("/fail?late").status == 500
    (killed,) = server.workers()[:1]
    os.kill(killed, signal.SIGKILL)

    assert says(server, "error in GET /fail?late")["component"] == "worker"
    assert says(server, f"(pid {killed}) was killed")["component"] == "supervisor"
    assert server.stop() == 0
    assert {event["level"] for event in events(server.errors())} == {"error"}


def test_verbose_means_debug_unless_a_level_is_stated(shop):
    details = shop("--verbose")
    fewer = shop("--verbose", "--log-level", "info")
    for server in (details, fewer):
        assert server.stop() == 0
        assert "configuration {" in server.errors()

    assert "[debug] supervisor: worker 0 (pid" in details.errors()
    assert "[debug]" not in fewer.errors()


def test_workers_log_details_from_the_beginning_if_they_are_to(shop):
    server = shop("--log-level", "debug", *JSON)

    with server.client() as client:
        client.send(b"GET / HTTP/1.1\r\n\r\n")
        assert client.response().status == 400

    refused = says(server, "with 400: no Host")
    assert (refused["level"], refused["component"]) == ("debug", "worker")
    assert refused["process.pid"] in server.workers()


@pytest.mark.parametrize(
    "option, expected",
    [
        ("--log-level=warn", 'expected debug, info, warning or error, not "warn"'),
        ("--log-format=logfmt", 'expected text or json, not "logfmt"'),
    ],
)
def test_a_wrong_value_is_refused(run_spawn, option, expected):
    ended = run_spawn(option, "shop.app")

    name = option.partition("=")[0]
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == f"spawn: {name}: {expected}\n"


def test_why_it_does_not_start_is_an_object_too(run_spawn, busy_port, tmp_path):
    (tmp_path / "broken.py").write_text("1 / 0\n")
    taken = run_spawn(*JSON, "--port", str(busy_port), "broken.app", cwd=tmp_path)
    broken = run_spawn(*JSON, "--port", "0", "broken.app", cwd=tmp_path)
    named_twice = run_spawn(*JSON, "--port", "0", "-z", '{"state":99}', "broken.app", cwd=tmp_path)

    assert taken.returncode == broken.returncode == 1
    (event,) = events(taken.stderr)
    assert event["message"].startswith("--host, --port: cannot bind 127.0.0.1:")
    (event,) = events(broken.stderr)
    assert (
        "ZeroDivisionError: division by zero; the service cannot start, so spawn ends"
        in event["message"]
    )
    assert 'broken.py", line 1' in event["exception.stacktrace"]
    assert named_twice.returncode == 2
    (event,) = events(named_twice.stderr)
    assert event["message"].startswith("--z-restart-args: ")


def test_a_process_that_comes_back_to_us_is_an_event(shop, tmp_path):
    server = shop(*JSON)
    deploy(
        tmp_path,
        "import os\nchild = os.fork()\nif not child:\n    raise OSError('of the child')\n"
        "os.waitpid(child, 0)\nchild = os.fork()\nif child:\n    os.waitpid(child, 0)\n" + SERVING,
    )

    server.signal(signal.SIGHUP)

    failed = says(server, "forked while it loaded failed: OSError: of the child", 2)
    assert 'shop.py", line 4' in failed["exception.stacktrace"]
    assert failed["process.pid"] not in (server.pid, *server.workers())
    back = says(server, "came back, and is ended", 2)
    assert "exception.stacktrace" not in back
    says(server, "reloaded: generation 2 serves")
    assert server.stop() == 0
    events(server.errors())


def test_a_worker_that_fails_by_itself_says_so_in_the_log(shop, tmp_path):
    server = shop(*JSON)
    deploy(
        tmp_path,
        "import threading\ndef start(thread):\n    raise RuntimeError('no more threads')\n"
        "threading.Thread.start = start\n" + SERVING,
    )

    server.signal(signal.SIGHUP)

    failed = says(server, "this worker cannot go on: RuntimeError: no more threads")
    assert (failed["level"], failed["component"]) == ("error", "worker")
    assert 'shop.py", line 3, in start' in failed["exception.stacktrace"]
    deploy(tmp_path, SERVING)
    server.signal(signal.SIGHUP)
    says(server, "reloaded: generation 3 serves")
    assert server.stop() == 0
    events(server.errors())


def test_a_worker_whose_main_thread_fails_ends_behind_its_requests(shop, tmp_path):
    deploy(
        tmp_path,
        "import os, signal\ndef fail(number, frame):\n    raise LookupError('in a handler')\n"
        "signal.signal(signal.SIGALRM, fail)\n" + SERVING,
    )
    server = shop(*JSON)
    worker = server.workers()[0]

    os.kill(worker, signal.SIGALRM)

    failed = says(server, "this worker cannot go on: LookupError: in a handler")
    assert failed["process.pid"] == worker
    wait_until(lambda: not alive(worker), server.patience, "its end")
    wait_until(lambda: len(server.workers()) == 2, server.patience, "its successor")
    assert server.get("/").status == 200
    assert server.stop() == 0


class OnATerminal:
    """`spawn` with a terminal for its standard error."""

    def __init__(self, *arguments: str, **variables: str) -> None:
        self.master, slave = os.openpty()
        self.text = ""
        env = {"TERM": "xterm", **variables}
        self.process = subprocess.Popen(
            [PROGRAM, "--port", "0", "--python", sys.executable, "--processes", "1", *arguments],
            cwd=APPS,
            env={k: v for k, v in environment(env).items() if k != "NO_COLOR" or k in variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=slave,
        )
        os.close(slave)

    def read(self) -> str:
        while select.select([self.master], [], [], 0)[0]:
            try:
                self.text += os.read(self.master, 65536).decode()
            except OSError:  # the other end is closed
                break
        return self.text

    def run(self) -> str:
        """Waits until it serves, lets it stop, and returns what has been shown."""
        try:
            assert self.process.stdout is not None
            assert self.process.stdout.readline().startswith(b"spawning ")
            self.process.send_signal(signal.SIGTERM)
            wait_until(lambda: (self.read(), self.process.poll() is not None)[1], PATIENCE)
            assert self.process.returncode == 0
            return self.read()
        finally:
            self.end()

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE)
        if self.process.stdout is not None:
            self.process.stdout.close()
        with contextlib.suppress(OSError):
            os.close(self.master)


def test_levels_are_coloured_on_a_terminal():
    shown = OnATerminal("--log-level", "debug", "system_apps:router").run()

    assert "] [\x1b[2mdebug\x1b[0m] supervisor: worker 0 (pid" in shown
    assert "] [info] supervisor: SIGTERM: stopping" in shown


@pytest.mark.parametrize(
    "arguments, variables",
    [([], {"NO_COLOR": "1"}), ([], {"TERM": "dumb"}), (JSON, {})],
)
def test_nothing_is_coloured_where_nobody_wants_it(arguments, variables):
    shown = OnATerminal(*arguments, "--log-level", "debug", "system_apps:router", **variables).run()

    assert "supervisor" in shown
    assert "\x1b" not in shown


def test_a_pipe_has_no_colours_and_a_stuck_one_stops_nobody(tmp_path):
    deploy(tmp_path, SERVING)
    reading, writing = os.pipe()
    fcntl.fcntl(writing, 1031, 8192)  # F_SETPIPE_SZ, which Python has a name for since 3.10
    process = subprocess.Popen(
        [
            *(PROGRAM, "--port", "0", "--python", sys.executable, "--processes", "1"),
            *("--log-level", "debug", "--access-log-file", os.devnull, "shop.app"),
        ],
        cwd=tmp_path,
        env=environment({"TERM": "xterm"}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=writing,
    )
    os.close(writing)
    assert process.stdout is not None
    try:
        found = re.search(rb"127\.0\.0\.1:(\d+)/", process.stdout.readline())
        assert found is not None
        for _ in range(100):  # more than 8 KiB of lines, that nobody reads
            refuse(int(found[1]))
        text = os.read(reading, 65536).decode()
        refuse(int(found[1]))
        while "lines lost of this log before that one: " not in text:
            assert select.select([reading], [], [], PATIENCE)[0], text
            text += os.read(reading, 65536).decode()
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
        process.wait(PATIENCE)
        process.stdout.close()
        os.close(reading)

    assert 10 < text.count("with 400: no Host\n") < 100
    assert "\x1b" not in text


def refuse(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as client:
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        with client.makefile("rb") as answer:
            assert answer.readline().startswith(b"HTTP/1.1 400 ")
