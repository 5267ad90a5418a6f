# SPDX-License-Identifier: MIT
"""PEP 3333, clause by clause: start_response, write, iteration, close and failures."""

import gc
import sys
import threading
import weakref
from wsgiref.validate import validator

import pytest
from spawning import _native_testing as native

OK = ("200 OK", [("Content-Type", "text/plain")])


def answering(*arguments, body=(b"body",)):
    """An application that calls start_response with these arguments."""

    def application(environ, start_response):
        start_response(*arguments)
        return list(body)

    return application


class Blocks:
    """An iterable that notes what happens to it."""

    def __init__(self, *blocks, events=None):
        self.blocks = blocks
        self.events = [] if events is None else events

    def __iter__(self):
        for block in self.blocks:
            if isinstance(block, BaseException):
                raise block
            self.events.append(block)
            yield block

    def close(self):
        self.events.append("close")


class TestStartResponse:
    def test_status_and_headers_arrive_as_they_were_given(self, serve):
        headers = [("X-One", "1"), ("x-one", "2"), ("Set-Cookie", "a=b; Path=/"), ("X-Tab", "a\tb")]

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
            "200 \0",
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

    @pytest.mark.parametrize("name", ["", "A B", "A:", "A\r\nB", "\u00e9", "A\0"])
    def test_a_name_that_is_no_token_is_refused(self, serve, name):
        server = serve(answering("200 OK", [(name, "v")]))

        assert server.ask().status == 500
        assert "ValueError: start_response: not a header's name" in server.log

    @pytest.mark.parametrize("value", ["a\r\nX: y", "a\n", "\0", "\x1f", "\x7f"])
    def test_control_characters_in_a_value_are_refused(self, serve, value):
        server = serve(answering("200 OK", [("X-Value", value)]))

        assert server.ask().status == 500
        assert "control characters in the value of X-Value" in server.log

    def test_characters_beyond_latin1_are_refused(self, serve):
        server = serve(answering("200 OK", [("X-Price", "1 \u20ac")]))

        assert server.ask().status == 500
        assert "beyond ISO-8859-1" in server.log

    @pytest.mark.parametrize(
        "name", ["Connection", "keep-alive", "TRANSFER-ENCODING", "Upgrade", "Trailer", "Te"]
    )
    def test_hop_by_hop_headers_are_refused(self, serve, name):
        server = serve(answering("200 OK", [(name, "x")]))

        assert server.ask().status == 500
        assert f"AssertionError: start_response: {name} is a hop-by-hop header" in server.log

    def test_errors_are_raised_where_the_application_can_handle_them(self, serve):
        def application(environ, start_response):
            try:
                start_response("200 OK", [("X", "\n")])
            except ValueError:
                start_response("400 Bad Request", [])
            return [b"handled"]

        server = serve(application)

        assert server.ask().status == 400
        assert server.log == ""

    def test_the_librarys_own_refusal_is_a_value_error(self, serve):
        server = serve(answering("200 OK", [("X-Refuse", "")]))

        assert server.ask().status == 500
        assert "ValueError: the library refuses this head" in server.log

    def test_a_second_call_without_exc_info_is_fatal(self, serve):
        def application(environ, start_response):
            start_response(*OK)
            start_response("201 Created", [])
            return [b"x"]

        server = serve(application)

        assert server.ask().status == 500
        assert "AssertionError: start_response: called again without exc_info" in server.log

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

    def test_exc_info_may_be_none(self, serve):
        assert serve(answering("200 OK", [], None)).ask().status == 200

    def test_a_wrong_keyword_is_refused(self, serve):
        def application(environ, start_response):
            start_response("200 OK", [], wrong=None)

        server = serve(application)

        assert server.ask().status == 500
        assert "TypeError: start_response got an unexpected argument 'wrong'" in server.log

    def test_it_may_be_called_at_the_first_iteration(self, serve):
        def application(environ, start_response):
            start_response("202 Accepted", [])
            yield b"late"

        answer = serve(application).ask()

        assert (answer.status, answer.blocks) == (202, [b"late"])

    @pytest.mark.parametrize("body", [[b"x"], [], (b"x", b"y"), iter([b"x"]), iter([])])
    def test_not_calling_it_is_an_error(self, serve, body):
        server = serve(lambda environ, start_response: body)

        assert server.ask().status == 500
        assert "the application has not called start_response" in server.log

    def test_the_list_of_headers_may_be_changed_afterwards(self, serve):
        def application(environ, start_response):
            headers = [("X-One", "1" * 50)]
            start_response("200 OK", headers)
            headers[0] = ("X-Other", "2")
            headers.append(("X-More", "3"))
            return [b"x"]

        assert serve(application).ask().headers == [("X-One", "1" * 50)]

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


