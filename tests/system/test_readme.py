# SPDX-License-Identifier: MIT
"""Each command of README.md that serves, beside the modules that it names."""

from __future__ import annotations

import pathlib
import re
import shlex
from typing import Callable

import pytest
from projects import django_site, write
from running import ROOT, Spawn

PAGE = (ROOT / "README.md").read_text()

MODULES = {
    "my_module.py": """
        def my_wsgi_app(environ, start_response):
            start_response("200 OK", [("Content-Type", "text/plain")])
            return [b"served"]
        def make_app(*_, **__):
            return my_wsgi_app
        app = application = my_wsgi_app
    """,
    "my_middleware.py": "def Gzip(app): return app\n",
    "shop.py": """
        from flask import Flask
        app = Flask(__name__)
        app.get("/")(lambda: "served")
    """,
    "development.ini": """
        [app:main]
        use = call:my_module:make_app
    """,
    **django_site("served"),
    "mysite/wsgi.py": """
        import os
        from django.core.wsgi import get_wsgi_application
        os.environ["DJANGO_SETTINGS_MODULE"] = "mysite.settings"
        application = get_wsgi_application()
    """,
}


def commands() -> list[str]:
    """Those that stand by themselves, and those in the table, without "…"."""
    alone = re.findall(r"^ {4}(?:\./dev )?(spawn .*?)(?: +#.*)?$", PAGE, re.MULTILINE)
    return list(dict.fromkeys(alone + re.findall(r"^\|.*?\| `(spawn .*?)` \|", PAGE, re.MULTILINE)))


def test_there_are_commands() -> None:
    assert len(commands()) == 11


@pytest.mark.parametrize("command", commands())
def test_it_serves(command: str, spawn: Callable[..., Spawn], tmp_path: pathlib.Path) -> None:
    for name, text in MODULES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write(tmp_path / name, text)
    arguments = shlex.split(re.sub("8000|9080", "0", command))[1:]  # free ports
    variables = {"SPAWN_PORT": "0", "SPAWN_PROCESSES": "1"}  # unless the command says so

    server = spawn(*arguments, cwd=tmp_path, env=variables, port=())

    assert server.get("/").body in (b"served", b"Hello, World!\r\n")
    assert server.stop() == 0
    assert "Traceback" not in server.errors()
