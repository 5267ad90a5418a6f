# SPDX-License-Identifier: MIT
"""`spawning.TestServer`, in the process that runs the tests."""

import contextlib
import errno
import http.client
import os
import pathlib
import re
import socket
import subprocess
import sys
import textwrap
import threading
import time
import urllib.request
from wsgiref.validate import validator

import pytest
import spawning

APPS = pathlib.Path(__file__).resolve().parent.parent / "system" / "apps"
PATIENCE = 60


@validator
def hello(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello from " + environ["PATH_INFO"].encode()]


def get(url):
    with urllib.request.urlopen(url, timeout=PATIENCE) as response:
        return response.read()


def python(code, *arguments, **options):
    """Runs a program in an interpreter of its own."""
    package = pathlib.Path(spawning.__file__).parent.parent
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *arguments],
        env={**os.environ, "PYTHONPATH": f"{package}{os.pathsep}{APPS}"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        **options,
    )


def connected(url):
    port = int(url.rpartition(":")[2])
    return socket.create_connection(("127.0.0.1", port), PATIENCE)


def test_serves_at_a_free_port_for_as_long_as_the_block():
    with spawning.TestServer(hello) as url:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", url)
        assert get(url + "/x") == b"hello from /x"

    with pytest.raises(ConnectionRefusedError):
        connected(url)


def test_says_where_it_is_and_can_be_closed_again_and_again():
    server = spawning.TestServer(hello)

    assert server.url == f"http://127.0.0.1:{server.port}"
    assert get(server.url + "/") == b"hello from /"
    assert repr(server) == f"<TestServer {server.url}>"
    server.close()
    server.close()
    assert repr(server) == f"<TestServer {server.url}, closed>"
    with pytest.raises(RuntimeError, match="closed"):
        server.__enter__()


def test_tells_the_application_what_it_is():
    seen = {}

    def application(environ, start_response):
        seen.update(environ)
        return hello(environ, start_response)

    server = spawning.TestServer(application, threads=1, server_header="Test", request_id=True)
    with server as url, urllib.request.urlopen(url + "/a?b=c", timeout=PATIENCE) as response:
        assert response.read() == b"hello from /a"

    assert (seen["wsgi.multithread"], seen["wsgi.multiprocess"]) == (False, False)
    assert seen["QUERY_STRING"] == "b=c"
    assert response.headers["Server"] == "Test"
    assert response.headers["X-Request-ID"] == seen["HTTP_X_REQUEST_ID"]


def test_listens_where_it_is_told():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("there is no IPv6 here")

    with spawning.TestServer(hello, host="::1") as url:
        assert url.startswith("http://[::1]:")
        assert get(url + "/x") == b"hello from /x"


def test_an_exception_of_the_application_is_a_500_and_a_traceback(capfd):
    def application(environ, start_response):
        raise LookupError("no such shop")

    with spawning.TestServer(application) as url, pytest.raises(OSError, match="500"):
        get(url + "/shop")

    errors = capfd.readouterr().err
    assert "server: error in GET /shop from 127.0.0.1:" in errors
    assert "LookupError: no such shop" in errors


def test_writes_no_access_log_unless_it_is_asked_to(capfd):
    with spawning.TestServer(hello) as url:
        get(url + "/silent")
    with spawning.TestServer(hello, access_log_format="%m %U %s") as url:
        get(url + "/told")

    assert capfd.readouterr().out == "GET /told 200\n"


def test_an_application_may_ask_its_own_server():
    def application(environ, start_response):
        if environ["PATH_INFO"] == "/inner":
            return hello(environ, start_response)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"outer, ", get(server.url + "/inner")]

    server = spawning.TestServer(application, threads=2)
    try:
        assert get(server.url + "/outer") == b"outer, hello from /inner"
    finally:
        server.close()


def test_as_many_requests_run_at_a_time_as_there_are_threads():
    together = threading.Barrier(3)

    def application(environ, start_response):
        together.wait(PATIENCE)
        return hello(environ, start_response)

    with spawning.TestServer(application, threads=3) as url:
        threads = [threading.Thread(target=get, args=(url + "/",)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)

    assert not together.broken


def test_many_run_at_once():
    with contextlib.ExitStack() as stack:
        servers = [spawning.TestServer(hello, threads=2) for _ in range(20)]
        for server in servers:
            stack.enter_context(server)

        assert len({server.port for server in servers}) == 20
        for server in servers:
            assert get(f"{server.url}/{server.port}") == f"hello from /{server.port}".encode()


def test_two_hundred_leave_nothing_behind():
    def traces():
        return len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))

    with spawning.TestServer(hello) as url:  # what is loaded once
        get(url + "/")
    before = traces()

    for _ in range(200):
        with spawning.TestServer(hello) as url:
            get(url + "/")

    def left():  # before may count a thread that was joined: the kernel has its task a moment longer
        return [now - then for now, then in zip(traces(), before) if now > then]

    deadline = time.monotonic() + PATIENCE
    while left() and time.monotonic() < deadline:
        time.sleep(0.01)  # between two looks
    assert not left()


