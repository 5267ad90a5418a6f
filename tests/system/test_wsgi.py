# SPDX-License-Identifier: MIT
"""WSGI as applications and clients see it, through the whole stack."""

import hashlib
import json
import pathlib
import socket
import sys
import time

import pytest
from running import PATIENCE, THREADS, VALIDATOR, in_all_modes, wait_until

pytestmark = in_all_modes

MIB = 1 << 20
CONTENT = b"".join(bytes([number]) * (64 << 10) for number in range(160))  # 10 MiB


@pytest.fixture
def single(spawn):
    """The applications of system_apps.py, as they are, on one thread."""
    return spawn("--processes", "1", "--threads", "1", "system_apps:router")


@pytest.fixture
def note(tmp_path):
    """Where an application leaves word."""
    return tmp_path / "note"


class TestGoneClients:
    """Whose work is not done to its end."""

    @pytest.mark.parametrize("leave", ["close", "shut its end", "reset"])
    @pytest.mark.parametrize("middleware", [[], [VALIDATOR]])
    def test_close_is_called_within_a_second(self, spawn, note, slowness, leave, middleware):
        server = spawn("--processes", "1", "--threads", "1", "system_apps:router", *middleware)
        waits = "queue=1" if sys.version_info >= (3, 11) and not middleware else "poll=1"

        def seconds_to_close():
            note.unlink(missing_ok=True)
            with server.client() as client:
                client.request(f"/news?{waits}&note={note}")
                client.head()
                assert client.chunk() == b"first"
                began = time.monotonic()
                if leave == "reset":
                    linger = b"\1\0\0\0\0\0\0\0"
                    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                if leave == "shut its end":
                    client.socket.shutdown(socket.SHUT_WR)
                else:
                    client.close()
                wait_until(note.exists, PATIENCE, "the note that close() leaves")
                return time.monotonic() - began

        # Again, should the machine have been busy.
        wait_until(lambda: seconds_to_close() < 1.0 * slowness, PATIENCE, "close() within a second")

        assert server.get("/pid").status == 200
        assert "Traceback" not in server.errors()

    def test_the_application_can_ask(self, single, note):
        client = single.client()
        client.request(f"/ask?note={note}")
        wait_until(lambda: note.exists() and note.read_text() == "there", PATIENCE)
        client.__exit__()

        wait_until(lambda: note.read_text() == "gone", PATIENCE, "the client to have gone")

        assert single.get("/pid").status == 200

    def test_the_thread_serves_others_as_if_nothing_had_happened(self, single, tmp_path):
        for number in range(5):
            note = tmp_path / f"note-{number}"
            with single.client() as client:
                client.request(f"/news?poll=1&note={note}")
                client.head()
            assert single.get("/pid").status == 200
            wait_until(note.exists, PATIENCE, "the note that close() leaves")
            assert single.get("/echo?x").status == 200

        assert "Traceback" not in single.errors()


class TestEarlyHints:
    def test_they_arrive_before_the_response(self, site, gate):
        with site.client() as client:
            client.request(f"/hints?gate={gate.path}")
            hints = client.head()
            gate.open()
            response = client.response()
            client.request("/pid")
            assert client.response().status == 200

        assert hints[1:3] == (103, "Early Hints")
        assert hints[3] == {"link": "</style.css>; rel=preload; as=style"}
        assert (response.status, response.body) == (200, b"hinted")
        assert "link" not in response.headers

    def test_http_1_0_knows_none(self, site, gate):
        with site.client() as client:
            client.request(f"/hints?gate={gate.path}", version="HTTP/1.0")
            gate.open()
            assert client.response().status == 200


