# SPDX-License-Identifier: MIT
"""The rooms of the repository: who may include whom, and what stands where.

Reads files only; runs with any Python 3.9, without the bindings: `python3 tests/layering_test.py`.
"""

import os
import re
import sys
import tempfile
import unittest
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# What each room of lib/src sees besides itself and the vocabulary.
ROOMS = {
    "boost": set(),
    "base": set(),
    "http": {"base"},
    "work": {"http", "base"},
    "record": {"http", "base"},
    "net": {"http", "base"},
    "control": {"base"},
    "watch": {"base"},
    "top": {"base"},
    "status": {"work", "record", "net", "http", "base"},
    "testing": {"net", "http", "base"},
    "worker": {"work", "record", "net", "http", "base", "control"},
    "supervise": {"control", "watch", "status", "record", "base"},
}

# Public headers that every room may speak in. The others are components: they belong to the room
# that their source stands in.
VOCABULARY = set(
    "address asio body bytes config error exchange export handler headers ip_address "
    "listening_socket log refusal request responder response service_manager "
    "trusted_proxies unique_fd".split()
)

# What each room of the Python package sees besides itself. What lies flat beside them is named from
# outside: by users, by `spawn`, by what is native.
PACKAGE_ROOMS = {
    "backdoor": {"serving", "loading"},
    "gunicorn": {"loading"},
    "loading": set(),
    "pages": {"loading"},
    "serving": {"loading"},
}

# Libraries that headers hide, so that one source file pays for them.
ONLY_IN_SOURCES = re.compile(r"boost/(beast|process|json)\b|sys/inotify\.h")
SHOWN_BOOST = re.compile(r"asio\.hpp:boost/(asio/|version\.hpp)")
PYTHON = re.compile(r"Python\.h$|pybind11/")

TOP_LEVEL = set(
    ".ci .clang-format .clang-tidy .git .gitignore CHANGELOG.md CMakeLists.txt CMakePresets.json "
    "CONTRIBUTING.md LICENSE README.md bench bindings build cli cmake dev docs lib pyproject.toml "
    "tests".split()
)
# Names that tools, not we, have chosen; and test applications, laid out as their frameworks do.
COMMON_NAMES = set(
    ".clang-tidy CMakeLists.txt README.md __init__.py __main__.py conftest.py manage.py".split()
)
UNNAMED_PLACES = ("tests/corpus/", "tests/fuzz/", "tests/system/apps/")

NOT_OURS = {"build", "__pycache__", "third_party"}

IMPORT = re.compile(r"^\s*(?:from|import) spawning(?:\.| import )(\w+)", re.MULTILINE)
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def files(root, *suffixes):
    """Every file below root with one of the suffixes (all if none), except what is generated or others'."""
    for directory, names, basenames in os.walk(root):
        names[:] = sorted(
            name for name in names if name not in NOT_OURS and (name == ".ci" or name[0] != ".")
        )
        for path in (Path(directory, name) for name in sorted(basenames)):
            if not suffixes or path.suffix in suffixes:
                yield path


