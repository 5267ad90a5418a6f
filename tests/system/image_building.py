# SPDX-License-Identifier: MIT
"""Building an image of the documented Dockerfile, and running its container, where there is no docker.

The base image is this machine's own system. Each stage is an overlay of that, in memory, and in a mount
namespace which ends with the container; so nothing is left.
"""

from __future__ import annotations

import json
import pathlib
import shlex
import subprocess
import sys

from dockerfile_parse import DockerfileParser
from hosts import PLAIN, Host

PRELUDE = """
set -eu
mount -t tmpfs image "$STORE"
begin() {
  root=$STORE/$1
  mkdir "$root" "$root.upper" "$root.work"
  mount -t overlay "$1" -o "lowerdir=/,upperdir=$root.upper,workdir=$root.work" "$root"
  mount -t proc proc "$root/proc"
  mount --bind /dev "$root/dev"
}
copy() {
  case $2 in */) mkdir -p "$2" ;; esac
  if [ -d "$1" ]; then mkdir -p "$2" && cp -r "$1/." "$2"; else cp "$1" "$2"; fi
}
"""

# As process 1, on a file system that cannot be written to.
CONTAINER = """
exec nsenter --net="$NETWORK" unshare --pid --fork --kill-child sh -euc '
  mount -t proc proc "$0/proc"
  mount -o remount,ro "$0"
  exec chroot "$@"' "$root" --userspec={user} --groups= "$root" env -C {directory} {command}
"""


def why_not() -> str:
    """What keeps us from building; nothing if we can."""
    script = 'mount -t tmpfs tmpfs /mnt && cd /mnt && mkdir u w r && mount -t overlay o -o "lowerdir=/,upperdir=u,workdir=w" r'
    attempt = ["unshare", "--mount", "--pid", "--fork", "sh", "-c", script]
    outcome = subprocess.run(attempt, env=PLAIN, capture_output=True, text=True, check=False)
    return outcome.stderr.strip() if outcome.returncode != 0 else ""


class Translation:
    """A Dockerfile as lines of a shell script."""

    def __init__(self, directory: pathlib.Path) -> None:
        self.lines = [PRELUDE]
        self.directory = "/"
        self.user = "0:0"
        self.command: dict[str, list[str]] = {}
        for step in DockerfileParser(path=str(directory), cache_content=True).structure:
            if step["instruction"] != "COMMENT":
                getattr(self, f"on_{step['instruction'].lower()}")(step["value"])
        words = [*self.command["ENTRYPOINT"], *self.command["CMD"]]
        last = {"user": self.user, "directory": self.directory, "command": shlex.join(words)}
        self.lines.append(CONTAINER.format(**last))

    def on_from(self, value: str) -> None:
        self.directory = "/"
        self.lines.append(f"begin {value.partition(' AS ')[2] or 'image'}")

    def on_run(self, value: str) -> None:
        words = json.loads(value) if value.startswith("[") else ["sh", "-c", value]
        self.lines.append(f'chroot "$root" env -C {self.directory} {shlex.join(words)} >&2')

    def on_copy(self, value: str) -> None:
        *options, source, to = value.split()
        stage = [each.partition("=")[2] for each in options]
        place = f'"$STORE"/{stage[0]}' if stage else '"$CONTEXT"'
        target = to if to.startswith("/") else f"{self.directory}/{to}"
        self.lines.append(f'copy {place}/{source} "$root"{target}')

    def on_workdir(self, value: str) -> None:
        self.directory = value
        self.lines.append(f'mkdir -p "$root"{value}')

    def on_env(self, value: str) -> None:
        self.lines.append(f"export {value}")

    def on_user(self, value: str) -> None:
        self.user = value

    def on_expose(self, value: str) -> None:
        """Says what is known anyway."""

    def on_entrypoint(self, value: str) -> None:
        self.command["ENTRYPOINT"] = json.loads(value)

    def on_cmd(self, value: str) -> None:
        self.command["CMD"] = json.loads(value)


def container(
    directory: pathlib.Path, context: pathlib.Path, store: pathlib.Path, host: Host
) -> tuple[list[str], dict[str, str]]:
    """What builds the image of the Dockerfile in `directory` and becomes its container on `host`."""
    store.mkdir()
    base = pathlib.Path(sys.base_prefix) / "bin"  # the Python of the base image
    variables = {name: value for name, value in PLAIN.items() if name.startswith(("PIP_", "SSL_"))}
    variables |= {
        "PATH": f"{base}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "STORE": str(store),
        "CONTEXT": str(context),
        "NETWORK": host.namespace,
    }
    script = "\n".join(Translation(directory).lines)
    return ["unshare", "--mount", "sh", "-c", script], variables
