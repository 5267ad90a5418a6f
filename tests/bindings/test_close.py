# SPDX-License-Identifier: MIT
"""When `close()` is called, and by whom (PEP 3333, "Specification Details")."""

import threading

import pytest
from applications import OK, Blocks
from spawning import _native_testing as native


class TestClose:
    """ "must call that method upon completion of the current request"."""

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

    @pytest.mark.parametrize("method", ["HEAD", "GET"])
    @pytest.mark.parametrize("status", ["200 OK", "204 No Content", "304 Not Modified"])
    def test_it_is_called_where_there_is_no_body(self, serve, method, status):
        iterable = Blocks(b"x", b"y")

        def application(environ, start_response):
            start_response(status, [])
            return iterable

        serve(application).ask(method=method)

        assert iterable.events[-1] == "close"
        assert iterable.events.count("close") == 1

    @pytest.mark.parametrize(
        "error", [SystemExit(1), KeyboardInterrupt(), GeneratorExit(), MemoryError()]
    )
    def test_it_is_called_whatever_the_iteration_raises(self, serve, error):
        iterable = Blocks(b"x", error)

        def application(environ, start_response):
            start_response(*OK)
            return iterable

        server = serve(application)
        answer = server.ask()

        assert iterable.events[-1] == "close"
        assert answer.events[-1] == "abort"
        assert server.log.count(type(error).__name__) == 1

    def test_it_is_called_if_start_response_fails_in_the_iteration(self, serve):
        events = []

        class Late(Blocks):
            def __iter__(self):
                self.start_response("200 OK", [("Connection", "close")])
                yield b"x"

        def application(environ, start_response):
            body = Late(events=events)
            body.start_response = start_response
            return body

        server = serve(application)

        assert server.ask().status == 500
        assert events == ["close"]

    def test_it_is_called_if_the_head_cannot_be_sent(self, serve):
        iterable = Blocks(b"x")

        def application(environ, start_response):
            start_response("200 OK", [("X-Refuse", "")])
            return iterable

        assert serve(application).ask().status == 500
        assert iterable.events == [b"x", "close"]

    def test_it_is_called_if_iter_fails(self, serve):
        class Failing(Blocks):
            def __iter__(self):
                raise KeyError("no iterator")

        iterable = Failing()

        def application(environ, start_response):
            start_response(*OK)
            return iterable

        server = serve(application)

        assert server.ask().status == 500
        assert iterable.events == ["close"]
        assert "KeyError: 'no iterator'" in server.log

    def test_that_of_the_iterable_is_meant_not_that_of_its_iterator(self, serve):
        events = []

        class Iterator:
            def __next__(self):
                raise StopIteration

            def __iter__(self):
                return self

            def close(self):
                events.append("the iterator's")

        class Iterable(Blocks):
            def __iter__(self):
                return Iterator()

        def application(environ, start_response):
            start_response(*OK)
            return Iterable(events=events)

        serve(application).ask()

        assert events == ["close"]

    @pytest.mark.parametrize("kind", [list, tuple])
    def test_subclasses_of_list_and_tuple_are_closed(self, serve, kind):
        closed = []

        class Closing(kind):
            def close(self):
                closed.append(True)

        def application(environ, start_response):
            start_response(*OK)
            return Closing([b"x"])

        answer = serve(application).ask()

        assert (answer.blocks, answer.content_length) == ([b"x"], 1)
        assert closed == [True]

    def test_it_is_called_on_the_thread_that_iterates(self, serve):
        threads = []

        class Noting(Blocks):
            def __iter__(self):
                threads.append(threading.get_ident())
                return super().__iter__()

            def close(self):
                threads.append(threading.get_ident())

        def application(environ, start_response):
            start_response(*OK)
            return Noting(b"x")

        serve(application).ask()

        assert threads == [threading.get_ident()] * 2

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
