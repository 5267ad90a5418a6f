# SPDX-License-Identifier: MIT
"""Values of gunicorn's settings, as our options take them."""

from __future__ import annotations

import contextlib
import re
from typing import Any

from spawning.loading.naming import describe

PORT = "8000"  # where an address has none
PROXIES = "127.0.0.1,::1"  # that are believed if no others are named; by us, too

# Its workers by what their classes are called, whatever the package, and by short names.
_WORKERS = {
    "sync": ("sync", "syncworker"),
    "gthread": ("gthread", "threadworker"),
    "gevent": ("gevent", "gevent_wsgi", "gevent_pywsgi", "geventworker", "geventpywsgiworker"),
    "eventlet": ("eventlet", "eventletworker"),
}

# Its access log's atoms, and Apache's directives.
_DIRECTIVES = {
    **{atom: f"%{atom}" for atom in "hlrsbBtmUqHTD"},
    "u": "%u",
    "f": "%{Referer}i",
    "a": "%{User-Agent}i",
    "M": "%{ms}T",
    "L": "%{decimal}T",
    "p": "<%P>",
}
_ATOM = re.compile(r"\?%\(q\)s|%\((?P<atom>[^)]*)\)[-+ #0]*[0-9]*(?:\.[0-9]+)?[a-zA-Z]")
_HEADER = re.compile(r"\{[^}]+\}[io]")


class SettingError(Exception):
    """A value that cannot be. Its text says what was expected, for whoever wrote the file."""


def number(value: Any) -> str:
    """gunicorn's numbers are whole, or texts such as "0x1f"."""
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            return str(int(value, 0))
        return value  # which the option refuses
    raise SettingError(f"expected a number, not {describe(value)}")


def octal(value: Any) -> str:
    """A mode, as chmod(1) writes it."""
    digits = number(value)
    return f"{int(digits):o}" if digits.isdecimal() else digits


def flag(value: Any) -> bool:
    if value is None or isinstance(value, bool):
        return bool(value)
    word = value.lower().strip() if isinstance(value, str) else ""
    if word not in ("true", "false"):
        raise SettingError(f"expected True or False, not {value!r}")
    return word == "true"


def text(value: Any) -> str:
    if not isinstance(value, str):
        raise SettingError(f"expected a text, not {describe(value)}")
    return value.strip()


def word(value: Any) -> str:
    return text(value).lower()


def texts(value: Any) -> list[str]:
    """One text stands for a list of it."""
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, (list, tuple, set, frozenset)):
        raise SettingError(f"expected a list of texts, not {describe(value)}")
    return [text(each) for each in value]


def identity(value: Any) -> str:
    """A user or a group: a name or a number."""
    return str(value) if isinstance(value, int) else text(value)


def address(bind: str) -> str:
    """gunicorn leaves out the host, or the port, or writes a URL."""
    if bind.startswith("unix:"):
        return "unix:" + re.sub("^unix:(//)?", "", bind)
    if bind.startswith("fd://"):
        return bind
    bind = re.sub("^tcp://", "", bind)
    host, colon, port = bind.rpartition(":")
    if not colon or bind.endswith("]"):
        host, port = bind, PORT
    return f"{host or '0.0.0.0'}:{port}"


def worker(value: Any) -> str:
    """Which of the workers that serve WSGI: sync, gthread, gevent or eventlet."""
    classes = value.__mro__ if isinstance(value, type) else ()
    names = [each.__name__ for each in classes] or [text(value)]
    for name in names:
        short = re.split(r"[.:#]", name)[-1].lower()
        for kind, aliases in _WORKERS.items():
            if short in aliases:
                return kind
    raise SettingError(
        f'expected sync, gthread, gevent or eventlet, as it is WSGI that is served, not "{names[0]}"'
    )


def log_format(template: str) -> tuple[str, list[str]]:
    """The same with Apache's directives, and the atoms for which there is none."""
    unknown = []

    def directive(found: re.Match[str]) -> str:
        atom = found["atom"]
        if atom is None:  # ours has the question mark
            return "%q"
        if _HEADER.fullmatch(atom):
            return "%" + atom
        if atom == "u" or atom not in _DIRECTIVES:
            unknown.append(f"%({atom})s")
        return _DIRECTIVES.get(atom, "%l")  # which is always -

    return _ATOM.sub(directive, template), unknown
