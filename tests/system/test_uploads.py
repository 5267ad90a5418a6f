# SPDX-License-Identifier: MIT
"""Bodies of some size, many at a time. Far more of them: bench/system/uploads.py."""

import contextlib
import hashlib
import os
import pathlib
import re

import pytest
from running import PATIENCE, SANITIZED, Client, wait_until

UPLOADS = 40
SIZE = 4 << 20
PIECE = 256 << 10
MOST_MEMORY = 16 << 10  # KiB, for all of them together


class Upload:
    """A client's, with a Content-Length or in chunks; each has octets of its own."""

    def __init__(self, client: Client, number: int) -> None:
        self.client = client
        self.body = hashlib.shake_128(bytes([number])).digest(PIECE) * (SIZE // PIECE)
        self.is_chunked = number % 2 == 1
        framing = "Transfer-Encoding: chunked" if self.is_chunked else f"Content-Length: {SIZE}"
        self.sent = 0
        client.request("/digest", framing, method="POST")

    def send_piece(self) -> None:
        piece = self.body[self.sent : self.sent + PIECE]
        self.sent += len(piece)
        self.client.send(b"%x\r\n%b\r\n" % (len(piece), piece) if self.is_chunked else piece)

    def end(self) -> None:
        if self.is_chunked:
            self.client.send(b"0\r\n\r\n")

    def arrived(self) -> bool:
        answer = self.client.response()
        assert answer.status == 200, answer
        return answer.body.decode() == f"{SIZE} {hashlib.sha256(self.body).hexdigest()}"


class Worker:
    """What one has open, and its memory."""

    def __init__(self, pid: int, spool: pathlib.Path) -> None:
        self.pid, self.spool = pid, spool
        self.be_at_rest()

    def open_files(self) -> dict[str, str]:
        found = {}
        directory = f"/proc/{self.pid}/fd"
        for name in os.listdir(directory):
            with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                found[f"{directory}/{name}"] = os.readlink(f"{directory}/{name}")
        return found

    def spooled(self) -> list[int]:
        """The size of each spool file."""
        sizes = []
        for path, target in self.open_files().items():
            with contextlib.suppress(FileNotFoundError):
                if target.startswith(str(self.spool)):
                    sizes.append(os.stat(path).st_size)
        return sizes

    def has_as_much_open_as_at_first(self) -> bool:
        return not self.spooled() and len(self.open_files()) <= self.descriptors

    def memory(self, kind: str) -> int:
        """In KiB. \\see proc(5)"""
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        found = re.search(rf"^{kind}:\s+(\d+) kB", status, re.MULTILINE)
        assert found is not None
        return int(found[1])

    def be_at_rest(self) -> None:
        """What it has now is what it is to have in the end."""
        self.descriptors, self.resident = len(self.open_files()), self.memory("VmRSS")
        pathlib.Path(f"/proc/{self.pid}/clear_refs").write_text("5", encoding="ascii")


@pytest.fixture
def server(spawn, tmp_path):
    (tmp_path / "spool").mkdir()
    return spawn(
        *("--processes", "1", "--threads", "4", "system_apps:router"),
        env={"TMPDIR": str(tmp_path / "spool")},
    )


@pytest.fixture
def worker(server, tmp_path):
    """Warm: each thread has answered."""
    with contextlib.ExitStack() as stack:
        first = [Upload(stack.enter_context(server.client()), number) for number in range(8)]
        send_half_of(first)
        send_the_rest_of(first)
        assert all(each.arrived() for each in first)
    (pid,) = server.workers()
    worker = Worker(pid, tmp_path / "spool")
    wait_until(lambda: not worker.spooled(), PATIENCE, "no spool file of those before")
    with server.client() as last:
        last.request("/pid")
        assert last.response().status == 200
        worker.be_at_rest()
    return worker


@pytest.fixture
def uploads(server, worker):
    """Half-way, with all that has been sent in spool files."""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(server.client()) for _ in range(UPLOADS)]
        uploads = [Upload(client, number) for number, client in enumerate(clients)]
        send_half_of(uploads)
        wait_until(
            lambda: worker.spooled() == [SIZE // 2] * UPLOADS, PATIENCE, "their octets in files"
        )
        yield uploads


def send_half_of(uploads):
    while uploads[0].sent < SIZE // 2:
        for each in uploads:
            each.send_piece()


def send_the_rest_of(uploads):
    while uploads[0].sent < SIZE:
        for each in uploads:
            each.send_piece()
    for each in uploads:
        each.end()


def test_every_octet_of_uploads_side_by_side_arrives(uploads, worker):
    send_the_rest_of(uploads)

    assert all(each.arrived() for each in uploads)
    wait_until(lambda: not worker.spooled(), PATIENCE, "no spool file")
    for each in uploads:  # their connections are kept
        each.client.request("/pid")
        assert each.client.response().status == 200
        each.client.close()
    wait_until(worker.has_as_much_open_as_at_first, PATIENCE, "no more descriptors than before")


@pytest.mark.skipif(SANITIZED, reason="a sanitizer's own memory is many times ours")
def test_uploads_side_by_side_take_no_memory_to_speak_of(uploads, worker):
    held = worker.memory("VmRSS") - worker.resident
    send_the_rest_of(uploads)
    assert all(each.arrived() for each in uploads)

    assert held <= MOST_MEMORY
    assert worker.memory("VmHWM") - worker.resident <= MOST_MEMORY


def test_who_breaks_off_half_way_leaves_nothing_behind(uploads, worker):
    leaving, staying = uploads[: UPLOADS // 2], uploads[UPLOADS // 2 :]

    for each in leaving:
        each.client.close()

    wait_until(lambda: len(worker.spooled()) == len(staying), PATIENCE, "their files have gone")
    send_the_rest_of(staying)
    assert all(each.arrived() for each in staying)
    for each in staying:
        each.client.close()
    wait_until(worker.has_as_much_open_as_at_first, PATIENCE, "no more descriptors than before")


def test_who_leaves_before_the_answer_leaves_nothing_behind(server, worker, gate, tmp_path):
    note = tmp_path / "note"
    with server.client() as client:
        client.post(f"/gated?gate={gate.path}&note={note}", bytes(SIZE))
        wait_until(note.exists, PATIENCE, "it to be at the gate")
        wait_until(lambda: worker.spooled() == [SIZE], PATIENCE, "its file")

    gate.open()

    wait_until(worker.has_as_much_open_as_at_first, PATIENCE, "no more descriptors than before")
