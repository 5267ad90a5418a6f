# SPDX-License-Identifier: MIT
"""What greenlets are doing, for people."""

from __future__ import annotations

import gc
import traceback
from typing import Any

_MOST = 50  # different stacks; of thousands that wait, most wait in the same place


def stack_of(greenlet: Any) -> str:
    """Where it waits, as a traceback."""
    frame = greenlet.gr_frame
    if frame is None:
        return "It runs, or has ended.\n"
    return "".join(traceback.format_stack(frame))


def stacks_of_all() -> str:
    """Where all greenlets of this process wait, the most numerous first."""
    numbers: dict[str, int] = {}
    for each in gc.get_objects():
        if _is_greenlet(each) and not each.dead and each.gr_frame is not None:
            stack = stack_of(each)
            numbers[stack] = numbers.get(stack, 0) + 1
    ranked = sorted(numbers.items(), key=lambda item: -item[1])
    said = [f"{_count(number)} in:\n{stack}" for stack, number in ranked[:_MOST]]
    rest = len(ranked) - _MOST
    if rest > 0:
        said.append(f"and {rest} other stacks\n")
    return "".join(said) or "No greenlet waits.\n"


def _is_greenlet(thing: Any) -> bool:
    # isinstance() asks proxies for their class, which may do anything.
    return any(base.__name__ == "greenlet" for base in type(thing).__mro__[:-1])


def _count(number: int) -> str:
    return "1 greenlet" if number == 1 else f"{number} greenlets"
