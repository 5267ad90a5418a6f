# SPDX-License-Identifier: MIT
"""The applications under docs/examples, as a reader runs them."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from running import DOCS, PATIENCE, in_green_modes, wait_until

pytestmark = in_green_modes
EXAMPLES = DOCS / "examples"
MANY = 200


@pytest.fixture
def example(spawn):
    """example(*arguments): one process, where the examples are."""

    def example(*arguments, **options):
        return spawn("--processes", "1", *arguments, cwd=EXAMPLES, **options)

    return example


class TestChat:
    def test_who_waits_hears_what_is_said(self, example):
        server = example("chat:app")
        listeners = [server.client() for _ in range(20)]
        for each in listeners:
            each.request("/news?after=0")

        with server.client() as speaker:
            speaker.post("/say", "grüß Gott".encode())
            assert speaker.response().status == 204

        for each in listeners:
            response = each.response()
            each.close()
            assert json.loads(response.body) == ["grüß Gott"]

    def test_who_comes_later_hears_it_at_once(self, example):
        server = example("chat:app")
        for text in (b"first", b"second"):
            with server.client() as speaker:
                speaker.post("/say", text)
                assert speaker.response().status == 204

        assert json.loads(server.get("/news?after=1").body) == ["second"]
        assert b"listen(0)" in server.get("/").body
        assert server.get("/elsewhere").status == 404


class TestEvents:
    def test_many_clients_get_an_event_a_second(self, example, slowness):
        server = example("--worker-connections", "6000", "events:app")
        clients = [server.client() for _ in range(MANY)]
        for each in clients:
            each.request("/events")

        for each in clients:
            assert each.head()[3]["content-type"] == "text/event-stream"
            numbers = [int(each.chunk().split()[1]) for _ in range(3)]
            assert numbers == list(range(numbers[0], numbers[0] + 3))

        def seconds():
            started = time.monotonic()
            assert b"EventSource" in server.get("/").body
            return time.monotonic() - started

        wait_until(lambda: seconds() < 1 * slowness, PATIENCE, "a quick answer beside them")
        for each in clients:
            each.close()

    def test_those_that_have_gone_leave_nothing_behind(self, example):
        server = example("--worker-connections", "2", "events:app")
        for _ in range(6):
            with server.client() as client:
                client.request("/events")
                client.head()
                assert client.chunk().startswith(b"id: ")

        assert server.get("/").status == 200
        assert server.stop() == 0
        assert "Traceback" not in server.errors()


class TestProxy:
    def test_it_passes_on_what_is_asked_and_answered(self, spawn, example):
        upstream = spawn("--processes", "1", "system_apps:router")
        server = example("proxy:app", env={"UPSTREAM": f"127.0.0.1:{upstream.port}"})

        with server.client() as client:
            client.post("/echo?a=b%20c", b"body", "X-Custom: kept")
            response = client.response()
            seen = json.loads(response.body)

        assert response.headers["content-type"] == "application/json"
        assert seen["text"] == "body"
        assert seen["environ"]["RAW_URI"] == "/echo?a=b%20c"
        assert seen["environ"]["HTTP_X_CUSTOM"] == "kept"
        assert server.get("/nowhere").status == 404
        assert len(server.get("/big").body) == 32 << 20

    def test_who_waits_for_it_keeps_nobody(self, spawn, example, slowness):
        upstream = spawn("--processes", "1", "green_apps:app")
        server = example("proxy:app", env={"UPSTREAM": f"127.0.0.1:{upstream.port}"})
        started = time.monotonic()

        with ThreadPoolExecutor(50) as pool:
            found = list(pool.map(lambda _: server.get("/wait?seconds=0.5").status, range(50)))

        assert found == [200] * 50
        assert time.monotonic() - started < 5 * slowness

    def test_one_that_is_not_there_is_a_bad_gateway(self, example):
        server = example("proxy:app", env={"UPSTREAM": "127.0.0.1:1"})

        assert server.get("/").status == 502