def test_idle_connections_do_not_keep_it():
    with spawning.TestServer(hello) as url:
        client = http.client.HTTPConnection("127.0.0.1", int(url.rpartition(":")[2]))
        client.request("GET", "/")
        assert client.getresponse().read() == b"hello from /"
        began = time.monotonic()
    assert time.monotonic() - began < 5  # deadman is 10
    client.close()


def test_a_running_request_is_finished_at_the_end_of_the_block():
    inside, leave = threading.Event(), threading.Event()
    answers = []

    def application(environ, start_response):
        inside.set()
        leave.wait(PATIENCE)
        return hello(environ, start_response)

    with spawning.TestServer(application) as url:
        client = threading.Thread(target=lambda: answers.append(get(url + "/slow")))
        client.start()
        assert inside.wait(PATIENCE)
        # The block ends, and waits, before the application may go on.
        threading.Timer(0.2, leave.set).start()

    client.join(PATIENCE)
    assert answers == [b"hello from /slow"]


def test_a_request_that_does_not_end_is_given_up_and_named(capfd):
    inside, leave = threading.Event(), threading.Event()

    def application(environ, start_response):
        inside.set()
        leave.wait(PATIENCE)
        return hello(environ, start_response)

    server = spawning.TestServer(application, deadman=0.1)
    with connected(server.url) as client:
        client.sendall(b"GET /stuck HTTP/1.1\r\nHost: a\r\n\r\n")
        assert inside.wait(PATIENCE)

        server.close()

        assert client.recv(1) == b""
    leave.set()
    errors = capfd.readouterr().err
    assert "a request still runs after" in errors
    assert "GET /stuck from 127.0.0.1:" in errors


def test_an_iterator_whose_client_has_gone_is_ended():
    waiting, closed = threading.Event(), threading.Event()

    def application(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])

        def blocks():
            try:
                yield b"first"
                waiting.set()
                threading.Event().wait(PATIENCE)
            finally:
                closed.set()

        return blocks()

    with spawning.TestServer(application) as url:
        with connected(url) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert waiting.wait(PATIENCE)
        if sys.version_info >= (3, 11):
            assert closed.wait(PATIENCE / 2)
        else:
            assert closed.wait(2 * PATIENCE)


def test_a_port_in_use_is_an_oserror():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        with pytest.raises(OSError, match=f"127.0.0.1:{port}: the port is in use") as raised:
            spawning.TestServer(hello, port=port)

        assert raised.value.errno == errno.EADDRINUSE


def test_a_host_that_is_none_is_an_oserror():
    with pytest.raises(OSError, match=r"no-such-host\.invalid"):
        spawning.TestServer(hello, host="no-such-host.invalid")


@pytest.mark.parametrize(
    "arguments, error, text",
    [
        ({"app": 7}, TypeError, "app: expected a WSGI application, a callable, not int"),
        ({"host": ""}, TypeError, "host: expected an address or a name, not ''"),
        ({"port": "80"}, TypeError, "port: expected a number from 0 to 65535, not str"),
        ({"port": 65536}, ValueError, "port: expected a number from 0 to 65535, not 65536"),
        ({"threads": 0}, ValueError, "threads: expected a number from 1 to 1024, not 0"),
        ({"threads": True}, TypeError, "threads: expected a number from 1 to 1024, not bool"),
        ({"deadman": -1}, ValueError, "deadman: expected a number of seconds from 0 to 86400"),
        ({"deadman": "1"}, TypeError, "deadman: expected a number of seconds from 0 to 86400"),
        ({"access_log_format": True}, TypeError, "access_log_format: expected str or None"),
        ({"access_log_format": "%Z"}, ValueError, "access_log_format: .*%Z"),
        ({"limit_body": -1}, ValueError, "limit_body: expected a number"),
        ({"header_map": 3}, TypeError, "header_map: expected str, not int"),
        ({"thread": 3}, TypeError, "there is no HTTP setting thread"),
    ],
)
def test_an_argument_that_cannot_be_meant_says_what_was_expected(arguments, error, text):
    before = threading.active_count()

    with pytest.raises(error, match=text):
        spawning.TestServer(**{"app": hello, **arguments})

    assert threading.active_count() <= before  # one of an earlier test may have ended meanwhile


