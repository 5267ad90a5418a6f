# SPDX-License-Identifier: MIT
"""PEP 3333, clause by clause, in its order.

Parts with files of their own: test_environ, test_input, test_start_response, test_close, test_content_length,
test_streaming, test_file_wrapper.
"""

import functools
import gc
import sys
import threading
import weakref
from wsgiref.validate import validator

import pytest
from applications import OK, Blocks, answering
from spawning import _native_testing as native


class TestSpecificationDetails:
    """The application, its iterable, and who waits for whom."""

    def test_an_application_that_takes_other_arguments_is_an_error(self, serve):
        server = serve(lambda: [])

        assert server.ask().status == 500
        assert "TypeError" in server.log

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

    def test_several_small_blocks_in_memory_go_out_together(self, serve):
        answer = serve(answering(*OK, body=[b"a", b"", b"bc"])).ask()

        assert (answer.blocks, answer.content_length) == ([b"abc"], 3)

    def test_large_blocks_in_memory_are_not_copied_together(self, serve):
        blocks = [b"x" * 100_000, b"y" * 100_000]

        answer = serve(answering(*OK, body=blocks)).ask()

        assert (answer.blocks, answer.content_length) == (blocks, 200_000)

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

    def test_it_is_called_with_two_positional_arguments(self, serve):
        seen = []

        def application(*arguments, **named):
            seen.append((len(arguments), named))
            arguments[1](*OK)
            return [b"x"]

        serve(application).ask()

        assert seen == [(2, {})]

    @pytest.mark.parametrize("kind", ["object", "class", "method", "generator", "builtin"])
    def test_any_callable_will_do(self, serve, kind):
        class Application:
            """Called, it is the iterable."""

            def __init__(self, environ=None, start_response=None):
                self.arguments = environ, start_response

            def __iter__(self):
                self.arguments[1](*OK)
                yield b"x"

            def __call__(self, environ, start_response):
                start_response(*OK)
                return [b"x"]

        def generator(environ, start_response):
            start_response(*OK)
            yield b"x"

        application = {
            "object": Application(),
            "class": Application,
            "method": Application().__call__,
            "generator": generator,
            "builtin": functools.partial(generator),
        }[kind]

        assert serve(application).ask().blocks == [b"x"]

    def test_start_response_is_called_at_the_first_iteration_by_a_class(self, serve):
        class Late:
            def __init__(self, environ, start_response):
                self.start_response = start_response
                self.count = 0

            def __iter__(self):
                return self

            def __next__(self):
                if self.count == 0:
                    self.start_response("202 Accepted", [])
                self.count += 1
                if self.count > 2:
                    raise StopIteration
                return b"x"

        answer = serve(Late).ask()

        assert (answer.status, answer.blocks) == (202, [b"x", b"x"])

    @pytest.mark.parametrize("block", [b"", b"x"])
    def test_a_block_before_start_response_is_an_error(self, serve, block):
        def application(environ, start_response):
            yield block
            start_response(*OK)

        server = serve(application)

        assert server.ask().status == 500
        assert "the application has not called start_response" in server.log

    def test_only_what_the_pep_names_is_used_of_an_iterable(self, serve):
        class Plain:
            def __init__(self):
                self.asked = []

            def __getattr__(self, name):
                self.asked.append(name)
                raise AttributeError(name)

            def __iter__(self):
                return iter([b"x"])

        plain = Plain()

        def application(environ, start_response):
            start_response(*OK)
            return plain

        assert serve(application).ask().blocks == [b"x"]
        assert plain.asked == ["close"]

    def test_octets_arrive_as_they_are(self, serve):
        blocks = [b"a\nb\r\nc\rd", bytes(range(256)), b"\0"]

        def application(environ, start_response):
            start_response(*OK)
            yield from blocks

        assert serve(application).ask().blocks == blocks

    @pytest.mark.parametrize("body", ["text", b"octets", "", b""])
    def test_a_text_is_no_iterable_of_blocks(self, serve, body):
        def application(environ, start_response):
            start_response(*OK)
            return body

        server = serve(application)

        assert server.ask().status == 500
        assert (
            "TypeError: a WSGI application must return an iterable of bytes, such as [body]; "
            f"not {type(body).__name__}" in server.log
        )

    @pytest.mark.parametrize("body", [None, 3, object()])
    def test_what_is_not_iterable_is_named(self, serve, body):
        def application(environ, start_response):
            start_response(*OK)
            return body

        server = serve(application)

        assert server.ask().status == 500
        assert f"'{type(body).__name__}' object is not iterable" in server.log


class TestErrorHandling:
    """ "Servers should trap and log any exception"."""

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

    def test_an_exception_is_in_the_log_where_nothing_can_be_loaded_any_more(
        self, serve, monkeypatch
    ):
        def application(environ, start_response):
            raise ValueError("boom")

        server = serve(application)
        monkeypatch.setitem(sys.modules, "traceback", None)
        server.ask("/path")

        log = server.log
        line = application.__code__.co_firstlineno + 1
        assert f'  File "{__file__}", line {line}, in application\n' in log
        assert 'raise ValueError("boom")\n' in log
        assert "ValueError: boom\n" in log

    @pytest.mark.parametrize(
        ("client", "named"), [("192.0.2.9:4000", "192.0.2.9:4000"), ("192.0.2.9:0", "192.0.2.9\n")]
    )
    def test_the_log_names_the_client_that_a_proxy_names(self, serve, client, named):
        def application(environ, start_response):
            raise ValueError("boom")

        server = serve(application)
        server.ask("/path", peer="unix:", client=client)

        assert f"error in GET /path from {named}" in server.log

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


class TestOwnership:
    """What is whose, and for how long."""

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


@validator
def validated(environ, start_response):
    stream = environ["wsgi.input"]
    body = stream.read(3) + stream.readline(2) + stream.readline() + b"".join(stream.readlines(1))
    body += b"".join(stream)
    environ["wsgi.errors"].flush()
    environ["wsgi.errors"].writelines([])
    if environ["PATH_INFO"] == "/write":
        start_response("200 OK", [("Content-Type", "text/plain")])(body)
        return [b"end"]
    if environ["PATH_INFO"] == "/error":
        try:
            raise KeyError
        except KeyError:
            start_response("500 Sorry", [("Content-Type", "text/plain")], sys.exc_info())
    else:
        start_response("200 OK", [("Content-Type", "text/plain")])
    return Blocks(body, b"end")


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS", "DELETE"])
@pytest.mark.parametrize(
    "target", ["/", "/a%20b?c=d", "*", "/write", "/error", "//", "/%2F%00%ff", "http://h/x"]
)
@pytest.mark.parametrize(
    "more",
    [{}, {"host": "shop.example", "scheme": "https"}, {"peer": "unix:"}, {"version": "HTTP/1.0"}],
)
def test_the_standard_librarys_validator_finds_nothing_wrong(serve, method, target, more):
    server = serve(validated)
    answer = server.ask(
        target,
        method=method,
        headers=[("Content-Length", "9"), ("Content-Type", "x/y"), ("Host", "h")],
        body=b"0123\n5678",
        **more,
    )

    assert b"".join(answer.blocks).startswith(b"0123\n5678")
    assert server.log == ""
