# SPDX-License-Identifier: MIT
"""What instructions.py counts: known numbers of requests to applications, one after the other.

usage: wsgi_driver.py BUILD_DIR

A mark is a line about what follows, its name and number of requests, and a call of getpgid(2), which
nothing else here calls: there valgrind begins to count anew. The client, request_client.cpp, is a process
of its own, which is not counted: each of its requests finds our threads at rest.
"""

import os
import socket
import subprocess
import sys
from pathlib import Path

ROUNDS = 3
REQUESTS = 300
WARM_UP = 200

FIELDS = (
    "Host: www.example.com",
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language: en-GB,en;q=0.5",
    "Accept-Encoding: gzip, deflate, br",
    "Connection: keep-alive",
    "Cookie: sessionid=k3v9q2xw8d7f6s5a4z1y0u; csrftoken=Z8x7c6v5b4n3m2",
    "Cache-Control: max-age=0",
)


def request(method="GET", body=""):
    length = [f"Content-Length: {len(body)}"] if body else []
    lines = [f"{method} /hello?name=world HTTP/1.1", *FIELDS, *length, "", body]
    return "\r\n".join(lines).encode()


# ---- applications ------------------------------------------------------------------------------------


def hello(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "6")])
    return [b"hello\n"]


def echo(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [environ["wsgi.input"].read()]


def stream(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return (b"x" * 1000 for _ in range(16))


CASES = (
    ("wsgi-hello", hello, request()),
    ("wsgi-echo", echo, request("POST", "x" * 4096)),  # of 16 KiB the reads would vary
    ("wsgi-stream", stream, request()),
)


# ---- driving them ------------------------------------------------------------------------------------


def mark(name, requests):
    print(name, requests, flush=True)
    os.getpgid(0)


def start_client(program, connection, asked):
    return subprocess.Popen(
        [program, str(connection.fileno()), str(os.getpid()), asked],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        pass_fds=[connection.fileno()],
        text=True,
    )


def ask(client, times):
    client.stdin.write(f"{times}\n")
    client.stdin.flush()
    if client.stdout.readline() != "\n":
        raise RuntimeError("the client has ended")


def check(name, connection, asked):
    connection.sendall(asked)
    answer = connection.recv(64)
    if not answer.startswith(b"HTTP/1.1 200 "):
        raise RuntimeError(f"{name}: {answer!r}")


def drive(program, name, application, asked):
    from spawning import TestServer  # noqa: PLC0415  where it is, main() knows

    server = TestServer(application, threads=1)
    with server, socket.create_connection(("127.0.0.1", server.port)) as connection:
        check(name, connection, asked)
        with start_client(program, connection, asked) as client:
            ask(client, WARM_UP)
            for _ in range(ROUNDS):
                mark(name, REQUESTS)
                ask(client, REQUESTS)
            mark("-", 0)


def main():
    build = Path(sys.argv[1]).resolve()
    sys.path.insert(0, str(build / "python"))
    for case in CASES:
        drive(build / "bench" / "request_client", *case)


if __name__ == "__main__":
    main()
