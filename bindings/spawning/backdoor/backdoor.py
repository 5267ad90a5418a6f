# SPDX-License-Identifier: MIT
"""The backdoor: people of this machine at a Python prompt inside this worker.

It lets in processes of the worker's own user and root's: they could do whatever it does anyway.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
import time
import traceback
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

import spawning
from spawning.backdoor.peer_owner import Peer, is_let_in, name_of, peer_of
from spawning.backdoor.prompt import NotAPerson, Prompt
from spawning.loading.green_stacks import stacks_of_all

if TYPE_CHECKING:
    from spawning._native import Worker
    from spawning.serving.forking import Forks
    from spawning.serving.green_hubs import Hub

_MOST_SESSIONS = 8
_FAREWELL_S = 0.1  # for sessions to end, before the worker ends without them
_LEAVING = "This worker is on its way out. Who logs in again finds one that stays."


class WorkerInfo(NamedTuple):
    """Which worker this is."""

    slot: int
    generation: int
    pid: int


class _Session(NamedTuple):
    who: str
    began: float
    prompt: Prompt
    thread: threading.Thread


class Backdoor:
    """Lets people in for as long as the worker serves. Its threads never keep the worker."""

    def __init__(
        self,
        worker: Worker,
        forks: Forks,
        application: Callable[..., Any],
        config: dict[str, Any],
        hub: Hub | None = None,
    ) -> None:
        """With a `hub` its threads are greenlets, and none may block."""
        self._worker = worker
        self._hub = hub
        self._forks = forks
        self._application = application
        self._config = config
        self._info = WorkerInfo(worker.slot, worker.generation, os.getpid())
        self._lock = threading.Lock()
        self._sessions: list[_Session] = []
        self._door = threading.Thread(target=self._attend, name="spawning-backdoor", daemon=True)
        self._door.start()

    def close(self) -> None:
        """Once the worker has nothing left to do: ends the sessions, or leaves them to their end."""
        self._door.join()  # which it does as soon as the worker drains
        deadline = time.monotonic() + _FAREWELL_S
        with self._lock:
            sessions = list(self._sessions)
        for session in sessions:
            session.prompt.hang_up()
        for session in sessions:
            session.thread.join(max(0.0, deadline - time.monotonic()))
            self._log_end(session, "ends with the worker")

    def _attend(self) -> None:
        while True:
            descriptor = self._accept()
            if descriptor is None:
                break
            self._forks.add(descriptor)
            connection = socket.socket(fileno=descriptor)
            connection.settimeout(None)  # whatever default the application has set
            try:
                self._admit(connection)
            except Exception as error:  # nobody gets in then; others may
                self._worker.log("warning", f"backdoor: a login failed: {error!r}")
                connection.close()
        with self._lock:
            for session in self._sessions:
                session.prompt.notify(_LEAVING)

    def _accept(self) -> int | None:
        accept = self._worker.accept_at_console
        return self._hub.in_thread(accept) if self._hub else accept()

    def _admit(self, connection: socket.socket) -> None:
        peer = peer_of(connection)
        if not is_let_in(peer.uid):
            return self._refuse(connection, peer, _not_you(peer.uid))
        with self._lock:
            full = len(self._sessions) >= _MOST_SESSIONS
        if full:
            return self._refuse(connection, peer, f"there are {_MOST_SESSIONS} sessions already")
        # The telnet client sends a command's last octet as urgent data.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
        prompt = Prompt(connection, self.namespace())
        thread = threading.Thread(
            target=self._hold, args=(connection,), name="spawning-backdoor-session", daemon=True
        )
        session = _Session(f"{peer.name} from {peer.place}", time.monotonic(), prompt, thread)
        with self._lock:
            self._sessions.append(session)
        slot, generation, _ = self._info
        where = f"worker {slot} of generation {generation}"
        self._worker.log("info", f"backdoor: {session.who} has logged in to {where}")
        try:
            thread.start()
        except RuntimeError:  # there are no threads left
            self._log_end(session, "could not be answered")
            raise
        return None

    def _refuse(self, connection: socket.socket, peer: Peer, why: str) -> None:
        self._worker.log("warning", f"backdoor: {peer.name} from {peer.place} was refused: {why}")
        with contextlib.suppress(OSError), connection:
            connection.send(f"{why}\n".encode(), socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
            connection.shutdown(socket.SHUT_WR)
            connection.recv(4096, socket.MSG_DONTWAIT)  # unread it would take that back

    def _hold(self, connection: socket.socket) -> None:
        with self._lock:
            session = next(
                each for each in self._sessions if each.thread is threading.current_thread()
            )
        how = "has left"
        with connection:
            try:
                session.prompt.run(self.greeting())
            except NotAPerson:
                how = "spoke HTTP and was hung up on"
            except BaseException as error:
                how = f"has left after {error!r}"
        self._log_end(session, how)

    def _log_end(self, session: _Session, how: str) -> None:
        """Once a session."""
        with self._lock:
            if session not in self._sessions:
                return
            self._sessions.remove(session)
        seconds = time.monotonic() - session.began
        level = "info" if how.startswith(("has left", "ends")) else "warning"
        self._worker.log(level, f"backdoor: {session.who} {how}, after {seconds:.1f} s")

    def namespace(self) -> dict[str, Any]:
        """What a session begins with."""
        return {
            "__name__": "__backdoor__",
            "__doc__": None,
            "app": self._application,
            **_modules(self._application, self._config.get("args", [])),
            "application": self._application,
            "config": self._config,
            "spawning": spawning,
            "stacks": stacks_of_greenlets if self._hub else stacks,
            "worker": self._info,
        }

    def greeting(self) -> str:
        slot, generation, pid = self._info
        names = sorted(name for name in self.namespace() if not name.startswith("__"))
        return (
            f"spawning {spawning.__version__}, Python {sys.version.split()[0]}: "
            f"worker {slot} of generation {generation}, pid {pid}\n"
            f"Here are {', '.join(names)}. exit() or Ctrl-D leaves.\n"
        )


def stacks() -> None:
    """Prints what each thread is doing."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    for ident, frame in sys._current_frames().items():
        print(f"Thread {names.get(ident, ident)}:")
        print("".join(traceback.format_stack(frame)))


def stacks_of_greenlets() -> None:
    """Prints where greenlets wait."""
    print(stacks_of_all())


def _not_you(uid: int | None) -> str:
    user = name_of(os.geteuid())
    whom = "root" if os.geteuid() == 0 else f"user {user} (or root)"
    you = "who you are cannot be told" if uid is None else f"you are {name_of(uid)}"
    return f"spawning's backdoor lets in only processes of {whom}; {you}"


def _modules(application: Any, names: list[str]) -> dict[str, Any]:
    """The application's modules and packages, by their first names."""
    firsts = [name.partition(":")[0].partition(".")[0] for name in names]
    firsts.append(str(getattr(application, "__module__", "")).partition(".")[0])
    return {first: sys.modules[first] for first in firsts if first in sys.modules}
