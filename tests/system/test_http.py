# SPDX-License-Identifier: MIT
"""HTTP as a client sees it, through the whole stack."""

import hashlib
import json
import os
import socket
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest
from running import APPS, in_all_modes

pytestmark = in_all_modes

BIG = b"".join(bytes([number % 256]) * (64 << 10) for number in range(512))


def test_a_request_and_its_response(site):
    response = site.get("/echo/?a=b%20c")
    environ = json.loads(response.body)["environ"]

    assert (response.version, response.status, response.reason) == ("HTTP/1.1", 200, "OK")
    assert response.headers["content-type"] == "application/json"
    assert response.headers["content-length"] == str(len(response.body))
    assert response.headers["connection"] == "close"
    assert "date" in response.headers
    assert environ["PATH_INFO"] == "/echo/"
    assert environ["QUERY_STRING"] == "a=b%20c"
    assert environ["SERVER_PORT"] == str(site.port)
    assert environ["SERVER_NAME"] == "127.0.0.1"
    assert environ["REMOTE_ADDR"] == "127.0.0.1"
    assert environ["HTTP_HOST"] == "test"


def test_a_connection_is_kept_for_the_next_request(site):
    with site.client() as client:
        for number in range(5):
            client.request(f"/echo?{number}")
            environ = json.loads(client.response().body)["environ"]
            assert environ["QUERY_STRING"] == str(number)


def test_pipelined_requests_are_answered_in_their_order(site):
    with site.client() as client:
        request = "GET /echo?{} HTTP/1.1\r\nHost: test\r\n\r\n"
        client.send("".join(request.format(number) for number in range(20)).encode())
        answers = [json.loads(client.response().body)["environ"] for _ in range(20)]

    assert [environ["QUERY_STRING"] for environ in answers] == [str(number) for number in range(20)]


def test_an_answer_does_not_wait_for_the_pipelined_request_behind_it(spawn, gate):
    site = spawn("--processes", "1", "system_apps:router")  # none to pass the one that waits on to
    with site.client() as client:
        request = "GET {} HTTP/1.1\r\nHost: test\r\n\r\n"
        targets = ["/pid", f"/gated?gate={gate.path}", "/pid"]
        client.send("".join(map(request.format, targets)).encode())

        pid = client.response().body
        gate.open()
        assert client.response().body == b"passed"
        assert client.response().body == pid


def test_pipelined_requests_are_answered_to_a_client_that_has_shut_its_end(site):
    with site.client() as client:
        client.send(b"GET /pid HTTP/1.1\r\nHost: test\r\n\r\n" * 20)
        client.socket.shutdown(socket.SHUT_WR)
        assert all(client.response().body.isdigit() for _ in range(20))
        assert client.at_end()


def test_http_1_0_is_answered_and_closed(site):
    with site.client() as client:
        client.request("/big", version="HTTP/1.0")
        response = client.response()

        assert response.headers.get("transfer-encoding") is None
        assert response.body == BIG
        assert client.at_end()


def test_http_1_0_may_keep_its_connection(site):
    with site.client() as client:
        for _ in range(2):
            client.request("/echo", "Connection: keep-alive", version="HTTP/1.0")
            response = client.response()
            assert response.headers["connection"].lower() == "keep-alive"
            environ = json.loads(response.body)["environ"]
            assert environ["SERVER_PROTOCOL"] == "HTTP/1.0"


def test_head_has_the_headers_and_no_body(site):
    with site.client() as client:
        client.request("/file", method="HEAD")
        assert client.response("HEAD").status == 200
        client.request("/pid")
        assert client.response().body.isdigit()


def test_no_content_has_no_body_and_no_length(site):
    with site.client() as client:
        client.request("/empty")
        response = client.response()
        assert response.status == 204
        assert not {"content-length", "transfer-encoding"} & set(response.headers)
        client.request("/pid")
        assert client.response().status == 200


