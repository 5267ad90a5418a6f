# SPDX-License-Identifier: MIT
"""The pages of the documentation, as somebody who clicks from one to the other finds them."""

from __future__ import annotations

import pathlib
import re

import pytest
from running import DOCS, ROOT

PAGES = [*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md"))]


def without_code(page: pathlib.Path) -> str:
    fenced = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"^ {4}.*$|`[^`\n]*`", "", fenced, flags=re.MULTILINE)


def links(page: pathlib.Path) -> list[tuple[pathlib.Path, str]]:
    """The files that a page leads to, and where in them."""
    targets = re.findall(r"\]\((?!https?:)([^)\s]+)\)", without_code(page))
    parts = [target.partition("#") for target in targets]
    return [((page.parent / name).resolve() if name else page, to) for name, _, to in parts]


def anchors(page: pathlib.Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_its_links_lead_somewhere(page: pathlib.Path) -> None:
    dead = [
        f"{file}#{to}"
        for file, to in links(page)
        if not file.exists() or (to and to not in anchors(file))
    ]

    assert dead == []


def test_each_page_is_found_from_the_first_one() -> None:
    found, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page not in found and page.suffix == ".md":
            found.add(page)
            waiting += [file for file, _ in links(page)]

    assert set(PAGES) - found == set()
