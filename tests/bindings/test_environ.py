# SPDX-License-Identifier: MIT
"""PEP 3333, "environ Variables"."""

import io
import sys

import pytest


def test_the_request_line(environ_of):
    environ = environ_of("/shop/cart?id=7&x=%20", method="POST", version="HTTP/1.0")

    assert environ["REQUEST_METHOD"] == "POST"
    assert environ["SCRIPT_NAME"] == ""
    assert environ["PATH_INFO"] == "/shop/cart"
    assert environ["QUERY_STRING"] == "id=7&x=%20"
    assert environ["SERVER_PROTOCOL"] == "HTTP/1.0"
    assert environ["RAW_URI"] == environ["REQUEST_URI"] == "/shop/cart?id=7&x=%20"


def test_every_value_that_is_not_the_servers_is_a_str(environ_of):
    environ = environ_of("/")

    assert type(environ) is dict
    assert all(type(value) is str for key, value in environ.items() if not key.startswith("wsgi."))


@pytest.mark.parametrize(
    ("path", "info"),
    [
        ("/caf%C3%A9", "/caf\u00c3\u00a9"),
        ("/a%2Fb%20c", "/a/b c"),
        ("/100%", "/100%"),
        ("/%zz%4", "/%zz%4"),
        ("/%00", "/\0"),
    ],
)
def test_the_path_is_decoded_octet_by_octet(environ_of, path, info):
    assert environ_of(path)["PATH_INFO"] == info


def test_the_path_of_the_asterisk_form_is_empty(environ_of):
    environ = environ_of("*", method="OPTIONS")

    assert environ["PATH_INFO"] == ""
    assert environ["RAW_URI"] == "*"


def test_an_unusual_method_is_passed_on_as_it_is(environ_of):
    assert environ_of("/", method="propFind")["REQUEST_METHOD"] == "propFind"


def test_both_ends_of_the_connection(environ_of):
    environ = environ_of("/", peer="192.0.2.7:50000", local="198.51.100.1:8080")

    assert (environ["REMOTE_ADDR"], environ["REMOTE_PORT"]) == ("192.0.2.7", "50000")
    assert (environ["SERVER_NAME"], environ["SERVER_PORT"]) == ("198.51.100.1", "8080")


def test_a_unix_socket_has_a_server_name_and_no_remote_address(environ_of):
    environ = environ_of("/", peer="unix:", local="unix:/run/app.sock")

    assert (environ["REMOTE_ADDR"], environ["REMOTE_PORT"]) == ("", "")
    assert environ["SERVER_NAME"]
    assert environ["SERVER_PORT"]


def test_consecutive_requests_have_their_own_peers(serve):
    seen = []

    def application(environ, start_response):
        seen.append((environ["REMOTE_ADDR"], environ["SERVER_PORT"]))
        start_response("204 No Content", [])
        return []

    server = serve(application)
    for peer, local in [
        ("192.0.2.1:1", "127.0.0.1:80"),
        ("192.0.2.2:1", "127.0.0.1:81"),
        ("192.0.2.1:1", "127.0.0.1:80"),
    ]:
        server.ask(peer=peer, local=local)

    assert seen == [("192.0.2.1", "80"), ("192.0.2.2", "81"), ("192.0.2.1", "80")]


def test_what_the_server_is(environ_of):
    environ = environ_of("/")

    assert environ["wsgi.version"] == (1, 0)
    assert environ["wsgi.url_scheme"] == "http"
    assert environ["wsgi.run_once"] is False
    assert environ["wsgi.input_terminated"] is True
    assert environ["wsgi.errors"] is sys.stderr or isinstance(environ["wsgi.errors"], io.TextIOBase)
    assert environ["SERVER_SOFTWARE"].startswith("spawning/")
    assert environ["GATEWAY_INTERFACE"] == "CGI/1.1"


@pytest.mark.parametrize("threads", [True, False])
@pytest.mark.parametrize("processes", [True, False])
def test_multithread_and_multiprocess_say_what_is_so(environ_of, threads, processes):
    environ = environ_of("/", options={"multithread": threads, "multiprocess": processes})

    assert environ["wsgi.multithread"] is threads
    assert environ["wsgi.multiprocess"] is processes


