# SPDX-License-Identifier: MIT
"""What greenlets cost, side by side with gunicorn's gevent worker and eventlet.wsgi.

usage: greenlets.py BUILD_DIR [ROUNDS]

One process a server. Hello world by `wrk -t1 -c64`; 10,000 requests at once that each wait for a
second, and the memory that each takes meanwhile; 5,000 streams that are each sent an event a second,
and what a short request takes beside them. Servers take turns, so that what else the machine does
meets all of them.
"""

import contextlib
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

import wrk
from server_process import installed, memory, running_process
from situations import Crowd, raise_descriptor_limit

HERE = Path(__file__).resolve().parent
APPLICATION = "green_application:application"
WAITING, STREAMS = 10_000, 5_000
BACKLOG = "4096"
EVENTLET = """
import eventlet, sys
eventlet.monkey_patch()
import eventlet.wsgi
from green_application import application
listener = eventlet.listen(("127.0.0.1", int(sys.argv[1])), backlog=4096)
eventlet.wsgi.server(listener, application, max_size=20000, keepalive=75, log_output=False)
"""


def servers(build):
    """(name, command without its port) of each server that can be started here."""
    spawn = [build / "cli" / "spawn", "--python", sys.executable, "--processes", "1"]
    spawn += ["--threads", "0", "--worker-connections", "20000", "--max-connections", "20000"]
    spawn += ["--access-log-file", "/dev/null"]
    for hub in ("gevent", "eventlet"):
        if installed(hub):
            yield f"spawn --green {hub}", [*spawn, "--green", hub, APPLICATION, "--port"]
    if installed("gunicorn") and installed("gevent"):
        gunicorn = [sys.executable, "-m", "gunicorn", "-k", "gevent", "--log-level", "error"]
        gunicorn += ["--worker-connections", "20000", "--keep-alive", "75", "--backlog", BACKLOG]
        yield "gunicorn -k gevent", [*gunicorn, APPLICATION, "-b"]
    if installed("eventlet"):
        yield "eventlet.wsgi", [sys.executable, "-W", "ignore", "-c", EVENTLET]


@contextlib.contextmanager
def serving(command, build):
    """A server that has answered: its process and its port."""
    with running_process(command, build, HERE) as (process, port):
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n")
            while not connection.recv(4096).endswith(b"hello\n"):
                pass
        yield process, port


def hello(port):
    """Requests a second, and the 99th percentile in ms."""
    found = wrk.run(port, 4)
    return found["requests_per_second"], found["p99_ms"]


class AskingCrowd(Crowd):
    """Connections that ask."""

    def ask(self, path):
        request = f"GET {path} HTTP/1.1\r\nHost: test\r\n\r\n".encode()
        for connection in self.sockets.values():
            with contextlib.suppress(OSError):  # told apart by what comes
                connection.sendall(request)

    def ready(self, timeout):
        """What has come since: octets of some, by descriptor."""
        for descriptor, _ in self.epoll.poll(timeout, 1000):
            try:
                yield descriptor, self.sockets[descriptor].recv(4096)
            except OSError:
                yield descriptor, b""


def waiting(pid, port):
    """(seconds until all are answered, how many are not, KiB that each takes, connection included)."""
    before = most = memory(pid)
    crowd = AskingCrowd(port, WAITING)
    began = time.monotonic()
    crowd.ask("/wait")
    good, left = 0, set(crowd.sockets)
    looked = 0.0
    while left and time.monotonic() < began + 60:
        for descriptor, octets in crowd.ready(0.1):
            if descriptor not in left:
                continue
            left.discard(descriptor)
            crowd.epoll.unregister(descriptor)
            good += octets.startswith(b"HTTP/1.1 200")
        if time.monotonic() - looked > 0.1:
            looked = time.monotonic()
            most = max(most, memory(pid))
    seconds = time.monotonic() - began
    crowd.close()
    return seconds, WAITING - good, (most - before) / WAITING


def streaming(port):
    """(the 99th percentile of other requests in ms, how many streams got no event meanwhile)."""
    crowd = AskingCrowd(port, STREAMS)
    crowd.ask("/events")
    deadline = time.monotonic() + 4  # until all have begun
    while time.monotonic() < deadline:
        for _ in crowd.ready(0.1):
            pass
    others = subprocess.Popen(
        [sys.executable, __file__, "--others", str(port)], stdout=subprocess.PIPE, text=True
    )
    seen = set()
    while others.poll() is None:
        for descriptor, octets in crowd.ready(0.1):
            if b"data:" in octets:
                seen.add(descriptor)
    crowd.close()
    return float(others.stdout.read()), STREAMS - len(seen)


def others(port):
    """Asks on one connection, with a pause, for five seconds; prints the 99th percentile in ms."""
    times = []
    with socket.create_connection(("127.0.0.1", port)) as connection:
        until = time.monotonic() + 5
        while time.monotonic() < until:
            began = time.monotonic()
            connection.sendall(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n")
            answer = b""
            while not answer.endswith(b"hello\n"):
                answer += connection.recv(4096)
            times.append(time.monotonic() - began)
            time.sleep(0.002)
    print(statistics.quantiles(times, n=100)[98] * 1000)


def measure(name, command, build):
    with serving(command, build) as (_, port):
        rate, p99 = hello(port)
    print(f"{name:<24} {rate:>9.0f} requests/s, 99 % within {p99:.1f} ms", flush=True)
    with serving(command, build) as (process, port):
        seconds, lost, kibibytes = waiting(process.pid, port)
    print(
        f"{name:<24} {WAITING} that wait 1 s: {seconds:.2f} s, {lost} lost, "
        f"{kibibytes:.1f} KiB each",
        flush=True,
    )
    with serving(command, build) as (_, port):
        p99, silent = streaming(port)
    print(
        f"{name:<24} beside {STREAMS} streams: 99 % within {p99:.1f} ms; {silent} got no event",
        flush=True,
    )


def main():
    if sys.argv[1] == "--others":
        return others(int(sys.argv[2]))
    build = Path(sys.argv[1]).resolve()
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    if shutil.which("wrk") is None:
        print("install wrk to compare whole servers")
        return None
    raise_descriptor_limit()
    os.environ["PYTHONPATH"] = str(build / "python")
    for _ in range(rounds):
        for name, command in servers(build):
            measure(name, command, build)
    return None


if __name__ == "__main__":
    main()
