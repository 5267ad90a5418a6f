# SPDX-License-Identifier: MIT
"""Load that is evened out between workers, as clients see it."""

import os
import signal
from collections import Counter

from busy_clients import asking
from running import SANITIZED, wait_until

APPLICATION = "system_apps:router"


def ask_pid(client):
    client.request("/pid")
    return int(client.response().body)


def connect(server, count):
    """Connections whose first request has been answered, by the pid that answered."""
    clients = {}
    for _ in range(count):
        client = server.client()
        clients.setdefault(ask_pid(client), []).append(client)
    return clients


def close(*clients):
    for client in clients:
        client.close()


def share_of_each(clients):
    """How many connections each worker has."""
    return Counter(ask_pid(client) for client in clients)


def evened(clients, workers):
    """Whether each of them has a fair share, as far as two of them even it out."""
    shares = share_of_each(clients)
    fair = len(clients) / len(workers)
    return set(shares) <= set(workers) and all(
        abs(shares[pid] - fair) <= 2 + fair / 20 for pid in workers
    )


def pinned(server, count):
    """`count` connections of the same worker, for now: idle ones may move to siblings that have fewer."""
    clients = connect(server, 2 * count)
    worker = max(clients, key=lambda pid: len(clients[pid]))
    kept = clients.pop(worker)
    close(*kept[count:], *(client for others in clients.values() for client in others))
    return kept[:count]


def test_nobody_waits_for_a_busy_worker_while_a_sibling_has_a_free_thread(spawn, gate):
    server = spawn("--processes", "2", "--threads", "1", APPLICATION)
    slow, *fast = pinned(server, 65)
    try:
        (other,) = set(server.workers()) - {gate.hold(slow)}
        for client in fast:
            client.request("/pid")

        assert {int(client.response().body) for client in fast} == {other}
        for _ in range(3):  # and there they stay
            assert share_of_each(fast) == {other: len(fast)}

        gate.open()
        assert slow.response().body == b"passed"
    finally:
        close(slow, *fast)
    assert server.stop() == 0


def test_a_request_moves_with_its_body_and_with_those_behind_it(spawn, gate):
    server = spawn("--processes", "2", "--threads", "1", APPLICATION)
    slow, whole, pieces, half_closed = pinned(server, 4)
    try:
        busy = gate.hold(slow)
        whole.post("/echo", b"\x00\xff\r\n" * 100)
        whole.request("/pid")
        pieces.request("/echo", "Content-Length: 10", method="POST")
        for octet in b"0123456789":
            pieces.send(bytes([octet]))
        pieces.request("/pid")

        assert b'"length": 400' in whole.response().body
        assert b'"text": "0123456789"' in pieces.response().body
        half_closed.request("/pid")
        half_closed.socket.shutdown(1)
        for client in (whole, pieces, half_closed):
            assert int(client.response().body) != busy
        assert half_closed.at_end()
        gate.open()
        assert slow.response().body == b"passed"
    finally:
        close(slow, whole, pieces, half_closed)
    assert "Traceback" not in server.errors()


def test_a_request_counts_once_wherever_it_is_answered(spawn, gate):
    server = spawn("--processes", "2", "--threads", "1", "--keepalive-requests", "3", APPLICATION)
    slow, client = pinned(server, 2)
    try:
        busy = gate.hold(slow)
        client.request("/pid")
        second = client.response()
        assert int(second.body) != busy
        assert "connection" not in second.headers
        client.request("/pid")
        assert client.response().headers["connection"] == "close"
        gate.open()
    finally:
        close(slow, client)


def test_a_new_worker_gets_its_share_of_the_connections(spawn):
    server = spawn("--processes", "1", "--threads", "2", APPLICATION)
    clients = [client for each in connect(server, 100).values() for client in each]
    try:
        server.signal(signal.SIGTTIN)
        wait_until(lambda: len(server.workers()) == 2, server.patience, "a second worker")

        wait_until(lambda: evened(clients, server.workers()), server.patience, "an even share")
    finally:
        close(*clients)
    assert server.stop() == 0


def test_the_successor_of_a_killed_worker_gets_its_share(spawn):
    server = spawn("--processes", "2", "--threads", "2", APPLICATION)
    clients = [client for each in connect(server, 100).values() for client in each]
    # From here on none moves any more, to die with another worker than it was of.
    wait_until(lambda: evened(clients, server.workers()), server.patience, "an even share")
    by_worker = {}
    for client in clients:
        by_worker.setdefault(ask_pid(client), []).append(client)
    victim, survivor = by_worker
    clients = by_worker[survivor]
    try:
        os.kill(victim, signal.SIGKILL)
        close(*by_worker[victim])
        wait_until(lambda: len(set(server.workers()) - {victim}) == 2, server.patience)

        wait_until(lambda: evened(clients, server.workers()), server.patience, "an even share")
    finally:
        close(*clients)


def test_clients_that_never_pause_notice_nothing_when_their_connections_move(spawn):
    server = spawn("--processes", "1", "--threads", "2", APPLICATION)
    with asking(server, "/pid", lasting=16 if SANITIZED else 64, anew=0) as askers:
        before = set(server.workers())
        for count in (2, 3):  # two signals at a time may be one
            server.signal(signal.SIGTTIN)
            wait_until(
                lambda count=count: len(server.workers()) == count, server.patience, "a worker"
            )
        added = set(server.workers()) - before

        def heard(pid):
            return sum(b"%d" % pid in asker.bodies for asker in askers)

        wait_until(
            lambda: all(heard(pid) > len(askers) / 6 for pid in added), server.patience, "a share"
        )

    assert server.stop() == 0