class TestWrite:
    def test_each_block_is_sent_at_once(self, serve):
        seen = []
        answer = native.Recording()

        def application(environ, start_response):
            write = start_response(*OK)
            seen.append(list(answer.events))
            write(b"one")
            seen.append(list(answer.blocks))
            write(b"two")
            seen.append(list(answer.blocks))
            return [b"three"]

        serve(application).ask(recording=answer)

        assert seen == [[], [b"one"], [b"one", b"two"]]
        assert answer.blocks == [b"one", b"two", b"three"]
        assert answer.events == ["start", "write", "write", "write", "finish"]

    def test_an_empty_block_does_not_send_the_head(self, serve):
        def application(environ, start_response):
            start_response(*OK)(b"")
            try:
                raise ValueError
            except ValueError:
                start_response("503 Later", [], sys.exc_info())
            return []

        assert serve(application).ask().status == 503

    def test_the_body_may_come_from_write_alone(self, serve):
        def application(environ, start_response):
            start_response(*OK)(b"all of it")
            return []

        answer = serve(application).ask()

        assert answer.blocks == [b"all of it"]
        assert answer.events[-1] == "finish"

    @pytest.mark.parametrize("block", ["text", None, 3, bytearray(b"x"), memoryview(b"x")])
    def test_only_bytes_can_be_written(self, serve, block):
        def application(environ, start_response):
            with pytest.raises(TypeError, match="blocks of bytes"):
                start_response(*OK)(block)
            return [b"x"]

        server = serve(application)

        assert server.ask().blocks == [b"x"]
        assert server.log == ""

    def test_a_client_that_has_gone_is_a_broken_pipe_and_no_log_entry(self, serve):
        def application(environ, start_response):
            write = start_response(*OK)
            while True:
                write(b"x")

        server = serve(application)
        answer = server.ask(recording=native.Recording(gone_after=3))

        assert answer.events == ["start", "write", "write", "write", "gone", "abort"]
        assert server.log == ""


