# SPDX-License-Identifier: MIT
"""The application, as a worker has it loaded; `spawn --check` tries the same."""

from __future__ import annotations

from spawning import wsgi_factory
from spawning.loading.naming import NamingError, describe, resolve
from spawning.loading.surroundings import add_current_directory

TYPE_CHECKING = False  # typing's, as every worker begins here
if TYPE_CHECKING:
    from typing import Any, Callable

    from spawning.serving.green_hubs import Hub


def patch(config: dict[str, Any]) -> Hub | None:
    """With greenlets, has the standard library use their hub: from here on, for all that is loaded."""
    if config.get("threadpool_workers", 4) > 0:
        return None
    from spawning.serving import green_hubs  # noqa: PLC0415

    hub = green_hubs.choose(config.get("green", "auto"))
    hub.patch()
    return hub


def load(config: dict[str, Any]) -> Callable[..., Any]:
    """The application of these settings.

    Raises NamingError if it is none, and whatever loading it raises.
    """
    add_current_directory()
    if "app_factory" not in config:
        config = wsgi_factory.config_factory(config)
    application: Callable[..., Any] = resolve(config["app_factory"])(config)
    if not callable(application):
        returned = describe(application)
        raise NamingError(f"'{config['app_factory']}' returned {returned}, which is not callable")
    return application
