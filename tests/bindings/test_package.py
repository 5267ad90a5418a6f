# SPDX-License-Identifier: MIT
"""The package `spawning` as who imports it sees it: its names, their types, and what comes with them."""

import inspect
import os
import pathlib
import re
import subprocess
import sys
import textwrap
import typing

import pytest
import spawning
from spawning import embedding

PACKAGES = pathlib.Path(spawning.__file__).parent.parent
PATIENCE = 60


def loaded_with(module):
    """The modules that it takes to import this one, itself included."""
    code = (
        f"import sys; before = {{*sys.modules}}; import {module}; print(*{{*sys.modules}} - before)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(PACKAGES)},
        stdout=subprocess.PIPE,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    return set(ended.stdout.split())


def test_to_import_it_loads_next_to_nothing():
    assert loaded_with("spawning") - {"__future__"} == {"spawning", "spawning._version"}


def test_what_few_workers_need_is_not_loaded_by_all():
    loaded = loaded_with("spawning.worker")

    assert "spawning.worker" in loaded
    assert not loaded & {
        "difflib",
        "enum",
        "json",
        "pkgutil",
        "re",
        "tokenize",
        "traceback",
        "typing",
    }


def test_it_has_no_other_names():
    with pytest.raises(AttributeError, match="module 'spawning' has no attribute 'Serve'"):
        spawning.Serve  # noqa: B018
    for name in spawning.__all__:
        assert getattr(spawning, name)


def test_the_types_name_every_http_setting():
    source = pathlib.Path(__file__).resolve().parents[2] / "bindings/src/http_settings.cpp"
    native = set(re.findall(r'^    \{"(\w+)",', source.read_text(), re.MULTILINE))

    assert set(typing.get_type_hints(embedding.HttpSettings)) == native
    assert len(native) >= 19


def test_both_ways_to_serve_have_the_same_arguments():
    def names(function):
        return [name for name in inspect.signature(function).parameters if name != "until"]

    assert names(spawning.serve) == names(spawning.TestServer)


def test_a_user_s_program_passes_mypy(tmp_path):
    pytest.importorskip("mypy")
    program = tmp_path / "program.py"
    program.write_text(
        textwrap.dedent(
            """
            import threading
            from spawning import TestServer, __version__, serve
            from spawning.wsgi_factory import hello_world

            with TestServer(hello_world, threads=2, limit_body=1 << 20, request_id=True) as url:
                where: str = url
            server = TestServer(hello_world, access_log_format="json", deadman=1)
            port: int = server.port
            server.close()
            stop = threading.Event()
            serve(hello_world, port=0, until=stop, queue_timeout=0.5)
            version: str = __version__
            """
        )
    )
    wrong = tmp_path / "wrong.py"
    wrong.write_text(
        textwrap.dedent(
            """
            from spawning import TestServer
            from spawning.wsgi_factory import hello_world

            TestServer(7)
            TestServer(hello_world, port="80")
            TestServer(hello_world, limit_bodies=1)
            TestServer(hello_world, request_id=1)
            """
        )
    )

    def check(*files):
        return subprocess.run(
            [sys.executable, "-m", "mypy", "--strict", "--cache-dir", tmp_path / "cache", *files],
            env={**os.environ, "MYPYPATH": str(PACKAGES)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=5 * PATIENCE,
            check=False,
        )

    good = check(program)
    assert good.returncode == 0, good.stdout + good.stderr
    bad = check(wrong).stdout
    assert re.findall(r"wrong\.py:(\d+): error: ", bad) == ["5", "6", "7", "8"], bad
