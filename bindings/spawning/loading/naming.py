# SPDX-License-Identifier: MIT
"""Finding Python objects by the names that people write on a command line.

package.module.callable     the longest prefix that can be imported, then attributes
package.module:callable     a module and an attribute in it (or an attribute's attribute)
package.module:factory()    what the call, without arguments, returns
package.module              its `application`, or else its `app`
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

TYPE_CHECKING = False  # typing's, as every worker begins here
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

DEFAULT_NAMES = ("application", "app")


class NamingError(Exception):
    """A name that leads nowhere. Its text says so to whoever wrote it; a traceback would not help.

    `files` are those whose change may mend it.
    """

    def __init__(self, message: str, files: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.files = list(files)


def resolve(name: str, defaults: tuple[str, ...] = DEFAULT_NAMES) -> Any:
    """The object that `name` names: of a module the first of `defaults` that it has.

    Raises NamingError if a module or an attribute is missing or the name has no such form, and
    whatever importing the module or calling the factory raises.
    """
    path, call = (name[:-2], True) if name.endswith("()") else (name, False)
    module_name, colon, attributes = path.partition(":")
    parts = attributes.split(".") if colon else []
    if not all(part.isidentifier() for part in module_name.split(".") + parts):
        raise NamingError(
            f"'{name}' is not a name such as my_module.my_wsgi_app or my_module:my_wsgi_app"
        )
    if colon:
        module = import_named(module_name)
    else:
        module, parts = _import_longest(module_name)
    found = _follow(module, parts) if parts else _default(module, defaults)
    if not call:
        return found
    if not callable(found):
        raise NamingError(f"'{path}' is {describe(found)}, which cannot be called", _files(module))
    return found()


def describe(thing: Any) -> str:
    """What it is, for a message: "a list", "None"."""
    if thing is None:
        return "None"
    if isinstance(thing, ModuleType):
        return f"the module '{thing.__name__}'"
    kind = type(thing).__name__
    return f"{'an' if kind[0] in 'aeiouAEIOU' else 'a'} {kind}"


def import_named(name: str) -> ModuleType:
    """The module. Raises as resolve() does."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if not _is_about(error, name):
            raise  # an import inside the module: its traceback is what helps
        missing = str(error.name)
    parent = sys.modules.get(missing.rpartition(".")[0])
    message = f"there is no module '{missing}'"
    if parent is None:
        message += " in the current directory or elsewhere on Python's path"
        message += _nearest(missing, _modules_in(sys.path[:1]))  # most likely
    elif hasattr(parent, "__path__"):
        message += _nearest(
            missing.rpartition(".")[2],
            _modules_in(parent.__path__),
        )
    else:
        message += f": '{parent.__name__}' is not a package"
    raise NamingError(message, _files(parent))


def _import_longest(name: str) -> tuple[ModuleType, list[str]]:
    """Imports as much of a dotted name as is modules; returns the last, and the names left."""
    parts = name.split(".")
    module = import_named(parts[0])
    for index in range(1, len(parts)):
        prefix = ".".join(parts[: index + 1])
        try:
            module = importlib.import_module(prefix)
        except ModuleNotFoundError as error:
            if not _is_about(error, prefix):
                raise
            return module, parts[index:]
    return module, []


def _is_about(error: ModuleNotFoundError, name: str) -> bool:
    """Whether it is `name` itself, or a package that it is in, that is missing."""
    return error.name is not None and f"{name}.".startswith(f"{error.name}.")


def _follow(module: ModuleType, parts: list[str]) -> Any:
    found: Any = module
    for index, part in enumerate(parts):
        try:
            found = getattr(found, part)
        except AttributeError:
            where = ".".join([module.__name__, *parts[:index]])
            kind = "the module " if index == 0 else ""
            raise NamingError(
                f"{kind}'{where}' has no '{part}'{_nearest(part, dir(found))}", _files(module)
            ) from None
    return found


def _default(module: ModuleType, names: tuple[str, ...]) -> Any:
    for name in names:
        if hasattr(module, name):
            return getattr(module, name)
    candidates = [name for name in dir(module) if not name.startswith("_")]
    close = next(filter(None, (_nearest(name, candidates) for name in names)), "")
    missing = " nor ".join(f"'{name}'" for name in names)
    lack = "neither" if len(names) > 1 else "no"
    raise NamingError(f"the module '{module.__name__}' has {lack} {missing}{close}", _files(module))


def _nearest(name: str, candidates: Iterable[str]) -> str:
    import difflib  # noqa: PLC0415  # for who is wrong; who is right starts sooner

    close = difflib.get_close_matches(name, candidates, n=1)
    return f"; did you mean '{close[0]}'?" if close else ""


def _modules_in(directories: Iterable[str]) -> list[str]:
    import pkgutil  # noqa: PLC0415  # as difflib

    return [each.name for each in pkgutil.iter_modules(directories)]


def _files(module: Any) -> list[str]:
    file = getattr(module, "__file__", None)
    return [file] if file else []
