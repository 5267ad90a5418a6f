# SPDX-License-Identifier: MIT
"""A response that goes on when the test says so, for the applications of frameworks."""


def gated_blocks(gate):
    """Three blocks; each but the first waits until the test has opened `gate`, a named pipe, again."""
    for number in range(3):
        if number > 0:
            with open(gate, "rb") as waiting:
                waiting.read()
        yield f"block {number}\n"
