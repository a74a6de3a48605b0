# SPDX-License-Identifier: GPL-2.0-or-later

import os
import subprocess

import pytest

from wireshark import TIMEOUT, TOP


@pytest.fixture(scope="session")
def package(tmp_path_factory):
    """The Debian package"""
    folder = tmp_path_factory.mktemp("package")
    done = subprocess.run(
        ["bash", TOP / "test" / "package.sh"], capture_output=True, encoding="utf-8",
        env=os.environ | {"TCPLIFE_BUILD": str(folder)}, timeout=5 * TIMEOUT,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), done
    (path,) = folder.glob("*.deb")
    assert done.stdout.splitlines()[-1] == str(path)
    return path
