# SPDX-License-Identifier: MIT
"""A worker with several interpreters, from the first of them, which only looks after the others."""

from __future__ import annotations

import json
import os
import select
import sys
from typing import Any, NoReturn

from spawning._native import Worker, load_in_interpreter
from spawning.loading.explaining import say_why_it_ends
from spawning.loading.load_failure import LoadFailure

_MOST = 256  # as of `spawn`


class NotInAnInterpreter(Exception):
    """What kept the application from being loaded in an interpreter."""

    def __init__(self, failure: LoadFailure) -> None:
        super().__init__(failure.summary)
        self.failure = failure


def work(worker: Worker, config: dict[str, Any], http: dict[str, float | bool | str]) -> NoReturn:
    """Serves until there is nothing left to do, and ends the process."""
    refusal = refused(config)
    if refusal:
        worker.failed(refusal, "", [])
        _end(1)
    try:
        well = _serve(worker, config, http)
    except Exception as error:
        say_why_it_ends(worker.log_error, error)
        well = False
    _end(0 if well else 1)


def _serve(worker: Worker, config: dict[str, Any], http: dict[str, float | bool | str]) -> bool:
    _wait_for(worker.load_in_interpreters(config["interpreters"], json.dumps(config)))
    if worker.tell_failure_in_interpreters():
        return False
    well = True
    try:
        worker.log_accesses(config.get("access_log_format", "spawning"))
        worker.ready_in_interpreters(http)
        _wait_for(worker.fileno())
    except Exception as error:
        # While there is time: its supervisor is about to be told.
        say_why_it_ends(worker.log_error, error)
        well = False
    worker.drain()
    well = worker.end_interpreters() and well
    worker.close()
    return well


def refused(config: dict[str, Any]) -> str:
    """Why these settings, some of which a factory may have made, are not for several interpreters."""
    count = config["interpreters"]
    if not isinstance(count, int) or not 0 < count <= _MOST:
        return f"--interpreters: expected a number from 0 to {_MOST}, not {count!r}"
    others = {
        "--threads 0": config.get("threadpool_workers", 4) == 0,
        "--coverage": config.get("coverage"),
        "--backdoor": config.get("backdoor"),
    }
    for other, wanted in others.items():
        if wanted:
            return f"--interpreters: expected no {other} beside it, which is for one interpreter"
    return ""


def check(config: dict[str, Any]) -> None:
    """Raises NotInAnInterpreter if the application cannot be loaded in one."""
    refusal = refused(config)
    failure = (refusal, "", []) if refusal else load_in_interpreter(json.dumps(config))
    if failure:
        summary, traceback, files = failure
        raise NotInAnInterpreter(LoadFailure(summary, traceback, [os.fsdecode(f) for f in files]))


def _wait_for(descriptor: int) -> None:
    watched = select.poll()
    watched.register(descriptor, select.POLLIN)
    watched.poll()


def _end(status: int) -> NoReturn:
    """Nothing of the application's is in this interpreter, and perhaps threads of its in another."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
