# SPDX-License-Identifier: MIT
"""The default factory."""

import sys
import types
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest
from spawning import wsgi_factory
from spawning.loading.naming import NamingError


@pytest.fixture
def site(monkeypatch):
    """A module `site_under_test` to name things in."""
    module = types.ModuleType("site_under_test")
    module.app = lambda environ, start_response: ["app"]
    module.text = "text"
    module.none = None
    module.outer = lambda app: (
        lambda environ, start_response: ["outer", *app(environ, start_response)]
    )
    module.inner = lambda app: (
        lambda environ, start_response: ["inner", *app(environ, start_response)]
    )
    module.bad = lambda app: [app]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module


def test_config_factory_names_the_app_factory():
    config = wsgi_factory.config_factory({"args": ["a.b"], "port": 1})

    assert config == {
        "args": ["a.b"],
        "port": 1,
        "app_factory": "spawning.wsgi_factory.app_factory",
    }


def test_config_factory_needs_an_application():
    with pytest.raises(NamingError, match="expected an application"):
        wsgi_factory.config_factory({"args": []})


def test_middleware_wraps_in_the_order_given(site):
    app = wsgi_factory.app_factory(
        {"args": ["site_under_test.app", "site_under_test.inner", "site_under_test:outer"]}
    )

    assert app({}, None) == ["outer", "inner", "app"]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["site_under_test.text"], "'site_under_test.text' is a str, which is not callable"),
        (["site_under_test.none"], "'site_under_test.none' is None, which is not callable"),
        (
            ["site_under_test.app", "site_under_test.text"],
            "'site_under_test.text' is a str, which is not callable",
        ),
        (
            ["site_under_test.app", "site_under_test.bad"],
            "the middleware 'site_under_test.bad' returned a list, which is not callable",
        ),
    ],
)
def test_what_is_not_callable_is_described(site, names, message):
    with pytest.raises(NamingError) as raised:
        wsgi_factory.app_factory({"args": names})

    assert str(raised.value) == message


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_hello_world_is_valid(method):
    environ = {"REQUEST_METHOD": method, "QUERY_STRING": ""}
    setup_testing_defaults(environ)
    seen = []

    def start_response(status, headers, exc_info=None):
        seen.append((status, dict(headers)))

    body = validator(wsgi_factory.hello_world)(environ, start_response)
    try:
        assert b"".join(body) == b"Hello, World!\r\n"
    finally:
        body.close()
    assert seen == [
        ("200 OK", {"Content-Type": "text/plain; charset=utf-8", "Content-Length": "15"})
    ]
