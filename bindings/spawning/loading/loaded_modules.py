# SPDX-License-Identifier: MIT
"""The files of the modules that are loaded."""

from __future__ import annotations

import importlib.util
import os
import sys


class LoadedModules:
    """Finds the files of modules, each once. To look again costs nothing while none is added."""

    def __init__(self) -> None:
        self._count = 0
        self._known: set[str] = set()

    def new_files(self) -> list[str]:
        """The absolute paths of those that were not there the last time."""
        if len(sys.modules) == self._count:
            return []
        self._count = len(sys.modules)
        # Other threads import meanwhile.
        files = {_file_of(module) for module in list(sys.modules.values())}
        new = sorted(file for file in files - self._known if file is not None)
        self._known.update(new)
        return new


def _file_of(module: object) -> str | None:
    """Where the source stands; None of what is built in, frozen or a package without a file."""
    try:
        # Past what would load a lazy module, or run code of an unusual one.
        attributes = object.__getattribute__(module, "__dict__")
    except AttributeError:
        return None  # None itself: a module that must not be imported
    file = attributes.get("__file__")
    if not isinstance(file, str) or not file:
        return None
    return os.path.abspath(_source_of(file))


def _source_of(file: str) -> str:
    if not file.endswith(".pyc"):
        return file
    try:
        source = importlib.util.source_from_cache(file)
    except ValueError:  # it stands where the source would
        source = file[:-1]
    return source if os.path.exists(source) else file
