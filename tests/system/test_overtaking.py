# SPDX-License-Identifier: MIT
"""Requests that are known to be brief, while others take long and all threads are busy."""

import select

from running import wait_until

APPLICATION = """\
import time

def app(environ, start_response):
    if environ["PATH_INFO"].startswith("/report"):
        time.sleep(0.02)  # as long as its work takes
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [environ["PATH_INFO"].encode()]
"""
REPORTS = 10


def test_a_brief_request_does_not_wait_for_all_that_take_long(spawn, tmp_path):
    (tmp_path / "shop.py").write_text(APPLICATION)
    server = spawn("--processes", "1", "--threads", "1", "shop.app", cwd=tmp_path)
    clients = [server.client() for _ in range(REPORTS)]
    health = server.client()

    def still_wait():
        """How many have asked before, and have no answer when that of /health comes."""
        *before, behind = clients  # a brief request is known once it has kept somebody waiting
        for client in before:
            client.request("/report/2026/1")
        health.request("/health")
        behind.request("/report/2026/1")
        assert health.response().body == b"/health"
        waiting = REPORTS - len(select.select([each.socket for each in clients], [], [], 0)[0])
        for client in clients:
            assert client.response().body == b"/report/2026/1"
        return waiting

    # It has to be known what takes how long.
    wait_until(lambda: still_wait() > REPORTS / 2, server.patience, "the brief one to overtake")

    assert server.stop() == 0
    for client in (health, *clients):
        client.close()
