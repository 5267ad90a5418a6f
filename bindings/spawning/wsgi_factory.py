# SPDX-License-Identifier: MIT
"""The default factory: an application and its middleware, named on the command line."""

from __future__ import annotations

from spawning.loading.naming import NamingError, describe, resolve

TYPE_CHECKING = False  # typing's, as every worker begins here
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Callable

    Application = Callable[..., Iterable[bytes]]


def config_factory(config: dict[str, Any]) -> dict[str, Any]:
    """Takes the options and names what loads the application in each worker: app_factory()."""
    if not config.get("args"):
        raise NamingError("expected an application, such as my_module.my_wsgi_app")
    config["app_factory"] = "spawning.wsgi_factory.app_factory"
    return config


def app_factory(config: dict[str, Any]) -> Application:
    """Loads `args[0]` and wraps it in each of `args[1:]`, which takes the application so far.

    Raises NamingError if something cannot be found or is not callable, and whatever the
    application's own code raises.
    """
    name, *middleware = config["args"]
    application = _callable(name)
    for each in middleware:
        wrapped: Any = _callable(each)(application)
        if not callable(wrapped):
            raise NamingError(
                f"the middleware '{each}' returned {describe(wrapped)}, which is not callable"
            )
        application = wrapped
    return application


def _callable(name: str) -> Application:
    found: Application = resolve(name)
    if not callable(found):
        raise NamingError(f"'{name}' is {describe(found)}, which is not callable")
    return found


def hello_world(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """An application to try the server with."""
    body = b"Hello, World!\r\n"
    start_response(
        "200 OK",
        [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))],
    )
    return [body]
