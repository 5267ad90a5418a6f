# SPDX-License-Identifier: MIT
"""What an answer that states its length may bring (PEP 3333, "Handling the Content-Length Header")."""

import pytest
from applications import OK, Blocks, answering


class TestContentLength:
    """ "Handling the Content-Length Header"."""

    @pytest.mark.parametrize("kind", [list, tuple])
    def test_one_block_in_memory_is_one_response_of_known_length(self, serve, kind):
        answer = serve(answering(*OK, body=[b"hello"])).ask()

        assert answer.events == ["start", "write", "finish"]
        assert (answer.blocks, answer.content_length) == ([b"hello"], 5)

    def test_an_iterable_of_length_one_gives_the_content_length(self, serve):
        class One(Blocks):
            def __len__(self):
                return 1

        def application(environ, start_response):
            start_response(*OK)
            return One(b"12345")

        assert serve(application).ask().content_length == 5

    def test_a_length_is_not_taken_from_the_iterable_after_write(self, serve):
        class One(Blocks):
            def __len__(self):
                return 1

        def application(environ, start_response):
            start_response(*OK)(b"before")
            return One(b"12345")

        answer = serve(application).ask()

        assert (answer.blocks, answer.content_length) == ([b"before", b"12345"], None)

    @pytest.mark.parametrize("length", ["10", " 10", "10 "])
    def test_iteration_ends_where_more_than_the_declared_length_comes(self, serve, length):
        closed = []

        def application(environ, start_response):
            start_response("200 OK", [("content-length", length)])
            try:
                while True:
                    yield b"12345"
            finally:
                closed.append(True)

        answer = serve(application).ask()

        assert answer.blocks == [b"12345"] * 3  # the connection cuts the last, and says so
        assert answer.events[-1] == "finish"
        assert closed == [True]

    def test_what_a_generator_does_after_its_last_block_is_done(self, serve):
        done = []

        def application(environ, start_response):
            start_response("200 OK", [("Content-Length", "5")])
            yield b"12345"
            done.append(True)

        serve(application).ask()

        assert done == [True]

    def test_writing_more_than_the_declared_length_is_an_error(self, serve):
        def application(environ, start_response):
            write = start_response("200 OK", [("Content-Length", "5")])
            write(b"12345")
            for _ in range(2):
                with pytest.raises(AssertionError, match="more than the declared Content-Length"):
                    write(b"6")
            return []

        server = serve(application)

        assert server.ask().events[-1] == "finish"
        assert server.log == ""

    def test_a_list_that_is_longer_than_declared_is_not_sent_to_its_end(self, serve):
        block = b"x" * 100_000

        def application(environ, start_response):
            start_response("200 OK", [("Content-Length", "150000")])
            return [block] * 10

        answer = serve(application).ask()

        assert answer.blocks == [block] * 2
        assert answer.events[-1] == "finish"

    @pytest.mark.parametrize(
        ("method", "status"),
        [("HEAD", "200 OK"), ("GET", "204 No"), ("GET", "205 Reset"), ("GET", "304 Not Modified")],
    )
    def test_where_there_is_no_body_none_is_produced(self, serve, method, status):
        blocks = []

        def application(environ, start_response):
            start_response(status, [])
            while True:
                blocks.append(1)
                yield b"x"

        answer = serve(application).ask(method=method)

        assert len(blocks) == 1
        assert answer.events[-1] == "finish"

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