class TestIteration:
    @pytest.mark.parametrize("kind", [list, tuple])
    def test_one_block_in_memory_is_one_response_of_known_length(self, serve, kind):
        answer = serve(answering(*OK, body=[b"hello"])).ask()

        assert answer.events == ["start", "write", "finish"]
        assert (answer.blocks, answer.content_length) == ([b"hello"], 5)

    def test_several_small_blocks_in_memory_go_out_together(self, serve):
        answer = serve(answering(*OK, body=[b"a", b"", b"bc"])).ask()

        assert (answer.blocks, answer.content_length) == ([b"abc"], 3)

    def test_large_blocks_in_memory_are_not_copied_together(self, serve):
        blocks = [b"x" * 100_000, b"y" * 100_000]

        answer = serve(answering(*OK, body=blocks)).ask()

        assert (answer.blocks, answer.content_length) == (blocks, 200_000)

    @pytest.mark.parametrize("body", [[], [b""], [b"", b""]])
    def test_an_empty_body_has_length_zero(self, serve, body):
        answer = serve(answering(*OK, body=body)).ask()

        assert (answer.blocks, answer.content_length) == ([], 0)
        assert answer.events == ["start", "finish"]

    @pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
    def test_a_status_without_a_body_gets_no_length(self, serve, status):
        assert serve(answering(status, [], body=[])).ask().content_length is None

    def test_an_empty_answer_to_head_gets_no_length(self, serve):
        assert serve(answering(*OK, body=[])).ask(method="HEAD").content_length is None

    def test_a_body_for_head_gives_its_length(self, serve):
        assert serve(answering(*OK, body=[b"hello"])).ask(method="HEAD").content_length == 5

    def test_blocks_of_an_iterable_are_sent_one_by_one_and_never_read_ahead(self, serve):
        seen = []
        answer = native.Recording()

        def application(environ, start_response):
            start_response(*OK)
            for block in (b"one", b"two", b"three"):
                seen.append(list(answer.blocks))
                yield block

        serve(application).ask(recording=answer)

        assert seen == [[], [b"one"], [b"one", b"two"]]
        assert answer.blocks == [b"one", b"two", b"three"]
        assert answer.content_length is None

    def test_empty_blocks_send_nothing_not_even_the_head(self, serve):
        answer = native.Recording()
        seen = []

        def application(environ, start_response):
            start_response("200 OK", [])
            yield b""
            seen.append(list(answer.events))
            yield b"x"

        serve(application).ask(recording=answer)

        assert seen == [[]]
        assert answer.blocks == [b"x"]

    def test_an_iterable_of_length_one_gives_the_content_length(self, serve):
        class One(Blocks):
            def __len__(self):
                return 1

        def application(environ, start_response):
            start_response(*OK)
            return One(b"12345")

        assert serve(application).ask().content_length == 5

    def test_any_other_len_is_not_trusted(self, serve):
        class Odd(Blocks):
            def __len__(self):
                raise RuntimeError("not here")

        def application(environ, start_response):
            start_response(*OK)
            return Odd(b"1", b"2")

        answer = serve(application).ask()

        assert answer.content_length is None
        assert answer.blocks == [b"1", b"2"]

    def test_a_subclass_of_list_is_asked_for_its_iterator(self, serve):
        class Reversed(list):
            def __iter__(self):
                return reversed(list(super().__iter__()))

        def application(environ, start_response):
            start_response(*OK)
            return Reversed([b"1", b"2"])

        assert serve(application).ask().blocks == [b"2", b"1"]

    @pytest.mark.parametrize(
        "body",
        [["text"], ("text",), [b"x", "text"], iter(["text"]), "text", b"bytes", [None], None, 3],
    )
    def test_what_gives_no_bytes_is_an_error(self, serve, body):
        def application(environ, start_response):
            start_response(*OK)
            return body

        server = serve(application)

        assert server.ask().status == 500
        assert "TypeError" in server.log

    def test_a_block_that_is_no_bytes_breaks_a_response_that_has_begun(self, serve):
        def application(environ, start_response):
            start_response(*OK)
            yield b"good"
            yield "bad"

        server = serve(application)
        answer = server.ask()

        assert answer.events == ["start", "write", "abort"]
        assert "must give blocks of bytes, not str" in server.log

    def test_the_wait_for_a_slow_client_comes_before_the_next_block(self, serve):
        events = []
        answer = native.Recording(full_after=0)

        def application(environ, start_response):
            start_response(*OK)
            yield b"one"
            events.append(list(answer.events))
            answer.make_readable()
            yield b"two"

        serve(application).ask(recording=answer)

        assert events == [["start", "write"]]
        assert answer.events == ["start", "write", "wait", "write", "finish"]

    def test_nothing_waits_for_a_slow_client_after_the_last_block(self, serve):
        def application(environ, start_response):
            start_response(*OK)
            yield b"all"

        answer = serve(application).ask(recording=native.Recording(full_after=0))

        assert answer.events == ["start", "write", "finish"]

    def test_other_threads_run_while_one_waits_for_its_client(self, serve):
        answer = native.Recording(full_after=0)

        def application(environ, start_response):
            start_response(*OK)
            yield b"one"
            yield b"two"

        slow = threading.Thread(target=serve(application).ask, kwargs={"recording": answer})
        slow.start()
        while "wait" not in answer.events:
            pass  # this thread gets the GIL: that is what is tested
        answer.make_readable()
        slow.join()

        assert answer.blocks == [b"one", b"two"]