@pytest.mark.skipif(
    "tsan" in os.environ.get("LD_PRELOAD", ""),
    reason="ThreadSanitizer does not support threads that a forked child starts",
)
def test_a_forked_child_has_not_the_port_and_may_leave_the_block():
    report_end, child_end = socket.socketpair()
    with spawning.TestServer(hello) as url:
        child = os.fork()
        if child == 0:
            status = 1
            with contextlib.suppress(BaseException):
                with contextlib.suppress(SystemExit), spawning.TestServer(hello) as own:
                    assert get(own + "/own") == b"hello from /own"
                child_end.sendall(b"x")
                child_end.recv(1)  # until the parent has closed its server
                status = 0
            os._exit(status)
        child_end.close()
        assert report_end.recv(1) == b"x"
        assert get(url + "/parent") == b"hello from /parent"
    with pytest.raises(ConnectionRefusedError):
        connected(url)
    report_end.sendall(b"x")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    report_end.close()


def test_a_child_that_ends_as_python_does_does_not_end_its_parents_server():
    ended = python(
        """
        import os, spawning, sys, urllib.request
        from spawning.wsgi_factory import hello_world

        with spawning.TestServer(hello_world) as url:
            child = os.fork()
            if child == 0:
                sys.exit(7)  # through the end of the block, and atexit
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
            print(urllib.request.urlopen(url).read().decode().strip())
        """
    )

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "Hello, World!\n", "")


def test_one_that_is_forgotten_is_closed_at_the_end_of_the_interpreter():
    ended = python(
        """
        import atexit, http.client, spawning
        from spawning.wsgi_factory import hello_world

        def ask():
            client.request("GET", "/")
            print(client.getresponse().status)

        server = spawning.TestServer(hello_world)
        client = http.client.HTTPConnection("127.0.0.1", server.port)
        atexit.register(ask)  # before the server is closed
        """
    )

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "200\n", "")


@pytest.mark.parametrize("busy", ["time.sleep(0.001)", "sum(range(100))", "time.sleep(1000)"])
def test_a_stuck_request_does_not_keep_the_interpreter_nor_crash_it(busy):
    ended = python(
        f"""
        import socket, spawning, threading, time

        inside = threading.Event()

        def stuck(environ, start_response):
            inside.set()
            while True:
                {busy}

        server = spawning.TestServer(stuck, deadman=0.05)
        client = socket.create_connection(("127.0.0.1", server.port))
        client.sendall(b"GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n")
        inside.wait()
        """
    )

    assert ended.returncode == 0, ended.stderr
    assert "a request still runs after" in ended.stderr


def test_serves_flask(monkeypatch):
    requests = pytest.importorskip("requests")
    monkeypatch.syspath_prepend(str(APPS))
    flask_site = pytest.importorskip("flask_site")

    with spawning.TestServer(flask_site.app) as url, requests.Session() as client:
        assert client.get(url + "/hello/Flask", timeout=PATIENCE).text == "Hello, Flask!"
        answer = client.post(url + "/json", json={"a": 1}, timeout=PATIENCE).json()
        assert answer["received"] == {"a": 1}
        assert client.post(url + "/form", data={"text": "x"}, timeout=PATIENCE).text == "x"


def test_serves_django(tmp_path):
    pytest.importorskip("django")
    ended = python(
        """
        import os, sys, requests, spawning

        os.environ["DJANGO_SETTINGS_MODULE"] = "django_site.settings"
        os.environ["DJANGO_SITE_DATABASE"] = sys.argv[1]
        import django
        django.setup()
        from django.core.management import call_command
        call_command("migrate", verbosity=0)
        from django.contrib.auth.models import User
        User.objects.create_superuser("admin", "a@example.org", "a long enough password")
        from django_site.wsgi import application

        with spawning.TestServer(application) as url, requests.Session() as client:
            page = client.get(url + "/admin/login/")
            token = client.cookies["csrftoken"]
            form = {"username": "admin", "password": "a long enough password",
                    "csrfmiddlewaretoken": token, "next": "/admin/"}
            page = client.post(url + "/admin/login/", data=form)
            print(page.status_code, "Site administration" in page.text)
        """,
        str(tmp_path / "site.sqlite3"),
    )

    assert ended.stdout == "200 True\n", ended.stderr


def test_serves_while_the_main_thread_is_busy():
    """As a cell of a notebook may be."""
    done = threading.Event()
    with spawning.TestServer(hello) as url:
        client = threading.Thread(target=lambda: (get(url + "/"), done.set()))
        client.start()
        deadline = time.monotonic() + PATIENCE
        while not done.is_set() and time.monotonic() < deadline:
            sum(range(1000))
        client.join(PATIENCE)
    assert done.is_set()