def test_headers(environ_of):
    environ = environ_of(
        "/", headers=[("Host", "example.org"), ("accept-LANGUAGE", "de"), ("X-Empty", "")]
    )

    assert environ["HTTP_HOST"] == "example.org"
    assert environ["HTTP_ACCEPT_LANGUAGE"] == "de"
    assert environ["HTTP_X_EMPTY"] == ""


def test_header_values_are_latin1(environ_of):
    assert environ_of("/", headers=[(b"X-Name", b"caf\xe9")])["HTTP_X_NAME"] == "caf\u00e9"


def test_repeated_headers_are_joined(environ_of):
    environ = environ_of(
        "/",
        headers=[
            ("Accept", "a"),
            ("ACCEPT", "b"),
            ("Cookie", "c=1"),
            ("Cookie", "d=2"),
            ("accept", "e"),
        ],
    )

    assert environ["HTTP_ACCEPT"] == "a,b,e"
    assert environ["HTTP_COOKIE"] == "c=1; d=2"


def test_a_header_with_an_underscore_that_the_server_lets_pass(environ_of):
    environ = environ_of("/", headers=[("X_User", "a"), ("x-other_name", "b")])

    assert environ["HTTP_X_USER"] == "a"
    assert environ["HTTP_X_OTHER_NAME"] == "b"


@pytest.mark.parametrize("name", ["Content_Length", "content_type", "Transfer_Encoding"])
def test_a_header_with_an_underscore_never_describes_the_body(environ_of, name):
    environ = environ_of("/", headers=[(name, "9")])

    assert not [key for key in environ if "CONTENT_" in key or "TRANSFER_" in key]


@pytest.mark.parametrize("name", ["Proxy", "proxy", "PROXY"])
def test_a_header_cannot_set_the_proxy_of_the_applications_clients(environ_of, name):
    assert "HTTP_PROXY" not in environ_of("/", headers=[(name, "http://evil.example")])


def test_type_and_length_of_the_body_have_names_of_their_own(environ_of):
    environ = environ_of(
        "/",
        method="POST",
        headers=[("Content-Type", "text/plain"), ("Content-Length", "3")],
        body=b"abc",
    )

    assert environ["CONTENT_TYPE"] == "text/plain"
    assert environ["CONTENT_LENGTH"] == "3"
    assert not [key for key in environ if key.startswith("HTTP_CONTENT")]


def test_a_chunked_body_has_a_length_like_any_other(environ_of):
    environ = environ_of(
        "/", method="POST", headers=[("Transfer-Encoding", "chunked")], body=b"abcd"
    )

    assert environ["CONTENT_LENGTH"] == "4"
    assert "HTTP_TRANSFER_ENCODING" not in environ


def test_without_a_body_there_is_no_length(environ_of):
    assert "CONTENT_LENGTH" not in environ_of("/")


def test_the_authority_of_an_absolute_target_replaces_the_host_field(environ_of):
    environ = environ_of(
        "http://right.example/x", host="right.example", headers=[("Host", "wrong.example")]
    )

    assert environ["HTTP_HOST"] == "right.example"
    assert environ["PATH_INFO"] == "/x"


def test_many_different_header_names_do_no_harm(serve):
    seen = []

    def application(environ, start_response):
        seen.append(len([key for key in environ if key.startswith("HTTP_X_NEW_")]))
        start_response("204 No Content", [])
        return []

    server = serve(application)
    for batch in range(20):
        server.ask(headers=[(f"X-New-{batch}-{number}", "v") for number in range(90)])

    assert seen == [90] * 20


def test_the_application_may_change_its_environ(serve):
    def application(environ, start_response):
        assert "mark" not in environ
        assert environ["SCRIPT_NAME"] == ""
        environ["mark"] = environ["SCRIPT_NAME"] = "mine"
        del environ["wsgi.version"]
        start_response("204 No Content", [])
        return []

    server = serve(application)

    assert [server.ask().status for _ in range(3)] == [204, 204, 204]
