# SPDX-License-Identifier: MIT
"""Blocks go out as they come, from the iterable and by `write()` (PEP 3333, "Buffering and Streaming")."""

import sys
import threading

import pytest
from applications import OK
from spawning import _native_testing as native


class TestBufferingAndStreaming:
    """ "must not delay the transmission of any block"."""

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


class TestWrite:
    """ "The write() Callable"."""

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

    def test_what_is_written_comes_before_what_is_returned(self, serve):
        def application(environ, start_response):
            start_response(*OK)(b"1")
            return iter([b"2", b"", b"3"])

        answer = serve(application).ask()

        assert answer.blocks == [b"1", b"2", b"3"]

    def test_writing_in_the_iteration_is_forbidden_but_keeps_its_order(self, serve):
        def application(environ, start_response):
            write = start_response(*OK)
            write(b"1")
            yield b"2"
            write(b"3")
            yield b"4"

        assert serve(application).ask().blocks == [b"1", b"2", b"3", b"4"]

    @pytest.mark.parametrize("arguments", [(), (b"a", b"b")])
    def test_it_takes_one_argument(self, serve, arguments):
        def application(environ, start_response):
            with pytest.raises(TypeError):
                start_response(*OK)(*arguments)
            return [b"x"]

        assert serve(application).ask().blocks == [b"x"]

    def test_a_write_waits_for_a_slow_client(self, serve):
        answer = native.Recording(full_after=0)

        def application(environ, start_response):
            write = start_response(*OK)
            write(b"1")
            answer.make_readable()
            write(b"2")
            return []

        serve(application).ask(recording=answer)

        assert answer.events == ["start", "write", "wait", "write", "finish"]

    def test_returning_none_after_it_is_an_error(self, serve):
        def application(environ, start_response):
            start_response(*OK)(b"1")

        server = serve(application)

        assert server.ask().events[-1] == "abort"
        assert "'NoneType' object is not iterable" in server.log

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
