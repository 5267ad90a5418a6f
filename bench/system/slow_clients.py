# SPDX-License-Identifier: MIT
"""What slow clients cost the others: the time of normal requests alone, and beside 1500 slow clients.

usage: slow_clients.py BUILD_DIR [ROUNDS]

One process of four threads serves hello world. Each round asks it over eight keep-alive connections for
five seconds, and then again while 500 clients send one octet a second, 500 read one octet a second of an
answer of 1 MiB, and 500 are idle. What counts is the ratio of the two: it must stay below 2.
"""

import collections
import contextlib
import multiprocessing
import re
import resource
import selectors
import socket
import statistics
import sys
import time
from pathlib import Path

from server_process import running

HERE = Path(__file__).resolve().parent
OF_EACH_KIND = 500
CONNECTIONS = 8
SECONDS = 5  # a measurement: the slow ones must not live to see the server's own timeouts
PAUSE = 0.005  # from a request to the next one on its connection: far from what the server can do
WARM_UP = 0.5  # seconds that do not count: the slow ones of the round before are still being closed
PATIENCE = 10

REQUEST = b"GET / HTTP/1.1\r\nHost: test\r\n\r\n"
BLOCK = b"x" * (64 << 10)
BIG = b"x" * (1 << 20)


# ---- what is served ----------------------------------------------------------------------------------


def application(environ, start_response):
    if environ["PATH_INFO"] == "/stream":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return (BLOCK for _ in range(16))
    body = BIG if environ["PATH_INFO"] == "/bytes" else b"hello, world\n"
    length = ("Content-Length", str(len(body)))  # not every server adds it
    start_response("200 OK", [("Content-Type", "text/plain"), length])
    return [body]


# ---- normal requests ---------------------------------------------------------------------------------


class Connection:
    """Asks again and again; one request at a time."""

    def __init__(self, port, selector, first_at):
        self.port = port
        self.selector = selector
        self.next_at = first_at
        self.sent_at = None
        self.connect()

    def connect(self):
        self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.selector.register(self.socket, selectors.EVENT_READ, self)
        self.received = b""

    def close(self):
        self.selector.unregister(self.socket)
        self.socket.close()

    def ask(self):
        self.sent_at = time.perf_counter()
        self.next_at = self.sent_at + PAUSE
        self.socket.send(REQUEST)

    def give_up(self):
        self.close()
        self.sent_at = None
        self.connect()

    def hear(self):
        """When the request went out and the time it took, once its answer is here."""
        octets = self.socket.recv(65536)
        if not octets:
            raise ConnectionResetError
        self.received += octets
        head, blank, body = self.received.partition(b"\r\n\r\n")
        if not blank or len(body) < int(re.search(rb"(?i)Content-Length: (\d+)", head)[1]):
            return None
        if not head.startswith(b"HTTP/1.1 200 "):
            raise ConnectionAbortedError
        asked, self.sent_at, self.received = self.sent_at, None, b""
        return asked, time.perf_counter() - asked


def measure(port, seconds):
    """The times of all requests, sorted, and the number of those that were not answered."""
    times, errors = [], 0
    start = time.perf_counter()
    with selectors.DefaultSelector() as selector:
        connections = [
            Connection(port, selector, start + PAUSE * number / CONNECTIONS)
            for number in range(CONNECTIONS)
        ]
        while True:
            now = time.perf_counter()
            asking = now < start + seconds
            for each in connections:
                if each.sent_at is not None and now > each.sent_at + PATIENCE:
                    errors += 1
                    each.give_up()
                if asking and each.sent_at is None and now >= each.next_at:
                    each.ask()
            if not asking and all(each.sent_at is None for each in connections):
                break
            for key, _ in selector.select(0.0005):
                try:
                    answered = key.data.hear()
                except OSError:
                    errors += 1
                    key.data.give_up()
                else:
                    times += [answered[1]] if answered and answered[0] > start + WARM_UP else []
        for each in connections:
            each.close()
    return sorted(times), errors


# ---- slow clients ------------------------------------------------------------------------------------