class TestFiles:
    @pytest.fixture
    def path(self, tmp_path):
        path = tmp_path / "file"
        path.write_bytes(CONTENT)
        return path

    def test_readers_of_files_keep_no_thread(self, single, path):
        readers = [single.client() for _ in range(4)]
        try:
            for reader in readers:
                reader.request(f"/wrapped?path={path}")
                assert reader.head()[3]["content-length"] == str(len(CONTENT))
            assert single.get("/pid").status == 200
            for reader in readers:
                content = reader.read(len(CONTENT))
                assert hashlib.sha256(content).digest() == hashlib.sha256(CONTENT).digest()
                reader.request("/pid")
                assert reader.response().status == 200
        finally:
            for reader in readers:
                reader.__exit__()

    @pytest.mark.parametrize("version", ["HTTP/1.1", "HTTP/1.0"])
    def test_a_part_of_a_file(self, single, path, version):
        with single.client() as client:
            client.request(f"/wrapped?path={path}&from=70000&length=200000", version=version)
            response = client.response()

        assert response.headers["content-length"] == "200000"
        assert response.body == CONTENT[70_000:270_000]

    def test_an_answer_to_head_has_its_length(self, single, path):
        response = single.get(f"/wrapped?path={path}", method="HEAD")

        assert response.headers["content-length"] == str(len(CONTENT))

    def test_an_empty_file(self, single, tmp_path):
        (tmp_path / "empty").touch()

        response = single.get(f"/wrapped?path={tmp_path / 'empty'}")

        assert (response.headers["content-length"], response.body) == ("0", b"")

    def test_a_file_shorter_than_declared_breaks_the_connection(self, single, tmp_path):
        (tmp_path / "short").write_bytes(b"short")
        with single.client() as client:
            client.request(f"/wrapped?path={tmp_path / 'short'}&length=10")
            assert client.head()[3]["content-length"] == "10"
            assert client.file.read() == b"short"

        assert single.get("/pid").status == 200
        assert "shorter than its Content-Length" in single.errors()

    def test_files_in_proc_are_read(self, single):
        assert b"Threads:" in single.get("/wrapped?path=/proc/self/status").body

    def test_their_descriptors_are_closed(self, single, path):
        def descriptors():
            (worker,) = single.workers()
            return len(list(pathlib.Path(f"/proc/{worker}/fd").iterdir()))

        single.get(f"/wrapped?path={path}")
        before = descriptors()
        for _ in range(5):
            assert len(single.get(f"/wrapped?path={path}").body) == len(CONTENT)
            with single.client() as client:
                client.request(f"/wrapped?path={path}")
                client.read(1000)

        wait_until(lambda: descriptors() <= before, PATIENCE, "the descriptors to be closed")


class TestContentLength:
    def test_less_than_declared_breaks_the_connection(self, single):
        with single.client() as client:
            client.request("/declared?length=10&blocks=1")
            assert client.head()[3]["content-length"] == "10"
            assert client.file.read() == b"12345"

        assert single.errors().count("shorter than its Content-Length") == 1

    @pytest.mark.parametrize("blocks", [3, 1_000_000_000])
    def test_more_than_declared_is_cut(self, single, blocks):
        with single.client() as client:
            client.request(f"/declared?length=10&blocks={blocks}")
            assert client.response().body == b"1234512345"
            client.request("/pid")
            assert client.response().body.isdigit()

        assert single.errors().count("was cut at its Content-Length") == 1

    def test_head_produces_no_more_than_the_head(self, single):
        with single.client() as client:
            client.request("/declared?length=10&blocks=1000000000", method="HEAD")
            assert client.response("HEAD").headers["content-length"] == "10"
            client.request("/pid")
            assert client.response().body.isdigit()


def test_hop_by_hop_headers_are_the_servers_own(single):
    response = single.get("/hop_by_hop")

    assert response.status == 500
    assert "AssertionError: start_response: Connection is a hop-by-hop header" in single.errors()


def test_the_error_stream_takes_any_character(single):
    assert single.get("/complain").status == 200

    single.says("snake")
    assert "lone \\udc80" in single.errors()


class TestBehindAProxy:
    FORWARDED = (
        "X-Forwarded-For: 203.0.113.9",
        "X-Forwarded-Proto: https",
        "X-Forwarded-Host: shop.example",
    )

    def test_the_application_sees_what_the_client_asked_for(self, spawn):
        server = spawn("--forwarded-allow-ips", "127.0.0.1", "system_apps:router", VALIDATOR)

        seen = json.loads(server.get("/url?x=y", *self.FORWARDED).body)

        assert seen["url"] == "https://shop.example/url?x=y"
        assert seen["REMOTE_ADDR"] == "203.0.113.9"
        assert (seen["SERVER_NAME"], seen["SERVER_PORT"]) == ("shop.example", "443")

    def test_strangers_are_not_believed(self, spawn):
        server = spawn("--forwarded-allow-ips", "10.0.0.1", "system_apps:router", VALIDATOR)

        seen = json.loads(server.get("/url", *self.FORWARDED).body)

        assert seen["url"] == "http://test/url"
        assert seen["REMOTE_ADDR"] == "127.0.0.1"
        assert seen["REMOTE_PORT"].isdigit()
        assert (seen["SERVER_NAME"], seen["SERVER_PORT"]) == ("127.0.0.1", str(server.port))


class TestOverdueRequests:
    """What the thread was doing goes to the log."""

    @pytest.mark.parametrize("path", ["sleep", "keep_the_gil"])
    def test_the_stack_of_the_thread_is_logged(self, spawn, served_by, path):
        limits = "--request-timeout 0.3 --queue-timeout 60".split()
        server = spawn("--processes", "1", "--threads", "2", *limits, "system_apps:router")

        response = server.get(f"/{path}")

        assert response.status == 503
        who = "thread" if served_by == THREADS else "greenlet"
        title = f"stack of the {who} that answers GET /{path} of 127.0.0.1"
        server.says(f"in {path}\n")
        assert server.errors().count(title) == 1
        assert "system_apps.py" in server.errors()
