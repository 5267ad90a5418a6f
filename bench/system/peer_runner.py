# SPDX-License-Identifier: MIT
"""Runs servers that have no command of their own.

usage: peer_runner.py bjoern|fastwsgi|fastpysgi|gevent|eventlet|waitress|cheroot MODULE:NAME PORT PROCESSES

The last four have one process.
"""

import importlib
import os
import sys

THREADS = 4
MOST_CONNECTIONS = 20_000


def load(name):
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


def run_bjoern(name, port, processes):
    server = importlib.import_module("bjoern")
    server.listen(load(name), "127.0.0.1", port, listen_backlog=4096)
    for _ in range(processes - 1):
        if os.fork() == 0:
            break
    server.run()


def run_fastwsgi(name, port, processes):
    server = importlib.import_module("fastwsgi")
    server.run(load(name), host="127.0.0.1", port=port, loglevel=0, workers=processes)


def run_fastpysgi(name, port, processes):
    server = importlib.import_module("fastpysgi")
    server.run(load(name), host="127.0.0.1", port=port, loglevel=0, workers=processes)


def run_gevent(name, port, _):
    importlib.import_module("gevent.monkey").patch_all()
    server = importlib.import_module("gevent.pywsgi").WSGIServer
    server(("127.0.0.1", port), load(name), log=None, backlog=4096).serve_forever()


def run_eventlet(name, port, _):
    eventlet = importlib.import_module("eventlet")
    eventlet.monkey_patch()
    listener = eventlet.listen(("127.0.0.1", port), backlog=4096)
    serve = importlib.import_module("eventlet.wsgi").server
    serve(listener, load(name), max_size=MOST_CONNECTIONS, log_output=False)


def run_waitress(name, port, _):
    importlib.import_module("waitress").serve(
        load(name),
        host="127.0.0.1",
        port=port,
        threads=THREADS,
        backlog=4096,
        connection_limit=MOST_CONNECTIONS,
        asyncore_use_poll=True,
    )


def run_cheroot(name, port, _):
    server = importlib.import_module("cheroot.wsgi").Server
    served = server(("127.0.0.1", port), load(name), numthreads=THREADS, request_queue_size=4096)
    served.keep_alive_conn_limit = MOST_CONNECTIONS
    served.start()


if __name__ == "__main__":
    sys.path.insert(0, "")
    globals()[f"run_{sys.argv[1]}"](sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