class Tree:
    """A repository, and the violations of its layers."""

    def __init__(self, root):
        self.root = root
        self.violations = []
        sources = root / "lib" / "src"
        self.room_of = {path.stem: path.parent.name for path in files(sources, ".cpp", ".hpp")}

    def complain(self, path, text):
        self.violations.append(f"{path.relative_to(self.root)}: {text}")

    def check(self):
        self.check_includes()
        self.check_package_rooms()
        self.check_own_header_first()
        self.check_beginnings()
        self.check_names()
        self.check_lists()
        return self.violations

    def check_includes(self):
        for place in ("lib", "cli", "bindings"):
            if (self.root / place).is_dir():
                for path in files(self.root / place, ".hpp", ".cpp"):
                    for quote, name in INCLUDE.findall(path.read_text()):
                        self.check_include(path, place, name, quoted=quote == '"')

    def check_include(self, path, place, name, quoted):
        public = path.parent == self.root / place / "include" / "spawning"
        if path.suffix == ".hpp" and ONLY_IN_SOURCES.search(name):
            self.complain(path, f"<{name}> belongs into .cpp files")
        if PYTHON.search(name) and place != "bindings":
            self.complain(path, f"<{name}> belongs into bindings")
        if public and name.startswith("boost/") and not SHOWN_BOOST.match(f"{path.name}:{name}"):
            self.complain(
                path, f"<{name}>: public headers see Asio, through spawning/asio.hpp only"
            )
        if quoted or name.startswith("spawning/"):
            self.check_own_include(path, place, name, quoted, public)

    def check_own_include(self, path, place, name, quoted, public):
        homes = ("lib", "bindings") if place == "bindings" else ("lib",)
        include = self.root / "lib" / "include" / name
        if name.startswith("spawning/"):
            if not quoted:
                self.complain(path, f"<{name}>: our own headers are quoted")
            if not any((self.root / home / "include" / name).is_file() for home in homes):
                self.complain(path, f'no public header "{name}"')
            elif place == "lib":
                self.check_rooms(path, include.stem, name)
        elif public:
            self.complain(path, f'"{name}": a public header includes public headers only')
        elif place == "lib":
            private = self.root / "lib" / "src" / name
            if not private.is_file():
                self.complain(path, f'no "{name}" in lib/src: headers are named from there')
            self.check_rooms(path, Path(name).stem, name, vocabulary=False)
        elif not (path.parent / name).is_file():
            self.complain(path, f'"{name}": {place} sees public headers and its own')

    def check_rooms(self, path, stem, name, vocabulary=True):
        """Whether the room that path belongs to may see the header called name."""
        if vocabulary and stem in VOCABULARY:
            return
        theirs = self.room_of.get(stem)
        ours = self.room_of.get(path.stem) if path.parent.name == "spawning" else path.parent.name
        if path.parent.name == "spawning" and path.stem in VOCABULARY:
            self.complain(path, f'"{name}": the vocabulary speaks of itself only')
        elif ours and theirs and ours != theirs and theirs not in ROOMS.get(ours, set()):
            self.complain(path, f'"{name}": {ours} may not see {theirs}')

    def check_package_rooms(self):
        package = self.root / "bindings" / "spawning"
        for room, seen in PACKAGE_ROOMS.items():
            for path in files(package / room, ".py"):
                for name in IMPORT.findall(path.read_text()):
                    if name in PACKAGE_ROOMS and name != room and name not in seen:
                        self.complain(path, f"{room} may not see {name}")

    def check_own_header_first(self):
        headers = {path.stem: path for path in files(self.root / "lib", ".hpp")}
        for path in files(self.root / "lib" / "src", ".cpp"):
            includes = INCLUDE.findall(path.read_text())
            first = Path(includes[0][1]).stem if includes else ""
            if path.parent.name != "boost" and path.stem in headers and first != path.stem:
                self.complain(path, "its own header comes first")

    def check_beginnings(self):
        for path in files(self.root, ".hpp", ".cpp"):
            lines = path.read_text().splitlines()
            if not lines or lines[0] != "// SPDX-License-Identifier: MIT":
                self.complain(path, "the first line names the licence")
            if path.suffix == ".hpp" and "#pragma once" not in lines[:2]:
                self.complain(path, "the second line is #pragma once")
        public = [*files(self.root / "lib" / "include", ".hpp")]
        for path in [*public, *files(self.root / "bindings" / "include", ".hpp")]:
            if re.search(r"^namespace (?!SPAWNING_EXPORT )", path.read_text(), re.MULTILINE):
                self.complain(path, "a public header opens `namespace SPAWNING_EXPORT spawning`")

    def check_names(self):
        for path in self.root.iterdir():
            hidden = path.name.startswith(".") and path.name not in TOP_LEVEL
            if not hidden and path.name not in TOP_LEVEL:
                self.complain(path, "does not belong to the top level")
        by_name = defaultdict(list)
        for path in files(self.root):
            place = path.relative_to(self.root).as_posix()
            if path.name not in COMMON_NAMES and not place.startswith(UNNAMED_PLACES):
                by_name[path.name].append(path)
        for paths in by_name.values():
            for path in paths[1:]:
                self.complain(path, f"has the name of {paths[0].relative_to(self.root)}")

    def check_lists(self):
        """Sources, headers, modules, tests and benchmarks that CMake does not know are not built."""
        for directory, pattern, entry in (
            ("lib", "include/spawning/*.hpp", "{path}"),
            ("lib", "src/*/*.cpp", "{path}"),
            ("bindings", "spawning/**/*.py", "{below}"),
            ("bindings", "include/spawning/*.hpp", "{path}"),
            ("tests", "lib/*_test.cpp", "spawning_test({name})"),
            ("bench", "*_bench.cpp", "spawning_bench({name})"),
        ):
            here = self.root / directory
            text = (here / "CMakeLists.txt").read_text() if here.is_dir() else ""
            words = set(re.findall(r"spawning_(?:test|bench)\(\w+|[^\s()]+", text))
            for path in sorted(here.glob(pattern)):
                name = re.sub(r"_(test|bench)$", "", path.stem)
                place = path.relative_to(here).as_posix()
                below = place.partition("/")[2]
                wanted = entry.format(path=place, below=below, name=name)
                if wanted.rstrip(")") not in words:
                    self.complain(path, f"is not in {directory}/CMakeLists.txt")
        self.check_listed_headers()

    def check_listed_headers(self):
        path = self.root / "lib" / "CMakeLists.txt"
        for name in re.findall(r"(?:include/spawning|src)/\S+\.[ch]pp", path.read_text()):
            if not (path.parent / name).is_file():
                self.complain(path, f"lists {name}, which is not there")