def random_post(random, number):
    """A POST, perhaps chunked, perhaps with another request behind it, and what echo sees of it."""
    body = random.randbytes(random.choice([0, 1, 50, 5000, 70_000]))
    cookie = "c=" + random.randbytes(random.choice([5, 200])).hex()
    framing = f"Content-Length: {len(body)}"
    sent = body
    if random.random() < 0.3:
        framing = "Transfer-Encoding: chunked"
        size = max(1, len(body) // 3)
        parts = [body[i : i + size] for i in range(0, len(body), size)]
        sent = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
    head = (
        f"POST /echo?{number} HTTP/1.1\r\nHost: test\r\nCookie: {cookie}\r\n"
        f"X-Padding: {'p' * random.choice([0, 3000])}\r\n{framing}\r\n\r\n"
    ).encode()
    behind = b"GET /pid HTTP/1.1\r\nHost: test\r\n\r\n" if random.random() < 0.3 else b""
    cuts = [len(head)] if random.random() < 0.5 else []
    cuts += [random.randrange(len(head) + len(sent)) for _ in range(random.randrange(3))]
    expected = {"sha256": hashlib.sha256(body).hexdigest(), "cookie": cookie, "query": str(number)}
    return head + sent + behind, sorted(cuts), bool(behind), expected


@pytest.mark.parametrize("seed", range(4))
def test_requests_cut_anywhere_arrive_as_they_were_sent(site, seed):
    """Also while the answer to the one before is on its way: what is read may belong elsewhere."""

    def keep_posting(client, random):
        for number in range(50):
            octets, cuts, followed, expected = random_post(random, number)
            for begin, end in zip([0, *cuts], [*cuts, len(octets)]):
                client.send(octets[begin:end])
            seen = json.loads(client.response().body)
            environ = seen["environ"]
            assert expected == {
                "sha256": seen["sha256"],
                "cookie": environ["HTTP_COOKIE"],
                "query": environ["QUERY_STRING"],
            }
            if followed:
                assert client.response().body.isdigit()

    with ThreadPoolExecutor(4) as pool:
        clients = [site.client() for _ in range(4)]
        randoms = [Random(f"{seed} {number}") for number in range(4)]
        list(pool.map(keep_posting, clients, randoms))
        for client in clients:
            client.__exit__()


@pytest.mark.parametrize("size", [0, 1, 65_536, 65_537, 3_000_000])
def test_a_body_of_any_size_arrives_whole(site, size):
    body = os.urandom(size)
    with site.client() as client:
        client.post("/echo", body)
        seen = json.loads(client.response().body)

    assert (seen["length"], seen["sha256"]) == (size, hashlib.sha256(body).hexdigest())
    assert seen["environ"]["CONTENT_LENGTH"] == str(size)


def test_a_chunked_body_arrives_without_its_chunks(site):
    with site.client() as client:
        client.request("/echo", "Transfer-Encoding: chunked", method="POST")
        for part in (b"first ", b"x" * 100_000, b" last"):
            client.send(b"%x\r\n%s\r\n" % (len(part), part))
        client.send(b"0\r\n\r\n")
        seen = json.loads(client.response().body)

    assert seen["length"] == 100_011
    assert seen["environ"]["CONTENT_LENGTH"] == "100011"
    assert seen["text"].startswith("first xxx")


def test_a_client_that_expects_100_continue_gets_it(site):
    with site.client() as client:
        client.request("/echo", "Expect: 100-continue", "Content-Length: 4", method="POST")
        assert client.response().status == 100
        client.send(b"body")
        assert json.loads(client.response().body)["text"] == "body"


def test_an_application_that_does_not_read_its_body_does_no_harm(site):
    with site.client() as client:
        client.post("/pid", b"GET / HTTP/1.1\r\n\r\n" * 1000)
        assert client.response().status == 200
        client.request("/pid")
        assert client.response().status == 200


def test_a_file_goes_out_whole(site):
    source = (APPS / "system_apps.py").read_bytes()

    assert site.get("/file").body == source


@pytest.mark.parametrize("path", ["/big", "/big_list"])
def test_a_large_response_arrives_whole(site, path):
    assert hashlib.sha256(site.get(path).body).digest() == hashlib.sha256(BIG).digest()


@pytest.mark.parametrize(("path", "count"), [("/stream", 4), ("/written", 2)])
def test_each_block_arrives_before_the_application_goes_on(site, gate, path, count):
    with site.client() as client:
        client.request(f"{path}?gate={gate.path}")
        assert client.head()[3]["transfer-encoding"] == "chunked"
        assert client.chunk() == b"block 0\n"
        for number in range(1, count):
            gate.open()
            assert client.chunk() == b"block %d\n" % number
        if path == "/written":
            assert client.chunk() == b"block 2\n"
        assert client.chunk() == b""


def test_a_slow_reader_leaves_the_other_threads_alone(site):
    with site.client() as slow:
        slow.request("/big")
        slow.head()
        for _ in range(50):
            assert site.get("/pid").status == 200
        assert b"".join(iter(slow.chunk, b"")) == BIG


def test_slow_senders_leave_the_threads_to_others(site):
    clients = [site.client() for _ in range(8)]
    try:
        for client in clients:
            client.request("/echo", "Content-Length: 4", method="POST")
            client.send(b"ha")
        for _ in range(20):
            assert site.get("/pid").status == 200
        for client in clients:
            client.send(b"lf")
            assert json.loads(client.response().body)["text"] == "half"
    finally:
        for client in clients:
            client.__exit__()


def test_a_client_that_leaves_does_no_harm(site):
    for _ in range(10):
        with site.client() as client:
            client.request("/big")
            client.read(1000)

    assert site.get("/pid").status == 200


def test_what_is_not_http_is_refused(site):
    with site.client() as client:
        client.send(b"this is not HTTP\r\n\r\n")
        response = client.response()

        assert response.status == 400
        assert response.headers["connection"] == "close"
        assert client.at_end()


def test_every_worker_gets_its_share(site):
    assert {int(site.get("/pid").body) for _ in range(200)} <= set(site.workers())


class TestWithoutTheValidator:
    """What the validator would hide: it makes an iterator of a list, and has no len()."""

    def test_readers_of_what_is_in_memory_keep_no_thread(self, spawn):
        """More slow readers than there are threads."""
        server = spawn("--processes", "1", "--threads", "2", "system_apps:router")
        readers = [server.client() for _ in range(6)]
        try:
            for reader in readers:
                reader.request("/big_list")
                reader.head()
            for _ in range(20):
                assert server.get("/pid").status == 200
            for reader in readers:
                assert reader.read(len(BIG)) == BIG
        finally:
            for reader in readers:
                reader.__exit__()

    def test_the_length_of_a_list_is_computed(self, spawn):
        server = spawn("--processes", "1", "--threads", "1", "system_apps:router")

        assert server.get("/big_list", method="HEAD").headers["content-length"] == str(len(BIG))
        assert server.get("/empty_list").headers["content-length"] == "0"


class TestFailures:
    """Applications that raise; the log is this server's own."""

    @pytest.mark.parametrize("path", ["/fail", "/leave"])
    def test_an_exception_is_500_without_a_traceback(self, spawn, path):
        server = spawn("--processes", "1", "--threads", "1", "system_apps:router")
        for _ in range(2):
            response = server.get(f"{path}?x=1")
            assert response.status == 500
            assert b"Traceback" not in response.body

        assert server.get("/pid").status == 200
        assert server.errors().count("Traceback (most recent call last)") == 2
        assert server.errors().count(f"GET {path}?x=1 from 127.0.0.1:") == 2

    def test_an_exception_half_way_cannot_be_taken_for_the_end(self, spawn):
        server = spawn("--processes", "1", "--threads", "1", "system_apps:router")
        with server.client() as client:
            client.request("/fail_half_way")
            client.head()
            assert client.chunk() == b"half"
            assert client.at_end()

        assert "failing on purpose, half-way" in server.errors()

    def test_without_keep_alive_each_response_is_the_last(self, spawn):
        server = spawn(
            "--no-keepalive", "--processes", "1", "system_apps:router", "wsgiref.validate.validator"
        )
        with server.client() as client:
            client.request("/pid")
            assert client.response().headers["connection"] == "close"
            assert client.at_end()


def test_a_refusal_says_which_rule_was_broken_when_verbose(spawn):
    served = spawn("--processes=1", "--verbose", "system_apps:router")
    with served.client() as client:
        client.send(b"GET / HTTP/1.1\r\n\r\n")
        assert client.response().status == 400

    served.says("with 400: no Host")
