# SPDX-License-Identifier: MIT
"""`_native.pyi` says what `_native` is."""

import ast
import inspect
import pathlib

import spawning
from spawning import _native

STUB = ast.parse((pathlib.Path(spawning.__file__).parent / "_native.pyi").read_text())


def public(names):
    return {name for name in names if not name.startswith("_")}


def classes():
    return [node for node in STUB.body if isinstance(node, ast.ClassDef)]


def methods(node):
    return [each for each in node.body if isinstance(each, ast.FunctionDef) and public([each.name])]


def test_the_module_has_what_the_stub_has():
    declared = {
        node.name for node in STUB.body if isinstance(node, (ast.ClassDef, ast.FunctionDef))
    }

    assert declared == public(vars(_native))


def test_each_class_has_the_methods_and_properties_that_the_stub_has():
    for node in classes():
        members = vars(getattr(_native, node.name))

        assert {each.name for each in methods(node)} == public(members)
        for each in methods(node):
            decorators = {decorator.id for decorator in each.decorator_list}
            assert ("property" in decorators) == isinstance(members[each.name], property), each.name
            assert ("staticmethod" in decorators) == isinstance(members[each.name], staticmethod), (
                each.name
            )


def test_parameters_have_the_names_that_the_stub_has():
    for node in classes():
        for each in node.body:
            if not isinstance(each, ast.FunctionDef):
                continue
            member = getattr(getattr(_native, node.name), each.name)
            if isinstance(member, property):
                continue
            signature = member.__doc__.splitlines()[0]
            for argument in [*each.args.args, *each.args.kwonlyargs]:
                assert f"{argument.arg}: " in signature, (each.name, argument.arg)


def test_descriptions_are_the_same_on_both_sides():
    for node in classes():
        for each in methods(node):
            member = inspect.getattr_static(getattr(_native, node.name), each.name)
            native = (
                getattr(_native, node.name).__dict__[each.name].__doc__
                if isinstance(member, property)
                else getattr(getattr(_native, node.name), each.name).__doc__
            )
            assert ast.get_docstring(each) in native, each.name


def test_the_versions_are_one():
    assert _native.__version__ == spawning.__version__
