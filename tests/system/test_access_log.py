# SPDX-License-Identifier: MIT
"""The access log, as somebody who operates the service finds it."""

import json
import os
import pathlib
import re
import signal
import socket
import stat
import subprocess
import sys
import threading

import pytest
from busy_clients import asking
from running import APPS, PATIENCE, PROGRAM, environment, wait_until

DEFAULT = re.compile(
    r'^127\.0\.0\.1 - - \[\d\d/[A-Z][a-z]{2}/20\d\d \d\d:\d\d:\d\d\] "GET /pid HTTP/1\.1" 200 \d+ '
    r"0\.\d{6}$"
)
APPLICATION = """
def app(environ, start_response):
    headers = [("Content-Type", "text/plain"), ("X-Kind", "test")]
    if environ["PATH_INFO"] == "/own":
        headers.append(("X-Request-ID", "own"))
    start_response("200 OK", headers)
    return [environ.get("HTTP_X_REQUEST_ID", "none").encode()]
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "access.log"


@pytest.fixture
def logging(spawn, path):
    """logging(*arguments): a server with an access log in `path`."""

    def logging(*arguments, **options):
        return spawn("--access-log-file", str(path), *arguments, **options)

    return logging


def lines(path, count):
    """The lines of the log, once there are so many."""
    wait_until(lambda: path.read_text().count("\n") >= count, PATIENCE, "lines of the access log")
    found = path.read_text().splitlines()
    assert len(found) == count, found
    return found


def test_a_line_about_every_request_goes_to_standard_output(spawn):
    server = spawn("--access-log-file", "-", "system_apps:router")

    for _ in range(3):
        server.get("/pid")

    for _ in range(3):
        assert DEFAULT.match(server.process.stdout.readline().rstrip("\n"))
    assert server.stop() == 0


def test_that_is_the_default(tmp_path):
    arguments = ["--python", sys.executable, "--bind", f"unix:{tmp_path}/socket"]
    command = [str(PROGRAM), *arguments, "system_apps:router"]
    with subprocess.Popen(
        command, cwd=APPS, env=environment(None), stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout.readline().startswith("spawning ")
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(PATIENCE)
                client.connect(f"{tmp_path}/socket")
                client.sendall(b"GET /pid HTTP/1.1\r\nHost: shop\r\n\r\n")
                assert client.recv(1000).startswith(b"HTTP/1.1 200 ")
            assert '"GET /pid HTTP/1.1" 200 ' in process.stdout.readline()
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.stdout.read() == ""
    assert process.returncode == 0


def test_a_pipe_that_nobody_reads_keeps_no_request_waiting(spawn):
    server = spawn("--access-log-file", "-", "--processes", "1", "system_apps:router")
    with server.client() as client:
        for _ in range(40):
            client.send(b"GET /pid?" + b"a" * 4000 + b" HTTP/1.1\r\nHost: test\r\n\r\n")
            assert client.response().status == 200
    server.says("nobody takes its lines")
    server.signal(signal.SIGTERM)
    assert server.wait() == 0
    assert "lines lost of the access log, all in all" in server.errors()


@pytest.mark.parametrize(
    "name, expected",
    [
        ("common", r'127\.0\.0\.1 - - \[[^]]+ [+-]\d{4}\] "GET /pid\?a=1 HTTP/1\.1" 200 \d+'),
        (
            "combined",
            r'127\.0\.0\.1 - - \[[^]]+\] "GET /pid\?a=1 HTTP/1\.1" 200 \d+ "http://a/\\"" "\\\\\\xff"',
        ),
        (
            "%a %{c}a %{Referer}i %{content-type}o %U%q %X",
            r'127\.0\.0\.1 127\.0\.0\.1 http://a/\\" text/plain /pid\?a=1 -',
        ),
    ],
)
def test_formats(logging, path, name, expected):
    server = logging("--access-log-format", name, "system_apps:router")

    server.get("/pid?a=1", 'Referer: http://a/"', "User-Agent: \\\xff")

    assert re.fullmatch(expected, lines(path, 1)[0])


def test_json_names_the_client_that_a_trusted_proxy_names(logging, path):
    server = logging("--access-log-format", "json", "system_apps:router")

    server.get("/pid?a=1", 'User-Agent: a\xff"\\', "X-Forwarded-For: 203.0.113.9")

    line = json.loads(lines(path, 1)[0])
    assert line["client.address"] == "203.0.113.9"
    assert line["network.peer.address"] == "127.0.0.1"
    assert line["user_agent.original"] == 'a\xff"\\'
    assert (line["url.path"], line["url.query"]) == ("/pid", "a=1")
    assert line["http.response.status_code"] == 200
    assert 0 <= line["spawning.queue_time"] <= line["http.server.request.duration"] < PATIENCE
    assert "error.type" not in line


def test_an_untrusted_client_is_who_it_is(logging, path):
    server = logging("--forwarded-allow-ips", "", "--access-log-format", "%h", "system_apps:router")

    server.get("/pid", "X-Forwarded-For: 203.0.113.9")

    assert lines(path, 1) == ["127.0.0.1"]


def test_requests_that_no_application_sees_have_their_lines(logging, path):
    arguments = "--processes 1 --header-timeout 2 --limit-request-line 1K".split()
    server = logging(
        *arguments, "--access-log-format", "%h %m %>s %{refusal}x", "system_apps:router"
    )
    for octets in (b"GET / HTTP/1.1\r\nA : b\r\n\r\n", b"GET /half HTTP/1.1\r\nHost:"):
        with server.client() as client:
            client.send(octets)
            client.response()
    with server.client() as client:
        client.send(b'\x16\x03\x01 "forged"\n')
        client.response()
    assert server.get("/" + "a" * 1024).status == 414

    assert lines(path, 4) == [
        "127.0.0.1 GET 400 header",
        "127.0.0.1 GET 408 header_timeout",
        "127.0.0.1 - 400 request_line",
        "127.0.0.1 GET 414 request_line_size",
    ]


def test_requests_that_take_too_long_or_are_abandoned_have_their_lines(logging, path, gate):
    server = logging(
        *"--processes 1 --threads 1 --queue-timeout 2".split(),
        *["--access-log-format", "%U %>s %{outcome}x", "system_apps:router"],
    )
    with server.client() as first, server.client() as late:
        gone = server.client()
        for client in (late, gone):  # a busy worker accepts nobody
            client.request("/pid?early")
            assert client.response().status == 200
        first.request(f"/gated?gate={gate.path}")
        wait_until(lambda: at_the_gate(gate), PATIENCE)
        gone.request("/pid?gone")
        gone.close()
        late.request("/pid?late")
        assert late.response().status == 503
        os.close(gate.writer)
        assert first.response().status == 200

    assert sorted(lines(path, 5)) == [
        "/gated 200 complete",
        "/pid 200 complete",
        "/pid 200 complete",
        "/pid 499 client_gone",
        "/pid 503 timed_out",
    ]


def at_the_gate(gate):
    """Whether somebody waits at the gate, which stays shut."""
    try:
        gate.writer = os.open(gate.path, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return False
    return True


def test_nothing_is_written_to_the_null_device(spawn):
    server = spawn("--access-log-file", "/dev/null", "--processes", "1", "system_apps:router")
    assert server.get("/pid").status == 200

    (worker,) = server.workers()
    threads = pathlib.Path(f"/proc/{worker}/task").iterdir()
    names = [(thread / "comm").read_text().strip() for thread in threads]
    assert "spawning-io" in names
    assert "spawning-log" not in names


def test_a_file_that_moves_is_opened_anew_and_no_line_is_lost(logging, path, tmp_path):
    server = logging(
        "--processes", "2", "--access-log-format", "%L %m %U %>s", "system_apps:router"
    )
    rotated = []
    with asking(server) as askers:
        for number in range(10):
            old = tmp_path / f"access.log.{number}"
            path.rename(old)
            rotated.append(old)
            server.signal(signal.SIGUSR1)
            wait_until(lambda: path.exists() and path.stat().st_size > 0, PATIENCE)
    assert server.stop() == 0

    answers = sum(asker.answers for asker in askers)
    assert answers > 0
    found = [line for each in [*rotated, path] for line in each.read_text().splitlines()]
    assert set(found) == {"- GET / 200"}
    assert len(found) == answers
    assert server.errors().count("was opened anew") == 10


def test_a_file_that_cannot_be_opened_anew_goes_on(spawn, tmp_path):
    directory = tmp_path / "logs"
    directory.mkdir()
    server = spawn("--access-log-file", str(directory / "log"), "system_apps:router")
    directory.rename(tmp_path / "old")

    server.signal(signal.SIGUSR1)
    server.says("SIGUSR1: the log file")
    server.get("/pid")

    assert len(lines(tmp_path / "old" / "log", 1)) == 1
    assert f"{directory}/log cannot be opened: No such file or directory; the old one goes on" in (
        server.errors()
    )


def test_a_reload_goes_on_with_the_same_file(logging, path):
    server = logging("--processes", "1", "system_apps:router")
    server.get("/pid")
    server.signal(signal.SIGHUP)
    server.says("reloaded")
    server.get("/pid")

    assert len(lines(path, 2)) == 2
    assert stat.S_IMODE(path.stat().st_mode) & 0o111 == 0


def test_a_supervisor_that_executes_itself_anew_goes_on_with_the_log(spawn, tmp_path):
    directory = tmp_path / "logs"
    directory.mkdir()
    server = spawn(
        "--access-log-file", str(directory / "log"), "--processes", "1", "system_apps:pid"
    )
    for number in (1, 2):
        if number == 2:
            directory.rename(tmp_path / "old")  # the service goes on all the same
        server.re_execute()
        assert server.get("/").status == 200
    assert len(lines(tmp_path / "old" / "log", 2)) == 2
    assert "new workers write none until SIGUSR1 opens it" in server.errors()

    (tmp_path / "old").rename(directory)
    server.signal(signal.SIGUSR1)
    server.says("was opened anew")
    server.signal(signal.SIGHUP)
    server.says("reloaded")
    server.get("/")
    lines(directory / "log", 3)


def test_a_file_that_cannot_be_opened_is_an_error_at_the_start(run_spawn, tmp_path):
    missing = tmp_path / "missing" / "log"
    ended = run_spawn("--port", "0", "--access-log-file", str(missing), "system_apps:router")

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        f"spawn: the log file {missing} cannot be opened: No such file or directory\n"
    )


def test_a_directive_that_there_is_not_is_a_usage_error(run_spawn):
    ended = run_spawn("--access-log-format", "%h %Z", "system_apps:router")

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "spawn: --access-log-format: there is no directive %Z\n"


def test_lines_of_several_workers_are_never_mixed_in_a_pipe(spawn):
    server = spawn(
        *["--access-log-file", "-", "--processes", "3"],
        *["--access-log-format", "%m %U %{User-Agent}i%{User-Agent}i %P", "system_apps:router"],
    )
    read = []
    reader = threading.Thread(target=lambda: read.extend(server.process.stdout))
    reader.start()
    agent = "a" * 900
    with asking(server) as askers, server.client() as client:
        for _ in range(300):
            client.request("/pid", f"User-Agent: {agent}")
            assert client.response().status == 200
    assert server.stop() == 0
    reader.join(PATIENCE)

    whole = re.compile(rf"GET /(?:pid)? (?:--|{agent}{agent}) (\d+)\n")
    assert [line for line in read if not whole.fullmatch(line)] == []
    assert len(read) == 300 + sum(asker.answers for asker in askers)
    assert len({whole.fullmatch(line)[1] for line in read}) > 1


@pytest.fixture
def named(logging, path, tmp_path):
    """named(): a server that knows its requests by their ids."""
    (tmp_path / "ids.py").write_text(APPLICATION)

    def named(*arguments):
        return logging(
            *["--request-id", "--access-log-format", "%>s %L %{X-Request-ID}o", *arguments],
            "ids.app",
            cwd=tmp_path,
        )

    return named


def test_a_trusted_id_is_the_same_in_the_application_the_response_and_the_log(named, path):
    server = named()

    response = server.get("/", "X-Request-ID: abc-1")

    assert response.body == b"abc-1"
    assert response.headers["x-request-id"] == "abc-1"
    assert lines(path, 1) == ["200 abc-1 abc-1"]


def test_nobody_else_chooses_an_id(named, path):
    server = named("--forwarded-allow-ips", "", "--header-map", "dangerous")

    response = server.get("/", "X-Request-ID: abc-1", "X_Request_ID: abc-2")

    made = response.headers["x-request-id"]
    assert re.fullmatch("[0-9a-f]{32}", made)
    assert response.body == made.encode()
    assert lines(path, 1) == [f"200 {made} {made}"]


def test_every_request_of_a_connection_has_an_id_of_its_own_also_one_that_is_refused(named, path):
    server = named("--processes", "1")
    seen = []
    with server.client() as client:
        for _ in range(3):
            client.request("/", 'X-Request-ID: not "fit"')
            seen.append(client.response())
        client.send(b"nonsense\r\n\r\n")
        seen.append(client.response())

    made = [response.headers["x-request-id"] for response in seen]
    assert len(set(made)) == 4
    assert seen[-1].status == 400
    assert lines(path, 4) == [f"{response.status} {id} {id}" for response, id in zip(seen, made)]


def test_an_application_may_state_an_id_of_its_own(named):
    response = named().get("/own", "X-Request-ID: abc-1")

    assert response.headers["x-request-id"] == "own"  # once: the client would say


def test_without_the_option_there_are_no_ids(logging, tmp_path):
    (tmp_path / "ids.py").write_text(APPLICATION)
    response = logging("ids.app", cwd=tmp_path).get("/")

    assert response.body == b"none"
    assert "x-request-id" not in response.headers
