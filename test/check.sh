#!/usr/bin/env bash
# check.sh [PYTEST ARGUMENT ...]: install what the tests need and pass them all.
# The last line is "N passed, N failed".
#
# SPDX-License-Identifier: GPL-2.0-or-later

set -euo pipefail
# shellcheck source=test/setup.sh
. "$(dirname "$0")/setup.sh"

need_packages at-spi2-core binutils clang dbus gcc gir1.2-atspi-2.0 git golang-go golang-gvisor-gvisor-dev \
    imagemagick iproute2 jq libglib2.0-dev meson openssl pkg-config procps python3 python3-gi \
    python3-pytest python3-pytest-xdist python3-scapy sqlite3 tcpdump tshark util-linux wireshark wireshark-common \
    wireshark-dev x11-utils xauth xdotool xvfb
need_wireshark
build_plugin

# The lab asks the kernel for the states of its sockets.
if [ "$(id -u)" -eq 0 ] && [ ! -d /sys/kernel/tracing/events ]; then
    say "mounting tracefs"
    mount -t tracefs nodev /sys/kernel/tracing || stop "the lab needs tracefs, which cannot be mounted"
fi

results=$(mktemp)
trap 'rm -f "$results"' EXIT
say "running the tests"
cd "$top"
/usr/bin/python3 -m pytest -p no:cacheprovider -n 2 --dist loadgroup --junit-xml "$results" test "$@" || true

# A test that was skipped did not pass; one that could not start has failed.
/usr/bin/python3 - "$results" <<'PYTHON'
import sys
import xml.etree.ElementTree as xml

try:
    suites = list(xml.parse(sys.argv[1]).getroot().iter("testsuite"))
except xml.ParseError:
    print("0 passed, 1 failed")
    sys.exit(1)
total, failed, errors, skipped = (
    sum(int(suite.get(key)) for suite in suites) for key in ("tests", "failures", "errors", "skipped")
)
bad = failed + errors
print(f"{total - bad - skipped} passed, {bad} failed" + (f", {skipped} skipped" if skipped else ""))
sys.exit(1 if bad or skipped or not total else 0)
PYTHON
