# SPDX-License-Identifier: MIT
"""A proxy: while another server takes its time, others are served.

    UPSTREAM=127.0.0.1:9000 spawn --threads 0 proxy:app

It uses nothing but the standard library, whose sockets let other greenlets run while they wait.
"""

import http.client
import os

UPSTREAM = os.environ.get("UPSTREAM", "127.0.0.1:9000")
PATIENCE = 30  # seconds without an octet from there
BLOCK = 64 << 10
# What belongs to one connection and is not passed on (RFC 9110, section 7.6.1).
HOP_BY_HOP = set(
    "connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer "
    "transfer-encoding upgrade".split()
)


def headers_of(environ):
    """The fields of the request, as far as they are for the other server."""
    fields = {
        name[5:].replace("_", "-").title(): value
        for name, value in environ.items()
        if name.startswith("HTTP_") and name[5:].replace("_", "-").lower() not in HOP_BY_HOP
    }
    fields["X-Forwarded-For"] = environ["REMOTE_ADDR"]
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(name):
            fields[name.replace("_", "-").title()] = environ[name]
    return fields


def blocks_of(response, connection):
    try:
        yield from iter(lambda: response.read1(BLOCK), b"")
    finally:  # also if the client has gone
        connection.close()


def app(environ, start_response):
    connection = http.client.HTTPConnection(UPSTREAM, timeout=PATIENCE)
    body = environ["wsgi.input"] if environ.get("CONTENT_LENGTH") else None
    try:
        connection.request(environ["REQUEST_METHOD"], environ["RAW_URI"], body, headers_of(environ))
        response = connection.getresponse()
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        start_response("502 Bad Gateway", [("Content-Type", "text/plain")])
        return [f"{UPSTREAM}: {error}\n".encode()]
    start_response(
        f"{response.status} {response.reason}",
        [each for each in response.getheaders() if each[0].lower() not in HOP_BY_HOP],
    )
    return blocks_of(response, connection)
