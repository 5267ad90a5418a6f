# SPDX-License-Identifier: MIT
"""`python -m spawning …` is `spawn`, with that Python."""

import os
import pathlib
import shutil
import stat
import subprocess
import sys

import pytest
from running import APPS, BUILD, PATIENCE, environment, running

PACKAGE = BUILD / "python"
COMMAND = [sys.executable, "-m", "spawning"]


def run(*arguments, python=sys.executable, **variables):
    return subprocess.run(
        [python, "-m", "spawning", *arguments],
        cwd=APPS,
        env=environment({"PYTHONPATH": str(PACKAGE), **variables}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.fixture
def installed(tmp_path):
    """A package that is in no build tree, as pip installs it, without the program."""
    shutil.copytree(PACKAGE / "spawning", tmp_path / "site" / "spawning", symlinks=False)
    return tmp_path / "site"


@pytest.fixture
def virtual_environment(tmp_path):
    """An interpreter of its own, and where its programs are."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    return tmp_path / "venv" / "bin"


def program(path):
    """A `spawn` that says how it was called."""
    path.write_text('#!/bin/sh\nprintf "%s\\n" "$0" "$@"\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_serves_with_the_interpreter_that_was_named(tmp_path):
    options = ["--port", "0", "--processes", "1", "--access-log-file", os.devnull]
    command = [*COMMAND, *options, "system_apps:router"]
    variables = environment({"PYTHONPATH": str(PACKAGE)})
    with running(tmp_path / "stderr", command, cwd=APPS, env=variables) as server:
        assert server.pid == server.process.pid  # it is this process that serves
        worker = int(server.get("/pid").body)
        line = pathlib.Path(f"/proc/{worker}/cmdline").read_bytes().split(b"\0")
        assert line[0].decode() == sys.executable
        assert server.stop() == 0


def test_has_the_options_of_spawn_and_its_exit_status():
    assert run("--version").stdout.startswith("spawning ")
    assert "--processes" in run("--help").stdout
    ended = run("--port", "x", "system_apps")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("spawn: --port: expected ")


@pytest.mark.parametrize(
    "option", [["--python", "/nowhere/python3"], ["--python=/nowhere/python3"]]
)
def test_another_interpreter_that_is_given_counts(option):
    ended = run(*option, "system_apps:router")

    assert ended.returncode == 1
    assert "/nowhere/python3" in ended.stderr


def test_takes_the_program_beside_the_interpreter(installed, virtual_environment):
    beside = program(virtual_environment / "spawn")
    python = str(virtual_environment / "python")

    ended = run("--port", "0", "app", python=python, PYTHONPATH=str(installed))

    assert ended.stdout.splitlines() == [beside, "--python", python, "--port", "0", "app"]


def test_takes_the_program_on_the_path_if_there_is_none_beside(
    installed, virtual_environment, tmp_path
):
    (tmp_path / "elsewhere").mkdir()
    found = program(tmp_path / "elsewhere" / "spawn")

    ended = run(
        "app",
        python=str(virtual_environment / "python"),
        PYTHONPATH=str(installed),
        PATH=f"{tmp_path / 'elsewhere'}:/usr/bin:/bin",
        HOME=str(tmp_path),
    )

    assert ended.stdout.splitlines()[0] == found


def test_says_where_it_has_looked_if_there_is_no_program(installed, virtual_environment, tmp_path):
    ended = run(
        "app",
        python=str(virtual_environment / "python"),
        PYTHONPATH=str(installed),
        PATH=str(tmp_path),
        HOME=str(tmp_path),
    )

    expected = f"spawning: there is no `spawn` in {virtual_environment} or on the path\n"
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", expected)
