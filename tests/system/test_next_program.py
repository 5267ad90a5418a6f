# SPDX-License-Identifier: MIT
"""Which program `spawn` executes in its place on SIGUSR2, and what becomes of one that is none."""

import os
import shutil
import signal
import sys

import pytest
from busy_clients import asking
from projects import application
from running import BUILD, PROGRAM, SANITIZED, alive, wait_until

APP = ("--processes", "2", "--threads", "2", "system_apps:router")
SLEEPER = f"#!{sys.executable}\nimport time\ntime.sleep(1000)\n".encode()


def refused(server):
    """Sends USR2, and waits until the next program has failed."""
    server.signal(signal.SIGUSR2)
    server.says("this program goes on")
    assert "re-executed" not in server.errors()


def program_of(server):
    return os.readlink(f"/proc/{server.pid}/exe")


@pytest.fixture
def copied(spawn, tmp_path):
    """copied(*arguments): a server whose program, `spawn` in tmp_path, may be replaced."""

    def copied(*arguments, **options):
        shutil.copy2(PROGRAM, tmp_path / "spawn")
        env = {"PYTHONPATH": str(BUILD / "python"), **options.pop("env", {})}
        options.setdefault("program", str(tmp_path / "spawn"))
        return spawn(*arguments, env=env, **options)

    return copied


def put(path, content=None):
    """Replaces a program as an installer does."""
    new = path.with_name("new")
    if content is None:
        shutil.copy2(PROGRAM, new)
    else:
        new.write_bytes(content)
        new.chmod(0o755)
    new.rename(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"#!/bin/sh\nexit 3\n", "exited with status 3"),
        (b"#!/bin/sh\nexit 0\n", "exited with status 0"),
        (b"#!/bin/sh\nkill -KILL $$\n", "was killed by SIGKILL"),
        (SLEEPER, "did not end within {}000 ms"),
        (b"no program", "cannot be executed: "),
        (None, "cannot be executed: "),
        ("truncated", ""),
        ("not executable", "Permission denied"),
        ("older", "exited with status 2"),
    ],
)
def test_a_program_that_cannot_take_over_is_not_asked_to(
    copied, tmp_path, slowness, content, reason
):
    boot_timeout = 3 * slowness if content == SLEEPER else 60
    server = copied("--boot-timeout", str(boot_timeout), *APP)
    program = tmp_path / "spawn"
    workers = set(server.workers())
    with asking(server, "/pid", lasting=1, anew=0):
        if content is None:
            program.unlink()
        elif content == "truncated":
            put(program, PROGRAM.read_bytes()[:100_000])
        elif content == "not executable":
            program.chmod(0o644)
        elif content == "older":  # one that knows nothing of the option
            put(program, f"#!/bin/sh\nexec {PROGRAM} --no-such-option\n".encode())
        else:
            put(program, content)
        refused(server)
        if not SANITIZED:  # no shell runs with a sanitizer's library in it
            assert reason.format(boot_timeout) in server.errors()
        assert set(server.workers()) == workers

        put(program)
        program.chmod(0o755)
        server.re_execute()
        assert set(server.workers()) == workers
    assert program_of(server) == str(program)
    assert server.stop() == 0


def test_the_next_program_is_found_as_its_user_thinks_of_it(copied, tmp_path):
    for release in ("41", "42"):
        (tmp_path / release).mkdir()
        shutil.copy2(PROGRAM, tmp_path / release / "spawn")
    current = tmp_path / "current"
    current.symlink_to("41")
    server = copied(*APP, program=str(current / "spawn"))
    assert program_of(server) == str(tmp_path / "41" / "spawn")

    (tmp_path / "new").symlink_to("42")
    (tmp_path / "new").rename(current)
    server.re_execute()

    assert program_of(server) == str(tmp_path / "42" / "spawn")


def test_a_program_that_was_found_in_path_is_looked_up_again(copied, tmp_path):
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    shutil.copy2(PROGRAM, tmp_path / "second" / "spawn")
    path = f"{tmp_path}/first:{tmp_path}/second:{os.environ['PATH']}"
    # subprocess looks in the PATH that it passes on.
    server = copied(*APP, program="spawn", env={"PATH": path})
    assert program_of(server) == str(tmp_path / "second" / "spawn")

    shutil.copy2(PROGRAM, tmp_path / "first" / "spawn")
    server.re_execute()

    assert program_of(server) == str(tmp_path / "first" / "spawn")


def test_a_working_directory_that_leads_elsewhere_is_entered_anew(copied, tmp_path):
    for release in ("41", "42"):
        (tmp_path / release).mkdir()
        (tmp_path / release / "module.py").write_text(application("v" + release))
        shutil.copy2(PROGRAM, tmp_path / release / "spawn")
    current = tmp_path / "current"
    current.symlink_to("41")
    server = copied(
        "--processes", "1", "module:app", program="./spawn", cwd=current, env={"PWD": str(current)}
    )
    (tmp_path / "new").symlink_to("42")
    (tmp_path / "new").rename(current)

    server.re_execute()

    assert os.readlink(f"/proc/{server.pid}/cwd") == str(tmp_path / "42")
    assert program_of(server) == str(tmp_path / "42" / "spawn")
    assert server.get("/").body == b"v41"
    server.reload()
    assert server.get("/").body == b"v42"


def test_a_stop_during_the_trial_wins(copied, tmp_path, slowness):
    server = copied(*APP)
    put(tmp_path / "spawn", SLEEPER)
    server.signal(signal.SIGUSR2)
    wait_until(lambda: len(server.workers()) == 3, server.patience, "the trial")
    server.signal(signal.SIGUSR2)
    server.says("on trial already")
    server.signal(signal.SIGTERM)

    assert server.wait(5 * slowness) == 0
    assert not any(alive(pid) for pid in server.seen_workers)
