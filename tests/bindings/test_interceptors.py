# SPDX-License-Identifier: MIT
"""Pages of the server's own among those of the application."""

import pytest
from applications import answering
from spawning.pages.interceptors import Answer, intercept


def page():
    return Answer("text/x-page", b"of the server")


@pytest.fixture
def application():
    return answering("200 OK", [("Content-Type", "text/plain")], body=[b"of the application"])


@pytest.fixture
def ask(serve, application):
    """ask(target, …): the recorded response of the application with a page at /_page."""
    served = serve(intercept(application, [{}.get, {"/_page": page}.get]))
    return served.ask


def test_a_page_is_found_by_its_path(ask):
    recording = ask("/_page?query")

    assert recording.blocks == [b"of the server"]
    assert recording.content_length == 13
    headers = dict(recording.headers)
    assert headers["Content-Type"] == "text/x-page"
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("target", ["/", "/_pagex", "/_page/", "/_PAGE", "//_page", "/x/_page"])
def test_all_other_paths_are_the_applications(ask, target):
    assert ask(target).blocks == [b"of the application"]


def test_a_mounted_application_has_its_own_paths(application):
    started = []
    environ = {"SCRIPT_NAME": "/mounted", "PATH_INFO": "/_page", "REQUEST_METHOD": "GET"}

    body = intercept(application, [{"/_page": page}.get])(environ, lambda *a: started.append(a))

    assert list(body) == [b"of the application"]


def test_the_applications_answer_is_passed_on_as_it_is():
    answer = iter([b"block"])
    intercepted = intercept(lambda environ, start_response: answer, [{}.get])

    assert intercepted({"PATH_INFO": "/"}, None) is answer


def test_head_has_the_headers_of_get(ask):
    head, get = ask("/_page", method="HEAD"), ask("/_page")

    assert head.status == 200
    assert (head.headers, head.content_length) == (get.headers, get.content_length)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "X"])
def test_other_methods_are_not_allowed(ask, method):
    recording = ask("/_page", method=method)

    assert recording.status == 405
    assert dict(recording.headers)["Allow"] == "GET, HEAD"
    assert recording.blocks == [f"expected GET or HEAD, not {method}\n".encode()]


def test_what_goes_wrong_on_a_page_is_the_servers_to_answer(serve, application):
    served = serve(intercept(application, [{"/_page": lambda: 1 / 0}.get]))

    assert served.ask("/_page").status == 500
    assert "ZeroDivisionError" in served.log
