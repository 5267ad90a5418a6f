# SPDX-License-Identifier: MIT
"""PEP 3333, "Optional Platform-Specific File Handling"."""

import gzip
import io
import os
import pathlib
import socket
import tempfile

import pytest
from applications import OK
from spawning import _native_testing as native
from spawning.file_wrapper import FileWrapper

CONTENT = bytes(range(256)) * 40


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def send(serve):
    """send(file, …): what the connection sees of an application that returns it wrapped."""

    def send(file, *block_size, head=OK, method="GET", wrap=lambda wrapper: wrapper):
        def application(environ, start_response):
            start_response(*head)
            return wrap(environ["wsgi.file_wrapper"](file, *block_size))

        server = serve(application)
        answer = server.ask(method=method)
        assert server.log == ""
        return answer

    return send


class TestByTheKernel:
    def test_a_file_goes_out_as_one_and_is_closed(self, send, path):
        file = path.open("rb")

        answer = send(file)

        assert answer.events == ["start", "file", "write", "finish"]
        assert (answer.blocks, answer.content_length) == ([CONTENT], len(CONTENT))
        assert file.closed

    @pytest.mark.parametrize("buffering", [0, -1, 16])
    def test_it_begins_where_the_file_would_be_read_on(self, send, path, buffering):
        file = path.open("rb", buffering)
        file.seek(100)
        assert file.read(7) == CONTENT[100:107]

        answer = send(file)

        assert answer.events == ["start", "file", "write", "finish"]
        assert answer.blocks == [CONTENT[107:]]

    def test_what_has_been_written_to_the_file_counts(self, send, path):
        file = path.open("r+b")
        file.seek(0, io.SEEK_END)
        file.write(b"more")
        file.seek(10)
        file.write(b"not in the disk's copy yet")
        file.seek(8)

        answer = send(file)

        assert "file" in answer.events
        assert answer.blocks[0][:20] == CONTENT[8:10] + b"not in the disk's "
        assert answer.blocks[0].endswith(b"more")

    def test_the_applications_content_length_counts_if_it_is_less(self, send, path):
        file = path.open("rb")
        file.seek(1000)

        answer = send(file, head=("206 Partial Content", [("Content-Length", "24")]))

        assert "file" in answer.events
        assert answer.blocks == [CONTENT[1000:1024]]

    def test_a_content_length_beyond_the_file_is_for_the_connection_to_break_off(self, send, path):
        answer = send(path.open("rb"), head=("200 OK", [("Content-Length", "1000000")]))

        assert answer.blocks == [CONTENT]
        assert answer.events[-1] == "finish"

    def test_an_answer_to_head_has_the_length_and_sends_nothing(self, send, path):
        answer = send(path.open("rb"), method="HEAD")

        assert answer.events == ["start", "finish"]
        assert answer.content_length == len(CONTENT)

    def test_a_status_without_a_body_sends_nothing(self, send, path):
        assert send(path.open("rb"), head=("304 Not Modified", [])).events == ["start", "finish"]

    @pytest.mark.parametrize("make", [tempfile.TemporaryFile, tempfile.NamedTemporaryFile])
    def test_temporary_files_are_files(self, send, make):
        file = make()
        file.write(CONTENT)
        file.seek(0)

        answer = send(file)

        assert "file" in answer.events
        assert answer.blocks == [CONTENT]

    def test_an_object_that_lends_itself_the_files_methods_is_a_file(self, send, path):
        """As django.core.files.File."""

        class Lending:
            def __init__(self, file):
                self.file = file

            read = property(lambda self: self.file.read)
            close = property(lambda self: self.file.close)

        answer = send(Lending(path.open("rb")))

        assert "file" in answer.events
        assert answer.blocks == [CONTENT]

    def test_close_is_called_on_what_was_wrapped(self, send, path):
        """Django puts the response's close() in the place of the file's."""
        closed = []
        file = path.open("rb")
        file.close = lambda: closed.append("instead")

        send(file)

        assert closed == ["instead"]

    def test_10_mib(self, send, tmp_path):
        path = tmp_path / "big"
        path.write_bytes(CONTENT * 1024)

        assert send(path.open("rb")).blocks == [CONTENT * 1024]

    def test_without_start_response_it_is_an_error(self, serve, path):
        file = path.open("rb")
        server = serve(lambda environ, start_response: environ["wsgi.file_wrapper"](file))

        assert server.ask().status == 500
        assert "has not called start_response" in server.log
        assert file.closed

    def test_no_descriptor_is_left_behind(self, send, path):
        before = os.listdir("/proc/self/fd")
        for _ in range(5):
            send(path.open("rb"))

        assert len(os.listdir("/proc/self/fd")) == len(before)


