# SPDX-License-Identifier: MIT
"""What big bodies cost: 1,000 clients at once that upload 10 MiB each, beside gunicorn's gthread worker.

usage: uploads.py BUILD_DIR [ROUNDS] [CLIENTS]

One process of four threads reads every body to its end and answers with its SHA-256, which is compared.
The bodies come with a Content-Length, then in chunks of 64 KiB, and then with a Content-Length again, but
all of them stop half-way and are held there for two seconds. Meanwhile two others look how they are served:
one asks for something short, and one connects, announces a body, and waits for `100 Continue`. Servers take
turns. It takes 10 GiB below $TMPDIR while it runs; what is too much for it is left out.
"""

import contextlib
import hashlib
import multiprocessing
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path

from server_process import (
    anonymous_memory,
    descriptors,
    family,
    installed,
    processor_seconds,
    running_process,
)
from situations import raise_descriptor_limit
from slow_clients import quantile
from upload_clients import CHUNK, SIZE, Messages, Uploads

HERE = Path(__file__).resolve().parent
UPLOADS = 1000
HELD = 2  # seconds
STALLED = 5  # seconds without an octet: who is still not half-way will not be
PATIENCE = 60  # seconds without an octet: nobody will answer any more
PAUSE = 0.005  # between two questions of one that looks
SITUATIONS = ("Content-Length", "chunked", "held half-way")


def application(environ, start_response):
    digest = hashlib.sha256()
    while block := environ["wsgi.input"].read(CHUNK):
        digest.update(block)
    body = digest.hexdigest().encode()
    headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))]
    start_response("200 OK", headers)
    return [body]


# ---- who looks on ------------------------------------------------------------------------------------


def ask(connection, request, end):
    """Seconds from a request to the end of its answer."""
    began = time.perf_counter()
    connection.sendall(request)
    answer = b""
    while not answer.endswith(end):
        octets = connection.recv(4096)
        if not octets:
            raise ConnectionResetError
        answer += octets
    return time.perf_counter() - began


def look_short(port, pipe):
    """Asks for something short on one connection, and at the end gives all times."""
    end = hashlib.sha256().hexdigest().encode()
    times = []
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)) as connection:
        while not pipe.poll(PAUSE):
            times.append(ask(connection, b"GET / HTTP/1.1\r\nHost: test\r\n\r\n", end))
    pipe.send(times)


def look_continue(port, pipe):
    """The same for `100 Continue`, which takes no thread of an application that waits for whole bodies."""
    head = b"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n"
    times = []
    while not pipe.poll(PAUSE):
        began = time.perf_counter()
        with socket.create_connection(("127.0.0.1", port)) as connection:
            ask(connection, head, b" 100 Continue\r\n\r\n")
            times.append(time.perf_counter() - began)
    pipe.send(times)


class Onlooker:
    def __init__(self, look, port):
        self.pipe, theirs = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=look, args=(port, theirs), daemon=True)
        self.process.start()

    def end(self):
        """What was seen, in words."""
        with contextlib.suppress(EOFError, OSError):
            self.pipe.send("end")
            if self.pipe.poll(5):
                times = sorted(self.pipe.recv())
                return (
                    f"p50 {quantile(times, 0.5):.1f}, p99 {quantile(times, 0.99):.1f}, "
                    f"longest {quantile(times, 1):.0f} ms of {len(times)}"
                )
        return "no answer"

    def kill(self):
        self.process.kill()
        self.process.join()


@contextlib.contextmanager
def onlookers(port):
    both = [Onlooker(look, port) for look in (look_short, look_continue)]
    try:
        yield both
    finally:
        for each in both:
            each.kill()


# ---- the comparison ----------------------------------------------------------------------------------


class Most:
    """What a server has at most above what it had at first."""

    def __init__(self, pid):
        self.processes = list(family(pid))
        self.idle = self.now()
        self.most = self.idle
        self.next_look = 0.0

    def now(self):
        return (
            sum(map(anonymous_memory, self.processes)),
            sum(map(descriptors, self.processes)),
        )

    def look(self):
        if time.monotonic() < self.next_look:
            return
        self.most = tuple(map(max, self.most, self.now()))
        self.next_look = time.monotonic() + 0.05

    def more(self, values):
        """KiB, and descriptors."""
        return tuple(value - idle for value, idle in zip(values, self.idle))


