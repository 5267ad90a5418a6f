# SPDX-License-Identifier: MIT
"""Runs clang-tidy over what a build directory compiles, in parallel; remembers what was in order.

usage: tidy.py BUILD_DIR [FILE…]

A file is checked again when it, a header of ours that it includes, its command line, a .clang-tidy
or clang-tidy itself has changed. What is in order is remembered for all clones of the repository.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CLANG_TIDY = Path(sys.executable).parent / "clang-tidy"
PLACES = ("lib", "cli", "bindings", "tests", "bench", "docs")
INCLUDE = re.compile(rb'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)
INCLUDE_DIRECTORIES = [
    ROOT / name for name in ("lib/include", "lib/src", "bindings/include", "bindings/src", "tests")
]


def sources(build):
    """(source, its compile command) for each of our own sources, except Boost's one-line files."""
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = Path(entry["directory"], entry["file"]).resolve()
        ours = any(path.is_relative_to(ROOT / place) for place in PLACES)
        if ours and not path.is_relative_to(ROOT / "lib/src/boost"):
            yield path, entry["command"]


@cache
def includes(path):
    """Our own headers that path includes directly."""
    found = []
    for name in INCLUDE.findall(path.read_bytes()):
        for directory in (path.parent, *INCLUDE_DIRECTORIES):
            candidate = (directory / name.decode()).resolve()
            if candidate.is_file():
                found.append(candidate)
                break
    return found


def closure(path):
    """path and every header of ours that it includes, directly or not."""
    seen, waiting = set(), [path]
    while waiting:
        current = waiting.pop()
        if current not in seen:
            seen.add(current)
            waiting += includes(current)
    return sorted(seen)


def fingerprint(path, command, common):
    """The same in every clone."""
    digest = hashlib.sha256(common)
    digest.update(command.replace(str(ROOT), "").encode())
    for file in closure(path):
        digest.update(bytes(file.relative_to(ROOT)) + file.read_bytes())
    return digest.hexdigest()


def memory_of(build):
    """Where fingerprints of files that were in order are kept: with the user's caches, if possible."""
    memory = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "spawning"
    try:
        (memory / "tidy").mkdir(parents=True, exist_ok=True)
    except OSError:
        memory = build
        (memory / "tidy").mkdir(exist_ok=True)
    return memory / "tidy"


def check(build, path):
    """What clang-tidy has to say; empty if nothing."""
    run = subprocess.run(
        [CLANG_TIDY, "-p", build, "--quiet", "--extra-arg=-Wno-unknown-warning-option", path],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    noise = re.compile(r"^\d+ (warnings|errors|warnings and \d+ errors?) generated\.$|^$")
    lines = [line for line in run.stdout.splitlines() if not noise.match(line)]
    return "\n".join(lines) if run.returncode else ""


def main():
    build = Path(sys.argv[1]).resolve()
    only = {Path(name).resolve() for name in sys.argv[2:]}
    memory = memory_of(build)
    version = subprocess.run([CLANG_TIDY, "--version"], stdout=subprocess.PIPE, check=True).stdout
    common = version + b"".join(
        path.read_bytes() for path in (ROOT / ".clang-tidy", *sorted(ROOT.glob("*/.clang-tidy")))
    )
    prints = {
        path: fingerprint(path, command, common)
        for path, command in sources(build)
        if not only or path in only
    }
    waiting = [path for path, print_ in prints.items() if not (memory / print_).exists()]
    failed = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(lambda path: check(build, path), waiting)
        for number, (path, complaints) in enumerate(zip(waiting, results), 1):
            print(f"      [{number}/{len(waiting)}] {path.relative_to(ROOT)}", file=sys.stderr)
            if complaints:
                failed += 1
                print(complaints, flush=True)
            else:
                (memory / prints[path]).touch()
    print(f"clang-tidy: {len(prints) - failed} files in order, {failed} not", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
