# SPDX-License-Identifier: MIT
"""What the native part gives each of several interpreters to work with, for type checkers."""

from __future__ import annotations

from typing import Any, Callable, Protocol


class Interpreter(Protocol):
    """Its side of the worker. What Worker has, too, is as there."""

    settings: str  # of the service, as JSON
    slot: int
    generation: int

    def failed(self, summary: str, traceback: str, files: list[bytes]) -> None:
        """The application cannot be loaded here."""

    def broken(self, error: BaseException) -> None:
        """This interpreter cannot go on, and so the worker cannot."""

    def ended(self) -> None:
        """Nothing runs here any more that is to be waited for."""

    def show_while(self, function: Callable[[], object]) -> object:
        """What it returns; meanwhile the stack of this thread can be logged."""

    def ready(self, application: Callable[..., Any], multithread: bool, multiprocess: bool) -> bool:
        """Waits for whether serve_requests() is to be called."""

    def serve_requests(self) -> None: ...
    def report_modules(self, files: list[bytes]) -> None: ...
    def drain(self) -> None: ...
    def fileno(self) -> int: ...
    def attention(self) -> int: ...
    def attend(self) -> bool: ...
