# SPDX-License-Identifier: MIT
"""What is said of an exception, also where nothing can be loaded any more to say it with."""

import sys

import pytest
from spawning.loading.explaining import explain, explain_load
from spawning.loading.naming import NamingError


class Mute(Exception):
    def __str__(self):
        raise self


@pytest.fixture(params=[True, False], ids=["all can be loaded", "no more can be loaded"])
def complete(request, monkeypatch):
    if not request.param:
        monkeypatch.setitem(sys.modules, "spawning.loading.load_failure", None)
    return request.param


def raised(error):
    try:
        raise error
    except BaseException as caught:
        return caught


@pytest.mark.parametrize(
    "error, summary",
    [
        (OSError(24, "Too many open files"), "OSError: [Errno 24] Too many open files"),
        (ValueError("no such shop: '\udce9'"), "ValueError: no such shop: '\\udce9'"),
    ],
)
@pytest.mark.usefixtures("complete")
def test_the_last_line_and_where_it_was_are_said_in_any_case(error, summary):
    error = raised(error)
    where = f'  File "{__file__}", line {error.__traceback__.tb_lineno}, in raised\n'

    for said in (explain(error), explain_load(error)[:2]):
        assert said[0] == summary
        assert said[1].startswith(f"Traceback (most recent call last):\n{where}")
        assert said[1].endswith(f"\n{summary}\n")
    assert explain_load(error)[2] == [__file__]


@pytest.mark.usefixtures("complete")
def test_a_name_that_leads_nowhere_speaks_for_itself():
    error = raised(NamingError("there is no module 'x'", ["/a.py"]))

    assert tuple(explain_load(error)) == ("there is no module 'x'", "", ["/a.py"])


@pytest.mark.usefixtures("complete")
def test_a_file_that_cannot_be_compiled_is_one_to_mend(tmp_path):
    file = tmp_path / "shop.py"
    file.write_text("def app(:\n")
    try:
        compile(file.read_text(), str(file), "exec")
    except SyntaxError as error:
        said = explain_load(error)

    assert f'  File "{file}", line 1' in said[1]
    assert str(file) in said[2]


def test_an_exception_without_words_has_a_name(complete):
    said, _ = explain(Mute())

    assert said == (f"{__name__}.Mute: <exception str() failed>" if complete else "Mute")
