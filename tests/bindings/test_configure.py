# SPDX-License-Identifier: MIT
"""`python -m spawning.configure`, as `spawn` starts it."""

import json
import os
import pathlib
import subprocess
import sys
import textwrap

import pytest
import spawning

PACKAGE = pathlib.Path(spawning.__file__).parent


def run(tmp_path, name, options=None):
    return subprocess.run(
        [sys.executable, "-m", "spawning.configure", name, json.dumps(options or {"args": []})],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(PACKAGE.parent), "PYTHONSAFEPATH": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def factory(tmp_path):
    """factory(source): a module `found` with a config_factory, in a directory of its own."""

    def factory(source):
        (tmp_path / "found.py").write_text(textwrap.dedent(source))
        return str(tmp_path / "found.py")

    return factory


def test_it_prints_what_the_factory_returns_and_nothing_else(tmp_path, factory):
    factory("""
        import os, subprocess, threading
        def config_factory(config):
            print("said", os.environ.get("SPAWNING_PYTHONPATH_ADDED"))
            subprocess.run(["echo", "told"])
            threading.Thread(target=threading.Event().wait).start()  # nobody waits for it
            return {**config, "app_factory": "shop.make", "own": [1, "ü"]}
    """)

    ended = run(tmp_path, "found.config_factory", {"args": ["a"], "port": 1})

    assert json.loads(ended.stdout) == {
        "args": ["a"],
        "port": 1,
        "app_factory": "shop.make",
        "own": [1, "ü"],
    }
    assert ended.returncode == 0
    assert sorted(ended.stderr.split()) == ["None", "said", "told"]


def test_a_module_stands_for_its_config_factory(tmp_path, factory):
    factory("def config_factory(config): return {**config, 'app_factory': 'a'}")

    assert json.loads(run(tmp_path, "found").stdout)["app_factory"] == "a"


def test_for_developers_it_names_the_files_that_it_has_loaded(tmp_path, factory):
    file = factory("def config_factory(config): return {**config, 'app_factory': 'a'}")

    found = json.loads(run(tmp_path, "found", {"args": [], "reload": "dev"}).stdout)

    assert file in found["modules"]


GOOD = "def config_factory(config): "


@pytest.mark.parametrize(
    "source, name, summary",
    [
        ("", "found", "the module 'found' has no 'config_factory'"),
        ("config_factory = 3", "found", "'found' is an int, which is not callable"),
        (GOOD + "pass", "found", "'found' returned None, not the configuration"),
        (
            GOOD + "return config",
            "found",
            "'found' set no 'app_factory', the dotted path of what makes the application",
        ),
        (
            GOOD + "return {'app_factory': 'a', 'own': {1}}",
            "found",
            "'found' set 'own' to what is no JSON: Object of type set is not JSON serializable",
        ),
        ("", "not_there.at_all", "there is no module 'not_there'"),
        ("", "no name", "'no name' is not a name such as"),
    ],
)
def test_what_is_no_factory_is_said_in_one_line(tmp_path, factory, source, name, summary):
    factory(source)

    ended = run(tmp_path, name)

    failure = json.loads(ended.stdout)
    assert failure["type"] == "failed" and failure["traceback"] == ""
    assert failure["summary"].startswith(summary)
    assert (ended.returncode, ended.stderr) == (1, "")


@pytest.mark.parametrize(
    "body, summary",
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("raise SystemExit(0)", "SystemExit: 0"),
        ("import not_there", "ModuleNotFoundError: No module named 'not_there'"),
    ],
)
def test_an_exception_has_its_traceback_and_files(tmp_path, factory, body, summary):
    file = factory(GOOD + body)

    ended = run(tmp_path, "found")

    failure = json.loads(ended.stdout)
    assert failure["summary"] == summary
    assert failure["traceback"].startswith("Traceback (most recent call last):\n")
    assert f'File "{file}", line 1, in config_factory' in failure["traceback"]
    assert "spawning" not in failure["traceback"]
    assert failure["files"] == [file]
    assert ended.returncode == 1


def test_it_ends_when_nobody_reads_any_more_what_it_will_say(tmp_path, factory):
    factory("""
        import time
        def config_factory(config):
            print("it hangs", flush=True)
            time.sleep(600)
    """)
    process = subprocess.Popen(
        [sys.executable, "-m", "spawning.configure", "found", "{}"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with process:
        assert process.stderr.readline() == b"it hangs\n"

        process.stdout.close()

        assert process.wait(60) == 1


def test_people_are_told_that_it_is_not_for_them():
    ended = subprocess.run(
        [sys.executable, "-m", "spawning.configure"],
        env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ended.returncode == 2
    assert "is started by `spawn`" in ended.stderr
