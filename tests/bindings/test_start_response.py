# SPDX-License-Identifier: MIT
"""PEP 3333, "The start_response() Callable", clause by clause."""

import contextlib
import gc
import sys
import weakref
from typing import NamedTuple

import pytest
from applications import OK, answering
from spawning import _native_testing as native


class TestArguments:
    """Status and headers."""

    def test_status_and_headers_arrive_as_they_were_given(self, serve):
        headers = [("X-One", "1"), ("x-one", "2"), ("Set-Cookie", "a=b; Path=/"), ("X-E", "")]

        answer = serve(answering("404 Not here, sorry", headers)).ask()

        assert (answer.status, answer.reason) == (404, "Not here, sorry")
        assert answer.headers == headers

    def test_an_empty_reason_is_a_reason(self, serve):
        answer = serve(answering("200 ", [])).ask()

        assert (answer.status, answer.reason) == (200, "")

    @pytest.mark.parametrize(
        "status",
        [
            "200",
            "OK",
            "",
            "20 OK",
            "2000 OK",
            "abc OK",
            "100 Continue",
            "199 x",
            "600 x",
            "200 a\r\nX: y",
            "200 OK\n",
            "200 \0",
            "200 a\tb",
            "200 \u20ac",
        ],
    )
    def test_a_malformed_status_is_refused(self, serve, status):
        server = serve(answering(status, []))

        assert server.ask().status == 500
        assert "ValueError: start_response" in server.log

    @pytest.mark.parametrize(
        ("arguments", "text"),
        [
            ((200, []), "the status must be a str, not int"),
            ((b"200 OK", []), "the status must be a str, not bytes"),
            (("200 OK", ()), "must be a list of tuples, not tuple"),
            (("200 OK", {}), "must be a list of tuples, not dict"),
            (("200 OK", None), "must be a list of tuples, not NoneType"),
            (("200 OK", [["A", "b"]]), "must be a tuple (name, value), not ['A', 'b']"),
            (("200 OK", [("A", "b", "c")]), "must be a tuple (name, value)"),
            (("200 OK", [("A", 1)]), "a header's value must be a str, not int"),
            (("200 OK", [(b"A", "b")]), "a header's name must be a str, not bytes"),
            (("200 OK",), "start_response takes (status, headers, exc_info=None)"),
            (("200 OK", [], None, None), "start_response takes (status, headers, exc_info=None)"),
            (("200 OK", [], "no tuple"), "exc_info must be"),
            (("200 OK", [], (1, 2)), "exc_info must be"),
        ],
    )
    def test_a_wrong_type_is_named(self, serve, arguments, text):
        def application(environ, start_response):
            if len(arguments) > 2 and arguments[2] is not None:
                yield_first = start_response(*OK)
                yield_first(b"x")
            start_response(*arguments)
            return [b""]

        server = serve(application)
        answer = server.ask()

        assert answer.status == 500 or "abort" in answer.events
        assert "TypeError: " in server.log
        assert text in server.log

    def test_a_wrong_keyword_is_refused(self, serve):
        def application(environ, start_response):
            start_response("200 OK", [], wrong=None)

        server = serve(application)

        assert server.ask().status == 500
        assert "TypeError: start_response got an unexpected argument 'wrong'" in server.log

    @pytest.mark.parametrize("name", ["", "A B", "A:", "A\r\nB", "\u00e9", "A\0"])
    def test_a_name_that_is_no_token_is_refused(self, serve, name):
        server = serve(answering("200 OK", [(name, "v")]))

        assert server.ask().status == 500
        assert "ValueError: start_response: not a header's name" in server.log

    @pytest.mark.parametrize("value", ["a\r\nX: y", "a\n", *map(chr, range(32)), "\x7f"])
    def test_control_characters_in_a_value_are_refused(self, serve, value):
        server = serve(answering("200 OK", [("X-Value", value)]))

        assert server.ask().status == 500
        assert "control characters in the value of X-Value" in server.log

    @pytest.mark.parametrize(
        "name",
        [
            "Connection",
            "keep-alive",
            "Proxy-Authenticate",
            "proxy-authorization",
            "Proxy-Connection",
            "Te",
            "Trailer",
            "Trailers",
            "TRANSFER-ENCODING",
            "Upgrade",
        ],
    )
    @pytest.mark.parametrize("value", ["x", "close", "keep-alive"])
    def test_hop_by_hop_headers_are_refused(self, serve, name, value):
        server = serve(answering("200 OK", [(name, value)]))

        assert server.ask().status == 500
        assert f"AssertionError: start_response: {name} is a hop-by-hop header" in server.log

    def test_the_list_of_headers_may_be_changed_afterwards(self, serve):
        def application(environ, start_response):
            headers = [("X-One", "1" * 50)]
            start_response("200 OK", headers)
            headers[0] = ("X-Other", "2")
            headers.append(("X-More", "3"))
            return [b"x"]

        assert serve(application).ask().headers == [("X-One", "1" * 50)]

    def test_errors_are_raised_while_the_application_runs(self, serve):
        def application(environ, start_response):
            try:
                start_response("200 OK", [("X", "\n")])
            except ValueError:
                start_response("400 Bad Request", [], sys.exc_info())
            return [b"handled"]

        server = serve(application)

        assert server.ask().status == 400
        assert server.log == ""

    def test_the_headers_must_be_exactly_a_list(self, serve):
        class Headers(list):
            pass

        server = serve(answering("200 OK", Headers([("A", "b")])))

        assert server.ask().status == 500
        assert "must be a list of tuples, not Headers" in server.log

    def test_subclasses_of_str_and_of_tuple_are_taken(self, serve):
        """As Django's SafeString; the PEP leaves them open."""

        class Text(str):
            pass

        class Pair(NamedTuple):
            name: str
            value: str

        answer = serve(answering(Text("200 OK"), [Pair(Text("X-A"), Text("b"))])).ask()

        assert (answer.status, answer.headers) == (200, [("X-A", "b")])

    def test_the_write_callable_is_returned_each_time(self, serve):
        def application(environ, start_response):
            first = start_response(*OK)
            assert callable(first)
            try:
                raise KeyError
            except KeyError:
                second = start_response("500 Sorry", [], sys.exc_info())
            first(b"one")
            second(b"two")
            return []

        server = serve(application)

        assert server.ask().blocks == [b"one", b"two"]
        assert server.log == ""

    def test_the_librarys_own_refusal_is_a_value_error(self, serve):
        server = serve(answering("200 OK", [("X-Refuse", "")]))

        assert server.ask().status == 500
        assert "ValueError: the library refuses this head" in server.log

    def test_after_the_request_it_raises(self, serve):
        kept = []

        def application(environ, start_response):
            kept.append(start_response)
            kept.append(start_response(*OK))
            return [b"x"]

        server = serve(application)
        server.ask()
        server.ask()

        with pytest.raises(RuntimeError, match="over"):
            kept[0](*OK)
        with pytest.raises(RuntimeError, match="over"):
            kept[1](b"x")


