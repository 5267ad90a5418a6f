# SPDX-License-Identifier: MIT
"""Which files the loaded modules are from."""

import importlib.util
import json
import os
import py_compile
import sys
import types
import zlib

import pytest
from spawning.loading.loaded_modules import LoadedModules


@pytest.fixture
def loaded(monkeypatch):
    """loaded(name, **attributes): a module of that name in sys.modules, while the test runs."""

    def loaded(name, **attributes):
        module = types.ModuleType(name)
        vars(module).update(attributes)
        monkeypatch.setitem(sys.modules, name, module)

    return loaded


def test_every_module_with_a_file_is_found_and_only_once():
    modules = LoadedModules()

    files = modules.new_files()

    assert os.path.abspath(json.__file__) in files
    assert __file__ in files
    assert files == sorted(set(files))
    assert all(os.path.isabs(file) for file in files)
    assert modules.new_files() == []


def test_what_is_imported_later_is_found_later(loaded, tmp_path):
    modules = LoadedModules()
    modules.new_files()

    loaded("late", __file__=str(tmp_path / "late.py"))

    assert modules.new_files() == [str(tmp_path / "late.py")]
    assert modules.new_files() == []


def test_a_relative_file_is_made_absolute(loaded, tmp_path, monkeypatch):
    modules = LoadedModules()
    modules.new_files()
    monkeypatch.chdir(tmp_path)

    loaded("relative", __file__="relative.py")

    assert modules.new_files() == [os.path.join(os.getcwd(), "relative.py")]


def test_what_has_no_file_is_passed_over(loaded, monkeypatch):
    modules = LoadedModules()
    modules.new_files()

    loaded("namespace", __file__=None, __path__=["/srv/namespace"])
    loaded("peculiar", __file__=7)
    loaded("empty", __file__="")
    loaded("absent")
    monkeypatch.setitem(sys.modules, "blocked", None)

    assert modules.new_files() == []


def test_lazy_modules_are_left_lazy(monkeypatch, tmp_path):
    (tmp_path / "lazy.py").write_text("raise RuntimeError('it was loaded')")
    spec = importlib.util.spec_from_file_location("lazy", tmp_path / "lazy.py")
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    modules = LoadedModules()
    modules.new_files()

    monkeypatch.setitem(sys.modules, "lazy", module)

    assert modules.new_files() == [str(tmp_path / "lazy.py")]


def test_of_compiled_code_the_source_is_what_is_edited(loaded, tmp_path):
    source = tmp_path / "shop.py"
    source.write_text("")
    cached = importlib.util.cache_from_source(str(source))
    beside = py_compile.compile(str(source), cfile=str(tmp_path / "shop.pyc"))
    alone = str(tmp_path / "alone.pyc")
    os.rename(py_compile.compile(str(source), cfile=str(tmp_path / "x.pyc")), alone)
    modules = LoadedModules()
    modules.new_files()

    loaded("cached", __file__=cached)
    loaded("beside", __file__=beside)
    loaded("alone", __file__=alone)

    assert modules.new_files() == [alone, str(source)]


def test_extension_modules_count(loaded):
    modules = LoadedModules()
    file = getattr(zlib, "__file__", None) or "/usr/lib/x.so"
    loaded("extension", __file__=file)

    assert os.path.abspath(file) in modules.new_files()
