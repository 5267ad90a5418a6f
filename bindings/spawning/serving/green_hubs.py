# SPDX-License-Identifier: MIT
"""The hubs of greenlets, gevent's and eventlet's, behind one face.

A hub is the event loop that switches between greenlets; one of them runs on the main thread. Neither
library is imported before it is asked for.
"""

from __future__ import annotations

import importlib
import os
import sys
import warnings
from typing import Any, Callable, Protocol

from spawning.loading.naming import NamingError

NAMES = ("gevent", "eventlet")
_OFF = "--threads 0"


class Event(Protocol):
    """As threading.Event; any number of greenlets may wait for it, once."""

    def set(self) -> Any: ...
    def wait(self, timeout: float | None = None) -> Any: ...


class Hub(Protocol):
    """What serving needs of a library. Callbacks run in the hub itself, and must not wait."""

    name: str
    current: Callable[[], Any]  # the greenlet that runs
    event: Callable[[], Event]

    def patch(self) -> None:
        """Has the standard library switch to other greenlets where it would block."""

    def spawn(self, function: Callable[[], Any]) -> Any:
        """Calls `function` in a greenlet of its own, soon."""

    def watch(self, descriptor: int, callback: Callable[[], None]) -> Callable[[], None]:
        """Calls `callback` while the descriptor is readable; returns what ends that.

        Never in a process that the application forks from this one.
        """

    def later(self, seconds: float, callback: Callable[[], None]) -> None:
        """Calls `callback` once, then."""

    def sleep(self, seconds: float) -> None:
        """Lets others run for so long."""

    def in_thread(self, function: Callable[[], Any]) -> Any:
        """Calls `function`, which blocks, on a thread that is no greenlet; the result."""

    @staticmethod
    def is_patched() -> bool:
        """Whether anybody has patched the standard library for this hub."""


class GeventHub:
    """Of gevent."""

    name = "gevent"

    def __init__(self) -> None:
        import gevent.event  # noqa: PLC0415

        self._gevent = gevent
        self.current = gevent.getcurrent
        self.event = gevent.event.Event

    def patch(self) -> None:
        from gevent import monkey  # noqa: PLC0415

        monkey.patch_all()

    def spawn(self, function: Callable[[], Any]) -> Any:
        return self._gevent.spawn(function)

    def watch(self, descriptor: int, callback: Callable[[], None]) -> Callable[[], None]:
        watcher = self._gevent.get_hub().loop.io(descriptor, 1)
        here = os.getpid()

        def end() -> None:
            watcher.stop()
            watcher.close()

        def call() -> None:
            if os.getpid() == here:
                callback()
            else:  # gevent's hub goes on in a forked process, with all that it watches
                end()

        watcher.start(call)
        return end

    def later(self, seconds: float, callback: Callable[[], None]) -> None:
        timer = self._gevent.get_hub().loop.timer(seconds)

        def call() -> None:
            timer.close()
            callback()

        timer.start(call)

    def sleep(self, seconds: float) -> None:
        self._gevent.sleep(seconds)

    def in_thread(self, function: Callable[[], Any]) -> Any:
        return self._gevent.get_hub().threadpool.apply(function)

    @staticmethod
    def is_patched() -> bool:
        monkey = sys.modules.get("gevent.monkey")
        return monkey is not None and monkey.is_module_patched("socket")


class EventletHub:
    """Of eventlet."""

    name = "eventlet"

    def __init__(self) -> None:
        import eventlet.event  # noqa: PLC0415
        import eventlet.hubs  # noqa: PLC0415
        import eventlet.tpool  # noqa: PLC0415

        self._eventlet = eventlet
        self.current = eventlet.getcurrent
        self.event = lambda: _EventletEvent(eventlet)

    def patch(self) -> None:
        self._eventlet.monkey_patch()
        # A forked process would share what the kernel watches for the hub: either took events away
        # from the other. This leaves the greenlets behind, as fork() does threads.
        hubs = self._eventlet.hubs
        os.register_at_fork(after_in_child=lambda: hubs.use_hub(type(hubs.get_hub())))

    def spawn(self, function: Callable[[], Any]) -> Any:
        return self._eventlet.spawn(function)

    def watch(self, descriptor: int, callback: Callable[[], None]) -> Callable[[], None]:
        hub = self._eventlet.hubs.get_hub()

        def unexpected(*_: Any) -> None:  # nobody else reads what is ours
            return

        listener = hub.add(hub.READ, descriptor, lambda _: callback(), unexpected, unexpected)
        return lambda: hub.remove(listener)

    def later(self, seconds: float, callback: Callable[[], None]) -> None:
        self._eventlet.hubs.get_hub().schedule_call_global(seconds, callback)

    def sleep(self, seconds: float) -> None:
        self._eventlet.sleep(seconds)

    def in_thread(self, function: Callable[[], Any]) -> Any:
        return self._eventlet.tpool.execute(function)

    @staticmethod
    def is_patched() -> bool:
        patcher = sys.modules.get("eventlet.patcher")
        return patcher is not None and bool(patcher.already_patched)


class _EventletEvent:
    """eventlet's own is sent once, and never without a look whether it has been."""

    def __init__(self, eventlet: Any) -> None:
        self._event = eventlet.event.Event()

    def set(self) -> None:
        if not self._event.ready():
            self._event.send(None)

    def wait(self, timeout: float | None = None) -> None:
        if not self._event.ready():
            self._event.wait(timeout)


_HUBS: dict[str, type[GeventHub | EventletHub]] = {"gevent": GeventHub, "eventlet": EventletHub}


def choose(name: str) -> Hub:
    """The hub of that name; of "auto" the first that is installed.

    NamingError, which says what to install, is raised if there is none.
    """
    for each in NAMES if name == "auto" else (name,):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter(
                    "ignore"
                )  # eventlet says in every worker that it is deprecated
                importlib.import_module(each)
        except ModuleNotFoundError as error:
            if error.name != each:
                raise
            continue
        return _HUBS[each]()
    if name == "auto":
        raise NamingError(
            f"{_OFF}: neither gevent nor eventlet is installed: pip install 'spawning[gevent]'"
        )
    raise NamingError(f"{_OFF}: {name} is not installed: pip install 'spawning[{name}]'")


def foreign(hub: Hub) -> str | None:
    """The other library, if it has patched the standard library: what waits then blocks this hub."""
    for name in NAMES:
        if name != hub.name and _HUBS[name].is_patched():
            return name
    return None
