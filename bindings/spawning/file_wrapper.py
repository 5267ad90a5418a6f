# SPDX-License-Identifier: MIT
"""`wsgi.file_wrapper`: a file as an iterable of blocks.

PEP 3333, "Optional Platform-Specific File Handling".
"""

from __future__ import annotations

import io
import sys

TYPE_CHECKING = False  # typing's, as every worker loads this
if TYPE_CHECKING:
    from typing import Any


class FileWrapper:
    """Reads `filelike` in blocks of `block_size`; has a close() exactly if `filelike` has one.

    If an application returns one as it is, and `filelike` is a file on a disk, the server does not
    read it but has the kernel send it.
    """

    def __init__(self, filelike: Any, block_size: int = 64 << 10) -> None:
        self.filelike = filelike
        self.block_size = block_size
        if hasattr(filelike, "close"):
            self.close = filelike.close

    def __iter__(self) -> FileWrapper:
        return self

    def __next__(self) -> bytes:
        block = self.filelike.read(self.block_size)
        if not block:
            raise StopIteration
        return block


def file_position(wrapper: FileWrapper) -> tuple[int, int] | None:
    """The descriptor whose octets `wrapper` would read, and where it would begin.

    None if they are not known to be those. A `fileno()` alone says nothing: a GzipFile has that of
    the compressed file. So it is the standard library's own binary files that count, and whatever
    lends itself their read(), as the files of Django's storages do.
    """
    file = _binary_file(wrapper.filelike)
    if file is None:
        return None
    try:
        file.flush()  # what has been written and can be read
        return file.fileno(), file.tell()  # what has been read ahead does not count
    except (OSError, ValueError):  # closed, or a pipe
        return None


def _binary_file(filelike: Any) -> Any:
    tempfile = sys.modules.get("tempfile")
    if tempfile is not None and type(filelike) is tempfile._TemporaryFileWrapper:
        filelike = filelike.file
    read = getattr(filelike, "read", None)
    if getattr(read, "__name__", None) != "read":
        return None
    file = getattr(read, "__self__", None)
    raw = file.raw if type(file) in (io.BufferedReader, io.BufferedRandom) else file
    return file if type(raw) is io.FileIO else None
