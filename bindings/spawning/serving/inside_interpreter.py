# SPDX-License-Identifier: MIT
"""What runs in each of several interpreters of a worker: C++ calls start(). sub_interpreter.hpp"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import sys
import threading

from spawning.application import load, modules_to_report, report, with_pages
from spawning.loading.explaining import explain_load
from spawning.serving.thread_serving import ThreadServing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from spawning.serving.interpreter_side import Interpreter


def start(worker: Interpreter) -> None:
    """Has a thread load the application, and answer requests with it if it is told to.

    The calling thread is not one of Python's, and no code of the application's runs on it.
    """
    threading.Thread(target=_run, args=(worker,), name="spawning-attendant", daemon=True).start()


def _run(worker: Interpreter) -> None:
    try:
        worker.show_while(lambda: _work(worker))
    except BaseException as error:
        worker.broken(error)
    finally:
        _flush()
        worker.ended()


def _flush() -> None:
    """Nothing else does: this interpreter is left, not taken apart."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):  # it may be anything, None included
            stream.flush()


def _work(worker: Interpreter) -> None:
    config = json.loads(worker.settings)
    modules = modules_to_report(config)
    try:
        application = with_pages(load(config), worker, config)
    except BaseException as error:  # SystemExit too: nothing may go unsaid
        report(worker, modules)  # what is wrong may be in a module that could be loaded
        _flush()  # the process ends when it knows
        summary, traceback, files = explain_load(error)
        worker.failed(summary, traceback, [os.fsencode(file) for file in files])
        return
    report(worker, modules)
    threads = config.get("threadpool_workers", 4)
    # To an application its other interpreters are as other processes: they share nothing.
    if not worker.ready(application, threads > 1, True):
        return
    serving = ThreadServing(worker, threads)
    try:
        serving.start()
        serving.serve()
        serving.run(lambda: report(worker, modules), modules is not None)
    except BaseException as error:
        worker.broken(error)  # the threads end once the worker has been told to
        return
    finally:
        serving.end()
    # What Python does when it ends, but for taking itself apart.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
