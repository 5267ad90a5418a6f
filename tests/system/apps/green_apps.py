# SPDX-License-Identifier: MIT
"""Applications for the tests of greenlets, by path. Each says what becomes of it in its note."""

import json
import os
import queue
import select
import socket
import ssl
import subprocess
import threading
import time
from urllib.parse import parse_qs

TEXT = [("Content-Type", "text/plain")]
BLOCK = bytes(1 << 20)
lock = threading.Lock()
running = most_running = 0
together = threading.Event()


def argument(environ, name):
    return parse_qs(environ["QUERY_STRING"])[name][0]


def leave_note(environ, text):
    with open(argument(environ, "note"), "a") as note:
        note.write(text + "\n")


def hello(environ, start_response):
    start_response("200 OK", TEXT)
    return [b"hello"]


def wait(environ, start_response):
    """Waits so many seconds; answers how many have waited at a time at most."""
    global running, most_running  # noqa: PLW0603  # one worker's
    running += 1
    most_running = max(most_running, running)
    time.sleep(float(argument(environ, "seconds")))
    running -= 1
    start_response("200 OK", TEXT)
    return [b"%d" % most_running]


def meet(environ, start_response):
    """Waits until so many do; answers how many have waited at a time at most."""
    global running, most_running  # noqa: PLW0603  # one worker's
    running += 1
    most_running = max(most_running, running)
    if running == int(argument(environ, "count")):
        together.set()
    together.wait(30)
    running -= 1
    start_response("200 OK", TEXT)
    return [b"%d" % most_running]


def wait_noted(environ, start_response):
    """Waits in its iterator for ever, and notes what it sees."""
    start_response("200 OK", TEXT)
    yield b"first"
    leave_note(environ, "waits")
    try:
        time.sleep(3600)
    except BaseException as error:
        leave_note(environ, type(error).__name__)
        raise
    finally:
        leave_note(environ, "closed")


def flood(environ, start_response):
    """Far more than is kept for a client that does not read; notes each block."""
    start_response("200 OK", TEXT)
    for number in range(300):
        yield BLOCK
        leave_note(environ, str(number))


def flood_written(environ, start_response):
    """As flood(), by write()."""
    write = start_response("200 OK", TEXT)
    for number in range(300):
        write(BLOCK)
        leave_note(environ, str(number))
    return []


def block(environ, start_response):
    """Computes for so many seconds, and lets nobody run."""
    until = time.monotonic() + float(argument(environ, "seconds"))
    while time.monotonic() < until:
        pass
    start_response("200 OK", TEXT)
    return [b"computed"]


def forget(environ, start_response):
    """Leaves greenlets behind that never end."""
    for _ in range(100):
        threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()
    start_response("200 OK", TEXT)
    return [b"forgotten"]


def fail_after_a_wait(environ, start_response):
    time.sleep(0.01)
    raise ValueError("failing in a greenlet")


def exit_greenlet(environ, start_response):
    """Raises what ends a greenlet."""
    import greenlet  # noqa: PLC0415  # the tests themselves do without

    raise greenlet.GreenletExit


def patched(environ, start_response):
    """Whose they are that wait, and whether others run while a process, a thread and a queue do."""
    modules = [time.sleep, socket.socket, select.select, ssl.SSLContext, threading.Lock]
    turns = []
    stop = threading.Event()

    def count():
        while not stop.is_set():
            turns.append(1)
            time.sleep(0.01)

    counter = threading.Thread(target=count)
    counter.start()
    counts = []
    for wait in (wait_for_process, wait_for_thread, wait_for_queue):
        before = len(turns)
        wait()
        counts.append(len(turns) - before)
    stop.set()
    counter.join()
    start_response("200 OK", TEXT)
    found = [each.__module__ for each in modules]
    return [json.dumps({"modules": found, "turns": counts}).encode()]


def wait_for_process():
    assert subprocess.run(["sleep", "0.2"], check=True, capture_output=True).stdout == b""


def wait_for_thread():
    thread = threading.Thread(target=time.sleep, args=(0.2,))
    thread.start()
    thread.join()


def wait_for_queue():
    try:
        queue.Queue().get(timeout=0.2)
    except queue.Empty:
        return


def pid(environ, start_response):
    start_response("200 OK", TEXT)
    return [b"%d" % os.getpid()]


def app(environ, start_response):
    return globals()[environ["PATH_INFO"].strip("/") or "hello"](environ, start_response)
