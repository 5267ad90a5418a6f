# SPDX-License-Identifier: MIT
"""`wsgi.early_hints`."""

import pytest
from applications import OK

LINK = [("Link", "</style.css>; rel=preload; as=style")]


@pytest.fixture
def hint(serve):
    """hint(function): the server and what the connection sees if an application calls
    function(early_hints) and then answers."""

    def hint(function, **request):
        def application(environ, start_response):
            function(environ["wsgi.early_hints"])
            start_response(*OK)
            return [b"x"]

        server = serve(application)
        return server, server.ask(**request)

    return hint


def test_they_go_out_before_the_head(hint):
    server, answer = hint(lambda early_hints: early_hints(LINK))

    assert answer.hints == [LINK]
    assert answer.events == ["inform 103", "start", "write", "finish"]
    assert answer.headers == OK[1]
    assert server.log == ""


def test_there_may_be_several(hint):
    _, answer = hint(lambda early_hints: [early_hints(LINK), early_hints([]), early_hints(LINK)])

    assert answer.hints == [LINK, [], LINK]


def test_nothing_is_returned(hint):
    returned = []
    hint(lambda early_hints: returned.append(early_hints(LINK)))

    assert returned == [None]


def test_they_may_follow_start_response_as_long_as_nothing_is_sent(serve):
    def application(environ, start_response):
        write = start_response(*OK)
        environ["wsgi.early_hints"](LINK)
        write(b"x")
        with pytest.raises(RuntimeError, match="the response has begun"):
            environ["wsgi.early_hints"](LINK)
        return []

    server = serve(application)

    assert server.ask().events == ["inform 103", "start", "write", "finish"]
    assert server.log == ""


@pytest.mark.parametrize(
    ("headers", "error", "text"),
    [
        ((("A", "b"),), TypeError, "early_hints: the headers must be a list of tuples, not tuple"),
        ([["A", "b"]], TypeError, "early_hints: each header must be a tuple"),
        ([("A", b"b")], TypeError, "early_hints: a header's value must be a str, not bytes"),
        ([("A", "b\r\nC: d")], ValueError, "early_hints: control characters in the value of A"),
        ([("A b", "c")], ValueError, "early_hints: not a header's name"),
        ([("A", "\u20ac")], ValueError, "early_hints: a header's value has characters beyond"),
        ([("Connection", "close")], AssertionError, "early_hints: Connection is a hop-by-hop"),
        ([("X-Refuse", "")], ValueError, "the library refuses this head"),
    ],
)
def test_they_are_checked_as_the_headers_of_a_response(hint, headers, error, text):
    def refused(early_hints):
        with pytest.raises(error) as raised:
            early_hints(headers)
        assert text in str(raised.value)

    server, answer = hint(refused)

    assert answer.events == ["start", "write", "finish"]
    assert server.log == ""


@pytest.mark.parametrize("arguments", [(), (LINK, LINK)])
def test_there_is_one_argument(hint, arguments):
    def refused(early_hints):
        with pytest.raises(TypeError, match=r"early_hints\(headers\)"):
            early_hints(*arguments)
        with pytest.raises(TypeError, match=r"early_hints\(headers\)"):
            early_hints(headers=LINK)

    server, _ = hint(refused)

    assert server.log == ""


def test_once_the_request_is_over_they_are_refused(hint):
    kept = []
    server, _ = hint(kept.append)
    server.ask()

    for early_hints in kept:
        with pytest.raises(RuntimeError, match="the request is over"):
            early_hints(LINK)
    assert kept[0] is not kept[1]
