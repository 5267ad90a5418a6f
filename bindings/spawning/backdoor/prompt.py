# SPDX-License-Identifier: MIT
"""An interactive Python prompt at the other end of a connection.

Nothing of it is the process's: neither sys.ps1, nor sys.last_traceback, nor the `_` of builtins.
"""

from __future__ import annotations

import codeop
import contextlib
import io
import queue
import re
import socket
import threading
import traceback
from typing import Any

from spawning.backdoor.session_streams import Streams, own_streams
from spawning.backdoor.telnet import End, Event, Interrupt, TelnetReader

try:
    import ctypes
except ImportError:  # a Python may be built without
    ctypes = None

_FILE_NAME = "<backdoor>"
_RECEIVED_AT_ONCE = 4096
# A page in a browser of the same user could have it send lines of Python, but not the first one.
_HTTP = re.compile(r"[A-Z]+ \S+ HTTP/\d")


class NotAPerson(Exception):
    """A client that speaks HTTP: somebody else may have told it what to say."""


class Prompt:
    """A prompt for one client, from greeting to end.

    A thread of its own reads, so that Ctrl-C can interrupt what runs.
    """

    def __init__(self, connection: socket.socket, namespace: dict[str, Any]) -> None:
        self._connection = connection
        self._namespace = namespace
        self._compile = codeop.CommandCompiler()
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._reader = TelnetReader()
        self._thread: int | None = None  # while run() runs
        self._waiting = False  # for a line
        self._ended = False  # the client will not send any more
        self._hung_up = False
        self._interrupting = threading.Lock()  # or it might hit a thread that gets the number anew
        self._unsent: list[str] = []
        stream = _ClientStream(self)
        self._streams = Streams(stream, stream, stream, self._display)

    def run(self, greeting: str) -> None:
        """Runs what the client sends until it has had enough, or has gone, and hangs up.

        NotAPerson is raised.
        """
        reading = threading.Thread(target=self._read, name="spawning-backdoor-reader", daemon=True)
        reading.start()
        self._thread = threading.get_ident()
        try:
            self.write(greeting)
            self._interact()
        except SystemExit:  # exit(), or the client has gone
            pass
        finally:
            while self._thread is not None:  # an interrupt that is on its way may come in between
                with contextlib.suppress(SystemExit, KeyboardInterrupt), self._interrupting:
                    self._thread = None
            with contextlib.suppress(SystemExit):
                self.flush()
            self.hang_up()
            reading.join()  # the descriptor is its until then

    def notify(self, text: str) -> None:
        """Says something in between, from any thread; without waiting."""
        octets = f"\n{text}\n".replace("\n", self._line_end()).encode()
        with contextlib.suppress(OSError):
            self._connection.send(octets, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)

    def hang_up(self) -> None:
        """Ends it, from any thread: what runs, too, unless it is in native code."""
        self._hung_up = True
        self._interrupt(SystemExit)
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)

    # What a stream of the session's thread is made of.

    def write(self, text: str) -> None:
        self._unsent.append(text)
        if "\n" in text:
            self.flush()

    def flush(self) -> None:
        """SystemExit is raised if the client has gone: nobody is left who wants to know."""
        text, self._unsent = "".join(self._unsent), []
        octets = text.replace("\n", self._line_end()).encode("utf-8", "backslashreplace")
        try:
            self._connection.sendall(octets)
        except OSError:
            raise SystemExit from None

    def read_line(self) -> str:
        """The next line; "" at the end. KeyboardInterrupt is raised for Ctrl-C."""
        self.flush()
        if self._ended:
            return ""
        self._waiting = True
        try:
            event = self._events.get()
        finally:
            self._waiting = False
        if isinstance(event, Interrupt):
            raise KeyboardInterrupt
        if isinstance(event, End):
            self._ended = True
            return ""
        return event

    def _line_end(self) -> str:
        return "\r\n" if self._reader.speaks_telnet else "\n"

    # The session's thread.

    def _interact(self) -> None:
        pending: list[str] = []
        first = True
        while True:
            try:
                self.write("... " if pending else ">>> ")
                line = self.read_line()
                if not line:
                    return self.write("\n")
                if first and _HTTP.match(line):
                    raise NotAPerson
                first = False
                pending.append(line.rstrip("\n"))
                if not self._wants_more("\n".join(pending)):
                    pending = []
            except KeyboardInterrupt:
                self.write("\nKeyboardInterrupt\n")
                pending = []

    def _wants_more(self, source: str) -> bool:
        """Runs it, unless more lines belong to it."""
        with own_streams(self._streams):
            try:
                code = self._compile(source, _FILE_NAME, "single")
                if code is None:
                    return True
                exec(code, self._namespace)  # that is what it is for
            except SystemExit:
                raise
            except BaseException as error:
                self._show(error)
        return False

    def _show(self, error: BaseException) -> None:
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_code.co_filename != _FILE_NAME:
            trace = trace.tb_next
        if trace is None:  # it could not be compiled
            lines = traceback.format_exception_only(type(error), error)
        else:
            lines = traceback.format_exception(type(error), error, trace)
        self.write("".join(lines))

    def _display(self, value: Any) -> None:
        if value is None:
            return
        self.write(f"{value!r}\n")
        self._namespace["_"] = value

    # The reader's thread.

    def _read(self) -> None:
        while True:
            try:
                octets = self._connection.recv(_RECEIVED_AT_ONCE)
            except OSError:
                octets = b""
                self._hung_up = True
            for event in self._reader.feed(octets) if octets else self._reader.finish():
                self._pass_on(event)
            with contextlib.suppress(OSError):
                self._connection.sendall(self._reader.take_replies())
            if not octets:
                break
        if self._hung_up:
            self._interrupt(SystemExit)

    def _pass_on(self, event: Event) -> None:
        if isinstance(event, Interrupt) and not self._waiting:
            self._interrupt(KeyboardInterrupt)
        else:
            self._events.put(event)

    def _interrupt(self, exception: type[BaseException]) -> None:
        """Raises it in what runs; if that is in native code, once it has returned."""
        with self._interrupting:
            if self._thread is None or self._waiting or ctypes is None:
                return
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(self._thread), ctypes.py_object(exception)
            )


class _ClientStream(io.TextIOBase):
    """A Prompt's client as a file."""

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(self, prompt: Prompt) -> None:
        self._prompt = prompt
        self._rest = ""

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"expected a str, not {type(text).__name__}")
        self._prompt.write(text)
        return len(text)

    def flush(self) -> None:
        self._prompt.flush()

    def readline(self, size: int | None = -1) -> str:
        self._rest = self._rest or self._prompt.read_line()
        cut = len(self._rest) if size is None or size < 0 else size
        line, self._rest = self._rest[:cut], self._rest[cut:]
        return line

    def read(self, size: int | None = -1) -> str:
        if size is not None and size >= 0:
            return self.readline(size)
        return "".join(iter(self.readline, ""))

    def close(self) -> None:
        """Does nothing: exit() closes standard input, but to end is the Prompt's business."""
