# SPDX-License-Identifier: MIT
"""Clients that go before they have their answer."""

import concurrent.futures
import queue
import sys
import threading
import time

import pytest
from applications import OK, Blocks
from spawning import _native_testing as native

POLL = 0.002  # seconds that the iterators here wait at a time


class Request:
    """A request that is answered on a thread of its own."""

    def __init__(self, server, target="/"):
        self.recording = native.Recording()
        self.thread = threading.Thread(
            target=server.ask, args=(target,), kwargs={"recording": self.recording}
        )
        self.thread.start()

    def over(self):
        return not self.thread.is_alive()


@pytest.fixture
def abandon(serve):
    """abandon(application, waiting): the client goes once the event `waiting` is set; the server
    and the connection's side, when the request is over."""

    def abandon(application, waiting):
        server = serve(application)
        request = Request(server)
        assert waiting.wait(30)
        request.recording.leave()
        assert server.attend_until(request.over)
        request.thread.join()
        return server, request.recording

    return abandon


class Waiting:
    """What is waited for in vain, and how that ended."""

    def __init__(self):
        self.event = threading.Event()
        self.waiting = threading.Event()
        self.ended_by = []
        self.closed_on = []

    def wait(self):
        """Waits in Python code, as a poll for news does."""
        try:
            self.waiting.set()
            while not self.event.wait(POLL):
                pass
        except BaseException as error:
            self.ended_by.append(type(error))
            raise

    def generator(self, start_response, first=b"first"):
        start_response(*OK)
        try:
            yield first
            self.wait()
            yield b"never"
        finally:
            self.closed_on.append(threading.current_thread())


def test_a_generator_that_waits_ends_at_once(abandon):
    waiting = Waiting()

    server, answer = abandon(lambda _, start: waiting.generator(start), waiting.waiting)

    assert waiting.ended_by == [GeneratorExit]
    assert len(waiting.closed_on) == 1
    assert answer.events == ["start", "write", "abort"]
    assert server.log == ""


def test_also_before_its_first_block(abandon):
    waiting = Waiting()

    server, answer = abandon(lambda _, start: waiting.generator(start, b""), waiting.waiting)

    assert waiting.ended_by == [GeneratorExit]
    assert answer.status == 500  # to nobody
    assert server.log == ""


def test_close_is_called_on_the_thread_that_iterates(abandon):
    waiting = Waiting()
    closed = []

    class Body:
        def __iter__(self):
            return self

        def __next__(self):
            waiting.wait()

        def close(self):
            closed.append(threading.current_thread().name)

    def application(environ, start_response):
        threading.current_thread().name = "the one"
        start_response(*OK)
        return Body()

    server, _ = abandon(application, waiting.waiting)

    assert waiting.ended_by == [GeneratorExit]
    assert closed == ["the one"]
    assert server.log == ""


def test_a_busy_generator_ends_too(abandon):
    begun = threading.Event()

    def application(environ, start_response):
        start_response(*OK)
        number = 0
        while True:
            number += 1
            begun.set()
            if number < 0:
                yield b""

    server, _ = abandon(application, begun)

    assert server.log == ""


if sys.version_info >= (3, 11):  # docs/wsgi.md

    @pytest.mark.parametrize(
        "wait",
        [
            lambda: threading.Event().wait(),
            lambda: threading.Event().wait(600),
            lambda: queue.Queue().get(),
            lambda: queue.Queue().get(timeout=600),
            lambda: concurrent.futures.Future().result(),
        ],
    )
    def test_a_long_wait_for_another_thread_ends_at_once(abandon, wait):
        begun = threading.Event()

        def application(environ, start_response):
            start_response(*OK)
            yield b"first"
            begun.set()
            wait()

        began = time.monotonic()
        server, _ = abandon(application, begun)

        assert time.monotonic() - began < 20
        assert server.log == ""


