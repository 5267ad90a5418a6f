# SPDX-License-Identifier: MIT
"""Django projects, by their settings: `mysite.settings`."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, Callable

from spawning.loading.naming import NamingError, import_named

Application = Callable[..., Iterable[bytes]]


def config_factory(config: dict[str, Any]) -> dict[str, Any]:
    """Makes sure that the settings can be imported, before any worker is started."""
    arguments = config["args"]
    if len(arguments) != 1:
        raise NamingError("expected one settings module, such as mysite.settings")
    try:
        import django  # noqa: F401, PLC0415  # an option of this package
    except ModuleNotFoundError as error:
        if error.name != "django":
            raise
        message = "Django is not installed: pip install django"
        raise NamingError(message) from None
    os.environ["DJANGO_SETTINGS_MODULE"] = arguments[0]
    if not all(part.isidentifier() for part in arguments[0].split(".")):
        raise NamingError(f"'{arguments[0]}' is not a settings module, such as mysite.settings")
    import_named(arguments[0])
    config["app_factory"] = "spawning.django_factory.app_factory"
    config["django_settings"] = arguments[0]
    return config


def app_factory(config: dict[str, Any]) -> Application:
    """Sets Django up, with its URLs and views.

    In development it serves the static files, too, as `runserver` does.
    """
    os.environ["DJANGO_SETTINGS_MODULE"] = config["django_settings"]
    from django.conf import settings  # noqa: PLC0415  # not before its settings are named
    from django.core.wsgi import get_wsgi_application  # noqa: PLC0415

    application = get_wsgi_application()
    from django.apps import apps  # noqa: PLC0415
    from django.urls import get_resolver  # noqa: PLC0415

    if getattr(settings, "ROOT_URLCONF", None):
        # Django imports them for the first request, when the code before has gone already.
        _ = get_resolver().url_patterns

    if not (settings.DEBUG and apps.is_installed("django.contrib.staticfiles")):
        return application
    from django.contrib.staticfiles.handlers import StaticFilesHandler  # noqa: PLC0415

    return StaticFilesHandler(application)
