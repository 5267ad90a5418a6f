# SPDX-License-Identifier: MIT
"""How a worker process ends, with a native worker and an application of the test's own."""

from __future__ import annotations

import os
import threading

import pytest
import spawning.worker


class Worker:
    """Its threads serve until it drains."""

    def __init__(self):
        self.served = []
        self.said = []
        self._drains = threading.Event()

    def log_accesses(self, form):
        pass

    def ready(self, application, **settings):
        pass

    def serve_requests(self):
        self._drains.wait()
        self.served.append(threading.current_thread().name)

    def log_error(self, introduction, traceback):
        assert not self._drains.is_set()  # it may be too late by then
        self.said.append((introduction, traceback.splitlines()[-1]))

    def drain(self):
        self._drains.set()


class Forks:
    def __init__(self):
        self.errors = []

    def end_child(self, error, when):
        self.errors.append(error)


def fail(*_arguments):
    raise LookupError("no room for it")


@pytest.mark.parametrize(
    "of, step",
    [
        (spawning.worker.ThreadServing, "serve"),
        (spawning.worker, "_keep_forks_from_answering"),
        (spawning.worker, "_open_backdoor"),
    ],
)
def test_the_threads_finish_when_it_fails_between_ready_and_serving(monkeypatch, of, step):
    monkeypatch.setattr(of, step, fail)
    monkeypatch.setattr(os, "nice", lambda _increment: 0)
    monkeypatch.setattr(os, "register_at_fork", lambda **_hooks: None)
    worker, forks = Worker(), Forks()
    config = {"threadpool_workers": 2}

    with pytest.raises(spawning.worker._CannotGoOn) as failure:
        spawning.worker._serve(worker, forks, None, config, None, hub=None)

    assert forks.errors == [failure.value.__cause__]
    assert worker.said == [
        ("this worker cannot go on: LookupError: no room for it", "LookupError: no room for it")
    ]
    assert sorted(worker.served) == ["spawning-0", "spawning-1"]
