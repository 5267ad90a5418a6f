# SPDX-License-Identifier: MIT
"""Whose process is at the other end of a connection."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest
from spawning.backdoor.peer_owner import Peer, find_owner, is_let_in, name_of, peer_of

# As the kernel of a little-endian machine writes them.
HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
LISTENER = "   0: 0100007F:0BB8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 101 1 0 100 0 0 10 0\n"
SERVER = "   1: 0100007F:0BB8 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 102 1 0 20 4 30 10 -1\n"
CLIENT = "   2: 0100007F:C350 0100007F:0BB8 {state} 00000000:00000000 02:000000 00000000  1000        0 {inode} 2 0 20 4 30 10 -1\n"
MAPPED = "   3: 0000000000000000FFFF00000100007F:C350 0000000000000000FFFF00000100007F:0BB8 01 00000000:00000000 02:0000 00000000  1001        0 104 2 0\n"
IPV6 = "   4: 00000000000000000000000001000000:C350 00000000000000000000000001000000:0BB8 01 00000000:00000000 02:0000 00000000  1002        0 105 2 0\n"

ours, theirs = ("127.0.0.1", 3000), ("127.0.0.1", 50000)

little_endian = pytest.mark.skipif(
    sys.byteorder != "little", reason="the tables are such a machine's"
)


@little_endian
def test_the_owner_is_that_of_the_socket_whose_near_end_is_the_clients():
    table = [HEAD, LISTENER, SERVER, CLIENT.format(state="01", inode=103)]

    assert find_owner(table, theirs, ours) == 1000
    assert find_owner(table, ours, theirs) == 0
    assert find_owner(table, ("127.0.0.1", 50001), ours) is None
    assert find_owner(table, ("127.0.0.2", 50000), ours) is None
    assert find_owner(table, theirs, ("127.0.0.1", 3001)) is None


@little_endian
def test_an_ipv4_client_may_have_a_socket_of_ipv6():
    assert find_owner([HEAD, MAPPED], theirs, ours) == 1001
    assert find_owner([HEAD, IPV6], ("::1", 50000), ("::1", 3000)) == 1002
    assert find_owner([HEAD, IPV6], theirs, ours) is None


@little_endian
@pytest.mark.parametrize("state", ["04", "05", "06"])
def test_the_owner_of_a_socket_that_is_closed_is_not_known(state):
    """The table says 0 of them, which is root."""
    closed = CLIENT.format(state=state, inode=0).replace(" 1000 ", "    0 ")

    assert find_owner([HEAD, LISTENER, closed], theirs, ours) is None


@little_endian
def test_who_has_only_said_the_last_word_is_known():
    assert find_owner([CLIENT.format(state="05", inode=103)], theirs, ours) == 1000


def test_no_line_is_too_strange():
    assert find_owner(["", "\n", "x\n", LISTENER[:40]], theirs, ours) is None


def accepted(family, address):
    """(client, server's end) of a connection."""
    with socket.socket(family) as listener:
        listener.bind(address)
        listener.listen()
        client = socket.socket(family)
        client.connect(listener.getsockname())
        return client, listener.accept()[0]


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_a_tcp_client_is_found(family):
    if family == socket.AF_INET6 and not has_ipv6():
        pytest.skip("there is no IPv6 here")
    client, server = accepted(family, ("127.0.0.1" if family == socket.AF_INET else "::1", 0))
    with client, server:
        host, port = client.getsockname()[:2]
        peer = peer_of(server)

        assert peer.uid == os.geteuid()
        assert peer.place == (f"[{host}]:{port}" if ":" in host else f"{host}:{port}")


def test_a_client_of_a_unix_socket_is_found(tmp_path):
    client, server = accepted(socket.AF_UNIX, str(tmp_path / "door"))
    with client, server:
        assert peer_of(server) == Peer(os.geteuid(), f"process {os.getpid()}")


def test_a_tcp_client_that_has_gone_is_not_taken_for_root():
    client, server = accepted(socket.AF_INET, ("127.0.0.1", 0))
    client.close()
    with server:
        assert peer_of(server).uid is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may be somebody else")
def test_a_client_of_another_user_is_found():
    nobody = 65534
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        script = f"import socket; s = socket.create_connection(('127.0.0.1', {port})); s.recv(1)"
        client = subprocess.Popen([sys.executable, "-I", "-c", script], user=nobody)
        with listener.accept()[0] as server:
            uid = peer_of(server).uid
        assert client.wait(60) == 0
    assert uid == nobody


def test_the_same_user_and_root_are_let_in(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    assert [uid for uid in (0, 1, 999, 1000, 1001, 65534, None) if is_let_in(uid)] == [0, 1000]


def test_a_user_without_a_name_is_a_number():
    assert name_of(0) == "root"
    assert name_of(4_000_000_000) == "4000000000"
    assert Peer(4_000_000_000, "").name == "4000000000 (uid 4000000000)"
