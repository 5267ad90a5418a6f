# SPDX-License-Identifier: MIT
"""PEP 3333, "environ Variables" and "URL Reconstruction"."""

import io
import sys
from wsgiref.util import request_uri

import pytest

EXTENSIONS = {"spawning.client_disconnected"}


def test_the_request_line(environ_of):
    environ = environ_of("/shop/cart?id=7&x=%20", method="POST", version="HTTP/1.0")

    assert environ["REQUEST_METHOD"] == "POST"
    assert environ["SCRIPT_NAME"] == ""
    assert environ["PATH_INFO"] == "/shop/cart"
    assert environ["QUERY_STRING"] == "id=7&x=%20"
    assert environ["SERVER_PROTOCOL"] == "HTTP/1.0"
    assert environ["RAW_URI"] == environ["REQUEST_URI"] == "/shop/cart?id=7&x=%20"


def test_every_value_that_is_not_the_servers_is_a_str(environ_of):
    environ = environ_of("/", headers=[("Host", "a"), (b"X-Name", b"\xe9")])

    assert all(
        type(value) is str
        for key, value in environ.items()
        if not key.startswith("wsgi.") and key not in EXTENSIONS
    )


def test_it_is_a_builtin_dictionary(serve):
    seen = []

    def application(environ, start_response):
        seen.append(type(environ))
        start_response("204 No Content", [])
        return []

    serve(application).ask()

    assert seen == [dict]


@pytest.mark.parametrize("octet", range(256))
def test_every_octet_is_one_character(environ_of, octet):
    environ = environ_of(f"/%{octet:02x}", headers=[("X", bytes([octet or 1]))])

    assert environ["PATH_INFO"] == "/" + chr(octet)
    assert environ["HTTP_X"] == chr(octet or 1)


