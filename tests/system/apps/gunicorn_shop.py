# SPDX-License-Identifier: MIT
"""What gunicorn.conf.py serves."""

import os


def make_app():
    def app(environ, start_response):
        lines = [
            os.environ["SHOP_NAME"],
            os.environ["SHOP_SECRET"],
            str(environ["wsgi.multithread"]),
        ]
        start_response("200 OK", [("Content-Type", "text/plain"), ("X-Pid", str(os.getpid()))])
        return ["\n".join(lines).encode()]

    return app
