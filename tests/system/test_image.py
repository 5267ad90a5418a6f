# SPDX-License-Identifier: MIT
"""The Dockerfile in docs/examples/deployment, by a linter, and what its container runs."""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import sysconfig
from typing import Callable

import pytest
from dockerfile_parse import DockerfileParser
from documented import EXAMPLES, blocks, section, shows
from running import PATIENCE, Spawn

DOCKER_STOPS_AFTER = 10  # seconds; see its --stop-timeout


def steps(instruction: str) -> list[str]:
    """The values of all these instructions."""
    parsed = DockerfileParser(path=str(EXAMPLES), cache_content=True).structure
    return [each["value"] for each in parsed if each["instruction"] == instruction]


def command_line() -> list[str]:
    (entry_point,), (arguments,) = steps("ENTRYPOINT"), steps("CMD")
    return [*json.loads(entry_point), *json.loads(arguments)]


def test_the_page_shows_it() -> None:
    (shown,) = blocks("dockerfile")

    assert shows("Dockerfile", shown)


@pytest.mark.skipif(platform.machine() != "x86_64", reason="PyPI has hadolint for x86_64 only")
def test_the_linter_has_nothing_to_say() -> None:
    hadolint = shutil.which("hadolint", path=sysconfig.get_path("scripts"))
    assert hadolint is not None
    # DL3008: which compiler it is does not matter, and old versions are not kept by Debian.
    command = [hadolint, "--no-color", "--ignore", "DL3008", str(EXAMPLES / "Dockerfile")]

    outcome = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)

    assert (outcome.returncode, outcome.stdout + outcome.stderr) == (0, "")


def test_what_it_copies_is_there_or_said_to_be_needed() -> None:
    text = (EXAMPLES / "Dockerfile").read_text()
    copied = [value.split()[0] for value in steps("COPY") if not value.startswith("--from")]

    assert copied == ["dist/", "requirements.txt", "shop.py"]
    assert all((EXAMPLES / name).exists() for name in copied[1:])
    assert "and dist/ with the wheel, or the sdist, of spawning" in text


def test_its_container_is_done_before_docker_kills_it() -> None:
    words = command_line()
    seconds = {name: float(words[words.index(name) + 1]) for name in ("--drain-delay", "--deadman")}

    assert sum(seconds.values()) < DOCKER_STOPS_AFTER
    assert "`docker stop` waits for 10 seconds" in section("Containers")


def test_what_it_runs_serves(spawn: Callable[..., Spawn]) -> None:
    program, *arguments = command_line()
    ports = {"8000": "0", "9080": "0"}

    server = spawn(*(ports.get(each, each) for each in arguments), cwd=EXAMPLES, port=())

    assert program == "spawn"
    assert server.get("/").body == b"The shop is open.\n"
    assert steps("EXPOSE") == ["8000 9080"]