class SlowClient:
    """A connection that is in no hurry; step() is called once a second."""

    def __init__(self, port, opening, rest=b""):
        self.socket = socket.socket()
        # What the kernels at both ends take for it nobody waits for: over the loopback device, with
        # segments of 64 KiB, that would be all.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1400)
        self.socket.connect(("127.0.0.1", port))
        self.socket.sendall(opening)
        self.socket.setblocking(False)
        self.rest = rest
        self.octets = 0
        self.is_cut_off = False

    def step(self):
        if self.is_cut_off:
            return
        try:
            if self.rest:
                self.rest = self.rest[self.socket.send(self.rest[:1]) :]
            octets = self.socket.recv(1)
            self.octets += len(octets)
            self.is_cut_off = not octets
        except BlockingIOError:
            pass
        except OSError:
            self.is_cut_off = True


def slow_clients(port, count):
    """Of each kind so many."""
    head = b"GET / HTTP/1.1\r\nHost: test\r\nX-Slow: " + b"x" * 1000
    post = b"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 1000\r\n\r\n"
    for number in range(count):
        odd = number % 2
        yield SlowClient(port, post, b"x" * 1000) if odd else SlowClient(port, b"", head)
        path = b"/stream" if odd else b"/bytes"
        yield SlowClient(port, b"GET %s HTTP/1.1\r\nHost: test\r\n\r\n" % path)
        yield SlowClient(port, b"")


def be_slow(port, count, pipe):
    """Speaks up when all are there; at the end says how many were cut off, and how many had no answer."""
    clients = list(slow_clients(port, count))
    readers = clients[1::3]
    start, turns, told = time.monotonic(), 0, False
    while not pipe.poll():
        elapsed = time.monotonic() - start
        # A few at a time, as if they came from many places.
        for turn in range(turns, int(elapsed * len(clients))):
            clients[turn % len(clients)].step()
        turns = int(elapsed * len(clients))
        if not told and (all(each.octets for each in readers) or elapsed > PATIENCE):
            pipe.send("here")
            told = True
        time.sleep(0.005)
    pipe.send((sum(each.is_cut_off for each in clients), sum(not each.octets for each in readers)))


@contextlib.contextmanager
def beside_slow_clients(port, count, tally):
    """While it lasts they are there; afterwards what went wrong is added to `tally`."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=be_slow, args=(port, count, theirs), daemon=True)
    process.start()
    try:
        ours.recv()
        yield
        ours.send("go")
        cut_off, unanswered = ours.recv()
        tally.update(cut_off=cut_off, unanswered=unanswered)
    finally:
        process.kill()
        process.join()


# ---- the comparison ----------------------------------------------------------------------------------


def quantile(times, part):
    return times[min(int(len(times) * part), len(times) - 1)] * 1000 if times else float("inf")


def report(name, times, errors):
    p50, p99 = quantile(times, 0.5), quantile(times, 0.99)
    print(
        f"{name:<24} p50 {p50:7.2f} ms, p99 {p99:7.2f} ms, longest {quantile(times, 1):8.2f} ms; "
        f"{len(times)} requests, {errors} errors",
        flush=True,
    )
    return p99


def most_connections():
    """How many slow clients of each kind fit the limit of descriptors."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return OF_EACH_KIND if hard == resource.RLIM_INFINITY else min(OF_EACH_KIND, (hard - 100) // 3)


def main():
    build = Path(sys.argv[1]).resolve()
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    count = most_connections()
    if count < OF_EACH_KIND:
        print(f"the limit of descriptors leaves room for {count} slow clients of each kind")
    command = [build / "cli" / "spawn", "--python", sys.executable, "--processes", "1"]
    command += ["--threads", "4", "slow_clients:application", "--port"]
    alone, beside, tally = [], [], collections.Counter()
    with running(command, build, cwd=HERE) as port:
        for _ in range(rounds):
            alone.append(report("alone", *measure(port, SECONDS)))
            with beside_slow_clients(port, count, tally):
                beside.append(report(f"beside {3 * count} slow ones", *measure(port, SECONDS)))
    ratio = statistics.median(beside) / statistics.median(alone)
    print(
        f"p99 beside slow clients: {ratio:.2f} times that without them (median of {rounds} rounds)"
    )
    if tally["cut_off"] or tally["unanswered"]:
        print(f"slow clients cut off: {tally['cut_off']}; not answered: {tally['unanswered']}")


if __name__ == "__main__":
    main()
