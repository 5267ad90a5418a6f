# SPDX-License-Identifier: MIT
"""What threads are doing, for people."""

from __future__ import annotations

import sys
import traceback
from _thread import get_ident


def stacks_of_threads() -> str:
    """Where all threads of this interpreter are, but the one that asks."""
    return "".join(
        f"Thread 0x{thread:016x} (most recent call last):\n"
        + "".join(traceback.format_stack(frame))
        for thread, frame in sys._current_frames().items()
        if thread != get_ident()
    )
