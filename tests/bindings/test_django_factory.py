# SPDX-License-Identifier: MIT
"""Django projects by their settings; tests/system/test_django.py serves one."""

import os
import sys

import pytest
from spawning import django_factory
from spawning.loading.naming import NamingError


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "good_settings.py").write_text("DEBUG = False\n")
    (tmp_path / "bad_settings.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "of.somebody.else")
    yield tmp_path
    sys.modules.pop("good_settings", None)


def test_names_what_makes_the_application(project):
    config = django_factory.config_factory({"args": ["good_settings"], "port": 1})

    assert config["app_factory"] == "spawning.django_factory.app_factory"
    assert config["django_settings"] == "good_settings"
    assert os.environ["DJANGO_SETTINGS_MODULE"] == "good_settings"


@pytest.mark.parametrize(
    "arguments, message",
    [
        ([], "expected one settings module, such as mysite.settings"),
        (["good_settings", "b"], "expected one settings module, such as mysite.settings"),
        (["mysite/settings.py"], "'mysite/settings.py' is not a settings module"),
        (["god_settings"], "there is no module 'god_settings'"),
    ],
)
def test_says_in_one_line_what_is_wrong(project, arguments, message):
    with pytest.raises(NamingError, match=message):
        django_factory.config_factory({"args": arguments})


def test_what_importing_the_settings_raises_is_shown(project):
    with pytest.raises(ZeroDivisionError):
        django_factory.config_factory({"args": ["bad_settings"]})


def test_says_how_to_install_django(project, monkeypatch):
    monkeypatch.setitem(sys.modules, "django", None)

    with pytest.raises(NamingError, match="pip install django"):
        django_factory.config_factory({"args": ["good_settings"]})
