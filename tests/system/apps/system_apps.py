# SPDX-License-Identifier: MIT
"""Applications for the system tests, by path. All of them satisfy wsgiref.validate."""

import ctypes
import hashlib
import io
import json
import os
import pathlib
import queue
import time
from urllib.parse import parse_qs
from wsgiref.util import request_uri

from spawning.serving import green_hubs

TEXT = [("Content-Type", "text/plain")]
HUB = time.sleep.__module__.partition(".")[0]  # gevent's or eventlet's, if it is patched


def hold_the_thread(environ):
    """Waits for the gate that the query names, with all greenlets of this thread. conftest.py"""
    with open(parse_qs(environ["QUERY_STRING"])["gate"][0], "rb") as gate:
        gate.read()


def pass_gate(environ):
    """Waits for the gate that the query names."""
    if HUB == "time":
        hold_the_thread(environ)
    else:
        green_hubs.choose(HUB).in_thread(lambda: hold_the_thread(environ))


def read_body(environ):
    return b"".join(iter(lambda: environ["wsgi.input"].read(100_000), b""))


def echo(environ, start_response):
    """What arrived, as JSON."""
    body = read_body(environ)
    seen = {
        "environ": {key: value for key, value in environ.items() if isinstance(value, str)},
        "length": len(body),
        "sha256": hashlib.sha256(body).hexdigest(),
        "text": body[:1000].decode("latin-1"),
    }
    answer = json.dumps(seen).encode()
    length = str(len(answer))  # a validated body is no list, so nobody can count it
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", length)])
    return [answer]


def digest(environ, start_response):
    """The length of what arrived, and its SHA-256; never much of it is in memory."""
    seen, length = hashlib.sha256(), 0
    for block in iter(lambda: environ["wsgi.input"].read(64 << 10), b""):
        seen.update(block)
        length += len(block)
    answer = f"{length} {seen.hexdigest()}".encode()
    start_response("200 OK", [*TEXT, ("Content-Length", str(len(answer)))])
    return [answer]


def pid(environ, start_response):
    start_response("200 OK", TEXT)
    return [b"%d" % os.getpid()]


def gated(environ, start_response):
    """Answers once its gate is open."""
    note_arrival(environ)
    pass_gate(environ)
    start_response("200 OK", TEXT)
    return [b"passed"]


def gated_thread(environ, start_response):
    """As gated(), and in its thread nobody else is answered before."""
    note_arrival(environ)
    hold_the_thread(environ)
    start_response("200 OK", TEXT)
    return [b"passed"]


def stream(environ, start_response):
    """Four blocks, with a gate before each but the first."""
    start_response("200 OK", TEXT)
    for number in range(4):
        if number > 0:
            pass_gate(environ)
        yield b"block %d\n" % number


def written(environ, start_response):
    """As stream(), by write()."""
    write = start_response("200 OK", TEXT)
    write(b"block 0\n")
    pass_gate(environ)
    write(b"block 1\n")
    return [b"block 2\n"]


def big(environ, start_response):
    """32 MiB in blocks."""
    start_response("200 OK", TEXT)
    for number in range(512):
        yield bytes([number % 256]) * (64 << 10)


def big_list(environ, start_response):
    start_response("200 OK", TEXT)
    return [bytes([number % 256]) * (64 << 10) for number in range(512)]


def mebibyte(environ, start_response):
    start_response("200 OK", TEXT)
    return [b"".join(bytes([number]) * (64 << 10) for number in range(16))]


def mebibyte_in_blocks(environ, start_response):
    start_response("200 OK", TEXT)
    for number in range(16):
        yield bytes([number]) * (64 << 10)


def empty_list(environ, start_response):
    start_response("200 OK", TEXT)
    return []


def file(environ, start_response):
    start_response("200 OK", TEXT)
    return environ["wsgi.file_wrapper"](open(__file__, "rb"), 1000)


def wrapped(environ, start_response):
    """The file that the query names, or a part of it."""
    query = parse_qs(environ["QUERY_STRING"])
    headers = list(TEXT)
    if "length" in query:
        headers.append(("Content-Length", query["length"][0]))
    start_response("200 OK", headers)
    file = io.FileIO(query["path"][0])
    file.seek(int(query.get("from", ["0"])[0]))
    return environ["wsgi.file_wrapper"](io.BufferedReader(file))


def declared(environ, start_response):
    """So many blocks of five octets, whatever length is declared."""
    query = parse_qs(environ["QUERY_STRING"])
    start_response("200 OK", [*TEXT, ("Content-Length", query["length"][0])])
    for _ in range(int(query["blocks"][0])):
        yield b"12345"


def news(environ, start_response):
    """Waits for news that never come, and notes the end of it."""
    query = parse_qs(environ["QUERY_STRING"])
    note = pathlib.Path(query["note"][0])
    start_response("200 OK", TEXT)
    try:
        yield b"first"
        if "poll" in query:
            while True:
                time.sleep(0.05)
        queue.Queue().get()
    finally:
        note.write_text("closed")


def ask(environ, start_response):
    """Works until the client has gone."""
    note = pathlib.Path(parse_qs(environ["QUERY_STRING"])["note"][0])
    note.write_text("there")
    while not environ["spawning.client_disconnected"]():
        time.sleep(0.01)
    note.write_text("gone")
    start_response("200 OK", TEXT)
    return [b"to nobody"]


def hints(environ, start_response):
    environ["wsgi.early_hints"]([("Link", "</style.css>; rel=preload; as=style")])
    pass_gate(environ)
    start_response("200 OK", TEXT)
    return [b"hinted"]


def hop_by_hop(environ, start_response):
    start_response("200 OK", [*TEXT, ("Connection", "close")])
    return [b"never"]


def complain(environ, start_response):
    environ["wsgi.errors"].write("\u20ac and a snake \U0001f40d, lone \udc80\n")
    environ["wsgi.errors"].flush()
    start_response("200 OK", TEXT)
    return [b"complained"]


def url(environ, start_response):
    names = ["REMOTE_ADDR", "REMOTE_PORT", "SERVER_NAME", "SERVER_PORT"]
    seen = {"url": request_uri(environ), **{name: environ.get(name) for name in names}}
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(seen).encode()]


held = []


def leak(environ, start_response):
    """Holds a MiB more each time, up to 240."""
    if len(held) < 240:
        held.append(bytes([1]) * (1 << 20))
    start_response("200 OK", TEXT)
    return [b"%d" % os.getpid()]


def note_arrival(environ):
    """Makes the file that the query names, if it does; this worker's pid is in it."""
    for path in parse_qs(environ["QUERY_STRING"]).get("note", []):
        pathlib.Path(path).write_text(str(os.getpid()))


def sleep(environ, start_response):
    note_arrival(environ)
    time.sleep(600)


def keep_the_gil(environ, start_response):
    note_arrival(environ)
    ctypes.PyDLL(None).sleep(600)


def empty(environ, start_response):
    start_response("204 No Content", [])
    return []


def fail(environ, start_response):
    raise ValueError("failing on purpose")


def fail_half_way(environ, start_response):
    start_response("200 OK", TEXT)
    yield b"half"
    raise ValueError("failing on purpose, half-way")


def leave(environ, start_response):
    raise SystemExit(3)


def router(environ, start_response):
    application = globals().get(environ["PATH_INFO"].strip("/") or "pid")
    if application is None:
        start_response("404 Not Found", TEXT)
        return [b"no such application"]
    return application(environ, start_response)
