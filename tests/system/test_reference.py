# SPDX-License-Identifier: MIT
"""The manual page, and completions, as the programs that read them do."""

import os
import shutil
import subprocess

import pytest
from running import DOCS

BASH = DOCS / "completions" / "spawn.bash"


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def completed(*words):
    """What bash offers for the last of the words."""
    script = f"""
        source {BASH}
        compopt() {{ echo "compopt $*" >&2; }}
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _spawn
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    ended = run("bash", "-uc", script, "bash", "spawn", *words)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.split(), ended.stderr


def test_bash_completes_names_and_values():
    assert completed("--keepalive-")[0] == ["--keepalive-requests", "--keepalive-timeout"]
    assert completed("--log-level", "")[0] == ["debug", "info", "warning", "error"]
    assert completed("--log-level", "=", "w")[0] == ["warning"]
    assert completed("--log-level", "=")[0] == ["debug", "info", "warning", "error"]
    assert completed("-r", "d")[0] == ["dev"]
    assert completed("--port", "")[0] == []
    assert completed("--port", "8", "--prox")[0] == ["--proxy-protocol"]
    assert completed("--config", "")[1] == "compopt -o default\n"
    assert completed("--chdir", "")[1] == "compopt -o dirnames\n"


def test_bash_registers_what_completes_spawn():
    ended = run("bash", "-c", f"source {BASH} && complete -p spawn")

    assert (ended.returncode, ended.stdout) == (0, "complete -F _spawn spawn\n")


@pytest.mark.parametrize(
    "shell, name", [("bash", "spawn.bash"), ("zsh", "_spawn"), ("fish", "spawn.fish")]
)
def test_shells_understand_their_file(shell, name):
    if shutil.which(shell) is None:
        # Quotes come in pairs, at least.
        text = (DOCS / "completions" / name).read_text()
        for line in text.splitlines():
            assert line.replace("'\\''", "").replace("\\'", "").count("'") % 2 == 0, line
        return
    ended = run(shell, "-n", str(DOCS / "completions" / name))
    assert (ended.returncode, ended.stderr) == (0, "")


def test_man_shows_the_page_without_a_complaint():
    programs = [["mandoc", "-Tlint", "-Wwarning"], ["man", "--warnings", "-l"]]
    found = [program for program in programs if shutil.which(program[0])]
    surroundings = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    for program in found:
        ended = subprocess.run(
            [*program, str(DOCS / "spawn.1")],
            env={**surroundings, "MANPAGER": "cat", "MANWIDTH": "80", "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (ended.returncode, ended.stderr) == (0, "")
    text = (DOCS / "spawn.1").read_text()
    assert text.count("\n.TH ") == 1 and text.count("\n.SH OPTIONS") == 1