class TestClose:
    @pytest.mark.parametrize(
        ("blocks", "ends_with"),
        [
            ((b"x",), "finish"),
            ((), "finish"),
            ((b"x", ValueError("boom")), "abort"),
            ((ValueError("boom"),), "finish"),
            ((b"x", "text"), "abort"),
        ],
    )
    def test_it_is_called_in_every_case(self, serve, blocks, ends_with):
        iterable = Blocks(*blocks)

        def application(environ, start_response):
            start_response(*OK)
            return iterable

        answer = serve(application).ask()

        assert iterable.events[-1] == "close"
        assert iterable.events.count("close") == 1
        assert answer.events[-1] == ends_with

    def test_it_is_called_if_start_response_was_not(self, serve):
        iterable = Blocks()

        serve(lambda environ, start_response: iterable).ask()

        assert iterable.events == ["close"]

    def test_it_is_called_on_what_is_not_even_iterable(self, serve):
        class NotIterable:
            closed = False

            def close(self):
                self.closed = True

        body = NotIterable()

        serve(lambda environ, start_response: body).ask()

        assert body.closed

    def test_a_client_that_has_gone_ends_the_iteration(self, serve):
        iterable = Blocks(b"1", b"2", b"3", b"4")

        def application(environ, start_response):
            start_response(*OK)
            return iterable

        server = serve(application)
        answer = server.ask(recording=native.Recording(gone_after=1))

        assert iterable.events == [b"1", b"2", "close"]
        assert answer.events == ["start", "write", "gone", "abort"]
        assert server.log == ""

    def test_it_comes_after_the_response(self, serve):
        answer = native.Recording()
        seen = []

        class Closing(Blocks):
            def close(self):
                seen.append(list(answer.events))

        def application(environ, start_response):
            start_response(*OK)
            return Closing(b"x")

        serve(application).ask(recording=answer)

        assert seen == [["start", "write", "finish"]]

    def test_its_failure_is_logged_and_leaves_the_response_alone(self, serve):
        class Failing(Blocks):
            def close(self):
                raise ValueError("cannot close")

        def application(environ, start_response):
            start_response(*OK)
            return Failing(b"x")

        server = serve(application)
        answer = server.ask("/where?it=fails")

        assert answer.events == ["start", "write", "finish"]
        assert "error in GET /where?it=fails from 192.0.2.7:50000" in server.log
        assert "ValueError: cannot close" in server.log

    def test_a_generator_is_closed(self, serve):
        events = []

        def application(environ, start_response):
            start_response(*OK)
            try:
                yield b"1"
                yield b"2"
            except GeneratorExit:
                events.append("exit")
                raise

        serve(application).ask(recording=native.Recording(gone_after=0))

        assert events == ["exit"]


class TestFailures:
    @pytest.mark.parametrize(
        "error",
        [ValueError("boom"), SystemExit(3), KeyboardInterrupt(), GeneratorExit(), MemoryError()],
    )
    def test_an_exception_is_500_and_one_entry_in_the_log(self, serve, error):
        def application(environ, start_response):
            raise error

        server = serve(application)
        answer = server.ask("/path?query", method="POST")

        assert answer.status == 500
        assert server.log.count("error in POST /path?query from 192.0.2.7:50000") == 1
        assert server.log.count("Traceback (most recent call last)") == 1
        assert type(error).__name__ in server.log
        assert "in application" in server.log

    def test_the_client_sees_no_traceback(self, serve):
        def application(environ, start_response):
            raise ValueError("secret")

        answer = serve(application).ask()

        assert b"secret" not in b"".join(answer.blocks)
        assert b"Traceback" not in b"".join(answer.blocks)

    def test_an_exception_after_the_head_breaks_the_connection(self, serve):
        def application(environ, start_response):
            start_response(*OK)
            yield b"half"
            raise ValueError("boom")

        server = serve(application)

        assert server.ask().events == ["start", "write", "abort"]
        assert "ValueError: boom" in server.log

    def test_an_exception_before_the_head_is_sent_is_500(self, serve):
        def application(environ, start_response):
            start_response("200 OK", [("X-Secret", "1")])
            raise ValueError("boom")

        answer = serve(application).ask()

        assert answer.status == 500
        assert ("X-Secret", "1") not in answer.headers

    def test_the_next_request_is_served_as_if_nothing_had_happened(self, serve):
        def application(environ, start_response):
            if environ["PATH_INFO"] == "/fail":
                raise ValueError("boom")
            start_response(*OK)
            return [b"fine"]

        server = serve(application)

        assert [server.ask(path).status for path in ("/fail", "/", "/fail", "/")] == [
            500,
            200,
            500,
            200,
        ]

    def test_an_exception_that_cannot_be_shown_is_logged_nevertheless(self, serve):
        class Odd(Exception):
            def __str__(self):
                raise RuntimeError("no")

        def application(environ, start_response):
            raise Odd

        server = serve(application)

        assert server.ask().status == 500
        assert "error in GET /" in server.log
        assert "Odd" in server.log

    def test_a_chain_of_causes_is_logged(self, serve):
        def application(environ, start_response):
            try:
                raise KeyError("cause")
            except KeyError as error:
                raise ValueError("effect") from error

        server = serve(application)
        server.ask()

        assert "KeyError: 'cause'" in server.log
        assert "ValueError: effect" in server.log

    def test_an_application_that_takes_other_arguments_is_an_error(self, serve):
        server = serve(lambda: [])

        assert server.ask().status == 500
        assert "TypeError" in server.log


