# SPDX-License-Identifier: MIT
"""PEP 3333, "Input and Error Streams": wsgi.input, in memory and in a spool file."""

import io
import threading

import pytest

LINES = b"first\nsecond line\n\nlast without an end"


@pytest.fixture(params=["in memory", "spooled"])
def read_with(request, serve):
    """read_with(function, body): what the function makes of wsgi.input."""

    def read_with(function, body=LINES):
        results = []

        def application(environ, start_response):
            results.append(function(environ["wsgi.input"]))
            start_response("204 No Content", [])
            return []

        server = serve(application)
        server.ask(
            method="POST", body=body, memory_limit=64 << 20 if request.param == "in memory" else 0
        )
        assert server.log == ""
        return results[0]

    return read_with


@pytest.mark.parametrize("arguments", [(), (-1,), (None,), (1000,)])
def test_read_gives_all_there_is(read_with, arguments):
    assert read_with(lambda stream: (stream.read(*arguments), stream.read(), stream.read(5))) == (
        LINES,
        b"",
        b"",
    )


def test_read_gives_at_most_so_many_octets(read_with):
    def in_sevens(stream):
        return list(iter(lambda: stream.read(7), b""))

    assert read_with(in_sevens) == [LINES[i : i + 7] for i in range(0, len(LINES), 7)]


def test_read_of_nothing_is_not_the_end(read_with):
    assert read_with(lambda stream: (stream.read(0), stream.read(3))) == (b"", b"fir")


def test_readline_gives_lines_and_then_the_end(read_with):
    lines = read_with(lambda stream: [stream.readline() for _ in range(6)])

    assert lines == [b"first\n", b"second line\n", b"\n", b"last without an end", b"", b""]


def test_readline_heeds_its_size(read_with):
    lines = read_with(
        lambda stream: [
            stream.readline(4),
            stream.readline(4),
            stream.readline(100),
            stream.readline(0),
        ]
    )

    assert lines == [b"firs", b"t\n", b"second line\n", b""]


def test_readlines(read_with):
    assert read_with(lambda stream: stream.readlines()) == io.BytesIO(LINES).readlines()


def test_readlines_stops_after_its_hint(read_with):
    assert read_with(lambda stream: (stream.readlines(8), stream.readlines(0))) == (
        [b"first\n", b"second line\n"],
        [b"\n", b"last without an end"],
    )


def test_iteration_gives_lines(read_with):
    assert read_with(list) == io.BytesIO(LINES).readlines()


def test_the_ways_to_read_can_be_mixed(read_with):
    def mixed(stream):
        return stream.read(2), stream.readline(), next(stream), stream.read(1), stream.read()

    assert read_with(mixed) == (b"fi", b"rst\n", b"second line\n", b"\n", b"last without an end")


def test_a_line_longer_than_any_buffer(read_with):
    body = b"x" * 300_000 + b"\n" + b"y" * 10

    assert read_with(lambda stream: stream.readlines(), body) == [b"x" * 300_000 + b"\n", b"y" * 10]


def test_a_large_body(read_with):
    body = bytes(range(256)) * 4096

    assert read_with(lambda stream: stream.read(), body) == body
    assert read_with(lambda stream: stream.readline() + stream.read(), body) == body


def test_an_empty_body(read_with):
    assert read_with(
        lambda stream: (stream.read(), stream.readline(), stream.readlines(), list(stream)), b""
    ) == (
        b"",
        b"",
        [],
        [],
    )


@pytest.mark.parametrize("arguments", [("3",), (1.5,), (1, 2)])
def test_a_size_must_be_a_number(serve, arguments):
    def application(environ, start_response):
        with pytest.raises(TypeError):
            environ["wsgi.input"].read(*arguments)
        start_response("204 No Content", [])
        return []

    assert serve(application).ask(body=b"abc").status == 204


def test_after_the_request_it_is_closed(serve):
    kept = []

    def application(environ, start_response):
        kept.append(environ["wsgi.input"])
        start_response("204 No Content", [])
        return []

    serve(application).ask(method="POST", body=LINES)

    for read in (kept[0].read, kept[0].readline, kept[0].readlines, lambda: next(kept[0])):
        with pytest.raises(ValueError, match="over"):
            read()


def test_it_is_not_shared_with_the_next_request(serve):
    kept = []

    def application(environ, start_response):
        kept.append(environ["wsgi.input"])
        assert environ["wsgi.input"].read() == LINES
        start_response("204 No Content", [])
        return []

    server = serve(application)
    for _ in range(3):
        server.ask(method="POST", body=LINES)

    assert server.log == ""
    assert len({id(stream) for stream in kept}) == 3


def test_two_threads_may_read_at_a_time(serve):
    body = bytes(range(256)) * 8192
    counts = []

    def application(environ, start_response):
        def read():
            counts.append(
                sum(len(block) for block in iter(lambda: environ["wsgi.input"].read(70_000), b""))
            )

        threads = [threading.Thread(target=read) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        start_response("204 No Content", [])
        return []

    assert serve(application).ask(method="POST", body=body, memory_limit=0).status == 204
    assert sum(counts) == len(body)


def test_it_cannot_be_made_by_hand(serve):
    def application(environ, start_response):
        with pytest.raises(TypeError):
            type(environ["wsgi.input"])()
        with pytest.raises(TypeError):
            type(start_response)()
        start_response("204 No Content", [])
        return []

    assert serve(application).ask().status == 204
