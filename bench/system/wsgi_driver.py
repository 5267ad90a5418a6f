# SPDX-License-Identifier: MIT
"""What instructions.py counts: known numbers of requests to applications, one after the other.

usage: wsgi_driver.py BUILD_DIR

A mark is a line about what follows, its name and number of requests, and a call of getpgid(2), which
nothing else here calls: there valgrind begins to count anew. What the client does is counted, too; so it
does little.
"""

import os
import socket
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


def answer_length(client, asked):
    """Of what comes before a pause."""
    client.sendall(asked)
    client.settimeout(60)
    length = len(client.recv(65536))
    client.settimeout(1)
    try:
        while True:
            length += len(client.recv(65536))
    except socket.timeout:
        client.settimeout(None)
    return length


def ask(client, asked, answer, times):
    send, receive, length, flags = client.sendall, client.recv_into, len(answer), socket.MSG_WAITALL
    for _ in range(times):
        send(asked)
        receive(answer, length, flags)


def drive(name, application, asked):
    from spawning import TestServer  # noqa: PLC0415  where it is, main() knows

    server = TestServer(application, threads=1)
    with server, socket.create_connection(("127.0.0.1", server.port)) as client:
        answer = bytearray(answer_length(client, asked))
        ask(client, asked, answer, WARM_UP)
        if not answer.startswith(b"HTTP/1.1 200 "):
            raise RuntimeError(f"{name}: {bytes(answer[:60])!r}")
        for _ in range(ROUNDS):
            mark(name, REQUESTS)
            ask(client, asked, answer, REQUESTS)
        mark("-", 0)


def main():
    sys.path.insert(0, str(Path(sys.argv[1]).resolve() / "python"))
    for case in CASES:
        drive(*case)


if __name__ == "__main__":
    main()
