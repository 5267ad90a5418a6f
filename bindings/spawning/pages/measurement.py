# SPDX-License-Identifier: MIT
"""What coverage.py sees of the application in this worker, and where all workers put it together.

A directory that the supervisor removes in the end has, of every worker there has been,

    NAME.saved      a data file of coverage.py, whole at any time;
    NAME.live       the one that coverage.py writes to: half-written if the worker is killed;
    NAME.socket     whoever connects gets an octet when NAME.saved says all there is to say.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

import spawning
from spawning.loading.naming import NamingError

if TYPE_CHECKING:
    import coverage

_SAVE_EVERY = 5.0  # seconds; so much is not known of a worker that is killed
_PATIENCE = 5.0  # seconds for a worker to save
_OURS = os.path.dirname(os.path.realpath(spawning.__file__))
_OLDEST = 7  # of coverage.py
_WHAT = ("source", "source_pkgs", "source_dirs", "include")  # its options for what to measure


class WorkerName(NamedTuple):
    """A worker among all that there have been; a name for files."""

    generation: int
    slot: int
    pid: int

    def __str__(self) -> str:
        return "-".join(map(str, self))

    @classmethod
    def listed(cls, directory: str, ending: str) -> list[WorkerName]:
        """Those of whom there is a file with that ending, oldest first."""
        stems = [file[: -len(ending)] for file in os.listdir(directory) if file.endswith(ending)]
        return sorted(cls(*map(int, stem.split("-"))) for stem in stems)

    def file(self, directory: str, ending: str) -> str:
        """The path of that file."""
        return os.path.join(directory, str(self) + ending)


class Measurement:
    """Measures this process from here on, in all its threads.

    Raises NamingError, whose text says what to do, if that is impossible.
    """

    def __init__(
        self,
        directory: str,
        name: WorkerName,
        log: Callable[[str, str], None],
        concurrency: Iterable[str] = ("thread",),
    ) -> None:
        """`concurrency` is what coverage.py has to know of, unless its user has told it."""
        self._directory, self._name, self._log = directory, name, log
        self._supervisor = os.getppid()
        self._make_directory()
        self._coverage = _configured(name.file(directory, ".live"), list(concurrency))
        self._finished = False
        self._copied = 0  # when the file was changed that was copied
        self._listener = _listen(directory, f"{name}.socket")
        os.register_at_fork(after_in_child=self._listener.close)
        self._saver = threading.Thread(target=self._save, name="spawning-coverage", daemon=True)
        self._saver.start()  # before it is measured, too
        self._coverage.start()

    def finish(self) -> None:
        """Saves all there is. What runs afterwards may not be known."""
        ask_to_save(self._directory, [self._name])
        self._finished = True
        with contextlib.suppress(OSError):  # there is no directory any more
            os.unlink(self._name.file(self._directory, ".socket"))
            os.unlink(self._name.file(self._directory, ".live"))
        if os.getppid() != self._supervisor:  # killed: what it would have removed is left to us
            self._remove_directory()

    def _make_directory(self) -> None:
        try:
            os.mkdir(self._directory, 0o700)
        except FileExistsError:
            pass  # by a sibling
        except OSError as error:
            raise NamingError(
                f"--coverage: {error}; expected a $TMPDIR that the workers may write to"
            ) from None
        found = os.lstat(self._directory)
        if (found.st_uid, found.st_mode & 0o777) != (os.geteuid(), 0o700):
            raise NamingError(f"--coverage: {self._directory} is somebody else's")

    def _remove_directory(self) -> None:
        """At once for the siblings, who may still be saving: they find all of it or nothing."""
        gone = f"{self._directory}.{os.getpid()}"
        with contextlib.suppress(OSError):  # a sibling was faster
            os.rename(self._directory, gone)
            shutil.rmtree(gone, ignore_errors=True)

    def _save(self) -> None:
        """A thread of its own, because all others may be busy with requests."""
        self._listener.settimeout(_SAVE_EVERY)
        while not self._finished:
            try:
                asking, _ = self._listener.accept()
            except socket.timeout:  # before Python 3.10 no TimeoutError
                if not self._finished:
                    self._try_to_save(changed_only=True)
                continue
            except OSError:
                time.sleep(1)  # no descriptor is left
                continue
            with asking, contextlib.suppress(OSError):  # it may have lost patience
                if self._try_to_save():
                    asking.sendall(b"!")

    def _try_to_save(self, changed_only: bool = False) -> bool:
        try:
            self._coverage.save()
            live = self._coverage.get_data().data_filename()
            changed = os.stat(live).st_mtime_ns if os.path.exists(live) else 0
            if changed and not (changed_only and changed == self._copied):
                whole = self._name.file(self._directory, ".saved")
                shutil.copyfile(live, whole + ".new")
                os.replace(whole + ".new", whole)
                self._copied = changed
        except Exception as error:  # it goes on, and so does the application
            if os.path.isdir(self._directory) and not self._finished:
                self._log("warning", f"what coverage.py has measured cannot be saved: {error}")
            return False
        return True


def ask_to_save(
    directory: str, workers: Iterable[WorkerName], patience: float = _PATIENCE
) -> tuple[set[WorkerName], set[WorkerName]]:
    """Has those of `workers` that live save what they have measured, within so many seconds.

    Returns those that say that they have, and those that live and do not. The sockets of the others
    are removed.
    """
    deadline = time.monotonic() + patience
    asked = {}
    for name in workers:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(max(0.01, deadline - time.monotonic()))
            with _short(directory) as way:
                connection.connect(f"{way}/{name}.socket")
        except (ConnectionRefusedError, FileNotFoundError):
            connection.close()
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name.file(directory, ".socket"))
            continue
        except OSError:  # its backlog is full: it does not even accept
            pass
        asked[name] = connection
    saved = {name for name, connection in asked.items() if _confirms(connection, deadline)}
    silent = asked.keys() - saved
    return saved, {name for name in silent if os.path.exists(name.file(directory, ".socket"))}


def _confirms(connection: socket.socket, deadline: float) -> bool:
    with connection:
        connection.settimeout(max(0.01, deadline - time.monotonic()))
        try:
            return connection.recv(1) != b""
        except OSError:
            return False


def _configured(file: str, concurrency: list[str]) -> coverage.Coverage:
    """What measures into `file` as the user has configured it, or else all there is here."""
    coverage = import_coverage()
    try:
        measuring = coverage.Coverage(data_file=file, data_suffix=False, messages=False)
        if not any(_option(measuring, f"run:{name}") for name in _WHAT):
            measuring.set_option("run:source", [os.getcwd()])
        omitted = list(_option(measuring, "run:omit") or [])
        measuring.set_option("run:omit", [*omitted, os.path.join(_OURS, "*")])
        if concurrency != ["thread"] and _option(measuring, "run:concurrency") in ([], ["thread"]):
            measuring.set_option("run:concurrency", concurrency)
        measuring.set_option("run:sigterm", False)  # that is how a worker is told to drain
    except coverage.CoverageException as error:
        raise NamingError(f"--coverage: {error}") from None
    return measuring


def _option(measuring: coverage.Coverage, name: str) -> Any:
    from coverage.exceptions import ConfigError  # noqa: PLC0415

    try:
        return measuring.get_option(name)
    except ConfigError:
        return None  # this version has none of that name


def import_coverage() -> Any:
    """coverage.py. Raises NamingError, whose text says what to do, if it cannot be used."""
    advice = "pip install coverage"
    try:
        import coverage  # noqa: PLC0415  # only if it is wanted
    except ModuleNotFoundError as error:
        if error.name != "coverage":
            raise
        raise NamingError(f"--coverage: coverage.py is not installed: {advice}") from None
    if getattr(coverage, "version_info", (0,)) < (_OLDEST,):
        raise NamingError(f"--coverage: expected coverage.py {_OLDEST} or newer: {advice}")
    return coverage


def _listen(directory: str, name: str) -> socket.socket:
    """Nobody sees the socket before it listens, so one that does not has ended."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with _short(directory) as way:
        listener.bind(f"{way}/{name}.new")
    listener.listen(128)
    os.rename(os.path.join(directory, f"{name}.new"), os.path.join(directory, name))
    return listener


@contextlib.contextmanager
def _short(directory: str) -> Iterator[str]:
    """A way to `directory` that leaves room in the 108 octets of a socket's address."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)