class Repository(unittest.TestCase):
    def test_keeps_its_layers(self):
        assert Tree(ROOT).check() == []


class Violations(unittest.TestCase):
    """The test of the test: a small repository in order, and one thing wrong with it at a time."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = Path(directory.name)
        self.write("lib/include/spawning/asio.hpp", "<boost/asio/io_context.hpp>")
        self.write("lib/include/spawning/log.hpp", "<string>")
        self.write("lib/include/spawning/server.hpp", '"spawning/asio.hpp"', '"spawning/log.hpp"')
        self.write("lib/include/spawning/supervisor.hpp", '"spawning/log.hpp"')
        self.write("lib/src/base/log.cpp", '"spawning/log.hpp"')
        self.write("lib/src/base/text.hpp", "<string>")
        self.write("lib/src/http/framing.hpp", '"base/text.hpp"')
        self.write("lib/src/http/framing.cpp", '"http/framing.hpp"', "<boost/beast/core.hpp>")
        self.write("lib/src/net/server.cpp", '"spawning/server.hpp"', '"http/framing.hpp"')
        self.write("lib/src/supervise/supervisor.cpp", '"spawning/supervisor.hpp"')
        self.write("cli/options.hpp", '"spawning/log.hpp"')
        self.write("cli/main.cpp", '"options.hpp"', '"spawning/supervisor.hpp"')
        self.write("bindings/include/spawning/wsgi.hpp", "<Python.h>", '"spawning/log.hpp"')
        self.write("bindings/src/wsgi.cpp", '"spawning/wsgi.hpp"', '"spawning/server.hpp"')
        self.write("tests/lib/framing_test.cpp", '"http/framing.hpp"')
        self.text("bindings/spawning/loading/naming.py", "import os\n")
        self.text("bindings/spawning/pages/sysinfo.py", "from spawning.loading.naming import x\n")
        listed = ("include/spawning/wsgi.hpp", "loading/naming.py", "pages/sysinfo.py")
        self.text("bindings/CMakeLists.txt", "\n".join(listed))
        self.text("tests/CMakeLists.txt", "spawning_test(framing)\n")
        self.list_library()

    def text(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def write(self, name, *includes):
        once = "#pragma once\n" if name.endswith(".hpp") else ""
        lines = "".join(f"#include {include}\n" for include in includes)
        self.text(name, f"// SPDX-License-Identifier: MIT\n{once}{lines}")

    def list_library(self):
        here = self.root / "lib"
        listed = [*here.glob("include/spawning/*.hpp"), *here.glob("src/*/*.cpp")]
        self.text("lib/CMakeLists.txt", "\n".join(str(path.relative_to(here)) for path in listed))

    def assert_found(self, *parts):
        violations = Tree(self.root).check()
        assert len(violations) == 1, violations
        for part in parts:
            assert part in violations[0], violations[0]

    def test_a_tree_in_order_has_none(self):
        assert Tree(self.root).check() == []

    def test_base_may_not_see_http(self):
        self.write("lib/src/base/text.hpp", '"http/framing.hpp"')
        self.assert_found("text.hpp", "base may not see http")

    def test_supervise_may_not_see_a_component_of_net_through_its_public_header(self):
        self.write(
            "lib/src/supervise/supervisor.cpp", '"spawning/supervisor.hpp"', '"spawning/server.hpp"'
        )
        self.assert_found("supervisor.cpp", "supervise may not see net")

    def test_public_headers_are_components_of_rooms_too(self):
        self.write("lib/include/spawning/supervisor.hpp", '"spawning/server.hpp"')
        self.assert_found("supervisor.hpp", "supervise may not see net")

    def test_the_vocabulary_does_not_speak_of_components(self):
        self.write("lib/include/spawning/log.hpp", '"spawning/server.hpp"')
        self.assert_found("log.hpp", "vocabulary")

    def test_public_headers_do_not_show_private_ones(self):
        self.write("lib/include/spawning/server.hpp", '"http/framing.hpp"')
        self.assert_found("server.hpp", "public headers only")

    def test_public_headers_do_not_show_boost(self):
        self.write("lib/include/spawning/server.hpp", "<boost/asio/post.hpp>")
        self.assert_found("server.hpp", "spawning/asio.hpp only")

    def test_of_boost_asio_alone_is_shown(self):
        self.write("lib/include/spawning/asio.hpp", "<boost/system/error_code.hpp>")
        self.assert_found("asio.hpp", "spawning/asio.hpp only")

    def test_headers_do_not_include_beast(self):
        self.write("lib/src/http/framing.hpp", "<boost/beast/http.hpp>")
        self.assert_found("framing.hpp", ".cpp files")

    def test_the_library_does_not_include_python(self):
        self.write("lib/src/net/server.cpp", '"spawning/server.hpp"', "<Python.h>")
        self.assert_found("server.cpp", "belongs into bindings")

    def test_the_command_sees_no_private_header(self):
        self.write("cli/main.cpp", '"http/framing.hpp"')
        self.assert_found("main.cpp", "cli sees public headers")

    def test_the_bindings_see_no_private_header(self):
        self.write("bindings/src/module.cpp", '"base/text.hpp"')
        self.assert_found("module.cpp", "bindings sees public headers")

    def test_loading_may_not_see_pages(self):
        for line in ("from spawning.pages import sysinfo", "    import spawning.pages.sysinfo"):
            self.text("bindings/spawning/loading/naming.py", f"{line}\n")
            self.assert_found("naming.py", "loading may not see pages")

    def test_a_public_header_of_the_bindings_shows_no_private_one(self):
        self.write("bindings/src/gil.hpp", "<Python.h>")
        self.write("bindings/include/spawning/wsgi.hpp", '"gil.hpp"')
        self.assert_found("wsgi.hpp", "public headers only")

    def test_the_library_does_not_see_the_bindings(self):
        self.write("lib/src/net/server.cpp", '"spawning/server.hpp"', '"spawning/wsgi.hpp"')
        self.assert_found("server.cpp", "no public header")

    def test_a_public_header_of_the_bindings_is_listed(self):
        self.text("bindings/CMakeLists.txt", "loading/naming.py\npages/sysinfo.py")
        self.assert_found("wsgi.hpp", "is not in bindings/CMakeLists.txt")

    def test_own_headers_are_quoted(self):
        self.write("cli/options.hpp", "<spawning/log.hpp>")
        self.assert_found("options.hpp", "quoted")

    def test_a_header_must_exist(self):
        self.write("cli/options.hpp", '"spawning/lag.hpp"')
        self.assert_found("options.hpp", "no public header")

    def test_the_own_header_comes_first(self):
        self.write("lib/src/net/server.cpp", '"http/framing.hpp"', '"spawning/server.hpp"')
        self.assert_found("server.cpp", "comes first")

    def test_files_name_their_licence(self):
        self.text("cli/main.cpp", "int main() {}\n")
        self.assert_found("main.cpp", "licence")

    def test_headers_are_included_once(self):
        self.text("cli/options.hpp", "// SPDX-License-Identifier: MIT\n#ifndef OPTIONS\n#endif\n")
        self.assert_found("options.hpp", "#pragma once")

    def test_what_public_headers_declare_is_exported(self):
        self.text(
            "lib/include/spawning/log.hpp",
            "// SPDX-License-Identifier: MIT\n#pragma once\nnamespace spawning {}\n",
        )
        self.assert_found("log.hpp", "SPAWNING_EXPORT")

    def test_basenames_are_unique(self):
        self.write("cli/text.hpp")
        self.assert_found("text.hpp", "has the name of")

    def test_what_others_have_written_follows_their_rules(self):
        self.text("cli/third_party/CLI/log.hpp", "#include <Python.h>\n")
        assert Tree(self.root).check() == []

    def test_common_names_may_repeat(self):
        self.text("cli/CMakeLists.txt", "")
        assert Tree(self.root).check() == []

    def test_the_top_level_is_small(self):
        self.text("scripts/release.py", "")
        self.assert_found("scripts", "top level")

    def test_every_public_header_is_listed(self):
        self.write("lib/include/spawning/result.hpp")
        self.assert_found("result.hpp", "is not in lib/CMakeLists.txt")

    def test_every_listed_header_exists(self):
        (self.root / "lib/include/spawning/asio.hpp").unlink()
        self.write("lib/include/spawning/server.hpp", '"spawning/log.hpp"')
        self.assert_found("lists include/spawning/asio.hpp")

    def test_every_module_is_listed(self):
        self.text("bindings/spawning/pages/coverage_report.py", "")
        self.assert_found("coverage_report.py", "is not in bindings/CMakeLists.txt")

    def test_every_unit_test_is_listed(self):
        self.write("tests/lib/server_test.cpp", '"spawning/server.hpp"')
        self.assert_found("server_test.cpp", "is not in tests/CMakeLists.txt")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[1:]])
