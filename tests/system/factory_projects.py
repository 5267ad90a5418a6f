# SPDX-License-Identifier: MIT
"""Projects that factories find, and that change while they are served."""

import textwrap

from running import BUILD, wait_until

# For commands other than spawn.
COMMANDS = {"PYTHONPATH": str(BUILD / "python"), "PYTHONUNBUFFERED": "1"}


def write(path, text):
    """So that nobody sees half of it."""
    new = path.with_name(path.name + "~")
    new.write_text(textwrap.dedent(text))
    new.rename(path)


def await_log(server, text):
    wait_until(lambda: text in server.errors(), server.patience, text)
