# SPDX-License-Identifier: MIT
"""Names on the command line, and what is said about those that lead nowhere."""

import sys
import textwrap

import pytest
from spawning.loading.naming import NamingError, resolve


@pytest.fixture
def modules(tmp_path, monkeypatch):
    """modules({"shop/wsgi.py": "source", …}): files on Python's path, gone with the test."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(tmp_path))

    def modules(files):
        for name, source in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(source))

    yield modules
    for name in set(sys.modules) - before:
        del sys.modules[name]


SHOP = {
    "shop/__init__.py": "title = 'shop'",
    "shop/wsgi.py": """
        def application(environ, start_response): pass
        def create(): return application
        class Site:
            app = application
            name = 'site'
        number = 3
        """,
    "plain.py": "def app(environ, start_response): pass",
    "single.py": "def applicatoin(environ, start_response): pass",
}


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("shop.wsgi.application", "application"),
        ("shop.wsgi:application", "application"),
        ("shop.wsgi.Site.app", "application"),
        ("shop.wsgi:Site.app", "application"),
        ("shop.wsgi:create()", "application"),
        ("shop.wsgi.create()", "application"),
        ("shop.wsgi", "application"),
        ("plain", "app"),
        ("plain.app", "app"),
    ],
)
def test_every_form_of_a_name(modules, name, path):
    modules(SHOP)

    assert resolve(name).__name__ == path


def test_a_submodule_wins_over_an_attribute_of_its_package(modules):
    modules({"site_a/__init__.py": "wsgi = None", "site_a/wsgi.py": "app = 'the right one'"})

    assert resolve("site_a.wsgi.app") == "the right one"


def test_an_attribute_that_is_no_module_is_found_in_a_package(modules):
    modules({"site_b/__init__.py": "app = 'here'"})

    assert resolve("site_b.app") == "here"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "shopp.wsgi.application",
            "there is no module 'shopp' in the current directory or elsewhere on Python's path; "
            "did you mean 'shop'?",
        ),
        (
            "shopp.wsgi:application",
            "there is no module 'shopp' in the current directory or elsewhere on Python's path; "
            "did you mean 'shop'?",
        ),
        ("shop.wsig:application", "there is no module 'shop.wsig'; did you mean 'wsgi'?"),
        ("plain.wsgi:application", "there is no module 'plain.wsgi': 'plain' is not a package"),
        (
            "shop.wsgi.aplication",
            "the module 'shop.wsgi' has no 'aplication'; did you mean 'application'?",
        ),
        (
            "shop.wsgi:aplication",
            "the module 'shop.wsgi' has no 'aplication'; did you mean 'application'?",
        ),
        ("shop.wsgi:Site.ap", "'shop.wsgi.Site' has no 'ap'; did you mean 'app'?"),
        ("shop.wsgi:zzz", "the module 'shop.wsgi' has no 'zzz'"),
        ("shop", "the module 'shop' has neither 'application' nor 'app'"),
        (
            "single",
            "the module 'single' has neither 'application' nor 'app'; did you mean 'applicatoin'?",
        ),
        ("shop.wsgi:number()", "'shop.wsgi:number' is an int, which cannot be called"),
        (
            "shop wsgi",
            "'shop wsgi' is not a name such as my_module.my_wsgi_app or my_module:my_wsgi_app",
        ),
        (
            "shop/wsgi.py",
            "'shop/wsgi.py' is not a name such as my_module.my_wsgi_app or my_module:my_wsgi_app",
        ),
        (
            "shop.wsgi:",
            "'shop.wsgi:' is not a name such as my_module.my_wsgi_app or my_module:my_wsgi_app",
        ),
        ("", "'' is not a name such as my_module.my_wsgi_app or my_module:my_wsgi_app"),
    ],
)
def test_a_name_that_leads_nowhere_is_explained(modules, name, message):
    modules(SHOP)

    with pytest.raises(NamingError) as raised:
        resolve(name)

    assert str(raised.value) == message


@pytest.mark.parametrize(
    "name", ["broken.app", "broken:app", "broken", "pack.inner.app", "pack.inner:app"]
)
def test_a_module_missing_inside_a_module_is_that_modules_error(modules, name):
    modules(
        {
            "broken.py": "import not_there_at_all",
            "pack/__init__.py": "",
            "pack/inner.py": "import not_there_at_all",
        }
    )

    with pytest.raises(ModuleNotFoundError) as raised:
        resolve(name)

    assert raised.value.name == "not_there_at_all"


def test_an_attribute_error_inside_a_module_is_that_modules_error(modules):
    modules({"broken.py": "import sys\nsys.nothing_like_it"})

    with pytest.raises(AttributeError, match="nothing_like_it"):
        resolve("broken.app")


def test_what_a_factory_raises_is_its_own(modules):
    modules({"factory.py": "def create(): raise LookupError('mine')"})

    with pytest.raises(LookupError, match="mine"):
        resolve("factory:create()")


def test_the_files_to_watch_are_those_that_were_found(modules, tmp_path):
    modules(SHOP)

    with pytest.raises(NamingError) as raised:
        resolve("shop.wsgi:aplication")

    assert raised.value.files == [str(tmp_path / "shop" / "wsgi.py")]
