# SPDX-License-Identifier: MIT
"""What to say when an application cannot be loaded."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from types import TracebackType
from typing import NamedTuple

import spawning
from spawning.loading.naming import NamingError

_OURS = os.path.dirname(os.path.abspath(spawning.__file__)) + os.sep
_RUNPY = ("<frozen runpy>", "runpy.py")  # `python -m`
_IMPORTLIB = os.path.dirname(os.path.abspath(os.__file__)) + os.sep + "importlib" + os.sep


class LoadFailure(NamedTuple):
    """The arguments of Worker.failed()."""

    summary: str  # one line
    traceback: str  # "" where the summary says it all
    files: list[str]  # whose change may mend it


def load_failure(error: BaseException) -> LoadFailure:
    """Describes what loading raised, without the frames that are ours or importlib's."""
    if isinstance(error, NamingError):
        return LoadFailure(str(error), "", [os.path.abspath(file) for file in error.files])
    for each in _chain(error):
        each.__traceback__ = _without_our_frames(each.__traceback__)
    return LoadFailure(summary_of(error), traceback_of(error), _files(error))


def overdue(what: str, seconds: float, thread: int) -> LoadFailure:
    """Describes what a thread has been at for too long: `what`, "the factory does not return"."""
    frame = sys._current_frames().get(thread)
    stack = traceback.extract_stack(frame) if frame else []
    theirs = [each for each in stack if not _is_ours(each.filename)]
    told = "".join(traceback.format_list(theirs))
    if "gevent" in sys.modules or "eventlet" in sys.modules:
        from spawning.loading.green_stacks import stacks_of_all  # noqa: PLC0415

        told += stacks_of_all()
    files = {os.path.abspath(each.filename) for each in theirs if os.path.isfile(each.filename)}
    return LoadFailure(
        f"{what} within {seconds:g} s (--boot-timeout)",
        _utf8(f"Stack (most recent call last):\n{told}") if told else "",
        sorted(files),
    )


def _is_ours(file: str) -> bool:
    return _is_plumbing(file) or os.path.basename(file) in _RUNPY


def summary_of(error: BaseException) -> str:
    """The last line of its traceback: "ValueError: no such shop"."""
    return _utf8(traceback.format_exception_only(type(error), error)[-1].strip())


def traceback_of(error: BaseException) -> str:
    """What Python would print of it."""
    return _utf8("".join(traceback.format_exception(type(error), error, error.__traceback__)))


def _utf8(text: str) -> str:
    # A file's name, or what an exception quotes, may have surrogates in it, which C++ does not take.
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen = set()
    waiting = [error]
    while waiting:
        each = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        waiting += [other for other in (each.__cause__, each.__context__) if other is not None]


def _without_our_frames(trace: TracebackType | None) -> TracebackType | None:
    while trace is not None and _is_plumbing(trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    return trace


def _is_plumbing(file: str) -> bool:
    return file.startswith("<frozen importlib") or os.path.abspath(file).startswith(
        (_OURS, _IMPORTLIB)
    )


def _files(error: BaseException) -> list[str]:
    files = set()
    for each in _chain(error):
        files.update(frame.f_code.co_filename for frame, _ in traceback.walk_tb(each.__traceback__))
        if isinstance(each, SyntaxError) and each.filename:
            files.add(each.filename)
    return sorted(os.path.abspath(file) for file in files if os.path.isfile(file))
