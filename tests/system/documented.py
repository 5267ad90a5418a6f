# SPDX-License-Identifier: MIT
"""What docs/deployment.md shows, and the files in docs/examples/deployment that it is taken from."""

from __future__ import annotations

import re
import shlex
import textwrap

from running import DOCS

PAGE = DOCS / "deployment.md"
EXAMPLES = DOCS / "examples" / "deployment"


def section(title: str) -> str:
    """The text below a heading."""
    parts = re.split(r"^## (.*)\n", PAGE.read_text(), flags=re.MULTILINE)
    return parts[parts.index(title) + 1]


def spawn_arguments(title: str, number: int = 0) -> list[str]:
    """The arguments of a `spawn` that a section shows, without the application."""
    shown = re.findall(r"^ {4}spawn (.*)$", section(title), re.MULTILINE)[number]
    *arguments, application = shlex.split(shown)
    assert application == "shop.app"
    return arguments


def blocks(language: str) -> list[str]:
    """What the page shows in this language."""
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)


def shows(file: str, block: str) -> bool:
    """Whether a block is a part of a file, whatever its indentation."""
    lines = [line.strip() for line in (EXAMPLES / file).read_text().splitlines()]
    wanted = textwrap.dedent(block).strip()
    return "\n".join(line.strip() for line in wanted.splitlines()) in "\n".join(lines)