def test_what_the_interrupted_waited_for_is_as_if_it_had_never_waited(abandon):
    news = queue.Queue()
    begun = threading.Event()

    def application(environ, start_response):
        start_response(*OK)
        while True:
            begun.set()
            yield news.get(timeout=0.5)

    abandon(application, begun)

    assert len(news.not_empty._waiters) == 0
    assert not news.mutex.locked()
    news.put(b"next")
    assert news.get(timeout=1) == b"next"


def test_the_call_of_the_application_is_never_interrupted(serve):
    waiting = Waiting()

    def application(environ, start_response):
        waiting.wait()
        start_response(*OK)
        return [b"whole"]

    server = serve(application)
    request = Request(server)
    assert waiting.waiting.wait(30)
    request.recording.leave()
    for _ in range(10):
        server.handler.attend()
        time.sleep(POLL)
    waiting.event.set()
    request.thread.join()

    assert waiting.ended_by == []
    assert server.log == ""


@pytest.mark.parametrize("name", ["__enter__", "acquire", "close"])
def test_what_must_not_be_left_half_way_is_not(serve, name):
    waiting = Waiting()
    finished = []

    def hold():
        waiting.wait()
        finished.append(True)

    hold.__code__ = hold.__code__.replace(co_name=name)

    def application(environ, start_response):
        start_response(*OK)
        yield b"first"
        hold()
        while True:
            time.sleep(POLL)

    server = serve(application)
    request = Request(server)
    assert waiting.waiting.wait(30)
    request.recording.leave()
    while not server.handler.attend():  # "call again"
        pass
    assert not request.over()
    waiting.event.set()

    assert server.attend_until(request.over)
    assert finished == [True]
    assert waiting.ended_by == []
    assert server.log == ""


def test_an_interruption_that_comes_too_late_hits_nobody(serve):
    """Neither close(), nor the next request on the thread: it is taken back."""
    blocks = queue.SimpleQueue()
    outcome = []

    class Body:
        def __iter__(self):
            return iter(blocks.get, None)  # waits in C, where nothing is raised

        def close(self):
            outcome.append("closed")

    def application(environ, start_response):
        start_response(*OK)
        return Body() if environ["PATH_INFO"] == "/wait" else [b"fine"]

    server = serve(application)
    recording = native.Recording()

    def two_requests():
        server.ask("/wait", recording=recording)
        outcome.append(server.ask("/next").status)

    thread = threading.Thread(target=two_requests)
    thread.start()
    blocks.put(b"first")
    while not recording.blocks:
        time.sleep(0)
    recording.leave()
    for _ in range(10):
        server.handler.attend()
        time.sleep(POLL)
    blocks.put(b"second")
    thread.join()

    assert outcome == ["closed", 200]
    assert server.log == ""


def test_an_iterator_that_catches_it_ends_with_its_next_block(abandon):
    waiting = Waiting()
    events = []

    def application(environ, start_response):
        start_response(*OK)
        while True:
            try:
                waiting.wait()
            except GeneratorExit:
                events.append("caught")
                yield b"stubborn"

    server, _ = abandon(application, waiting.waiting)

    assert events[0] == "caught"
    assert server.log == ""


def test_what_the_iterator_makes_of_it_is_logged(abandon):
    waiting = Waiting()

    def application(environ, start_response):
        start_response(*OK)
        yield b"first"
        try:
            waiting.wait()
        finally:
            raise KeyError("while cleaning up")

    server, _ = abandon(application, waiting.waiting)

    assert "KeyError: 'while cleaning up'" in server.log


def test_a_client_that_went_before_the_iteration_gets_none(serve):
    iterable = Blocks(b"1", b"2")
    recording = native.Recording()

    def application(environ, start_response):
        start_response(*OK)
        recording.leave()
        return iterable

    server = serve(application)
    server.ask(recording=recording)

    assert iterable.events == ["close"]
    assert server.log == ""