@pytest.mark.parametrize(
    ("path", "info"),
    [
        ("/caf%C3%A9", "/caf\u00c3\u00a9"),
        ("/a%2Fb%20c", "/a/b c"),
        ("/100%", "/100%"),
        ("/%zz%4", "/%zz%4"),
        ("/%00", "/\0"),
        ("//evil.example/path", "//evil.example/path"),
        ("/a//b/../c", "/a//b/../c"),
        ("/", "/"),
        ("/a;b=c+d", "/a;b=c+d"),
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


def test_an_ipv6_address_is_in_brackets_where_a_url_would_have_them(environ_of):
    environ = environ_of("/", peer="[2001:db8::7]:50000", local="[::1]:8080")

    assert (environ["REMOTE_ADDR"], environ["REMOTE_PORT"]) == ("2001:db8::7", "50000")
    assert (environ["SERVER_NAME"], environ["SERVER_PORT"]) == ("[::1]", "8080")
    assert request_uri(environ) == "http://[::1]:8080/"


def test_the_client_of_a_unix_socket_is_on_this_machine(environ_of):
    environ = environ_of("/", peer="unix:", local="unix:/run/app.sock")

    assert environ["REMOTE_ADDR"] == "127.0.0.1"
    assert "REMOTE_PORT" not in environ
    assert (environ["SERVER_NAME"], environ["SERVER_PORT"]) == ("localhost", "80")


class TestBehindAProxy:
    """What a trusted one says; what others say does not come this far."""

    def test_the_client_is_the_one_it_names(self, environ_of):
        environ = environ_of("/", peer="10.0.0.1:7000", client="192.0.2.9:4000")

        assert (environ["REMOTE_ADDR"], environ["REMOTE_PORT"]) == ("192.0.2.9", "4000")

    def test_a_port_that_it_does_not_name_is_left_out(self, environ_of):
        environ = environ_of("/", peer="unix:", client="192.0.2.9:0")

        assert environ["REMOTE_ADDR"] == "192.0.2.9"
        assert "REMOTE_PORT" not in environ

    @pytest.mark.parametrize(
        ("host", "scheme", "server", "url"),
        [
            ("shop.example", "https", ("shop.example", "443"), "https://shop.example/x?y"),
            (
                "shop.example:8443",
                "https",
                ("shop.example", "8443"),
                "https://shop.example:8443/x?y",
            ),
            ("shop.example", "http", ("shop.example", "80"), "http://shop.example/x?y"),
            ("[2001:db8::1]:81", "http", ("[2001:db8::1]", "81"), "http://[2001:db8::1]:81/x?y"),
            ("[2001:db8::1]", "https", ("[2001:db8::1]", "443"), "https://[2001:db8::1]/x?y"),
            ("shop.example:", "https", ("shop.example", "443"), "https://shop.example:/x?y"),
        ],
    )
    def test_urls_are_those_that_the_client_asked_for(self, environ_of, host, scheme, server, url):
        environ = environ_of("/x?y", host=host, scheme=scheme, headers=[("Host", "inside:8000")])

        assert (environ["SERVER_NAME"], environ["SERVER_PORT"]) == server
        assert environ["HTTP_HOST"] == host
        assert environ["wsgi.url_scheme"] == scheme
        assert environ.get("HTTPS") == ("on" if scheme == "https" else None)
        assert request_uri(environ) == url
        del environ["HTTP_HOST"]
        assert request_uri(environ) == url.replace(":/x", "/x")

    def test_it_may_name_the_scheme_alone(self, environ_of):
        environ = environ_of("/", scheme="https", headers=[("Host", "shop.example")])

        assert request_uri(environ) == "https://shop.example/"
        assert (environ["SERVER_NAME"], environ["SERVER_PORT"]) == ("shop.example", "443")

    def test_without_any_host_the_socket_is_what_is_known(self, environ_of):
        environ = environ_of("/", scheme="https", version="HTTP/1.0")

        assert "HTTP_HOST" not in environ
        assert request_uri(environ) == "https://127.0.0.1:8080/"

    def test_the_next_request_is_not_behind_it(self, serve):
        seen = []

        def application(environ, start_response):
            seen.append((environ["wsgi.url_scheme"], environ["REMOTE_ADDR"], request_uri(environ)))
            start_response("204 No Content", [])
            return []

        server = serve(application)
        server.ask(host="shop.example", scheme="https", client="192.0.2.9:0")
        server.ask()

        assert seen == [
            ("https", "192.0.2.9", "https://shop.example/"),
            ("http", "192.0.2.7", "http://127.0.0.1:8080/"),
        ]


@pytest.mark.parametrize(
    "request_of",
    [
        {},
        {"version": "HTTP/1.0"},
        {"local": "unix:/run/app.sock"},
        {"local": "[::1]:80"},
        {"host": ":80", "scheme": "https"},
    ],
)
def test_server_name_and_port_are_never_empty(environ_of, request_of):
    environ = environ_of("/", **request_of)

    assert environ["SERVER_NAME"]
    assert environ["SERVER_PORT"].isdigit()


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


class TestErrors:
    """wsgi.errors."""

    @pytest.fixture
    def errors(self, environ_of):
        return environ_of("/")["wsgi.errors"]

    def test_it_has_what_the_pep_names(self, errors, capfd):
        assert errors.write("a line\n") in (None, 7)
        errors.writelines(["two ", "parts\n"])
        errors.flush()

    def test_it_takes_text_only(self, errors):
        with pytest.raises(TypeError):
            errors.write(b"octets")


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


def test_repeated_headers_of_one_character_and_of_none_are_joined(environ_of):
    same = [("X-A", "1"), ("X-A", "1"), ("X-B", ""), ("X-B", ""), ("Cookie", "c"), ("Cookie", "c")]

    environ = environ_of("/", headers=same)

    assert environ["HTTP_X_A"] == "1,1"
    assert environ["HTTP_X_B"] == ","
    assert environ["HTTP_COOKIE"] == "c; c"


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

    assert environ["HTTP_HOST"] == environ["SERVER_NAME"] == "right.example"
    assert environ["PATH_INFO"] == "/x"
    assert environ["RAW_URI"] == "http://right.example/x"


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
