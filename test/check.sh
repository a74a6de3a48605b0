#!/usr/bin/env bash
# check.sh [PYTEST ARGUMENT ...]: install what the tests need and pass them all, or those that are named.
# The last line is "N passed, N failed".
#
# SPDX-License-Identifier: GPL-2.0-or-later

set -euo pipefail
# shellcheck source=test/setup.sh
. "$(dirname "$0")/setup.sh"

# Whoever names tests has what is beside Wireshark, or names none that need it.
needed=("${wireshark_packages[@]}")
[ $# -gt 0 ] || needed+=("${other_packages[@]}")
need_packages "${needed[@]}"
need_wireshark
build_plugin

# The lab asks the kernel for the states of its sockets.
if [ $# -eq 0 ] && [ "$(id -u)" -eq 0 ] && [ ! -d /sys/kernel/tracing/events ]; then
    say "mounting tracefs"
    mount -t tracefs nodev /sys/kernel/tracing || stop "the lab needs tracefs, which cannot be mounted"
fi

[ $# -gt 0 ] || set -- test
results=$(mktemp)
trap 'rm -f "$results"' EXIT
say "running the tests"
cd "$top"
/usr/bin/python3 -m pytest -p no:cacheprovider -n 2 --dist loadgroup --junit-xml "$results" "$@" || true

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
