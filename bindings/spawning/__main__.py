# SPDX-License-Identifier: MIT
"""`python -m spawning …` is `spawn --python THAT_PYTHON …`."""

from __future__ import annotations

import os
import sys
from itertools import takewhile

from spawning.program import find_program


def main(arguments: list[str]) -> int:
    """`spawn` takes the place of this process; returns the exit status if there is none."""
    try:
        program = find_program()
    except FileNotFoundError as error:
        print(f"spawning: {error}", file=sys.stderr)
        return 1
    os.execv(program, [program, *_this_python(arguments), *arguments])


def _this_python(arguments: list[str]) -> list[str]:
    options = takewhile(lambda argument: argument != "--", arguments)
    given = any(each == "--python" or each.startswith("--python=") for each in options)
    return [] if given or not sys.executable else ["--python", sys.executable]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
