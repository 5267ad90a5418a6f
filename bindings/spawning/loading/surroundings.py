# SPDX-License-Identifier: MIT
"""Where a process that `spawn` has started finds itself."""

from __future__ import annotations

import os
import sys


def add_current_directory() -> None:
    """Has modules of the current directory found: `python -m` does, unless told to be safe."""
    if "" not in sys.path and os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())


def restore_environment() -> None:
    """Undoes what `spawn` did to the environment, for the programs that are started from here."""
    os.environ.pop("SPAWNING_SEAT", None)  # taken; but Python has a copy of its own
    added: str | None = os.environ.pop("SPAWNING_PYTHONPATH_ADDED", None)
    if added is None:
        return
    kept = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if added in kept:
        kept.remove(added)
    if any(kept):
        os.environ["PYTHONPATH"] = os.pathsep.join(kept)
    else:
        os.environ.pop("PYTHONPATH", None)