class TestByReading:
    """ "the semantics … should be the same as if the application had returned iter(…)"."""

    def test_an_object_that_is_not_a_file(self, send):
        file = io.BytesIO(b"0123456789" * 3)

        answer = send(file, 16)

        assert answer.blocks == [b"0123456789012345", b"67890123456789"]
        assert file.closed

    def test_what_cannot_be_closed_is_not_closed(self, send):
        class Endless:
            def __init__(self):
                self.blocks = [b"a", b"b", b""]

            def read(self, size):
                return self.blocks.pop(0)

        def check(wrapper):
            assert not hasattr(wrapper, "close")
            return wrapper

        assert send(Endless(), wrap=check).blocks == [b"a", b"b"]

    def test_an_empty_file(self, send, tmp_path):
        (tmp_path / "empty").touch()

        answer = send((tmp_path / "empty").open("rb"))

        assert answer.events == ["start", "finish"]
        assert answer.content_length == 0

    def test_a_file_at_its_end(self, send, path):
        file = path.open("rb")
        file.read()

        assert send(file).events == ["start", "finish"]

    @pytest.mark.parametrize("name", ["/proc/self/status", "/sys/kernel/uevent_seqnum"])
    def test_a_file_whose_size_is_not_true(self, send, name):
        """Of which machines without /sys have the first only."""
        path = pathlib.Path(name if os.path.exists(name) else "/proc/self/stat")

        answer = send(path.open("rb"))

        assert "file" not in answer.events
        assert b"".join(answer.blocks)

    def test_a_compressed_file_is_not_what_its_descriptor_says(self, send, tmp_path):
        with gzip.open(tmp_path / "gz", "wb") as file:
            file.write(CONTENT)

        answer = send(gzip.GzipFile(tmp_path / "gz"))

        assert "file" not in answer.events
        assert b"".join(answer.blocks) == CONTENT

    def test_a_file_whose_read_has_been_replaced(self, send, path):
        file = path.open("rb")
        blocks = [b"something", b" else", b""]
        file.read = lambda size: blocks.pop(0)

        assert send(file).blocks == [b"something", b" else"]

    def test_a_pipe(self, send):
        reader, writer = os.pipe()
        os.write(writer, b"through a pipe")
        os.close(writer)

        assert b"".join(send(os.fdopen(reader, "rb")).blocks) == b"through a pipe"

    def test_a_socket(self, send):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.sendall(b"through a socket")
            ours.shutdown(socket.SHUT_WR)

            assert b"".join(send(theirs.makefile("rb")).blocks) == b"through a socket"

    def test_something_has_been_written_before(self, serve, path):
        def application(environ, start_response):
            start_response(*OK)(b"first")
            return environ["wsgi.file_wrapper"](path.open("rb"), 6000)

        answer = serve(application).ask()

        assert answer.blocks == [b"first", CONTENT[:6000], CONTENT[6000:]]

    def test_middleware_that_wraps_the_wrapper(self, send, path):
        def doubled(wrapper):
            for block in wrapper:
                yield block * 2

        answer = send(path.open("rb"), 5120, wrap=doubled)

        assert answer.blocks == [CONTENT[:5120] * 2, CONTENT[5120:] * 2]

    def test_a_subclass_of_the_wrapper(self, serve, path):
        class Upper(FileWrapper):
            def __next__(self):
                return super().__next__().upper()

        path.write_bytes(b"small")

        def application(environ, start_response):
            start_response(*OK)
            return Upper(path.open("rb"))

        assert serve(application).ask().blocks == [b"SMALL"]

    def test_a_text_file_is_an_error(self, serve, path):
        path.write_text("text")
        file = path.open("r")

        def application(environ, start_response):
            start_response(*OK)
            return environ["wsgi.file_wrapper"](file)

        server = serve(application)

        assert server.ask().status == 500
        assert "must give blocks of bytes, not str" in server.log
        assert file.closed

    def test_a_closed_file_is_an_error(self, serve, path):
        def application(environ, start_response):
            start_response(*OK)
            with path.open("rb") as file:
                return environ["wsgi.file_wrapper"](file)

        server = serve(application)

        assert server.ask().status == 500
        assert "ValueError: " in server.log


def test_a_client_that_has_gone_does_no_harm(serve, path):
    file = path.open("rb")

    def application(environ, start_response):
        start_response(*OK)
        return environ["wsgi.file_wrapper"](file)

    server = serve(application)
    server.ask(recording=native.Recording(gone_after=0))

    assert server.log == ""
    assert file.closed
