# SPDX-License-Identifier: MIT
"""Where the program `spawn` is."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig


def find_program() -> str:
    """The path of the `spawn` in this package's build tree, else beside this interpreter, else in $PATH.

    Raises FileNotFoundError if there is none.
    """
    package = os.path.dirname(os.path.abspath(__file__))
    built = os.path.normpath(os.path.join(package, os.pardir, os.pardir, "cli", "spawn"))
    beside = os.path.join(os.path.dirname(sys.executable), "spawn")
    for candidate in (built, *_scripts(), beside, shutil.which("spawn")):
        if candidate and os.path.isfile(candidate) and os.access(candidate, os.X_OK):
            return candidate
    raise FileNotFoundError(f"there is no `spawn` in {os.path.dirname(beside)} or on the path")


def _scripts() -> list[str]:
    """Where pip puts programs: for everybody, and for a user's own packages."""
    schemes = ("", f"{os.name}_user")
    directories = [
        sysconfig.get_path("scripts", scheme) if scheme else sysconfig.get_path("scripts")
        for scheme in schemes
        if not scheme or scheme in sysconfig.get_scheme_names()
    ]
    return [os.path.join(directory, "spawn") for directory in directories]
