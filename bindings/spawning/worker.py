# SPDX-License-Identifier: MIT
"""A worker process: `python -m spawning.worker`, started by `spawn` with a seat to take.

It loads the application, donates threads that answer requests, and ends when the supervisor says so
or is gone. The main thread mostly waits, so that it runs the signal handlers of the application; it
also ends the iterators of clients that have gone. With greenlets instead of threads it is where their
hub runs.
"""

from __future__ import annotations

import _signal as signal  # without its enumerations, which take as long to make as all of ours
import os
import sys

from spawning.application import load, modules_to_report, patch, report, with_pages
from spawning.loading.explaining import explain_load, say_why_it_ends
from spawning.loading.surroundings import restore_environment
from spawning.serving.ending import explain_if_it_does_not_end
from spawning.serving.forking import Forks
from spawning.serving.thread_serving import ThreadServing

# What most workers do without is imported where it is wanted: they would all load it, while others serve.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    from spawning._native import Worker
    from spawning.loading.loaded_modules import LoadedModules
    from spawning.pages.measurement import Measurement
    from spawning.serving.green_hubs import Hub
    from spawning.serving.green_serving import GreenServing

_CONTROL_FD = 3  # as in spawning/seat.hpp
_FIRST_LISTENER_FD = 5
# To end an interpreter takes 15 ms of processor time, 60 ms with Django loaded, just when siblings
# begin with what it had. A third of what others get of a processor is left to it, so that a deadman
# does not overtake it.
_WAY_TO_SIBLINGS = 5
_LOADING, _SERVING = "while it loaded", "while it served"


def main() -> int:
    """Serves until there is nothing left to do; returns the exit status."""
    try:
        from spawning._native import Worker  # noqa: PLC0415  # may fail, and then we say why
    except ImportError as error:
        return _fail_without_native(error)
    worker = Worker.take()
    if worker is None:
        print("spawning.worker is started by `spawn`, and cannot run by itself", file=sys.stderr)
        return 2
    try:
        return _work(worker)
    except _CannotGoOn:
        return 1
    except Exception as error:  # whatever it is, in the format of the log
        say_why_it_ends(worker.log_error, error)
        return 1


class _CannotGoOn(Exception):
    """The log has it why."""


def _work(worker: Worker) -> int:
    forks = Forks(_sockets(), _install_signal_handlers(worker), worker.log_error)
    restore_environment()
    config = worker.settings()
    if config is None:
        return 0
    if config.get("interpreters"):
        from spawning.serving.interpreters import work  # noqa: PLC0415

        work(worker, config, _http_settings(config))
    modules = modules_to_report(config)
    measurement = None
    try:
        hub = patch(config)
        measurement = _measure(worker, config, hub)
        application = with_pages(load(config), worker, config)
        forks.end_child(None, _LOADING)
    except BaseException as error:  # SystemExit too: nothing may go unsaid
        forks.end_child(error, _LOADING)
        report(worker, modules)  # what is wrong may be in a module that could be loaded
        if measurement:
            measurement.finish()
        worker.failed(*explain_load(error))
        worker.close()
        return 1
    report(worker, modules)
    try:
        _serve(worker, forks, application, config, modules, hub=hub)
    finally:
        if measurement:
            measurement.finish()
        left = worker.close()
        if left is not None:
            explain_if_it_does_not_end(worker, left, greenlets=hub is not None)
    return 0


def _fail_without_native(error: ImportError) -> int:
    """Says what the native module would have said, had it been built for this interpreter."""
    version = ".".join(map(str, sys.version_info[:2]))
    summary = f"{sys.executable} (Python {version}) cannot load spawning's native module: {error}"
    if "SPAWNING_SEAT" not in os.environ:
        print(summary, file=sys.stderr)
        return 1
    import json  # noqa: PLC0415

    report = {"type": "failed", "summary": summary, "traceback": "", "files": []}
    os.write(_CONTROL_FD, json.dumps(report).encode() + b"\n")
    return 1


def _sockets() -> list[int]:
    """The descriptors of the seat that no other process may have."""
    seat = dict(each.split("=") for each in os.environ["SPAWNING_SEAT"].split())
    count = int(seat["listeners"]) + int(seat.get("console", 0))
    return [_CONTROL_FD, *range(_FIRST_LISTENER_FD, _FIRST_LISTENER_FD + count)]


