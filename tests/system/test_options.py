# SPDX-License-Identifier: MIT
"""Options that the client, or the machine, sees the effect of."""

import os
import select
import socket
import stat

import pytest

APPLICATION = """
import os

def application(environ, start_response):
    mask = os.umask(0)
    os.umask(mask)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"umask %03o" % mask]
"""


def test_every_option_about_http_reaches_the_workers(spawn):
    server = spawn(
        *"--keepalive-requests 1000 --header-map refuse --server-header Shop".split(),
        *"--limit-request-line 1K --limit-header-count 50 --limit-headers 32K".split(),
        *"--limit-body 1M --max-connections 100 --header-timeout 20.5 --body-timeout 20".split(),
        *"--body-rate 100 --write-timeout 20 --keepalive-timeout 0.5 --request-timeout 50".split(),
        *"--queue-timeout 40 --forwarded-allow-ips 10.0.0.0/8,unix --verbose".split(),
        "system_apps:router",
    )

    assert server.get("/pid").status == 200
    assert '"keepalive_timeout":5E-1' in server.errors()
    assert server.stop() == 0


@pytest.mark.parametrize(
    "option, value, head, status",
    [
        ("--limit-request-line", "1K", f"GET /{'a' * 1024} HTTP/1.1\r\nHost: test\r\n", 414),
        ("--limit-header-count", "2", "GET / HTTP/1.1\r\nHost: test\r\nA: 1\r\nB: 2\r\n", 431),
        ("--limit-headers", "1K", f"GET / HTTP/1.1\r\nHost: test\r\nA: {'a' * 1024}\r\n", 431),
        ("--limit-body", "1K", "POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 1025\r\n", 413),
    ],
)
def test_what_is_over_a_limit_is_refused(spawn, option, value, head, status):
    server = spawn("--processes", "1", option, value, "system_apps:router")

    with server.client() as client:
        client.send(head.encode() + b"\r\n")

        response = client.response()
        assert response.status == status
        assert response.headers["connection"] == "close"
        assert client.at_end()


def test_over_its_connections_a_worker_lets_new_ones_wait_and_serves_them_later(spawn):
    server = spawn(*"--processes 1 --max-connections 2 system_apps:router".split())
    served = [server.client() for _ in range(2)]
    for client in served:
        client.request("/pid")
        assert client.response().status == 200
    waiting = [server.client() for _ in range(8)]
    for client in waiting:
        client.request("/pid", "Connection: close")

    served[0].request("/pid")
    assert served[0].response().status == 200
    # Not even begun, while those that are connected are served.
    assert select.select([client.socket for client in waiting], [], [], 0)[0] == []
    for client in served:
        client.__exit__()

    for client in waiting:
        assert client.response().status == 200
        assert client.at_end()
        client.__exit__()


def test_the_umask_is_that_of_the_socket_and_of_the_workers(spawn, tmp_path):
    (tmp_path / "umasked.py").write_text(APPLICATION)
    path = tmp_path / "app.sock"
    server = spawn(
        *f"--umask 007 --bind 127.0.0.1:0 --bind unix:{path} umasked".split(), cwd=tmp_path
    )

    assert stat.S_IMODE(os.stat(path).st_mode) == 0o770
    assert server.get("/").body == b"umask 007"
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert client.makefile("rb").read().endswith(b"\r\n\r\numask 007")
    assert server.stop() == 0
    assert not path.exists()


@pytest.mark.parametrize(
    "arguments, expected",
    [
        (
            ["--header-timeout", "x"],
            'spawn: --header-timeout: expected a number of seconds from 0.1 to 86400, not "x"\n',
        ),
        (
            ["--forwarded-allow-ips", "10.0.0.0/33"],
            'spawn: --forwarded-allow-ips: "10.0.0.0/33" is no network: expected /0 to /32\n',
        ),
    ],
)
def test_a_value_that_is_none_is_named_on_one_line(run_spawn, arguments, expected):
    ended = run_spawn(*arguments, "system_apps:router")

    assert (ended.returncode, ended.stdout, ended.stderr) == (2, "", expected)
