# SPDX-License-Identifier: MIT
"""The script `dev`, as a newcomer calls it. The first call builds what is out of date."""

import os
import signal
import socket
import subprocess
import time

import pytest
from running import ROOT, wait_until

DEV = ROOT / "dev"
PATIENCE = 600
# Without the sanitizer's library that the tests of a sanitized build are run with.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}


def run_dev(*arguments):
    return subprocess.run(
        [str(DEV), *arguments],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.fixture(scope="module", autouse=True)
def current():
    """The build for `spawn` is up to date."""
    outcome = run_dev("spawn", "--version")
    assert outcome.returncode == 0, outcome.stderr


def test_an_up_to_date_spawn_starts_without_a_word():
    outcome = run_dev("spawn", "--version")

    assert outcome.stdout.startswith("spawning ")
    assert outcome.stderr == ""


def test_an_up_to_date_spawn_starts_at_once():
    def duration():
        begin = time.monotonic()
        run_dev("spawn", "--version")
        return time.monotonic() - begin

    # Once is enough: others may use the machine.
    wait_until(lambda: duration() < 0.3, 60, "a quick start")


def test_it_becomes_spawn_and_stays_in_the_current_directory(tmp_path):
    (tmp_path / "only_here.py").write_text(
        "import os\n"
        "def app(environ, start_response):\n"
        "    start_response('200 OK', [('Content-Type', 'text/plain')])\n"
        "    return [f'{os.getppid()} {os.getcwd()}'.encode()]\n"
    )
    socket_path = tmp_path / "socket"
    command = [str(DEV), "spawn", "--bind", f"unix:{socket_path}", "only_here.app"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            process.stdout.readline()  # the banner
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(socket_path))
                client.sendall(b"GET / HTTP/1.0\r\n\r\n")
                answer = client.makefile().read().rpartition("\n")[2]
            assert answer == f"{process.pid} {os.path.realpath(tmp_path)}"
        finally:
            process.send_signal(signal.SIGTERM)
    assert process.returncode == 0
    assert set(os.listdir(tmp_path)) - {"__pycache__"} == {"only_here.py"}


def test_programs_of_its_environment_find_the_package():
    what = "import importlib.metadata, spawning; print(importlib.metadata.version('spawning'))"
    python = DEV.parent / "build" / "venv" / "bin" / "python"

    said = subprocess.check_output([python, "-I", "-c", what], env=ENVIRONMENT, text=True)

    assert f"spawning {said}" == run_dev("spawn", "--version").stdout


def test_it_refuses_what_it_does_not_know():
    outcome = run_dev("tset")

    assert outcome.returncode == 2
    assert "no command 'tset'" in outcome.stderr
