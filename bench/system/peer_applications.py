# SPDX-License-Identifier: MIT
"""What peers.py asks every server for. A path that begins with /slow takes 10 ms longer."""

import os
import tempfile
import time
from wsgiref.util import FileWrapper

TEN_KILOBYTES = b"x" * 10_000
CHUNK = b"x" * 1000
MEBIBYTE = 1 << 20


def answer(start_response, body):
    length = str(len(body))
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", length)])
    return [body]


def hello(environ, start_response):
    return answer(start_response, b"Hello, world!\n")


def ten_kilobytes(environ, start_response):
    return answer(start_response, TEN_KILOBYTES)


def echo(environ, start_response):
    length = int(environ.get("CONTENT_LENGTH") or 0)
    return answer(start_response, environ["wsgi.input"].read(length))


def stream(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return (CHUNK for _ in range(16))


def sleep(environ, start_response):
    time.sleep(0.01)
    return hello(environ, start_response)


def compute(environ, start_response):
    """About 1 ms of Python; the same work wherever it runs."""
    total = 0
    for number in range(16_000):
        total += number & 7
    return answer(start_response, b"%d\n" % total)


def file(environ, start_response):
    opened = open(FILE, "rb")  # noqa: SIM115  the server closes it
    headers = [("Content-Type", "application/octet-stream"), ("Content-Length", str(MEBIBYTE))]
    start_response("200 OK", headers)
    return environ.get("wsgi.file_wrapper", FileWrapper)(opened, 65536)


def mixed(environ, start_response):
    slow = environ["PATH_INFO"].startswith("/slow")
    return sleep(environ, start_response) if slow else hello(environ, start_response)


def mebibyte():
    """The path of a file of that size, made once."""
    path = os.path.join(tempfile.gettempdir(), f"spawning-bench-{os.getuid()}-1MiB")
    if not os.path.exists(path) or os.path.getsize(path) != MEBIBYTE:
        with tempfile.NamedTemporaryFile(dir=tempfile.gettempdir(), delete=False) as made:
            made.write(b"x" * MEBIBYTE)
        os.chmod(made.name, 0o644)
        os.replace(made.name, path)
    return path


FILE = mebibyte()
