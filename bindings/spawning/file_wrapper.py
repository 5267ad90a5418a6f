# SPDX-License-Identifier: MIT
"""`wsgi.file_wrapper`: a file as an iterable of blocks.

PEP 3333, "Optional Platform-Specific File Handling".
"""

from __future__ import annotations

from typing import Any


class FileWrapper:
    """Reads `filelike` in blocks of `block_size`; has a close() exactly if `filelike` has one."""

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