def settle(most, patience=5.0):
    """Until it has no more descriptors than at first; how many more it has."""
    deadline = time.monotonic() + patience
    while most.more(most.now())[1] > 0 and time.monotonic() < deadline:
        time.sleep(0.05)
    return most.more(most.now())[1]


def upload_all(uploads, most, held):
    """(seconds, more memory in KiB while they were held)"""
    length, while_held = next(iter(uploads.all.values())).messages.length, None
    began = time.monotonic()
    if held:
        seconds = uploads.send_up_to(length // 2, STALLED)
        until = time.monotonic() + HELD
        while time.monotonic() < until:
            most.look()
            time.sleep(0.05)
        while_held = most.more(most.now())[0]
        began = time.monotonic() - seconds
    uploads.send_up_to(length, PATIENCE)
    uploads.hear_answers(PATIENCE)
    return time.monotonic() - began, while_held


def measure(name, command, build, situation, count):
    messages = Messages(situation == "chunked")
    with running_process(command, build, HERE) as (process, port):
        with socket.create_connection(("127.0.0.1", port)) as connection:
            end = hashlib.sha256().hexdigest().encode()
            for _ in range(100):
                ask(connection, b"GET / HTTP/1.1\r\nHost: test\r\n\r\n", end)
        most, processor = Most(process.pid), processor_seconds(process.pid)
        with onlookers(port) as watching:
            uploads = Uploads(port, count, messages, most.look)
            seconds, while_held = upload_all(uploads, most, situation == "held half-way")
            short, continued = (each.end() for each in watching)
        processor = processor_seconds(process.pid) - processor
        uploads.close()
        left = settle(most)
    os.close(messages.file)
    kibibytes, opened = most.more(most.most)
    gibibytes = count * SIZE / (1 << 30)
    heading = f"{name:<17} {situation:<14} "
    print(
        f"{heading} {seconds:.1f} s, {uploads.errors} errors; {processor / gibibytes:.2f} s of "
        f"processor time a GiB\n"
        f"{heading} memory: {kibibytes / 1024:.1f} MiB more at most, {kibibytes / count:.1f} KiB each"
        + (f"; {while_held / count:.1f} KiB each while held" if while_held is not None else "")
        + f"; {opened} descriptors more, {left} of them left\n"
        f"{heading} beside them: short requests {short}\n"
        f"{heading}              100 Continue {continued}",
        flush=True,
    )


def servers(build):
    """(name, command without its port) of each server that can be started here."""
    spawn = [build / "cli" / "spawn", "--python", sys.executable, "--processes", "1"]
    spawn += ["--threads", "4", "--access-log-file", os.devnull]
    yield "spawn", [*spawn, "uploads:application", "--port"]
    if installed("gunicorn"):
        gunicorn = [sys.executable, "-m", "gunicorn", "-k", "gthread", "--threads", "4"]
        gunicorn += ["--log-level", "error", "--backlog", "4096", "--worker-connections", "5000"]
        yield "gunicorn gthread", [*gunicorn, "uploads:application", "-b"]


def most_uploads(wanted, directory):
    """How many fit the disk, and the limit of descriptors."""
    room = shutil.disk_usage(directory).free * 9 // 10 // SIZE
    count = min(wanted, room, (raise_descriptor_limit() - 200) // 2)
    if count < wanted:
        print(f"the disk and the limit of descriptors leave room for {count} uploads")
    return count


def main():
    signal.signal(
        signal.SIGTERM, lambda *_: sys.exit(1)
    )  # nothing of a server is left then, either
    build = Path(sys.argv[1]).resolve()
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    count = most_uploads(int(sys.argv[3]) if len(sys.argv) > 3 else UPLOADS, tempfile.gettempdir())
    for _ in range(rounds):
        for situation in SITUATIONS:
            for name, command in servers(build):
                measure(name, command, build, situation, count)


if __name__ == "__main__":
    main()