class TestSecondCall:
    """ "if and only if the exc_info argument is provided"."""

    def test_a_second_call_without_exc_info_is_fatal(self, serve):
        def application(environ, start_response):
            start_response(*OK)
            start_response("201 Created", [])
            return [b"x"]

        server = serve(application)

        assert server.ask().status == 500
        assert "AssertionError: start_response: called again without exc_info" in server.log

    def test_a_first_call_that_failed_counts(self, serve):
        def application(environ, start_response):
            with contextlib.suppress(ValueError):
                start_response("200 OK", [("X", "\n")])
            start_response(*OK)
            return [b"x"]

        server = serve(application)

        assert server.ask().status == 500
        assert "AssertionError: start_response: called again without exc_info" in server.log

    def test_the_next_request_has_a_first_call_of_its_own(self, serve):
        def application(environ, start_response):
            start_response(*OK)
            if environ["PATH_INFO"] == "/again":
                start_response(*OK)
            return [b"x"]

        server = serve(application)

        assert [server.ask(path).status for path in ("/again", "/", "/again")] == [500, 200, 500]

    def test_a_head_is_not_sent_before_there_is_a_body(self, serve):
        answer = native.Recording()
        seen = []

        def application(environ, start_response):
            start_response(*OK)
            seen.append(list(answer.events))
            yield b""
            seen.append(list(answer.events))
            try:
                raise KeyError
            except KeyError:
                start_response("503 Later", [("X-Second", "2")], sys.exc_info())
            yield b"sorry"

        serve(application).ask(recording=answer)

        assert seen == [[], []]
        assert (answer.status, answer.headers) == (503, [("X-Second", "2")])

    def test_a_head_that_replaces_another_is_checked_too(self, serve):
        def application(environ, start_response):
            start_response("200 OK", [("X-First", "1")])
            try:
                raise KeyError
            except KeyError:
                with pytest.raises(AssertionError, match="hop-by-hop"):
                    start_response("500 Sorry", [("Connection", "close")], sys.exc_info())
            return [b"x"]

        assert serve(application).ask().headers == [("X-First", "1")]

    def test_what_was_raised_is_raised_with_its_traceback(self, serve):
        original = KeyError("the original")

        def fail_deeply():
            raise original

        def application(environ, start_response):
            start_response(*OK)(b"begun")
            try:
                fail_deeply()
            except KeyError:
                with pytest.raises(KeyError) as raised:
                    start_response("500 Sorry", [], sys.exc_info())
                assert raised.value is original
                assert raised.traceback[-1].name == "fail_deeply"
            return []

        server = serve(application)

        assert server.ask().events[-1] == "finish"
        assert server.log == ""

    @pytest.mark.parametrize("begun", [False, True])
    def test_no_reference_to_exc_info_is_kept(self, serve, begun):
        class Local:
            pass

        references = []

        def fail():
            local = Local()
            references.append(weakref.ref(local))
            raise KeyError

        def application(environ, start_response):
            write = start_response(*OK)
            if begun:
                write(b"begun")
            try:
                fail()
            except KeyError:
                with contextlib.suppress(KeyError):
                    start_response("500 Sorry", [], sys.exc_info())
            assert references[0]() is None
            return [b"x"]

        server = serve(application)
        gc.disable()
        try:
            server.ask()
        finally:
            gc.enable()

        assert server.log == ""

    def test_exc_info_may_be_none(self, serve):
        assert serve(answering("200 OK", [], None)).ask().status == 200

    @pytest.mark.parametrize("keyword", [True, False])
    def test_exc_info_replaces_a_head_that_is_not_sent(self, serve, keyword):
        def application(environ, start_response):
            start_response("200 OK", [("X-First", "1")])
            try:
                raise KeyError("x")
            except KeyError:
                if keyword:
                    start_response("500 Sorry", [("X-Second", "2")], exc_info=sys.exc_info())
                else:
                    start_response("500 Sorry", [("X-Second", "2")], sys.exc_info())
            return [b"sorry"]

        server = serve(application)
        answer = server.ask()

        assert (answer.status, answer.reason, answer.headers) == (500, "Sorry", [("X-Second", "2")])
        assert answer.blocks == [b"sorry"]
        assert server.log == ""

    def test_exc_info_is_raised_again_once_the_head_is_sent(self, serve):
        def application(environ, start_response):
            write = start_response(*OK)
            write(b"begun")
            try:
                raise KeyError("the original")
            except KeyError:
                start_response("500 Sorry", [], sys.exc_info())
            return [b"never"]

        server = serve(application)
        answer = server.ask()

        assert answer.status == 200
        assert answer.blocks == [b"begun"]
        assert answer.events[-1] == "abort"
        assert "KeyError: 'the original'" in server.log


class TestUnicodeIssues:
    """ "only code points representable in ISO-8859-1"."""

    def test_all_of_latin1_is_taken(self, serve):
        text = "".join(map(chr, [*range(32, 127), *range(128, 256)]))

        answer = serve(answering("200 " + text, [("X-Text", text)])).ask()

        assert answer.status == 200

    @pytest.mark.parametrize("headers", [[("X-\u20ac", "v")], [("\udc80", "v")]])
    def test_characters_beyond_latin1_in_a_name_are_refused(self, serve, headers):
        server = serve(answering("200 OK", headers))

        assert server.ask().status == 500
        assert "a header's name has characters beyond ISO-8859-1" in server.log

    def test_characters_beyond_latin1_are_refused(self, serve):
        server = serve(answering("200 OK", [("X-Price", "1 \u20ac")]))

        assert server.ask().status == 500
        assert "beyond ISO-8859-1" in server.log
