# SPDX-License-Identifier: MIT
"""Clients that are slow keep nobody waiting but themselves. Far more of them: bench/system/slow_clients.py."""

import contextlib
import json
import socket

import pytest
from running import PATIENCE, Client, in_all_modes

pytestmark = in_all_modes

OF_EACH_KIND = 40
MEBIBYTE = b"".join(bytes([number]) * (64 << 10) for number in range(16))
HEAD = b"GET /echo?slow HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"
BODY = bytes(range(256)) * 4


class FarReader(Client):
    """Of an answer to it, the kernels at both ends take little."""

    def __init__(self, server):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1400)
        self.socket.settimeout(PATIENCE)
        self.socket.connect((server.host, server.port))
        self.file = self.socket.makefile("rb")


@pytest.fixture
def crowd(spawn):
    """A server of four threads, and clients of all kinds that are half-way through."""
    server = spawn("--processes", "1", "--threads", "4", "system_apps:router")
    with contextlib.ExitStack() as stack:
        yield Crowd(server, stack)


class Crowd:
    def __init__(self, server, stack):
        def clients(count, connect=server.client):
            return [stack.enter_context(connect()) for _ in range(count)]

        self.server = server
        self.of_heads = clients(OF_EACH_KIND // 2)
        self.of_bodies = clients(OF_EACH_KIND // 2)
        self.readers = clients(OF_EACH_KIND, lambda: FarReader(server))
        self.idle = clients(OF_EACH_KIND)
        self.sent = 0
        for client in self.of_bodies:
            client.request("/echo", f"Content-Length: {len(BODY)}", method="POST")
        for number, client in enumerate(self.readers):
            client.request("/mebibyte" if number % 2 else "/mebibyte_in_blocks")

    def send_an_octet(self):
        for client in self.of_heads:
            client.send(HEAD[self.sent : self.sent + 1])
        for client in self.of_bodies:
            client.send(BODY[self.sent : self.sent + 1])
        self.sent += 1

    def heads_of_answers(self):
        """Every reader has been answered; nobody takes more of it than this."""
        return [client.head() for client in self.readers]


def test_normal_requests_are_answered_beside_slow_clients(crowd):
    heads = crowd.heads_of_answers()
    assert [status for _, status, _, _ in heads] == [200] * OF_EACH_KIND

    with crowd.server.client() as normal:
        for _ in range(20):
            crowd.send_an_octet()
            normal.request("/pid")
            assert normal.response().status == 200
            assert crowd.server.get("/pid").status == 200


def test_slow_clients_are_served_in_the_end(crowd):
    heads = crowd.heads_of_answers()
    crowd.send_an_octet()

    for client in crowd.of_heads:
        client.send(HEAD[crowd.sent :])
        assert json.loads(client.response().body)["environ"]["QUERY_STRING"] == "slow"
    for client in crowd.of_bodies:
        client.send(BODY[crowd.sent :])
        assert json.loads(client.response().body)["length"] == len(BODY)
    for client, (_, _, _, headers) in zip(crowd.readers, heads):
        if "content-length" in headers:
            assert client.read(int(headers["content-length"])) == MEBIBYTE
        else:
            assert b"".join(iter(client.chunk, b"")) == MEBIBYTE
    for client in crowd.idle:
        client.request("/pid")
        assert client.response().status == 200