def test_a_client_that_goes_while_a_block_waits_for_it_ends_the_iteration(serve):
    iterable = Blocks(b"1", b"2", b"3")
    recording = native.Recording(full_after=0)

    def application(environ, start_response):
        start_response(*OK)
        return iterable

    server = serve(application)
    thread = threading.Thread(target=server.ask, kwargs={"recording": recording})
    thread.start()
    while "wait" not in recording.events:
        time.sleep(0)
    recording.leave()
    thread.join()

    assert iterable.events == [b"1", b"2", "close"]
    assert server.log == ""


def test_many_at_a_time(serve):
    kept = threading.Event()
    started = threading.Semaphore(0)

    def application(environ, start_response):
        start_response(*OK)
        yield b"first"
        started.release()
        while not kept.wait(POLL):
            pass
        yield b"last"

    server = serve(application)

    def a_round():
        *leaving, staying = [Request(server) for _ in range(8)]
        for _ in range(8):
            assert started.acquire(timeout=30)
        leavers = [threading.Thread(target=request.recording.leave) for request in leaving]
        for leaver in leavers:
            leaver.start()
        assert server.attend_until(lambda: all(request.over() for request in leaving))
        kept.set()
        for thread in [*leavers, staying.thread]:
            thread.join()
        assert staying.recording.blocks == [b"first", b"last"]
        kept.clear()

    for _ in range(5):
        a_round()

    assert server.log == ""


class TestClientDisconnected:
    """environ["spawning.client_disconnected"]."""

    def test_it_says_whether_the_client_has_gone(self, serve):
        recording = native.Recording()
        seen = []

        def application(environ, start_response):
            disconnected = environ["spawning.client_disconnected"]
            seen.append(disconnected())
            recording.leave()
            seen.append(disconnected())
            start_response(*OK)
            return [b"x"]

        serve(application).ask(recording=recording)

        assert seen == [False, True]

    def test_it_is_true_once_a_write_has_failed(self, serve):
        seen = []

        def application(environ, start_response):
            write = start_response(*OK)
            with pytest.raises(BrokenPipeError):
                write(b"x")
            seen.append(environ["spawning.client_disconnected"]())
            return []

        serve(application).ask(recording=native.Recording(gone_after=0))

        assert seen == [True]

    def test_another_thread_may_ask_and_never_waits(self, serve):
        recording = native.Recording(full_after=0)
        kept, seen = [], []

        def application(environ, start_response):
            kept.append(environ["spawning.client_disconnected"])
            start_response(*OK)
            yield b"1"
            yield b"2"

        thread = threading.Thread(target=serve(application).ask, kwargs={"recording": recording})
        thread.start()
        while "wait" not in recording.events:
            time.sleep(0)
        seen.append(kept[0]())
        recording.make_readable()
        thread.join()

        assert seen == [False]
        assert recording.blocks == [b"1", b"2"]

    def test_after_the_request_it_is_true(self, serve):
        kept = []

        def application(environ, start_response):
            kept.append(environ["spawning.client_disconnected"])
            start_response(*OK)
            return [b"x"]

        server = serve(application)
        server.ask()
        server.ask()

        assert [disconnected() for disconnected in kept] == [True, True]
        assert kept[0] is not kept[1]

    def test_it_takes_no_arguments(self, serve):
        def application(environ, start_response):
            with pytest.raises(TypeError, match=r"client_disconnected\(\)"):
                environ["spawning.client_disconnected"](1)
            start_response(*OK)
            return [b"x"]

        server = serve(application)
        server.ask()

        assert server.log == ""

    def test_the_same_objects_serve_the_next_request(self, serve):
        seen = set()

        def application(environ, start_response):
            seen.add((id(environ["spawning.client_disconnected"]), id(environ["wsgi.early_hints"])))
            start_response(*OK)
            return [b"x"]

        server = serve(application)
        for _ in range(10):
            server.ask()

        assert len(seen) == 1
