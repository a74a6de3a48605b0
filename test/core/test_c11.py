# SPDX-License-Identifier: GPL-2.0-or-later
"""The sources are C11 and no more, so that the compilers of Windows and macOS take them too."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
SOURCES = sorted((TOP / "plugin").glob("*.[ch]"))
MINGW = "x86_64-w64-mingw32-gcc"
STRICT = ["-std=c11", "-pedantic-errors", "-Wall", "-Wextra", "-Wvla", "-Wformat=2", "-Werror"]
# What compilers have of their own, and length modifiers that another C library may not know.
EXTENSIONS = re.compile(r'\b__(?!func__|VA_ARGS__|has_include)\w+|\basm\b|\btypeof\b|%[-+ #0-9.*]*(?:ll|q|I64)[diouxX]')
COMMENTS = re.compile(r"/\*.*?\*/", re.DOTALL)


@pytest.fixture(scope="module")
def core(build):
    said = subprocess.run(["meson", "introspect", "--targets", build], capture_output=True, text=True, check=True).stdout
    (library,) = (target for target in json.loads(said) if target["name"] == "tcplife-core")
    return [Path(source) for part in library["target_sources"] for source in part.get("sources", [])]


windows = pytest.mark.skipif(not shutil.which(MINGW), reason="no compiler for Windows (gcc-mingw-w64-x86-64)")


def mingw(source, folder):
    command = [MINGW, *STRICT, "-c", source, "-o", folder / "object"]
    return subprocess.run(command, capture_output=True, text=True)


@windows
def test_the_core_compiles_for_windows(core, tmp_path):
    assert len(core) > 10
    for source in core:
        done = mingw(source, tmp_path)
        assert (done.returncode, done.stderr) == (0, ""), source.name


@windows
@pytest.mark.parametrize(
    "text", ["int f(void) { return ({ 1; }); }", "int none[] = {};", "#include <unistd.h>\nint f(void) { return fork(); }"]
)
def test_the_compiler_would_tell(tmp_path, text):
    source = tmp_path / "extended.c"
    source.write_text(text)
    assert mingw(source, tmp_path).returncode != 0


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_no_compiler_s_own_words(path):
    assert EXTENSIONS.findall(COMMENTS.sub("", path.read_text())) == []


@pytest.mark.parametrize("text", ["__builtin_add_overflow(a, b, &c)", "__attribute__((x))", '"%5lld"', '"%I64u"'])
def test_those_words_are_known(text):
    assert EXTENSIONS.search(text)
