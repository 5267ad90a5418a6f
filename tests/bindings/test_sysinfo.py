# SPDX-License-Identifier: MIT
"""What `/_sysinfo` says."""

import json
import os
import platform
import sys
import types

import pytest
import spawning
from spawning.pages import sysinfo
from spawning.pages.loaded_packages import loaded_packages

# Those of the original's spawning.util.system.
NAMES = """
architecture login max_int max_size max_unicode name path_seperator processor python_branch
python_build python_compiler python_implementation python_path python_revision python_version
python_version_tuple system temp_directory uname
""".split()

WORKER = types.SimpleNamespace(slot=2, generation=3)


@pytest.fixture
def found():
    return json.loads(sysinfo.finder(WORKER)("/_sysinfo")().body)


def test_the_originals_names_are_kept(found):
    assert set(NAMES) <= set(found)
    assert found["python_version"] == platform.python_version()
    assert found["python_path"] == sys.path
    assert found["max_size"] == sys.maxsize
    assert found["uname"] == list(platform.uname())


def test_it_is_json_that_people_can_read():
    answer = sysinfo.finder(WORKER)("/_sysinfo")()

    assert answer.content_type == "application/json"
    lines = answer.body.decode().splitlines()
    names = [line.split('"')[1] for line in lines if line.startswith('  "')]
    assert names == sorted(names) and len(names) > len(NAMES)


def test_the_worker_is_named(found):
    assert found["spawning_version"] == spawning.__version__
    assert found["worker"]["pid"] == os.getpid()
    assert (found["worker"]["slot"], found["worker"]["generation"]) == (2, 3)
    assert "MainThread" in found["worker"]["threads"]


def test_processors_and_memory_are_counted(found):
    assert 1 <= found["cpu"]["usable"] <= found["cpu"]["count"]
    assert len(found["cpu"]["load_average"]) == 3
    memory = found["memory"]
    assert 1 << 20 < memory["resident"] < memory["total"]
    assert memory["available"] <= memory["total"]


def test_of_packages_those_are_shown_that_are_loaded(found):
    assert found["packages"]["pytest"] == pytest.__version__
    assert "pip" not in found["packages"]  # it is installed


def test_a_package_that_is_loaded_later_appears(tmp_path, monkeypatch):
    record = tmp_path / "late_one-1.5.dist-info"
    record.mkdir()
    (record / "METADATA").write_text("Metadata-Version: 2.1\nName: late-one\nVersion: 1.5\n")
    (record / "RECORD").write_text("late_package/part/__init__.py,,\n")
    (tmp_path / "late_package" / "part").mkdir(parents=True)
    (tmp_path / "late_package" / "part" / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    loaded_packages.__globals__["_installed"].cache_clear()
    assert "late-one" not in loaded_packages()

    monkeypatch.setitem(sys.modules, "late_package.part", types.ModuleType("part"))

    assert loaded_packages()["late-one"] == "1.5"
    loaded_packages.__globals__["_installed"].cache_clear()


def test_what_cannot_be_found_out_is_null(monkeypatch):
    def fail(*_, **__):
        raise OSError("not here")

    sysinfo._of_the_interpreter.cache_clear()
    for module, name in [(os, "getlogin"), (os, "getloadavg"), (os, "sched_getaffinity")]:
        monkeypatch.setattr(module, name, fail)
    monkeypatch.setattr(sysinfo.pwd, "getpwuid", lambda _: {}["nobody"])
    monkeypatch.setattr(platform, "processor", lambda: "")
    monkeypatch.setattr("builtins.open", fail)

    found = sysinfo.system_information(WORKER)

    sysinfo._of_the_interpreter.cache_clear()
    assert found["login"] is None
    assert found["processor"] is None
    assert found["cpu"]["load_average"] is None
    assert found["memory"] == {"total": None, "available": None, "resident": None}


def test_the_environment_is_not_shown(monkeypatch):
    monkeypatch.setenv("DATABASE_PASSWORD", "rosebud")

    assert b"rosebud" not in sysinfo.finder(WORKER)("/_sysinfo")().body


def test_it_has_one_path():
    find = sysinfo.finder(WORKER)

    assert find("/_sysinfo/") is None
    assert find("/_sysinfox") is None
