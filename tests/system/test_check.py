# SPDX-License-Identifier: MIT
"""`spawn --check`: whether a service would start."""

import os

import pytest
from running import PATIENCE, SANITIZED, marked, wait_until

# What an application may begin with, but not where sanitizers run.
PATCHED = [
    "; import gevent.monkey; gevent.monkey.patch_all()",
    "; import eventlet; eventlet.monkey_patch()",
]

BROKEN = """
def load():
    raise ValueError("no such shop")

application = load()
"""
STARTER = """
import subprocess, sys, threading, time

subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
threading.Thread(target=time.sleep, args=(600,)).start()
print("printed while loading")

def application(environ, start_response):
    start_response("200 OK", [])
    return []
"""


def test_an_application_that_can_be_loaded_is_ok(run_spawn, busy_port):
    ended = run_spawn("--check", "--port", str(busy_port), "system_apps:router")

    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == "OK: system_apps:router can be served\n"


def test_one_that_raises_is_not_and_its_traceback_says_where(run_spawn, tmp_path):
    (tmp_path / "broken.py").write_text(BROKEN)

    ended = run_spawn("--check", "broken", cwd=tmp_path)

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("Traceback (most recent call last):\n")
    assert f'File "{tmp_path}/broken.py", line 3, in load' in ended.stderr
    assert ended.stderr.endswith("spawn: ValueError: no such shop\n")


@pytest.mark.parametrize(
    "arguments, expected",
    [
        (["nowhere.app"], "nowhere"),
        (["--python", "/no/python", "system_apps:router"], "--python: /no/python does not exist"),
        (["--chdir", "/no/where", "system_apps:router"], "--chdir: /no/where: No such file"),
        (["--factory", "nowhere.config", "x"], "--factory: "),
        (["system_apps:router", "os.sep"], "'os.sep' is"),
    ],
)
def test_what_else_keeps_it_from_starting_is_said_on_one_line(run_spawn, arguments, expected):
    ended = run_spawn("--check", *arguments)

    assert (ended.returncode, ended.stdout) == (1, "")
    assert expected in ended.stderr
    assert ended.stderr.startswith("spawn: ") and ended.stderr.count("\n") == 1


def test_a_wrong_option_is_a_matter_of_usage(run_spawn, tmp_path):
    (tmp_path / "spawn.toml").write_text("port = 'http'\n")

    for arguments in (["--port", "http", "app"], ["--config", "spawn.toml", "app"], []):
        ended = run_spawn("--check", *arguments, cwd=tmp_path)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert ended.stderr.count("\n") == 1


def test_a_factory_is_asked_and_its_application_loaded(run_spawn, tmp_path):
    (tmp_path / "broken.py").write_text(BROKEN)
    (tmp_path / "serving.py").write_text(
        "def config_factory(config):\n"
        "    return {**config, 'args': ['broken'], 'app_factory': 'serving.app_factory'}\n"
        "def app_factory(config):\n"
        "    import broken\n"
    )

    ended = run_spawn("--check", "--factory", "serving", "x", cwd=tmp_path)

    assert ended.returncode == 1
    assert ended.stderr.endswith("spawn: ValueError: no such shop\n")


def test_nothing_is_bound_opened_or_left_running(run_spawn, tmp_path):
    (tmp_path / "starter.py").write_text(STARTER)
    files = {"--bind": f"unix:{tmp_path}/socket", "--pidfile": f"{tmp_path}/pid"}
    files |= {"--access-log-file": f"{tmp_path}/access", "--stderr": f"{tmp_path}/errors"}
    options = [word for option in files.items() for word in option]
    mark = f"check-{os.getpid()}"

    ended = run_spawn(
        *options,
        "--daemonize",
        "--check",
        "starter",
        cwd=tmp_path,
        env={"SPAWNING_TEST_MARK": mark},
    )

    assert (ended.returncode, ended.stdout) == (0, "OK: starter can be served\n")
    assert ended.stderr == "printed while loading\n"
    assert set(os.listdir(tmp_path)) <= {"starter.py", "__pycache__"}
    wait_until(lambda: not marked(mark), PATIENCE, "the end of what it has started")


@pytest.mark.parametrize("first", ["", *([] if SANITIZED else PATCHED)])
def test_one_that_hangs_is_given_up(run_spawn, slowness, tmp_path, first):
    (tmp_path / "hangs.py").write_text(f"import time{first}\ntime.sleep(600)\n")
    mark = f"hangs-{os.getpid()}"
    patience = 3 + slowness // 2

    ended = run_spawn(
        *f"--check --boot-timeout {patience} hangs".split(),
        cwd=tmp_path,
        env={"SPAWNING_TEST_MARK": mark},
    )

    assert ended.returncode == 1
    assert "Stack (most recent call last):\n" in ended.stderr
    assert f'  File "{tmp_path}/hangs.py", line 2, in <module>\n' in ended.stderr
    said = f"spawn: the application is not loaded within {patience} s (--boot-timeout)\n"
    assert ended.stderr.endswith(said)
    assert not marked(mark)


def test_the_environment_is_that_of_workers(run_spawn, tmp_path):
    (tmp_path / "shop.py").write_text(
        "import os\nassert os.environ['SHOP'] == '1'\nassert os.getcwd() == '/'\n"
        "def application(environ, start_response): pass\n"
    )

    ended = run_spawn(
        *f"--check --env SHOP=1 --env PYTHONPATH={tmp_path} --chdir / shop".split(), cwd=tmp_path
    )

    assert (ended.returncode, ended.stdout) == (0, "OK: shop can be served\n")
