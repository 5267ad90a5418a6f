# SPDX-License-Identifier: MIT
"""The installed packages of which a module is loaded."""

from __future__ import annotations

import functools
import importlib.metadata
import sys
from typing import NamedTuple


class _Package(NamedTuple):
    name: str
    version: str
    modules: frozenset[str]  # of a package within another only the package


def loaded_packages() -> dict[str, str]:
    """Their names, as they are installed by, and versions."""
    loaded = sys.modules.keys()
    return {each.name: each.version for each in _installed() if not each.modules.isdisjoint(loaded)}


@functools.lru_cache(maxsize=1)
def _installed() -> tuple[_Package, ...]:
    """All there are. To read what their files are takes a moment, and does not change."""
    packages = {}
    for distribution in importlib.metadata.distributions():
        name = distribution.metadata["Name"]
        if name and name not in packages:  # the first on the path is what is imported
            packages[name] = _Package(name, distribution.version, _modules(distribution))
    return tuple(packages.values())


def _modules(distribution: importlib.metadata.Distribution) -> frozenset[str]:
    modules = set()
    for file in distribution.files or ():
        if file.suffix not in (".py", ".so") or ".." in file.parts:
            continue
        stem = file.name.partition(".")[0]
        if stem == "__init__":
            modules.add(".".join(file.parts[:-1]))
        elif len(file.parts) == 1:
            modules.add(stem)
    if not modules:  # installed in place
        modules.update((distribution.read_text("top_level.txt") or "").split())
    return frozenset(modules)
