# SPDX-License-Identifier: MIT
"""What coverage.py has measured in all workers of a service together: `/_coverage`.

Whichever worker is asked has the others save what they have, puts that and what those that have
ended left together, and makes the report. Its files stand in the directory that the workers share:
who fetches them may be answered by another worker.
"""

from __future__ import annotations

import contextlib
import fcntl
import html
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from typing import Any, NamedTuple

from spawning.pages.interceptors import Answer, Page
from spawning.pages.measurement import WorkerName, ask_to_save

PATH = "/_coverage"

_INDEX = "index.html"
_CURRENT = "html"  # a symlink to the latest report
_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
}
_NOTHING = """\
<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Coverage report</title></head>
<body>
<h1>Nothing has been measured yet</h1>
<p>No line has run of what coverage.py is to measure: the current directory of the workers, unless
its configuration names a source.</p>
</body>
</html>
"""


class Contribution(NamedTuple):
    """What a worker has brought to a report."""

    worker: WorkerName
    state: str  # "saved" all it has, "silent": not since it was asked, "ended", "unreadable"

    def described(self) -> dict[str, Any]:
        return {**self.worker._asdict(), "state": self.state}


class CoverageReport:
    """The pages about what is saved in `directory`. Any thread, and any number at a time."""

    def __init__(self, directory: str) -> None:
        self._directory = directory

    def find(self, path: str) -> Page | None:
        """A Finder: the report, its files since it was first asked for, and its data."""
        if path == PATH:
            return lambda: self._index(base="_coverage/")
        if path in (f"{PATH}/", f"{PATH}/{_INDEX}"):
            return self._index
        if path == f"{PATH}.json":
            return self._data
        if not path.startswith(f"{PATH}/"):
            return None
        return self._find_file(path[len(PATH) + 1 :])

    def _find_file(self, name: str) -> Page | None:
        if not _FILE.fullmatch(name):
            return None
        try:
            with open(os.path.join(self._directory, _CURRENT, name), "rb") as file:
                body = file.read()
        except OSError:
            return None
        kind = _TYPES.get(os.path.splitext(name)[1], "application/octet-stream")
        return lambda: Answer(kind, body)

    def _index(self, base: str = "") -> Answer:
        with self._combined() as (combined, contributions, scratch):
            target = tempfile.mkdtemp(prefix=f"{_CURRENT}-", dir=self._directory)
            if self._made(lambda: combined.html_report(directory=target, ignore_errors=True)):
                self._publish(target, scratch)
                with open(os.path.join(target, _INDEX), encoding="utf-8") as file:
                    page = file.read()
            else:
                os.rmdir(target)
                page = _NOTHING
        if base:
            page = page.replace("<head>", f'<head>\n<base href="{base}">', 1)
        return Answer(_TYPES[".html"], _with_note(page, contributions).encode())

    def _data(self) -> Answer:
        with self._combined() as (combined, contributions, scratch):
            file = os.path.join(scratch, "report.json")
            report: dict[str, Any] = {"meta": {}, "files": {}, "totals": {}}
            if self._made(lambda: combined.json_report(outfile=file, ignore_errors=True)):
                with open(file, encoding="utf-8") as text:
                    report = json.load(text)
        report["meta"]["workers"] = [each.described() for each in contributions]
        return Answer("application/json", json.dumps(report, indent=2).encode() + b"\n")

    @contextlib.contextmanager
    def _combined(self) -> Iterator[tuple[Any, list[Contribution], str]]:
        """What all workers have saved, who that is, and a directory for the moment.

        One at a time, whichever worker is asked.
        """
        import coverage  # noqa: PLC0415  # only if it is wanted

        with _alone(os.path.join(self._directory, "lock")):
            listed = WorkerName.listed(self._directory, ".socket")
            saved, silent = ask_to_save(self._directory, listed)
            with tempfile.TemporaryDirectory(prefix="scratch-", dir=self._directory) as scratch:
                file = os.path.join(scratch, "combined")
                combined = coverage.Coverage(data_file=file, data_suffix=False, messages=False)
                yield combined, self._contribute(combined, saved, silent), scratch
                getattr(combined.get_data(), "close", bool)()  # older versions have none

    def _contribute(
        self, combined: Any, saved: set[WorkerName], silent: set[WorkerName]
    ) -> list[Contribution]:
        import coverage  # noqa: PLC0415

        contributions = {name: Contribution(name, "silent") for name in silent}
        for name in WorkerName.listed(self._directory, ".saved"):
            state = "silent" if name in silent else "saved" if name in saved else "ended"
            try:
                combined.combine([name.file(self._directory, ".saved")], strict=True, keep=True)
            except coverage.CoverageException:
                state = "unreadable"
            contributions[name] = Contribution(name, state)
        return sorted(contributions.values())

    def _publish(self, target: str, scratch: str) -> None:
        """From here on `target` is the current report, in the place of the one before."""
        link = os.path.join(self._directory, _CURRENT)
        # Somebody may be about to open a file of it.
        before = os.path.realpath(link)
        os.symlink(os.path.basename(target), os.path.join(scratch, _CURRENT))
        os.replace(os.path.join(scratch, _CURRENT), link)
        for each in os.scandir(self._directory):
            if each.name.startswith(f"{_CURRENT}-") and each.path not in (target, before):
                shutil.rmtree(each.path, ignore_errors=True)

    @staticmethod
    def _made(report: Any) -> bool:
        """False if there is nothing to report on."""
        from coverage.exceptions import NoDataError  # noqa: PLC0415

        try:
            report()
        except NoDataError:
            return False
        return True


def _with_note(page: str, contributions: list[Contribution]) -> str:
    """`page`, which begins with who has brought something to it."""
    sentences = []
    for state, meaning in {
        "saved": "up to now",
        "ended": "up to their end",
        "silent": "as they last saved, because they did not answer",
        "unreadable": "nothing, because coverage.py cannot use what they saved",
    }.items():
        names = [
            f"worker {name.slot} of generation {name.generation}, pid {name.pid}"
            for name, reached in contributions
            if reached == state
        ]
        if names:
            listed = "; ".join(names)
            sentences.append(f'<span title="{html.escape(listed)}">{len(names)} {meaning}</span>')
            if state in ("silent", "unreadable"):
                sentences[-1] = f"<strong>{len(names)} {meaning}: {html.escape(listed)}</strong>"
    note = f'<p style="margin: 1rem 3.5rem">Workers: {", ".join(sentences) or "none"}.</p>'
    return re.sub(r"<body[^>]*>", lambda body: f"{body[0]}\n{note}", page, count=1)


@contextlib.contextmanager
def _alone(path: str) -> Iterator[None]:
    """Nobody else does it meanwhile, in any process."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
