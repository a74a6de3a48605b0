# SPDX-License-Identifier: GPL-2.0-or-later
"""Whole captures that were mutated, through the plugin with sanitizers in tshark: see hostile.py, which takes
5000 of them by hand."""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

import hostile
from hostile import IN_ONE_FILE, SEED

IN_CI = 200

pytestmark = pytest.mark.xdist_group("hostile")  # of which each would build the plugin


@pytest.fixture(scope="module")
def checked():
    folder = Path(tempfile.mkdtemp(prefix="tcplife-hostile-"))
    try:
        yield hostile.Checked(folder, hostile.build(folder / "build"))
    finally:
        shutil.rmtree(folder)


def test_the_plugin_is_there_with_its_sanitizers(checked):
    """Without them nothing would be found."""
    code, said, printed = checked.run("-G", "plugins", ASAN_OPTIONS="verbosity=1:detect_leaks=0")
    assert code == 0 and "tcplife.so" in printed and "AddressSanitizer Init done" in said
    symbols = subprocess.run(
        ["nm", "-D", "--undefined-only", checked.wireshark.plugin], capture_output=True, text=True, check=True
    ).stdout
    assert "__asan_report_load" in symbols and "__ubsan_handle" in symbols


def test_the_plugin_is_given_bytes_that_end_where_they_end(checked):
    """Or ASan would see no read behind a frame, which lies in a larger buffer."""
    _, said, _ = checked.run("-r", checked.wireshark.path("still-open"), LD_DEBUG="bindings")
    bound = re.findall(r"binding file \S*tcplife\.so \[0\] to (\S+) \[0\]: normal symbol `tvb_get_ptr'", said)
    assert [Path(library).name for library in bound] == ["bounded.so"]


@pytest.mark.parametrize("first", range(0, IN_CI, IN_ONE_FILE))
def test_mutated_captures(checked, first):
    mutants = [hostile.mutant(SEED, number) for number in range(first, first + IN_ONE_FILE)]
    wrong = [(mode, str(path), said[:4000]) for mode, path, said in hostile.failures(checked, mutants, first)]
    assert not wrong


def test_mutants_are_what_they_were(checked):
    """A number and a seed are enough to see one again; and all sorts are among those of CI."""
    assert hostile.mutant(SEED, 7) == hostile.mutant(SEED, 7) != hostile.mutant(SEED + 1, 7)
    names = {mutation.__name__ for number in range(IN_CI) for mutation in hostile.mutations(SEED, number)}
    assert names == {mutation.__name__ for mutation in hostile.MUTATIONS}
