# SPDX-License-Identifier: MIT
"""Pages of the server's own among those of the application, which never sees who asks for them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Callable, NamedTuple, Optional

if TYPE_CHECKING:
    from spawning.wsgi_factory import Application

_METHODS = ("GET", "HEAD")


class Answer(NamedTuple):
    """What a page says."""

    content_type: str
    body: bytes
    status: str = "200 OK"


Page = Callable[[], Answer]  # on an application's thread, and on several at a time
Finder = Callable[[str], Optional[Page]]  # the page with this path


def intercept(application: Application, finders: Iterable[Finder]) -> Application:
    """`application`, which is only asked for what none of `finders` finds.

    It gets everything else as it is. Pages are there for GET and HEAD; other methods get 405.
    """
    finders = tuple(finders)

    def intercepting(
        environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        page = None
        if not environ.get("SCRIPT_NAME"):
            found = (find(environ.get("PATH_INFO", "")) for find in finders)
            page = next(filter(None, found), None)
        if page is None:
            return application(environ, start_response)
        return _respond(page, environ["REQUEST_METHOD"], start_response)

    return intercepting


def _respond(page: Page, method: str, start_response: Callable[..., Any]) -> list[bytes]:
    allowed = method in _METHODS
    answer = page() if allowed else _not_allowed(method)
    headers = [
        ("Content-Type", answer.content_type),
        ("Content-Length", str(len(answer.body))),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
    ]
    if not allowed:
        headers.append(("Allow", ", ".join(_METHODS)))
    start_response(answer.status, headers)
    return [answer.body]  # the server keeps that of a HEAD to itself


def _not_allowed(method: str) -> Answer:
    text = f"expected {' or '.join(_METHODS)}, not {method}\n"
    return Answer("text/plain; charset=utf-8", text.encode(), "405 Method Not Allowed")
