# SPDX-License-Identifier: MIT
"""Saying what an exception is about, with modules that are loaded only then.

They are a tenth of what a worker has to load, at every reload, and hardly one needs them. Who does may
have no descriptor or no memory left to load them with: then the exception's name and text must do.
"""

from __future__ import annotations

TYPE_CHECKING = False  # typing's, as every worker begins here
if TYPE_CHECKING:
    from spawning.loading.load_failure import LoadFailure


def explain(error: BaseException) -> tuple[str, str]:
    """Its last line and its traceback."""
    try:
        from spawning.loading.load_failure import summary_of, traceback_of  # noqa: PLC0415
    except Exception:
        return _bare(error), ""
    return summary_of(error), traceback_of(error)


def explain_load(error: BaseException) -> LoadFailure | tuple[str, str, list[str]]:
    """What Worker.failed() is to say of it."""
    try:
        from spawning.loading.load_failure import load_failure  # noqa: PLC0415
    except Exception:
        return _bare(error), "", []
    return load_failure(error)


def _bare(error: BaseException) -> str:
    try:
        text = f"{type(error).__name__}: {error}"
    except Exception:  # out of its __str__()
        text = type(error).__name__
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
