# SPDX-License-Identifier: MIT
"""The program `spawn`: where it is, and which interpreter it is to run."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from itertools import takewhile


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


def this_python(arguments: list[str]) -> list[str]:
    """The option that has `spawn` run this interpreter; none if `arguments` name another one."""
    options = takewhile(lambda argument: argument != "--", arguments)
    given = any(each == "--python" or each.startswith("--python=") for each in options)
    return [] if given or not sys.executable else ["--python", sys.executable]


def _scripts() -> list[str]:
    """Where pip puts programs: for everybody, and for a user's own packages."""
    schemes = ("", f"{os.name}_user")
    directories = [
        sysconfig.get_path("scripts", scheme) if scheme else sysconfig.get_path("scripts")
        for scheme in schemes
        if not scheme or scheme in sysconfig.get_scheme_names()
    ]
    return [os.path.join(directory, "spawn") for directory in directories]
