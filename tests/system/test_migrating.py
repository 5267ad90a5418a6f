# SPDX-License-Identifier: MIT
"""docs/migrating.md names options that there are, in commands that `spawn` takes."""

import re
import shlex
import subprocess

import pytest
from running import DOCS, PROGRAM
from spawning.gunicorn.settings import RULES
from spawning.gunicorn.translation import Translation
from spawning.gunicorn.values import SettingError

TEXT = (DOCS / "migrating.md").read_text()
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9_-]*")


def rows():
    """Of each table under "ours": what stands there."""
    column = None
    for line in TEXT.splitlines():
        if not line.startswith("|"):
            column = None
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if column is None:
            column = cells.index("ours")
        elif not set(line) <= set("|- "):
            yield cells[column]


def settings_of_gunicorn():
    """Of each row about gunicorn's file: its settings, and the options that are ours."""
    for line in TEXT.splitlines():
        _, _, named, ours, *_ = [*line.split("|"), *[""] * 4]
        settings = re.findall(r"`(\w+)`", named)
        if line.startswith("|") and any(name in RULES for name in settings):
            yield settings, set(OPTION.findall(ours))


def options_of(name):
    """Which options a setting sets, or those that the line about it names."""
    translation = Translation("", {})
    try:
        RULES[name].apply(translation, name, "a value")
    except SettingError:
        translation.remarks.clear()
    named = OPTION.findall(" ".join(translation.remarks))
    return {f"--{option}" for option in RULES[name].options} or set(named)


def commands():
    found = re.findall(r"^ {4}(spawn .*)|^\+ExecStart=\S*/(spawn .*)", TEXT, re.MULTILINE)
    return [first or second for first, second in found]


@pytest.fixture(scope="module")
def options():
    text = subprocess.run([str(PROGRAM), "--help"], capture_output=True, text=True, check=True)
    return set(OPTION.findall(text.stdout))


def test_every_option_of_ours_exists(options):
    named = set()
    for cell in rows():
        named.update(OPTION.findall(cell))

    assert named - options == set()
    assert len(named) > 40  # it is the tables that have been read


def test_every_option_that_a_sentence_names_exists(options):
    prose = re.sub(r"^(\||[-+ ]*\w+=|    |WSGI).*$", "", TEXT, flags=re.MULTILINE)

    assert set(OPTION.findall(prose)) - options == set()


def test_every_setting_of_gunicorn_is_in_the_table_once():
    settings = [name for names, _ in settings_of_gunicorn() for name in names]

    assert sorted(settings) == sorted(RULES)


@pytest.mark.parametrize(
    "settings, ours",
    list(settings_of_gunicorn()),
    ids=lambda each: each[0] if isinstance(each, list) else "",
)
def test_a_file_of_gunicorn_is_understood_as_the_table_says(settings, ours):
    assert set().union(*map(options_of, settings)) == ours


@pytest.mark.parametrize("command", commands())
def test_every_command_is_one_that_spawn_understands(run_spawn, command):
    arguments = shlex.split(command)[1:]

    ended = run_spawn("--python", "python3", *without_python(arguments), "--version")

    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("spawning ")


def without_python(arguments):
    """The interpreters of the examples are not here."""
    if "--python" not in arguments:
        return arguments
    at = arguments.index("--python")
    return arguments[:at] + arguments[at + 2 :]


def test_there_are_commands():
    assert len(commands()) >= 4
