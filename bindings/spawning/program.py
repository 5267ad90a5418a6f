# SPDX-License-Identifier: MIT
"""Where the program `spawn` is."""

from __future__ import annotations

import os
import shutil
import sys


def find_program() -> str:
    """The path of the `spawn` beside this interpreter, else in $PATH, else in the build tree.

    Raises FileNotFoundError if there is none.
    """
    beside = os.path.join(os.path.dirname(sys.executable), "spawn")
    package = os.path.dirname(os.path.abspath(__file__))
    built = os.path.join(package, os.pardir, os.pardir, "cli", "spawn")
    for candidate in (beside, shutil.which("spawn"), os.path.normpath(built)):
        if candidate and os.path.isfile(candidate) and os.access(candidate, os.X_OK):
            return candidate
    raise FileNotFoundError(f"there is no `spawn` in {os.path.dirname(beside)} or on the path")
