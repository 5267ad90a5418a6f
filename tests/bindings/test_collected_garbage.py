# SPDX-License-Identifier: MIT
"""Garbage that is collected while clients go: its finalizers may let any other thread go on."""

import gc
import threading
import time

from applications import OK
from spawning import _native_testing as native

POLL = 0.002  # seconds between two looks, in Python code that can be interrupted


def test_who_ends_while_garbage_is_collected_is_not_interrupted_in_the_next_request(serve):
    """To look at a thread's frames makes objects, and finalizers may let that thread go on."""
    main, recording = threading.get_ident(), native.Recording()
    waiting, proceed, ended, done = (threading.Event() for _ in range(4))
    armed, hits = [], []

    def application(_environ, start_response):
        start_response(*OK)
        yield b"first"
        waiting.set()
        while not proceed.is_set():
            time.sleep(POLL)

    def serve_and_go_on():
        server.ask("/", recording=recording)
        ended.set()
        try:
            while not done.is_set():  # the next request
                time.sleep(POLL)
        except GeneratorExit as hit:
            hits.append(hit)

    def finalize(phase, _info):
        if phase == "start" and armed and threading.get_ident() == main:
            armed.clear()
            proceed.set()
            ended.wait(30)

    server = serve(application)
    thread = threading.Thread(target=serve_and_go_on, daemon=True)
    thread.start()
    assert waiting.wait(30)
    recording.leave()
    attend, threshold = server.handler.attend, gc.get_threshold()
    gc.callbacks.append(finalize)
    gc.collect()
    gc.set_threshold(1)
    armed.append(True)
    try:
        attend()
    finally:
        gc.set_threshold(*threshold)
        gc.callbacks.remove(finalize)
    assert server.attend_until(ended.is_set)
    done.set()
    thread.join()
    assert not hits
