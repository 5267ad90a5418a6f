# SPDX-License-Identifier: MIT
"""`spawning.serve()`: a process of its own for each test that sends signals."""

import http.client
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time

import pytest
import spawning
from spawning.wsgi_factory import hello_world

PACKAGE = pathlib.Path(spawning.__file__).parent.parent
PATIENCE = 60
BANNER = re.compile(
    rf"spawning {re.escape(spawning.__version__)} serving http://127\.0\.0\.1:(\d+)/ — "
    r"(\d threads?), pid (\d+)\n"
)
PROGRAM = """
import os, signal, sys, threading, time
import spawning

def application(environ, start_response):
    path = environ["PATH_INFO"]
    start_response("200 OK", [("Content-Type", "text/plain")])
    if path == "/slow":
        os.write(2, b"inside\\n")
        sys.stdin.readline()
    if path == "/stuck":
        os.write(2, b"inside\\n")
        time.sleep(1000)
    return [b"hello"]

"""


class Program:
    """A program that serves, and its client."""

    def __init__(self, code):
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-c", PROGRAM + textwrap.dedent(code)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env={**os.environ, "PYTHONPATH": str(PACKAGE), "PYTHONIOENCODING": "utf-8"},
        )
        line = self.process.stdout.readline()
        banner = BANNER.fullmatch(line)
        assert banner, line + self.process.stderr.read()
        port, self.threads, pid = banner.groups()
        self.port = int(port)
        assert int(pid) == self.process.pid

    def client(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, PATIENCE)

    def ask(self, path):
        client = self.client()
        client.request("GET", path)
        return client

    def get(self, path="/"):
        client = self.ask(path)
        response = client.getresponse()
        body = response.read()
        client.close()
        return response.status, body

    def lets_in(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 0.3).close()
        except (ConnectionError, TimeoutError):
            return False
        return True

    def errors_until(self, line):
        seen = ""
        for each in self.process.stderr:
            seen += each
            if each == line:
                return seen
        raise AssertionError(seen)

    def end(self, number=None):
        """The exit status, and what else was written."""
        if number is not None:
            self.process.send_signal(number)
        out, errors = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, out, errors


@pytest.fixture
def run():
    started = []

    def run(code):
        program = Program(code)
        started.append(program)
        return program

    yield run
    for program in started:
        if program.process.poll() is None:
            program.process.kill()
        program.process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serves_until_a_signal_and_goes_on(run, number):
    program = run(
        """
        spawning.serve(application, port=0, threads=3)
        print("goes on")
        """
    )

    assert program.threads == "3 threads"
    assert program.get() == (200, b"hello")
    status, out, errors = program.end(number)

    assert (status, errors) == (0, "")
    access, *rest = out.splitlines()
    assert "GET / HTTP/1.1" in access and " 200 " in access
    assert rest == ["goes on"]


def test_says_of_one_thread_what_it_is_and_writes_no_access_log_where_none_is_wanted(run):
    program = run("spawning.serve(application, port=0, threads=1, access_log_format=None)")

    assert program.threads == "1 thread"
    assert program.get() == (200, b"hello")
    assert program.end(signal.SIGTERM) == (0, "", "")


def test_finishes_running_requests_first(run):
    program = run("spawning.serve(application, port=0, access_log_format=None)")
    client = program.ask("/slow")
    program.errors_until("inside\n")

    program.process.send_signal(signal.SIGTERM)
    program.process.stdin.write("go on\n")
    program.process.stdin.flush()

    response = client.getresponse()
    assert (response.status, response.read()) == (200, b"hello")
    client.close()
    assert program.end() == (0, "", "")


def test_a_second_signal_ends_at_once(run):
    program = run("spawning.serve(application, port=0, deadman=1000, access_log_format=None)")
    idle = program.ask("/")
    assert idle.getresponse().read() == b"hello"
    client = program.ask("/stuck")
    program.errors_until("inside\n")

    program.process.send_signal(signal.SIGINT)
    # It has come once who idles is sent away; until then there might be one signal only.
    assert idle.sock.recv(1) == b""
    assert not program.lets_in()
    time.sleep(0.5)  # what comes before that is taken for the same
    status, _, errors = program.end(signal.SIGINT)

    idle.close()
    client.close()
    assert status == 0
    assert "a request still runs after" in errors and "GET /stuck from" in errors


def test_a_second_signal_in_the_middle_of_the_first_one_changes_nothing(run):
    program = run(
        """
        def in_the_middle(frame, event, argument):
            where = (frame.f_code.co_name, getattr(argument, "__name__", ""))
            if event == "c_return" and where == ("drain", "append"):
                sys.setprofile(None)
                signal.raise_signal(signal.SIGINT)

        # Not heard of is a signal that comes while in_the_middle() runs: then there is no second one.
        sys.setprofile(in_the_middle)
        spawning.serve(application, port=0, access_log_format=None)
        """
    )
    assert program.get() == (200, b"hello")

    assert program.end(signal.SIGTERM) == (0, "", "")


