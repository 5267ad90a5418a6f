# SPDX-License-Identifier: MIT
"""An application that says where it runs and what it remembers; else as system_apps.router."""

import atexit
import json
import os
import sys
import threading
import time

import system_apps

visits = 0
threading.Thread(
    target=time.sleep, args=(600,), daemon=True
).start()  # of those that nobody waits for
atexit.register(lambda: os.write(2, b"in_interpreters: at the end\n"))


def router(environ, start_response):
    if environ["PATH_INFO"] != "/where":
        return system_apps.router(environ, start_response)
    global visits  # noqa: PLW0603
    visits += 1
    where = {
        "pid": os.getpid(),
        "interpreter": id(sys.modules),
        "thread": threading.get_ident(),
        "visits": visits,
        "multithread": environ["wsgi.multithread"],
        "multiprocess": environ["wsgi.multiprocess"],
    }
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(where).encode()]
