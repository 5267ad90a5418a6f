# SPDX-License-Identifier: MIT
"""An environment for the peers, apart from the project's own: build/peers.

usage: peer_environment.py DIRECTORY

Installs the newest release of each; one that cannot be installed is named, and left out.
"""

import subprocess
import sys
from pathlib import Path

# The second of two is tried where the first cannot be installed.
PACKAGES = (
    ("granian",),
    ("bjoern",),  # needs libev-dev
    ("fastwsgi",),
    ("fastpysgi",),
    ("gunicorn packaging",),  # the latter is what its gevent worker imports
    ("gevent",),
    ("eventlet",),
    ("waitress",),
    ("cheroot",),
    ("uwsgi", "pyuwsgi"),
    ("django",),
    ("flask",),
)


def install(python, names, log):
    for name in names:
        command = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        command += name.split()
        if subprocess.run(command, stdout=log, stderr=log, check=False).returncode == 0:
            return True
    return False


def main():
    directory = Path(sys.argv[1])
    python = directory / "bin" / "python"
    stamp = directory / ".installed"
    wanted = " ".join(sum(PACKAGES, ()))
    if stamp.exists() and stamp.read_text() == wanted:
        return
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", directory], check=True)
    with open(directory / "pip.log", "w") as log:
        for names in PACKAGES:
            if not install(python, names, log):
                print(f"{names[0]} cannot be installed (see {log.name}): it is left out")
    stamp.write_text(wanted)


if __name__ == "__main__":
    main()
