# SPDX-License-Identifier: MIT
"""What is said of an exception, also where nothing can be loaded any more to say it with."""

import sys

import pytest
from spawning.loading.explaining import explain, explain_load


class Mute(Exception):
    def __str__(self):
        raise self


@pytest.fixture(params=[True, False], ids=["all can be loaded", "no more can be loaded"])
def complete(request, monkeypatch):
    if not request.param:
        monkeypatch.setitem(sys.modules, "spawning.loading.load_failure", None)
    return request.param


@pytest.mark.parametrize(
    "error, summary",
    [
        (OSError(24, "Too many open files"), "OSError: [Errno 24] Too many open files"),
        (ValueError("no such shop: '\udce9'"), "ValueError: no such shop: '\\udce9'"),
    ],
)
def test_the_last_line_is_said_in_any_case(complete, error, summary):
    assert explain(error) == (summary, f"{summary}\n" if complete else "")
    assert explain_load(error) == (summary, f"{summary}\n" if complete else "", [])


def test_an_exception_without_words_has_a_name(complete):
    said, _ = explain(Mute())

    assert said == (f"{__name__}.Mute: <exception str() failed>" if complete else "Mute")
