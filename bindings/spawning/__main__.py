# SPDX-License-Identifier: MIT
"""`python -m spawning …` is `spawn --python THAT_PYTHON …`."""

from __future__ import annotations

import os
import sys

from spawning.program import find_program, this_python


def main(arguments: list[str]) -> int:
    """`spawn` takes the place of this process; returns the exit status if there is none."""
    try:
        program = find_program()
    except FileNotFoundError as error:
        print(f"spawning: {error}", file=sys.stderr)
        return 1
    os.execv(program, [program, *this_python(arguments), *arguments])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
