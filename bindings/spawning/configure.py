# SPDX-License-Identifier: MIT
"""Runs a config factory: `python -m spawning.configure FACTORY OPTIONS`.

`spawn` starts it before the service, and anew before each reload. OPTIONS is JSON; so is what it
prints: the configuration, or, with exit status 1, why there is none. What the factory itself prints
goes to standard error.
"""

from __future__ import annotations

import json
import os
import select
import sys
import threading
from _thread import get_ident
from typing import Any, Callable

from spawning.loading.last_moment import say_at
from spawning.loading.load_failure import LoadFailure, load_failure, overdue
from spawning.loading.loaded_modules import LoadedModules
from spawning.loading.naming import NamingError, describe, resolve
from spawning.loading.surroundings import add_current_directory, restore_environment

_MAIN_THREAD = get_ident()  # before gevent or eventlet gives it another number


def main(arguments: list[str]) -> int:
    """Prints what the factory says; returns the exit status."""
    if len(arguments) != 2:
        print(
            "spawning.configure is started by `spawn`, with a factory and options", file=sys.stderr
        )
        return 2
    name, options = arguments
    return answer(lambda: configured(name, json.loads(options)), "the factory does not return")


def answer(
    work: Callable[[], dict[str, Any]],
    overdue_work: str,
    explain: Callable[[BaseException], LoadFailure] = load_failure,
) -> int:
    """Prints what `work` returns, or why it does not, for `spawn`; returns the exit status.

    `overdue_work` says of it that it takes too long: "the factory does not return".
    """
    output = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    _end_with_reader(output)
    answering = threading.Lock()
    patience: str | None = os.environ.pop("SPAWNING_PATIENCE", None)
    if patience:
        seconds, end = map(float, patience.split())
        _give_up_at(end, lambda: overdue(overdue_work, seconds, _MAIN_THREAD), output, answering)
    restore_environment()
    add_current_directory()
    try:
        result = json.dumps(work(), ensure_ascii=False)
        status = 0
    except BaseException as error:  # SystemExit too: nothing may go unsaid
        result = json.dumps(_failure(explain(error)), ensure_ascii=False)
        status = 1
    with answering:
        _print(result, output)
    return status


def configured(name: str, config: dict[str, Any]) -> dict[str, Any]:
    """What the factory `name` makes of the options.

    Raises NamingError if there is no such factory, or its result is no configuration; and whatever
    the factory raises.
    """
    factory = resolve(name, ("config_factory",))
    if not callable(factory):
        raise NamingError(f"'{name}' is {describe(factory)}, which is not callable")
    develops = config.get("reload") == "dev"
    result = factory(config)
    files = _files_of(factory)
    if not isinstance(result, dict):
        raise NamingError(f"'{name}' returned {describe(result)}, not the configuration", files)
    if not isinstance(result.get("app_factory"), str):
        message = f"'{name}' set no 'app_factory', the dotted path of what makes the application"
        raise NamingError(message, files)
    for key, value in result.items():
        _require_json(name, key, value, files)
    return {**result, "modules": LoadedModules().new_files()} if develops else result


def _require_json(name: str, key: Any, value: Any, files: list[str]) -> None:
    try:
        json.dumps({key: value})
    except (TypeError, ValueError) as error:
        message = f"'{name}' set {key!r} to what is no JSON: {error}"
        raise NamingError(message, files) from None


def _files_of(factory: Any) -> list[str]:
    module = sys.modules.get(getattr(factory, "__module__", None) or "")
    file = getattr(module, "__file__", None)
    return [file] if file else []


def _print(result: str, output: int) -> None:
    with open(output, "w", encoding="utf-8", errors="surrogateescape") as stream:
        stream.write(result + "\n")


def _give_up_at(
    end: float, explain: Callable[[], LoadFailure], output: int, answering: threading.Lock
) -> None:
    """Ends this process a moment before `spawn` does: then it is known where it was."""

    def give_up() -> None:
        result = json.dumps(_failure(explain()), ensure_ascii=False)
        if answering.acquire(blocking=False):
            _print(result, output)
            os._exit(1)

    say_at(end, give_up)


def _failure(failure: LoadFailure) -> dict[str, Any]:
    """As a worker says it to its supervisor."""
    return {
        "type": "failed",
        "summary": failure.summary,
        "traceback": failure.traceback,
        "files": failure.files,
    }


def _end_with_reader(output: int) -> None:
    """Ends this process when nobody reads any more what it will say: `spawn` has been killed."""

    def watch() -> None:
        watched = select.poll()
        watched.register(output, 0)
        watched.poll()
        os._exit(1)

    threading.Thread(target=watch, name="spawning-reader", daemon=True).start()


if __name__ == "__main__":
    exit_status = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(exit_status)  # whatever threads the factory has left
