# SPDX-License-Identifier: MIT
"""`manage.py runspawn`: this project, served by Spawning."""

from __future__ import annotations

import argparse
import os
import sys
from itertools import takewhile
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from spawning.program import find_program, this_python

FACTORY = "spawning.django_factory.config_factory"


class Command(BaseCommand):
    help = "Serves this project with Spawning: `spawn` takes the place of this process."
    requires_system_checks = ()  # the workers load the project; here it is not needed

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("addrport", nargs="?", help="port, or address:port, as of runserver")
        parser.add_argument(
            "options", nargs=argparse.REMAINDER, help="options of spawn; see spawn --help"
        )

    def run_from_argv(self, argv: list[str]) -> None:
        """Leaves all options but Django's own to `spawn`."""
        if "-h" in argv or "--help" in argv:
            return super().run_from_argv(argv)
        django = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
        django.add_argument("--settings")
        django.add_argument("--pythonpath")
        _, options = django.parse_known_args(argv[2:])
        addrport = options.pop(0) if options and not options[0].startswith("-") else None
        try:
            self.handle(addrport=addrport, options=options)
        except CommandError as error:
            self.stderr.write(f"{error.__class__.__name__}: {error}")
            sys.exit(1)

    def handle(self, *_: Any, **given: Any) -> None:
        try:
            program = find_program()
        except FileNotFoundError as error:
            raise CommandError(str(error)) from None
        # Where manage.py, and whoever has called it, has modules found.
        own = [
            path or os.getcwd() for path in takewhile(lambda p: not p.endswith(".zip"), sys.path)
        ]
        os.environ["PYTHONPATH"] = os.pathsep.join(own)
        arguments = [*this_python(given["options"]), "--factory", FACTORY]
        arguments += [*_address(given["addrport"]), *given["options"]]
        self.stdout.flush()
        self.stderr.flush()
        os.execv(program, [program, *arguments, os.environ["DJANGO_SETTINGS_MODULE"]])


def _address(addrport: str | None) -> list[str]:
    if addrport is None:
        return []
    host, _, port = addrport.rpartition(":")
    if not port.isdecimal():
        raise CommandError(f"'{addrport}' is not a port number or address:port pair")
    everywhere = {"0": "0.0.0.0"}
    return ["--port", port, *(["--host", everywhere.get(host, host)] if host else [])]
