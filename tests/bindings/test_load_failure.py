# SPDX-License-Identifier: MIT
"""What a worker reports about an application that cannot be loaded."""

import os
import pathlib
import subprocess
import sys

import pytest
import spawning
from spawning.loading.load_failure import load_failure
from spawning.loading.naming import NamingError, resolve


@pytest.fixture
def failure_of(tmp_path, monkeypatch):
    """failure_of(source): the report about a module `failing` with that source."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def failure_of(source):
        (tmp_path / "failing.py").write_text(source)
        sys.modules.pop("failing", None)
        try:
            resolve("failing:app")
        except BaseException as error:
            return load_failure(
                error.with_traceback(error.__traceback__.tb_next)
            )  # without this frame
        finally:
            sys.modules.pop("failing", None)

    return failure_of


def test_a_naming_error_needs_no_traceback():
    failure = load_failure(NamingError("there is no module 'x'", ["a.py"]))

    assert failure.summary == "there is no module 'x'"
    assert failure.traceback == ""
    assert [file.endswith("/a.py") for file in failure.files] == [True]


def test_a_traceback_begins_in_the_applications_code(failure_of, tmp_path):
    failure = failure_of("def load():\n    raise ValueError('boom')\n\nload()\n")

    assert failure.summary == "ValueError: boom"
    assert failure.traceback.splitlines()[:2] == [
        "Traceback (most recent call last):",
        f'  File "{tmp_path}/failing.py", line 4, in <module>',
    ]
    assert "importlib" not in failure.traceback
    assert "naming.py" not in failure.traceback
    assert failure.files == [f"{tmp_path}/failing.py"]


def test_the_file_of_a_syntax_error_is_named(failure_of, tmp_path):
    failure = failure_of("def app(:\n")

    assert failure.summary.startswith("SyntaxError: ")
    assert f'File "{tmp_path}/failing.py", line 1' in failure.traceback
    assert failure.files == [f"{tmp_path}/failing.py"]


def test_an_import_that_fails_inside_is_shown_where_it_is(failure_of):
    failure = failure_of("import not_there_at_all\n")

    assert failure.summary == "ModuleNotFoundError: No module named 'not_there_at_all'"
    assert "import not_there_at_all" in failure.traceback


@pytest.mark.parametrize(
    ("statement", "summary"),
    [("raise SystemExit(3)", "SystemExit: 3"), ("raise KeyboardInterrupt", "KeyboardInterrupt")],
)
def test_an_exit_is_a_failure_like_any_other(failure_of, statement, summary):
    failure = failure_of(statement)

    assert failure.summary == summary
    assert statement in failure.traceback


def test_files_of_causes_are_named_too(failure_of, tmp_path):
    (tmp_path / "cause.py").write_text("def fail():\n    raise KeyError('cause')\n")

    failure = failure_of(
        "import cause\n"
        "try:\n"
        "    cause.fail()\n"
        "except KeyError as error:\n"
        "    raise ValueError('effect') from error\n"
    )

    assert failure.files == [f"{tmp_path}/cause.py", f"{tmp_path}/failing.py"]
    assert "KeyError: 'cause'" in failure.traceback
    assert failure.summary == "ValueError: effect"


def test_a_worker_without_a_seat_says_how_it_is_started():
    result = subprocess.run(
        [sys.executable, "-m", "spawning.worker"],
        env={**os.environ, "PYTHONPATH": str(pathlib.Path(spawning.__file__).parent.parent)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert result.returncode == 2
    assert result.stderr == "spawning.worker is started by `spawn`, and cannot run by itself\n"
