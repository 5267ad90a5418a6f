# SPDX-License-Identifier: MIT
"""The application, as a worker has it loaded; `spawn --check` tries the same."""

from __future__ import annotations

import os

from spawning import wsgi_factory
from spawning.loading.naming import NamingError, describe, resolve
from spawning.loading.surroundings import add_current_directory

TYPE_CHECKING = False  # typing's, as every worker begins here
if TYPE_CHECKING:
    from typing import Any, Callable

    from spawning._native import Worker
    from spawning.loading.loaded_modules import LoadedModules
    from spawning.pages.interceptors import Finder
    from spawning.serving.green_hubs import Hub
    from spawning.serving.interpreter_side import Interpreter


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


def modules_to_report(config: dict[str, Any]) -> LoadedModules | None:
    """Those whose files the supervisor is to watch, if it is."""
    if config.get("reload") != "dev":
        return None
    from spawning.loading.loaded_modules import LoadedModules  # noqa: PLC0415

    return LoadedModules()


def with_pages(
    application: Callable[..., Any], worker: Worker | Interpreter, config: dict[str, Any]
) -> Callable[..., Any]:
    """`application`, and the pages that are wanted beside its own."""
    finders: list[Finder] = []
    if config.get("coverage"):
        from spawning.pages.coverage_report import CoverageReport  # noqa: PLC0415

        finders.append(CoverageReport(config["coverage_directory"]).find)
    if config.get("sysinfo"):
        from spawning.pages import sysinfo  # noqa: PLC0415

        finders.append(sysinfo.finder(worker))
    if not finders:
        return application
    from spawning.pages.interceptors import intercept  # noqa: PLC0415

    return intercept(application, finders)


def report(worker: Worker | Interpreter, modules: LoadedModules | None) -> None:
    """Tells the supervisor which modules have been imported since the last time."""
    files = modules.new_files() if modules else []
    if files:
        worker.report_modules([os.fsencode(file) for file in files])
