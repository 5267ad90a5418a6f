# SPDX-License-Identifier: MIT
"""What `nc` and `telnet` send: octets become lines. No socket, no clock. RFC 854, RFC 860."""

from __future__ import annotations

from typing import Any, Callable, Union

_SE, _BREAK, _INTERRUPT, _ARE_YOU_THERE = 240, 243, 244, 246
_ERASE_CHARACTER, _ERASE_LINE, _SB = 247, 248, 250
_WILL, _WONT, _DO, _DONT, _IAC = 251, 252, 253, 254, 255
_END_OF_FILE = 236
_TIMING_MARK = 6
_CTRL_C, _CTRL_D, _NUL, _LF, _CR = 3, 4, 0, 10, 13


class Interrupt:
    """The client wants what runs to end: Ctrl-C."""


class End:
    """The client will not send any more: Ctrl-D, or its end is closed."""


Event = Union[str, Interrupt, End]
_State = Callable[[int], Any]  # takes an octet, returns the next state


class TelnetReader:
    """Reads what one client sends. Options that it offers or asks for are declined."""

    def __init__(self) -> None:
        self.speaks_telnet = False  # whether any command has come: `nc` sends none
        self._events: list[Event] = []
        self._replies = bytearray()
        self._line = bytearray()
        self._verb = 0
        self._state: _State = self._text

    def feed(self, octets: bytes) -> list[Event]:
        """What they complete: lines with their "\\n", interrupts, the end."""
        for octet in octets:
            self._state = self._state(octet)
        return self._take()

    def finish(self) -> list[Event]:
        """The client's end is closed. What it has begun is a line, too."""
        if self._line:
            self._end_line()
        self._events.append(End())
        return self._take()

    def take_replies(self) -> bytes:
        """What is to be sent, once."""
        replies = bytes(self._replies)
        self._replies.clear()
        return replies

    def _take(self) -> list[Event]:
        events, self._events = self._events, []
        return events

    def _text(self, octet: int) -> _State:
        if octet == _IAC:
            self.speaks_telnet = True
            return self._command
        if octet in (_LF, _CR):
            self._end_line()
            return self._after_cr if octet == _CR else self._text
        if octet == _CTRL_C:
            self._interrupt()
        elif octet == _CTRL_D:
            if not self._line:
                self._events.append(End())
        else:
            self._line.append(octet)
        return self._text

    def _after_cr(self, octet: int) -> _State:
        return self._text if octet in (_LF, _NUL) else self._text(octet)

    def _command(self, octet: int) -> _State:
        if octet in (_WILL, _WONT, _DO, _DONT):
            self._verb = octet
            return self._option
        if octet == _SB:
            return self._subnegotiation
        if octet == _IAC:
            self._line.append(octet)
        elif octet in (_INTERRUPT, _BREAK):
            self._interrupt()
        elif octet == _END_OF_FILE:
            self._events.append(End())
        elif octet == _ARE_YOU_THERE:
            self._replies += b"[yes]\r\n"
        elif octet == _ERASE_CHARACTER:
            del self._line[-1:]
        elif octet == _ERASE_LINE:
            self._line.clear()
        return self._text

    def _option(self, octet: int) -> _State:
        if self._verb == _DO:
            # After Ctrl-C a client shows nothing before its mark comes back.
            self._replies += bytes([_IAC, _WILL if octet == _TIMING_MARK else _WONT, octet])
        elif self._verb == _WILL:
            self._replies += bytes([_IAC, _DONT, octet])
        return self._text

    def _subnegotiation(self, octet: int) -> _State:
        return self._in_subnegotiation if octet == _IAC else self._subnegotiation

    def _in_subnegotiation(self, octet: int) -> _State:
        return self._text if octet == _SE else self._subnegotiation

    def _end_line(self) -> None:
        self._events.append(self._line.decode("utf-8", "replace") + "\n")
        self._line.clear()

    def _interrupt(self) -> None:
        self._line.clear()
        self._events.append(Interrupt())
