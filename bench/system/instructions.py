# SPDX-License-Identifier: MIT
"""The guard against getting slower: instructions and allocations a request, beside those on record.

usage: instructions.py BUILD_DIR [--renew]

valgrind counts what requests take, to a few thousandths the same each time, whatever else the machine
does. A number more than 5 % above that in bench/baseline.json fails; --renew writes the file anew. What
compiles and runs the code decides about the numbers, too: where that is not what the file is of,
nothing is compared.
"""

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

HERE = Path(__file__).resolve().parent
BASELINE = HERE.parent / "baseline.json"
ALLOWED = 1.05
# Beyond the 5 %: something that is done once in a while falls into a measurement, or does not.
SLACK = {"instructions": 50, "allocations": 0.05}
ALLOCATING = {"malloc", "calloc", "realloc", "aligned_alloc", "posix_memalign"}
RENEWAL = "./dev bench --quick --renew"


# ---- counting ----------------------------------------------------------------------------------------


def programs(build):
    yield [build / "bench" / "request_driver"]
    yield [sys.executable, HERE / "wsgi_driver.py", build]


def run(command, directory):
    """The marks of a program, (name, requests) each; the n-th file of counts in `directory` ends there."""
    valgrind = ["valgrind", "--quiet", "--tool=callgrind", "--dump-before=getpgid"]
    valgrind += [f"--callgrind-out-file={directory}/counts"]
    environment = {"PYTHONHASHSEED": "0", "PATH": os.environ["PATH"]}
    finished = subprocess.run(
        [*valgrind, *command], env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    return [(name, int(count)) for name, count in map(str.split, finished.stdout.splitlines())]


def counts(text):
    """Instructions, and calls of what allocates, in a file of callgrind's."""
    instructions = int(re.search(r"^totals: (\d+)", text, re.MULTILINE)[1])
    names, callee, allocations = {}, "", 0
    for line in text.splitlines():
        found = re.match(r"c?fn=\((\d+)\)(?: (.*))?", line)
        if found:
            number, name = found.groups()
            names[number] = name or names[number]  # said in full the first time only
            callee = names[number]
        elif line.startswith("calls=") and callee in ALLOCATING:
            allocations += int(line[len("calls=") :].split()[0])
    return instructions, allocations


def measure(build):
    """{case: {"instructions": …, "allocations": …}}, a request each: the least of the rounds.

    What is done once in a while, on time, only ever adds to it.
    """
    rounds = defaultdict(list)
    for command in programs(build):
        with tempfile.TemporaryDirectory() as directory:
            marks = run(command, directory)
            for number, (name, requests) in enumerate(marks):
                if requests:
                    text = Path(directory, f"counts.{number + 2}").read_text()
                    rounds[name].append([count / requests for count in counts(text)])
    return {
        name: {
            "instructions": round(min(each[0] for each in found)),
            "allocations": round(min(each[1] for each in found), 2),
        }
        for name, found in rounds.items()
    }


# ---- what the numbers depend on ----------------------------------------------------------------------


def first_line(*command, given=""):
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=True)
    return done.stdout.strip().splitlines()[0]


def toolchain(build):
    cache = (build / "CMakeCache.txt").read_text()
    compiler = re.search(r"^CMAKE_CXX_COMPILER:\w+=(.*)", cache, re.MULTILINE)[1]
    boost = "#include <boost/version.hpp>\nBOOST_LIB_VERSION\n"
    vectors = "avx2" if re.search(r"\bavx2\b", Path("/proc/cpuinfo").read_text()) else "no avx2"
    return {
        "compiler": first_line(compiler, "--version"),
        "boost": first_line(compiler, "-xc++", "-E", "-P", "-", given=boost).strip('"'),
        "libc": " ".join(platform.libc_ver()),
        "python": platform.python_version(),
        "valgrind": first_line("valgrind", "--version"),
        "machine": f"{platform.machine()}, {vectors}",
    }


# ---- comparing ---------------------------------------------------------------------------------------


def differences(recorded, here):
    """A line about each part of the toolchain that is another one."""
    names = sorted({*recorded, *here})
    return [
        f"{name}: {recorded.get(name)} in the file, {here.get(name)} here"
        for name in names
        if recorded.get(name) != here.get(name)
    ]


def complaints(recorded, measured):
    """A line about each number that is too high, or that the file does not know."""
    found = []
    for case, numbers in measured.items():
        if case not in recorded:
            found.append(f"{case} is not in the file")
            continue
        for kind, number in numbers.items():
            before = recorded[case][kind]
            if number > before * ALLOWED + SLACK[kind]:
                more = f" ({number / before - 1:+.1%})" if before else ""
                found.append(f"{case}: {number:,} {kind} a request, {before:,} before{more}")
    return found + [f"{case} is not measured any more" for case in recorded if case not in measured]


def table(recorded, measured):
    yield f"{'':<20}{'instructions':>14}{'before':>10}{'':>9}{'allocations':>14}{'before':>8}"
    for case, numbers in measured.items():
        before = recorded.get(case, {"instructions": 0, "allocations": 0})
        change = numbers["instructions"] / before["instructions"] - 1 if case in recorded else 0
        yield (
            f"{case:<20}{numbers['instructions']:>14,}{before['instructions']:>10,}{change:>+9.1%}"
            f"{numbers['allocations']:>14.2f}{before['allocations']:>8.2f}"
        )


def judge(baseline, tools, measured):
    """What to say, and the exit status."""
    lines = list(table(baseline["requests"], measured))
    others = differences(baseline["toolchain"], tools)
    if others:
        return [*lines, *others, "these are other numbers, then: nothing is compared"], 0
    found = complaints(baseline["requests"], measured)
    if found:
        return [*lines, *found, f"if that is meant: {RENEWAL}"], 1
    return lines, 0


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="./dev bench --quick", description=__doc__.split("\n")[0])
    parser.add_argument("build", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--renew", action="store_true", help="write bench/baseline.json anew")
    options = parser.parse_args(arguments)
    build = options.build.resolve()
    tools, measured = toolchain(build), measure(build)
    if options.renew:
        text = json.dumps({"toolchain": tools, "requests": measured}, indent=2)
        BASELINE.write_text(text + "\n")
        print(f"{BASELINE.relative_to(HERE.parent.parent)} is of these numbers now")
    lines, status = judge(json.loads(BASELINE.read_text()), tools, measured)
    print("\n".join(lines))
    return status


if __name__ == "__main__":
    sys.exit(main())
