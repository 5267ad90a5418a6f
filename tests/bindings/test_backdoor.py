# SPDX-License-Identifier: MIT
"""The backdoor, with a worker that only knows who comes."""

from __future__ import annotations

import os
import queue
import socket
import sys
import threading
import types

import pytest
from spawning.backdoor import backdoor
from spawning.backdoor.peer_owner import Peer

PATIENCE = 20


class Worker:
    slot, generation = 3, 7

    def __init__(self):
        self.visitors = queue.Queue()
        self.lines = queue.Queue()

    def accept_at_console(self):
        return self.visitors.get()

    def log(self, level, text):
        self.lines.put((level, text))


class Forks:
    def __init__(self):
        self.descriptors = []

    def add(self, descriptor):
        self.descriptors.append(descriptor)


def application(environ, start_response): ...


class Door:
    def __init__(self, names=()):
        self.worker, self.forks = Worker(), Forks()
        config = {"args": list(names)}
        self.backdoor = backdoor.Backdoor(self.worker, self.forks, application, config)

    def visit(self):
        client, server = socket.socketpair()
        client.settimeout(PATIENCE)
        self.worker.visitors.put(server.detach())
        return client

    def logged(self):
        return self.worker.lines.get(timeout=PATIENCE)

    def drain(self):
        self.worker.visitors.put(None)


@pytest.fixture
def door():
    doors = []

    def door(*names):
        doors.append(Door(names))
        return doors[-1]

    yield door
    for each in doors:
        each.drain()
        each.backdoor.close()
    for thread in threading.enumerate():  # what still runs in a session
        if thread.name.startswith("spawning-backdoor"):
            thread.join(PATIENCE)


def said(client, end=None):
    """What it is told, up to `end` or the end."""
    text = b""
    while end is None or not text.endswith(end):
        octets = client.recv(1)
        if not octets:
            break
        text += octets
    return text.decode()


def test_who_may_do_what_the_worker_does_is_let_in_and_both_ends_are_logged(door):
    there = door()

    with there.visit() as client:
        assert "worker 3 of generation 7, pid" in said(client, b">>> ")
        level, text = there.logged()
        assert (level, there.forks.descriptors != []) == ("info", True)
        assert text.endswith(
            f"from process {os.getpid()} has logged in to worker 3 of generation 7"
        )
        client.sendall(b"exit()\n")
        assert said(client) == ""
    level, text = there.logged()
    assert level == "info"
    assert " has left, after " in text


@pytest.mark.parametrize(
    ("uid", "you"), [(4_000_000_001, "you are 4000000001"), (None, "who you are cannot be told")]
)
def test_others_are_told_whom_it_is_for(door, monkeypatch, uid, you):
    monkeypatch.setattr(os, "geteuid", lambda: 4_000_000_000)
    monkeypatch.setattr(backdoor, "peer_of", lambda _: Peer(uid, "127.0.0.1:50000"))
    there = door()

    with there.visit() as client:
        line = "spawning's backdoor lets in only processes of user 4000000000 (or root); " + you
        assert said(client) == line + "\n"
    level, text = there.logged()
    assert level == "warning"
    assert text.endswith(f"from 127.0.0.1:50000 was refused: {line}")


def test_a_login_that_goes_wrong_is_logged_and_the_next_one_is_not(door, monkeypatch):
    there = door()
    peers = [Peer(os.geteuid(), "here")]
    monkeypatch.setattr(backdoor, "peer_of", lambda _: peers.pop())

    with there.visit(), there.visit() as unlucky:
        assert there.logged()[0] == "info"
        assert said(unlucky) == ""
        assert there.logged() == (
            "warning",
            "backdoor: a login failed: IndexError('pop from empty list')",
        )


def test_sessions_end_with_the_worker(door):
    there = door()
    with there.visit() as idle, there.visit() as busy:
        for client in (idle, busy):
            said(client, b">>> ")
            there.logged()
        busy.sendall(b"import time; time.sleep(1)\n")

        there.drain()
        there.backdoor.close()

        ends = [there.logged()[1] for _ in range(2)]
        left, abandoned = " has left", " ends with the worker"  # if it is slow
        assert all(left in each or abandoned in each for each in ends)
        assert "This worker is on its way out." in said(idle)


def test_a_module_has_its_name_even_if_that_is_app(door, monkeypatch):
    module = types.ModuleType("app")
    monkeypatch.setitem(sys.modules, "app", module)

    here = door("app.web:make()").backdoor.namespace()
    elsewhere = door().backdoor.namespace()

    assert here["app"] is module
    assert elsewhere["app"] is here["application"] is application
    assert here[__name__.partition(".")[0]] is sys.modules[__name__.partition(".")[0]]
