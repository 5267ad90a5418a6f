# SPDX-License-Identifier: MIT
"""What peers.py measures besides requests a second: each a function of a Setting, for one peer."""

import collections
import contextlib
import http.client
import os
import resource
import select
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import slow_clients
import wrk
from server_process import memory, processor_seconds

IDLE = 10_000
SLOW_OF_EACH_KIND = 500


@dataclass
class Setting:
    """How one peer is measured."""

    serve: Callable  # of MODULE:NAME: a context manager that gives (pid, port)
    seconds: float
    before_load: list  # the command that pins wrk, or nothing
    bare: Callable  # of a module: imports it into a Python without a server


class Crowd:
    """So many connections, or as many as the server takes."""

    def __init__(self, port, count, patience=30.0):
        self.epoll = select.epoll()
        self.sockets = {}
        deadline = time.monotonic() + patience
        while len(self.sockets) < count and time.monotonic() < deadline:
            with contextlib.suppress(OSError):  # the backlog is full
                connection = socket.create_connection(("127.0.0.1", port), timeout=2)
                self.sockets[connection.fileno()] = connection
                self.epoll.register(connection.fileno(), select.EPOLLIN)

    def ask_in_turn(self, patience=30.0):
        """A request over each, one after the other; how many of them have been answered."""
        answered, deadline = 0, time.monotonic() + patience
        for connection in self.sockets.values():
            if time.monotonic() > deadline:
                break
            with contextlib.suppress(OSError):
                connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
                answered += connection.recv(4096).startswith(b"HTTP/1.1 200 ")
        return answered

    def close(self):
        for connection in self.sockets.values():
            connection.close()
        self.epoll.close()


def raise_descriptor_limit():
    """As many as may be, for servers that are started, too."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def throughput(setting, application, options):
    """An application under load, over 64 connections that are kept alive."""
    with setting.serve(application) as (pid, port):
        wrk.run(port, 1, *setting.before_load, **options)  # warms up
        before = processor_seconds(pid)
        found = wrk.run(port, setting.seconds, *setting.before_load, **options)
        taken = processor_seconds(pid) - before
        if found["errors"] >= found["requests"]:
            raise ValueError(f"{found['errors']} errors, {found['requests']} answers")
        found["cpu_us"] = taken / found["requests"] * 1e6
        found["memory_mib"] = memory(pid) / 1024
    return found


def settled_memory(pid, patience=20.0):
    """In KiB, once it has not become less for two seconds."""
    least, deadline = memory(pid), time.monotonic() + patience
    since = time.monotonic()
    while time.monotonic() < min(since + 2, deadline):
        time.sleep(0.1)
        now = memory(pid)
        if now < least:
            least, since = now, time.monotonic()
    return least


def idle(setting):
    """What 10,000 connections take that say nothing, before and after a request, and hello world beside them."""
    count = min(IDLE, raise_descriptor_limit() - 200)
    with setting.serve("peer_applications:hello") as (pid, port):
        wrk.run(port, 1, *setting.before_load)
        before = memory(pid)
        crowd = Crowd(port, count)
        try:
            reached = len(crowd.sockets)
            grown = memory(pid) - before
            answered = crowd.ask_in_turn()
            rested = settled_memory(pid) - before
            found = wrk.run(port, setting.seconds, *setting.before_load)
        finally:
            crowd.close()
    return {
        **found,
        "connections": reached,
        "connection_kib": grown / reached if reached else None,
        "asked_kib": rested / reached if reached and answered == reached else None,
    }


def mixed(setting):
    """Half of 64 connections ask for what takes 10 ms; how the other half fares with hello world."""
    with setting.serve("peer_applications:mixed") as (_, port):
        slow = [*setting.before_load, *wrk.command(port, setting.seconds + 2, 32, "/slow")]
        with subprocess.Popen(slow, stdout=subprocess.DEVNULL) as beside:
            try:
                wait_for_connections(port, 32)
                wrk.run(port, 1, *setting.before_load, connections=32)  # warms up
                return wrk.run(port, setting.seconds, *setting.before_load, connections=32)
            finally:
                beside.terminate()


def wait_for_connections(port, count, patience=20.0):
    """Until so many clients of the port are connected, which wrk does not say of itself."""
    remote = f"0100007F:{port:04X} 01 "  # 127.0.0.1, established
    deadline = time.monotonic() + patience
    while Path("/proc/net/tcp").read_text().count(remote) < count:
        if time.monotonic() > deadline:
            raise TimeoutError(f"fewer than {count} connections to port {port}")
        time.sleep(0.01)


def slow(setting):
    """The time of requests at a pace, alone and beside slow clients: see slow_clients.py."""
    tally = collections.Counter()
    count = min(SLOW_OF_EACH_KIND, (raise_descriptor_limit() - 200) // 3)
    with setting.serve("slow_clients:application") as (_, port):
        alone, first_errors = slow_clients.measure(port, setting.seconds)
        with slow_clients.beside_slow_clients(port, count, tally):
            beside, errors = slow_clients.measure(port, setting.seconds)
    return {
        "p50_ms": slow_clients.quantile(beside, 0.5),
        "p99_ms": slow_clients.quantile(beside, 0.99),
        "p999_ms": slow_clients.quantile(beside, 0.999),
        "alone_p99_ms": slow_clients.quantile(alone, 0.99),
        "errors": first_errors + errors,
    }


def start(setting):
    """From the command to the first answer, and the memory of who has answered one request.

    Beside it: what Python takes that does no more than import the same application, and ends.
    """
    began = time.monotonic()
    setting.bare("peer_applications")
    bare = time.monotonic() - began
    began = time.monotonic()
    with setting.serve("peer_applications:hello") as (pid, port):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", "/")
        answered = connection.getresponse().status == http.client.OK
        taken = time.monotonic() - began
        connection.close()
        return {
            "start_ms": taken * 1000,
            "import_ms": bare * 1000,
            "memory_mib": memory(pid) / 1024,
            "errors": 0 if answered else 1,
        }


SITUATIONS = {"idle": idle, "mixed": mixed, "slow-clients": slow, "start": start}

APPLICATIONS = {
    "hello": ("peer_applications:hello", {}),
    "pipelined": ("peer_applications:hello", {"arguments": ["pipelined=16"]}),
    "10kB": ("peer_applications:ten_kilobytes", {}),
    "echo": ("peer_applications:echo", {"arguments": ["post=16384"]}),
    "stream": ("peer_applications:stream", {}),
    "sleep": ("peer_applications:sleep", {}),
    "compute": ("peer_applications:compute", {}),
    "file": ("peer_applications:file", {"connections": 8}),
    "django": ("django_page:application", {}),
    "flask": ("flask_json:application", {}),
}
FOR_FLOORS = {"hello", "pipelined", "idle", "start"}


def environment(place):
    path = [str(place.build / "python"), str(Path(__file__).resolve().parent), place.packages]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path)}