class TestOwnership:
    def test_nothing_of_a_request_is_kept(self, serve):
        class Kept:
            pass

        references = []

        def application(environ, start_response):
            environ["kept"] = kept = Kept()
            references.append(weakref.ref(kept))
            start_response("200 OK", [("X", "y" * 100)])
            return Blocks(b"x")

        server = serve(application)
        for _ in range(3):
            server.ask()
        gc.collect()

        assert [reference() for reference in references] == [None] * 3

    def test_the_application_is_released_with_the_handler(self):
        class Callable:
            def __call__(self, environ, start_response):
                start_response(*OK)
                return [b"x"]

        application = Callable()
        reference = weakref.ref(application)
        handler = native.Handler(application)
        del application, handler
        gc.collect()

        assert reference() is None

    def test_the_number_of_references_stays_what_it_was(self, serve):
        status, name, value, block = "200 Fine ref", "X-Ref-Name", "some value", b"a block of bytes"
        texts = (status, name, value, block)

        def application(environ, start_response):
            start_response(status, [(name, value)])
            return [block] if environ["PATH_INFO"] == "/list" else iter([block])

        server = serve(application)
        server.ask("/list")
        before = [sys.getrefcount(text) for text in texts]
        for _ in range(100):
            server.ask("/list")
            server.ask("/iterator")

        assert [sys.getrefcount(text) for text in texts] == before

    def test_requests_may_run_at_the_same_time(self, serve):
        barrier = threading.Barrier(4, timeout=10)

        def application(environ, start_response):
            barrier.wait()
            start_response("200 OK", [("X-Path", environ["PATH_INFO"])])
            yield environ["wsgi.input"].read() + environ["PATH_INFO"].encode()

        server = serve(application)
        answers = {}

        def ask(number):
            answers[number] = [
                server.ask(f"/{number}", method="POST", body=b"body of ") for _ in range(50)
            ]

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        for number, recorded in answers.items():
            assert [answer.blocks for answer in recorded] == [[b"body of /%d" % number]] * 50
        assert server.log == ""


class TestFileWrapper:
    def test_a_file_goes_out_in_blocks_and_is_closed(self, serve, tmp_path):
        path = tmp_path / "file"
        path.write_bytes(b"0123456789" * 3)
        files = []

        def application(environ, start_response):
            start_response(*OK)
            files.append(path.open("rb"))
            return environ["wsgi.file_wrapper"](files[0], 16)

        answer = serve(application).ask()

        assert answer.blocks == [b"0123456789012345", b"67890123456789"]
        assert files[0].closed

    def test_what_cannot_be_closed_is_not_closed(self, serve):
        class Endless:
            def __init__(self):
                self.blocks = [b"a", b"b", b""]

            def read(self, size):
                return self.blocks.pop(0)

        def application(environ, start_response):
            start_response(*OK)
            wrapped = environ["wsgi.file_wrapper"](Endless())
            assert not hasattr(wrapped, "close")
            return wrapped

        assert serve(application).ask().blocks == [b"a", b"b"]


def test_the_standard_librarys_validator_finds_nothing_wrong(serve):
    @validator
    def application(environ, start_response):
        body = (
            environ["wsgi.input"].read(3)
            + environ["wsgi.input"].readline()
            + b"".join(environ["wsgi.input"])
        )
        environ["wsgi.errors"].flush()
        write = start_response("200 OK", [("Content-Type", "text/plain")])
        write(body)
        return [b"end"]

    server = serve(application)
    for target in ("/", "/a%20b?c=d", "*"):
        answer = server.ask(
            target,
            method="POST",
            headers=[("Content-Length", "9"), ("Content-Type", "x/y")],
            body=b"0123\n5678",
        )
        assert answer.blocks == [b"0123\n5678", b"end"]
    assert server.log == ""
