# SPDX-License-Identifier: MIT
"""nginx in front of `spawn`, with the configuration and the command line of docs/deployment.md."""

from __future__ import annotations

import hashlib
import json
import pathlib
from collections.abc import Iterator
from typing import Callable

import pytest
from busy_clients import asking
from documented import blocks, shows, spawn_arguments
from front_ends import Nginx, nginx
from running import PATIENCE, Client, Spawn

SOCKET = "/run/shop/app.sock"


@pytest.fixture
def server(spawn: Callable[..., Spawn], tmp_path: pathlib.Path) -> Spawn:
    return start(spawn, tmp_path)


def start(spawn: Callable[..., Spawn], directory: pathlib.Path) -> Spawn:
    """As documented, but with its socket in `directory`, and another one that the test asks."""
    shown = [
        each.replace(SOCKET, f"{directory}/app.sock") for each in spawn_arguments("Behind nginx")
    ]
    return spawn("--bind", "127.0.0.1:0", *shown, "--processes", "2", "system_apps:router")


@pytest.fixture
def front(server: Spawn, tmp_path: pathlib.Path) -> Iterator[Nginx]:
    files = tmp_path / "nginx"
    (files / "static").mkdir(parents=True)
    (files / "static" / "style.css").write_text("p { color: red }\n")
    changes = {SOCKET: f"{tmp_path}/app.sock", "/srv/shop/current": str(files)}
    with nginx("nginx-site.conf", files, changes) as front:
        yield front


def test_the_page_shows_the_file() -> None:
    shown = blocks("nginx")

    assert len(shown) == 2
    assert all(shows("nginx-site.conf", block) for block in shown)


def test_applications_see_the_client_and_its_scheme(front: Nginx) -> None:
    with front.client() as client:
        client.request("/url", "X-Forwarded-For: 203.0.113.66", "X-Forwarded-Host: evil.example")
        seen = json.loads(client.response().body)

    assert seen["REMOTE_ADDR"] == Nginx.CLIENT
    assert seen["url"] == "https://test/url"


def test_plain_text_is_sent_to_tls_and_static_files_are_its_own(front: Nginx) -> None:
    with Client("127.0.0.1", front.plain, PATIENCE) as client:
        client.request("/basket?item=1")
        moved = client.response()
    with front.client() as client:
        client.request("/static/style.css")
        file = client.response()

    assert (moved.status, moved.headers["location"]) == (308, "https://test/basket?item=1")
    assert (file.status, file.body) == (200, b"p { color: red }\n")


def test_a_streams_blocks_come_when_they_are_sent(front: Nginx, gate) -> None:
    with front.client() as client:
        client.request(f"/stream?gate={gate.path}")
        assert client.head()[1] == 200
        for number in range(4):
            assert client.chunk() == b"block %d\n" % number
            if number < 3:
                gate.open()
        assert client.chunk() == b""


def test_what_is_large_passes_both_ways(front: Nginx) -> None:
    body = bytes(range(256)) * (64 << 10)  # 16 MiB; nginx's own limit is one
    with front.client() as client:
        client.post("/echo", body)
        seen = json.loads(client.response().body)
        client.request("/big")
        answer = client.response()

    assert (seen["length"], seen["sha256"]) == (len(body), hashlib.sha256(body).hexdigest())
    assert len(answer.body) == 32 << 20


def test_reloads_fail_nobody(server: Spawn, front: Nginx) -> None:
    with asking(front):
        for _ in range(2):
            server.reload()


def test_connections_that_a_restart_has_closed_are_not_used(
    server: Spawn, front: Nginx, spawn: Callable[..., Spawn], tmp_path: pathlib.Path
) -> None:
    with front.client() as client:
        client.request("/pid")
        before = client.response()
        assert server.stop() == 0
        client.request("/pid")
        assert client.response().status == 502
        start(spawn, tmp_path)
        client.request("/pid")
        after = client.response()

    assert (before.status, after.status) == (200, 200)
    assert before.body != after.body
