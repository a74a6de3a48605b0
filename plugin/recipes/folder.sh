#!/usr/bin/env bash
# folder.sh FOLDER [PROCESSES]: the connections of all captures in a folder and
# those below it, as JSON Lines on stdout, with one more key, "capture".
#
# The profile "TCP Lifecycle Batch" is used where it is installed: the answers are
# the same, and come faster.
#
# As many captures are read at a time as there are processors. Each writes into
# a file of its own, since lines of several writers may be torn on one pipe.
# A capture that cannot be read is named on stderr, and the exit code is not 0.
#
# SPDX-License-Identifier: GPL-2.0-or-later

set -euo pipefail

[ $# -ge 1 ] && [ -d "$1" ] || { echo "usage: $0 FOLDER [PROCESSES]" >&2; exit 2; }
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
export out
export profile='TCP Lifecycle Batch'
if [[ $(tshark -C "$profile" -G folders 2>&1 || true) == *'does not exist'* ]]; then
    profile=
fi

connections() {
    local file result
    result=$out/$(printf '%s' "$1" | sha256sum | cut -d ' ' -f 1)
    file=$(jq -Rn --arg name "$1" '$name')
    if ! tshark ${profile:+-C "$profile"} -q -r "$1" -z tcplife,json >"$result" 2>"$result.err"; then
        cat "$result.err" >&2
        return 1
    fi
    # Without jq, which would round the times.
    sed -i "s|^{|{\"capture\":$(printf '%s' "$file" | sed 's/[&|\\]/\\&/g'),|" "$result"
}
export -f connections

status=0
find "$1" -type f \( -name '*.pcap' -o -name '*.pcapng' -o -name '*.cap' -o -name '*.pcap.gz' \
    -o -name '*.pcapng.gz' \) -print0 |
    xargs -0 -r -n 1 -P "${2:-$(nproc)}" bash -c 'connections "$1"' _ || status=1
find "$out" -type f ! -name '*.err' -exec cat {} +
exit $status