def test_a_signal_that_another_thread_is_given_ends_it(run):
    program = run(
        """
        def kill_me(environ, start_response):
            signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
            return application(environ, start_response)

        spawning.serve(kill_me, port=0, access_log_format=None)
        assert signal.set_wakeup_fd(-1) == -1
        """
    )
    assert program.get() == (200, b"hello")

    assert program.process.wait(PATIENCE) == 0


def test_gives_up_what_outlasts_the_deadman(run):
    program = run("spawning.serve(application, port=0, deadman=0.2, access_log_format=None)")
    client = program.ask("/stuck")
    program.errors_until("inside\n")

    status, _, errors = program.end(signal.SIGTERM)

    client.close()
    assert status == 0
    assert "a request still runs after" in errors


def test_signals_are_what_they_were_afterwards(run):
    program = run(
        """
        def mine(*_):
            raise SystemExit(5)

        signal.signal(signal.SIGTERM, mine)
        before = signal.getsignal(signal.SIGINT)
        spawning.serve(application, port=0, access_log_format=None)
        assert signal.getsignal(signal.SIGTERM) is mine
        assert signal.getsignal(signal.SIGINT) is before
        os.kill(os.getpid(), signal.SIGTERM)
        """
    )

    assert program.end(signal.SIGINT) == (5, "", "")


def test_an_exception_out_of_another_signal_s_handler_ends_it(run):
    program = run(
        """
        def alarm(*_):
            raise LookupError("alarm")

        signal.signal(signal.SIGUSR1, alarm)
        try:
            spawning.serve(application, port=0, access_log_format=None)
        except LookupError as error:
            print(error, threading.active_count())
        """
    )

    assert program.get() == (200, b"hello")
    assert program.end(signal.SIGUSR1) == (0, "alarm 1\n", "")


def test_a_child_that_the_application_forks_has_not_its_signals_nor_its_port(run):
    program = run(
        """
        def forks(environ, start_response):
            ready, says = os.pipe()
            child = os.fork()
            if child == 0:
                os.write(says, b"x")
                signal.pause()
                os._exit(1)
            os.read(ready, 1)  # its handlers are its own
            start_response("200 OK", [("Content-Type", "text/plain")])
            return [str(child).encode()]

        spawning.serve(forks, port=0, access_log_format=None)
        """
    )
    child = int(program.get()[1])
    try:
        program.process.send_signal(signal.SIGTERM)
        assert program.process.wait(PATIENCE) == 0
        with pytest.raises(ConnectionRefusedError):
            program.get()
        os.kill(child, signal.SIGTERM)
    finally:
        with_proc = pathlib.Path(f"/proc/{child}")
        # It is nobody's child here: gone, or a zombie, is what can be seen of its end.
        deadline = threading.Event()
        for _ in range(PATIENCE * 20):
            if not with_proc.exists() or ") Z " in (with_proc / "stat").read_text():
                break
            deadline.wait(0.05)
        else:
            os.kill(child, signal.SIGKILL)
            pytest.fail("the child has not taken SIGTERM")


def test_in_another_thread_an_event_stops_it(capfd):
    stop = threading.Event()
    thread = threading.Thread(
        target=spawning.serve, args=(hello_world,), kwargs={"port": 0, "until": stop}
    )
    thread.start()
    banner = None
    out = ""
    pause = threading.Event()
    for _ in range(PATIENCE * 100):
        out += capfd.readouterr().out
        banner = BANNER.search(out)
        if banner:
            break
        pause.wait(0.01)
    assert banner, out

    client = http.client.HTTPConnection("127.0.0.1", int(banner[1]), PATIENCE)
    client.request("GET", "/")
    assert client.getresponse().read() == b"Hello, World!\r\n"
    stop.set()
    thread.join(PATIENCE)

    assert not thread.is_alive()
    client.close()


def test_in_another_thread_without_an_event_it_says_what_to_do():
    raised = []

    def serve():
        with pytest.raises(RuntimeError, match=r"until=threading\.Event\(\)") as error:
            spawning.serve(hello_world, port=0)
        raised.append(error)

    thread = threading.Thread(target=serve)
    thread.start()
    thread.join(PATIENCE)

    assert raised


def test_until_has_to_be_an_event():
    with pytest.raises(TypeError, match=r"until: expected a threading\.Event, not bool"):
        spawning.serve(hello_world, port=0, until=True)
