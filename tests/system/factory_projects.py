# SPDX-License-Identifier: MIT
"""Projects that factories find, and that change while they are served."""

import textwrap

from running import BUILD, wait_until

# For commands other than spawn.
COMMANDS = {"PYTHONPATH": str(BUILD / "python"), "PYTHONUNBUFFERED": "1"}


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


def await_log(server, text):
    wait_until(lambda: text in server.errors(), server.patience, text)
