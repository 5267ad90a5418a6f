# SPDX-License-Identifier: MIT
"""Projects that are written for a test, and that change while they are served."""

import textwrap

from running import BUILD

# For commands other than spawn.
COMMANDS = {"PYTHONPATH": str(BUILD / "python"), "PYTHONUNBUFFERED": "1"}


def application(text, before=""):
    """The source of a module whose `app` answers so; `before` stands above it."""
    return f"""
{before}
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "{len(text)}")])
    return [b"{text}"]
"""


def django_site(answer):
    """The files of a Django project `mysite`, which answers so."""
    return {
        "mysite/__init__.py": "",
        "mysite/settings.py": """
            ALLOWED_HOSTS = ["*"]
            ROOT_URLCONF = "mysite.urls"
            SECRET_KEY = "a secret of tests"
        """,
        "mysite/urls.py": f"""
            from django.http import HttpResponse
            from django.urls import path
            urlpatterns = [path("", lambda request: HttpResponse({answer!r}))]
        """,
    }


def write(path, text):
    """So that nobody sees half of it."""
    new = path.with_name(path.name + "~")
    new.write_text(textwrap.dedent(text))
    new.rename(path)
