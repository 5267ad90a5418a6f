# SPDX-License-Identifier: MIT
"""The WSGI application that beside_python.cpp serves: it answers all but what C++ answers."""


def app(environ, start_response):
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
    return [f"Python has read {len(body)} octets for {environ['PATH_INFO']}\n".encode()]
