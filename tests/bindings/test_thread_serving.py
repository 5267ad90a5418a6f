# SPDX-License-Identifier: MIT
"""What threads do for a worker, with a worker of the test's own."""

from __future__ import annotations

import os
import threading

import pytest
from spawning.serving.thread_serving import ThreadServing


class Worker:
    """Of which each thread says once that it serves; it has nothing left to do when `finish` is called."""

    def __init__(self):
        self.ready = True
        self.serving = []
        self._finished = os.pipe()
        self._attention = os.pipe()

    def fileno(self):
        return self._finished[0]

    def attention(self):
        return self._attention[0]

    def attend(self):
        return False

    def serve_requests(self):
        if not self.ready:
            raise RuntimeError("the worker is not ready yet")
        self.serving.append(threading.current_thread().name)

    def finish(self):
        os.write(self._finished[1], b"\n")

    def close(self):
        for descriptor in (*self._finished, *self._attention):
            os.close(descriptor)


@pytest.fixture
def worker():
    worker = Worker()
    yield worker
    worker.close()


def threads():
    return {each.name for each in threading.enumerate() if each.name.startswith("spawning-")}


def test_the_threads_are_there_before_they_serve(worker):
    serving = ThreadServing(worker, 3)

    serving.start()

    assert threads() == {"spawning-0", "spawning-1", "spawning-2"}
    assert not worker.serving
    serving.serve()
    worker.finish()
    serving.run(lambda: None, often=False)
    serving.end()
    assert sorted(worker.serving) == ["spawning-0", "spawning-1", "spawning-2"]
    assert not threads()


def test_they_end_without_serving_where_the_worker_has_not_become_ready(worker):
    worker.ready = False
    serving = ThreadServing(worker, 2)
    serving.start()

    serving.end()

    assert not worker.serving
    assert not threads()


def test_they_serve_where_only_the_word_that_it_is_ready_is_missing(worker):
    serving = ThreadServing(worker, 2)
    serving.start()

    serving.end()

    assert sorted(worker.serving) == ["spawning-0", "spawning-1"]
    assert not threads()


def test_they_serve_to_the_end_though_nobody_attends(worker):
    serving = ThreadServing(worker, 2)
    serving.start()
    serving.serve()

    serving.end()

    assert sorted(worker.serving) == ["spawning-0", "spawning-1"]
    assert not threads()


def test_what_was_not_started_need_not_end(worker):
    ThreadServing(worker, 2).end()

    assert not worker.serving
