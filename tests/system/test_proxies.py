# SPDX-License-Identifier: MIT
"""Who the client is to an application behind a proxy."""

import json

import pytest

FORWARDED = (
    "X-Forwarded-For: 192.0.2.66, 203.0.113.9",
    "X-Forwarded-Proto: https",
    "X-Forwarded-Host: shop.example",
    "X-Forwarded-Port: 8443",
)


def environ_of(response):
    return json.loads(response.body)["environ"]


def test_a_trusted_proxy_is_believed(site):
    environ = environ_of(site.get("/echo", *FORWARDED))

    assert environ["REMOTE_ADDR"] == "203.0.113.9"
    assert environ["wsgi.url_scheme"] == "https"
    assert environ["HTTP_HOST"] == "shop.example:8443"
    assert (environ["SERVER_NAME"], environ["SERVER_PORT"]) == ("shop.example", "8443")


def test_a_standard_proxy_is_believed(site):
    environ = environ_of(site.get("/echo", 'Forwarded: for="[2001:DB8::1]:4711"'))

    assert (environ["REMOTE_ADDR"], environ["REMOTE_PORT"]) == ("2001:db8::1", "4711")


def test_anybody_else_is_not_heard_and_nothing_of_it_reaches_the_application(spawn):
    server = spawn("--forwarded-allow-ips", "10.0.0.0/8", "system_apps:router")

    environ = environ_of(
        server.get("/echo", *FORWARDED, "Forwarded: for=203.0.113.9", "X-Other: a")
    )

    assert environ["REMOTE_ADDR"] == "127.0.0.1"
    assert (environ["wsgi.url_scheme"], environ["HTTP_HOST"]) == ("http", "test")
    assert environ["HTTP_X_OTHER"] == "a"
    assert not [name for name in environ if "FORWARDED" in name]


@pytest.mark.parametrize(
    "header",
    [
        b"PROXY TCP4 203.0.113.9 192.0.2.1 4711 443\r\n",
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xcb\0\x71\x09\xc0\0\x02\x01\x12\x67\x01\xbb",
    ],
)
def test_a_proxy_header_names_the_client_for_all_requests_of_its_connection(spawn, header):
    server = spawn("--processes", "1", "--proxy-protocol", "system_apps:router")
    with server.client() as client:
        client.send(header)
        for _ in range(2):
            client.request("/echo")
            environ = environ_of(client.response())
            assert (environ["REMOTE_ADDR"], environ["REMOTE_PORT"]) == ("203.0.113.9", "4711")


def test_without_a_proxy_header_a_connection_is_refused(spawn):
    server = spawn("--processes", "1", "--proxy-protocol", "system_apps:router")

    response = server.get("/echo")

    assert response.status == 400
    assert response.headers["connection"] == "close"
