# SPDX-License-Identifier: MIT
"""The application in the image of this directory's Dockerfile."""


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"The shop is open.\n"]
