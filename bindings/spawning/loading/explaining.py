# SPDX-License-Identifier: MIT
"""Saying what an exception is about, with modules that are loaded only then.

They are a tenth of what a worker has to load, at every reload, and hardly one needs them. Who does may
have no descriptor left to load them with, or a module of its own that is called as one of them: then it
is said without them, and without the lines of the source.
"""

from __future__ import annotations

import os

from spawning.loading.naming import NamingError

_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep

TYPE_CHECKING = False  # typing's, as every worker begins here
if TYPE_CHECKING:
    from typing import Callable

    from spawning.loading.load_failure import LoadFailure


def explain(error: BaseException) -> tuple[str, str]:
    """Its last line and its traceback."""
    try:
        from spawning.loading.load_failure import summary_of, traceback_of  # noqa: PLC0415
    except BaseException:  # SystemExit too, where a script is loaded in place of a module
        return _summary_of(error), _traceback_of(error, _frames_of(error))
    return summary_of(error), traceback_of(error)


def say_why_it_ends(log_error: Callable[[str, str], None], error: Exception) -> None:
    """In the log of a worker."""
    summary, traceback = explain(error)
    log_error(f"this worker cannot go on: {summary}", traceback)


def explain_load(error: BaseException) -> LoadFailure | tuple[str, str, list[str]]:
    """What Worker.failed() is to say of it."""
    try:
        from spawning.loading.load_failure import load_failure  # noqa: PLC0415
    except BaseException:  # as above
        return _load_failure(error)
    return load_failure(error)


def _load_failure(error: BaseException) -> tuple[str, str, list[str]]:
    if isinstance(error, NamingError):
        return str(error), "", [os.path.abspath(file) for file in error.files]
    frames = [each for each in _frames_of(error) if _is_of_others(each[0])]
    files = sorted({os.path.abspath(file) for file, _line, _name in frames})
    return _summary_of(error), _traceback_of(error, frames), files


def _is_of_others(file: str) -> bool:
    return os.path.isfile(file) and not os.path.abspath(file).startswith(_OURS)


def _summary_of(error: BaseException) -> str:
    try:
        return _utf8(f"{type(error).__name__}: {error}")
    except Exception:  # out of its __str__()
        return type(error).__name__


def _traceback_of(error: BaseException, frames: list[tuple[str, int, str]]) -> str:
    lines = [f'  File "{file}", line {line}, in {name}\n' for file, line, name in frames]
    return _utf8(
        "".join(["Traceback (most recent call last):\n", *lines, f"{_summary_of(error)}\n"])
    )


def _frames_of(error: BaseException) -> list[tuple[str, int, str]]:
    """The file, the line and the function of each."""
    frames = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        frames.append((code.co_filename, trace.tb_lineno, code.co_name))
        trace = trace.tb_next
    if isinstance(error, SyntaxError) and error.filename:
        frames.append((error.filename, error.lineno or 0, "<module>"))
    return frames


def _utf8(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