def _measure(worker: Worker, config: dict[str, Any], hub: Hub | None) -> Measurement | None:
    """What is loaded from here on is measured, if that is wanted."""
    if not config.get("coverage"):
        return None
    from spawning.pages.measurement import Measurement, WorkerName  # noqa: PLC0415

    name = WorkerName(worker.generation, worker.slot, os.getpid())
    concurrency = (hub.name if hub else "thread",)
    return Measurement(config["coverage_directory"], name, worker.log, concurrency)


def _serve(
    worker: Worker,
    forks: Forks,
    application: Callable[..., Any],
    config: dict[str, Any],
    modules: LoadedModules | None,
    *,
    hub: Hub | None,
) -> None:
    worker.log_accesses(config.get("access_log_format", "spawning"))
    serving = _serving(worker, config, hub)
    close_backdoor: Callable[[], None] | None = None
    try:
        _make_ready(worker, serving, application, config, hub)
        _keep_forks_from_answering(worker, forks, hub)
        close_backdoor = _open_backdoor(worker, forks, application, config, hub)
        serving.run(lambda: report(worker, modules), modules is not None)
    except BaseException as error:  # also out of a signal handler of the application's
        forks.end_child(error, _SERVING)
        try:
            if not isinstance(error, Exception):
                raise
            # While there is time: its supervisor is about to be told.
            say_why_it_ends(worker.log_error, error)
            raise _CannotGoOn from error
        finally:
            worker.drain()
    finally:
        if close_backdoor:
            close_backdoor()
        os.nice(_WAY_TO_SIBLINGS)
        serving.end()


def _serving(
    worker: Worker, config: dict[str, Any], hub: Hub | None
) -> ThreadServing | GreenServing:
    """Nothing of it runs yet."""
    if hub is None:
        return ThreadServing(worker, config.get("threadpool_workers", 4))
    from spawning.serving.green_serving import GreenServing  # noqa: PLC0415

    return GreenServing(worker, hub)


def _make_ready(
    worker: Worker,
    serving: ThreadServing | GreenServing,
    application: Callable[..., Any],
    config: dict[str, Any],
    hub: Hub | None,
) -> None:
    multiprocess = config.get("num_processes", 1) > 1
    http = _http_settings(config)
    if isinstance(serving, ThreadServing):
        serving.start()
        multithread = config.get("threadpool_workers", 4) > 1
        worker.ready(application, multithread=multithread, multiprocess=multiprocess, http=http)
        serving.serve()
        return
    assert hub
    worker.ready_for_greenlets(
        application,
        multiprocess=multiprocess,
        http=http,
        greenlets=config.get("worker_connections", 1000),
        stall=config.get("hub_stall", 1.0),
        make_event=hub.event,
        current=hub.current,
    )


def _http_settings(config: dict[str, Any]) -> dict[str, float | bool | str]:
    return {"no_keepalive": config.get("no_keepalive", False), **config.get("http", {})}


def _keep_forks_from_answering(worker: Worker, forks: Forks, hub: Hub | None) -> None:
    """A process that is forked from the worker has all its connections; what is asked is the worker's."""

    def forked() -> None:
        forker = hub.current() if hub else None

        def came_back(error: BaseException | None) -> None:
            while hub and hub.current() is not forker:
                hub.event().wait()  # gevent lets all others run in both processes
            forks.end_child(error, _SERVING)

        worker.in_child(came_back)

    os.register_at_fork(after_in_child=forked)


def _open_backdoor(
    worker: Worker,
    forks: Forks,
    application: Callable[..., Any],
    config: dict[str, Any],
    hub: Hub | None,
) -> Callable[[], None]:
    """Returns what closes it again."""
    if not config.get("backdoor"):
        return lambda: None
    from spawning.backdoor.backdoor import Backdoor  # noqa: PLC0415  # few services have one

    return Backdoor(worker, forks, application, config, hub).close


def _install_signal_handlers(worker: Worker) -> dict[int, Any]:
    def drain(_number: int, _frame: Any) -> None:
        worker.drain()

    def leave_to_the_supervisor(_number: int, _frame: Any) -> None:
        # A terminal sends these to every process of ours. A handler rather than SIG_IGN, which the
        # programs that the application starts would inherit.
        return

    handlers: dict[int, Any] = {signal.SIGTERM: drain}
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        handlers[number] = leave_to_the_supervisor
    for number, handler in handlers.items():
        signal.signal(number, handler)
    return handlers


if __name__ == "__main__":
    sys.exit(main())
